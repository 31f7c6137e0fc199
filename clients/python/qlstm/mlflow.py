"""Runs of the service carried over to an MLflow tracking server, for those who keep one. Needs mlflow or mlflow-skinny.

To only look at them, MLflow's client needs none of this: it reads the service itself (MLFLOW_TRACKING_URI is its
address).
"""

from __future__ import annotations

import json
import pathlib
import tempfile
from collections.abc import Iterable
from datetime import datetime
from typing import Any

from .run import Run
from .tables import rows_of

METRICS, PARAMS = 1000, 100  # that MLflow takes at once
LONGEST = 6000  # characters of a parameter there
LABELS = ("name", "project", "tags", "notes")
STATUSES = {"succeeded": "FINISHED", "failed": "FAILED", "cancelled": "KILLED"}
FILES = {
    "weights.safetensors": "weights", "predictions.csv": "predictions", "report.json": "report",
    "run.tfevents": "tensorboard",
}  # fmt: skip
ORIGIN = "qlstm.run"  # the tag by which a run is known again


def forward(runs: Run | Iterable[Run], to: str, *, files: bool = True, experiment: str | None = None) -> list[str]:
    """Copies runs to the tracking server at `to` and returns their ids there: parameters, tags, every epoch's metrics,
    and (`files`) weights, predictions, report. One that has not ended is followed to its end. A project becomes the
    experiment of its name, unless `experiment` names another. One that is there already is left alone."""
    from mlflow.tracking import MlflowClient

    server = MlflowClient(tracking_uri=to)
    return [_forward(run, server, files, experiment) for run in ([runs] if isinstance(runs, Run) else runs)]


def _experiment(server: Any, name: str) -> str:
    found = server.get_experiment_by_name("Default" if name == "default" else name)
    return str(found.experiment_id if found else server.create_experiment(name))


def _flat(value: Any, prefix: str = "") -> dict[str, str]:
    """{"training": {"epochs": 5}} as {"training.epochs": "5"}; a layer's place is its number."""
    if isinstance(value, dict) and value:
        items = value.items()
    elif isinstance(value, list) and value and isinstance(value[0], dict):
        items = {str(i): item for i, item in enumerate(value)}.items()
    else:
        return {prefix: (value if isinstance(value, str) else json.dumps(value))[:LONGEST]}
    flat: dict[str, str] = {}
    for name, item in items:
        flat.update(_flat(item, f"{prefix}.{name}" if prefix else name))
    return flat


def _ms(text: str | None) -> int:
    return int(datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp() * 1000) if text else 0


def _tags(run: Run) -> dict[str, str]:
    tags = {ORIGIN: run.id, "mlflow.source.name": run.client.url}
    if run.spec["notes"]:
        tags["mlflow.note.content"] = run.spec["notes"]
    return {**tags, **{tag.partition("=")[0]: tag.partition("=")[2] for tag in run.spec["tags"]}}


def _log(run: Run, server: Any, there: str, started: int) -> None:
    from mlflow.entities import Metric, Param, RunTag

    spec = {name: value for name, value in run.spec.items() if name not in LABELS}
    params = [Param(name, value) for name, value in _flat(spec).items()]
    for k in range(0, len(params), PARAMS):
        server.log_batch(there, params=params[k : k + PARAMS])
    server.log_batch(there, tags=[RunTag(name, value) for name, value in _tags(run).items()])
    metrics, at = [], float(started)
    for row in rows_of(run.metrics):
        at += 1000 * (row["seconds"] or 0)
        for name, value in row.items():
            if name not in ("epoch", "seconds") and value is not None:
                metrics.append(Metric(name, value, int(at), int(row["epoch"])))
    for k in range(0, len(metrics), METRICS):
        server.log_batch(there, metrics=metrics[k : k + METRICS])


def _forward(run: Run, server: Any, files: bool, experiment: str | None) -> str:
    where = _experiment(server, experiment or run.refresh().spec["project"])
    known = server.search_runs([where], f"tags.`{ORIGIN}` = '{run.id}'", max_results=1)
    if known:
        return str(known[0].info.run_id)
    row = run.wait(progress=False, check=False).row
    started = _ms(row["started_at"] or row["created_at"])
    there = str(server.create_run(where, start_time=started, run_name=run.spec["name"] or run.id).info.run_id)
    _log(run, server, there, started)
    if files and row["status"] == "succeeded":
        with tempfile.TemporaryDirectory() as folder:
            for name, path in FILES.items():
                (pathlib.Path(folder) / name).write_bytes(run.content(path))
            server.log_artifacts(there, folder)
    server.set_terminated(there, STATUSES[row["status"]], _ms(row["finished_at"]) or started)
    return there
