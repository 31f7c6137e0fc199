"""tq42.experiment_run: a training of the service in the SDK's shape."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from google.protobuf.json_format import MessageToDict

from ..errors import Conflict, NotFound
from ..run import Run
from . import messages
from .client import TQ42Client
from .exceptions import ExceedRetriesError, ExperimentRunCancelError, InvalidArgumentError, as_of_tq42
from .messages import AlgorithmProto, ExperimentRunStatusProto, HardwareProto  # noqa: F401 # found here in the SDK
from .resource import PrettyList, Resource

OFFERED = ("GENERIC_ML_TRAIN", "TS_HQLSTM_TRAIN", "GENERIC_ML_INFER", "TS_HQLSTM_EVAL")
STATUSES = {
    "queued": ExperimentRunStatusProto.QUEUED,
    "running": ExperimentRunStatusProto.RUNNING,
    "paused": ExperimentRunStatusProto.PENDING,
    "cancelling": ExperimentRunStatusProto.CANCEL_PENDING,
    "succeeded": ExperimentRunStatusProto.COMPLETED,
    "failed": ExperimentRunStatusProto.FAILED,
    "cancelled": ExperimentRunStatusProto.CANCELLED,
}
ENDED = (ExperimentRunStatusProto.COMPLETED, ExperimentRunStatusProto.CANCELLED, ExperimentRunStatusProto.FAILED)
LONGEST = 60  # seconds that the service lets a look wait


def _tagged(row: dict[str, Any], name: str) -> str:
    """What `create` noted among the tags."""
    found = [tag for tag in row["spec"]["tags"] if tag.startswith(f"tq42.{name}=")]
    return found[0].partition("=")[2] if found else ""


def _describe(client: TQ42Client, row: dict[str, Any], *, with_outcome: bool) -> messages.ExperimentRunProto:
    project = row["spec"]["project"]
    data = messages.ExperimentRunProto(
        id=row["id"], experiment_id=project, project_id=project, status=STATUSES[row["status"]],
        algorithm=_tagged(row, "algorithm"), version=_tagged(row, "version"),
        hardware=HardwareProto.Value(_tagged(row, "compute") or "HARDWARE_UNSPECIFIED"),
        error_message=row["reason_message"] or "" if row["status"] == "failed" else "",
    )  # fmt: skip
    data.metadata.update(row["spec"])
    for name in ("created_at", "started_at", "finished_at"):
        if row.get(name):
            getattr(data, name).FromJsonString(row[name])
    if with_outcome and row["status"] == "succeeded":
        outcome = client.service.transport.json("GET", f"/experiments/{row['id']}/outcome")
        data.result.outcome.update(outcome)
        data.result.result_json = json.dumps(outcome["result"])
    return data


class ExperimentRun(Resource):
    """`data.metadata` is what the service made of the request, with everything that it defaults to."""

    @property
    def completed(self) -> bool:
        return bool(self.data.status == ExperimentRunStatusProto.COMPLETED)

    def _outcome(self, part: str) -> dict[str, Any] | None:
        if not self.completed:
            return None
        if not self.data.result.HasField("outcome"):
            self._refresh()
        found: dict[str, Any] = MessageToDict(self.data.result.outcome).get(part, {})
        return found

    @property
    def result(self) -> dict[str, Any] | None:
        """Losses, metrics and scales; None before it has completed."""
        return self._outcome("result")

    @property
    def outputs(self) -> dict[str, Any] | None:
        """Where the model and the predictions are; None before it has completed."""
        return self._outcome("outputs")

    def _get(self) -> messages.ExperimentRunProto:
        return self._look(0)

    @as_of_tq42
    def _look(self, wait: float) -> messages.ExperimentRunProto:
        """How it stands; at its end, where that comes within `wait` seconds."""
        query = {"wait": min(LONGEST, round(wait))} if wait >= 1 else {}
        path = f"/experiments/{self.id}"
        return _describe(self._client, self._client.service.transport.json("GET", path, query=query), with_outcome=True)

    @staticmethod
    @as_of_tq42
    def create(
        client: TQ42Client, algorithm: str | int, version: str = "", experiment_id: str = "", compute: int = 0,
        parameters: Mapping[str, Any] | None = None, *, exp: str = "",
    ) -> ExperimentRun:  # fmt: skip
        """Queues a training, or predictions by a trained model. `algorithm` by its name or its number; `exp` is an
        older name of `experiment_id`."""
        name = algorithm if isinstance(algorithm, str) else AlgorithmProto.Name(algorithm)
        if name not in OFFERED:
            raise InvalidArgumentError("ExperimentRun.create", f"there are {', '.join(OFFERED)}, and no {name}")
        noted = {"algorithm": name, "version": version, "compute": HardwareProto.Name(compute)}
        tags = [f"tq42.{word}={value}" for word, value in noted.items() if value]
        request = {**(parameters or {}), "project": experiment_id or exp or "default", "tags": tags}
        row = client.service.submit(request).row
        return ExperimentRun(client, row["id"], _describe(client, row, with_outcome=False))

    def check(self) -> ExperimentRun:
        """Looks how it stands."""
        self._refresh()
        return self

    def poll(
        self, tries: int = 1000, initial_delay: float = 1.0, delay: float = 1.0, backoff: float = 1.0
    ) -> ExperimentRun:
        """Until it has ended: at most `tries` looks, of which each waits `delay` seconds for the end."""
        wait = initial_delay + delay
        for _ in range(tries):
            self.data = self._look(wait)
            if self.data.status in ENDED:
                return self
            wait = delay = delay * backoff
        raise ExceedRetriesError(tries)

    @as_of_tq42
    def cancel(self) -> ExperimentRun:
        """The service takes the cancellation of a run that was cancelled; the SDK does not."""
        self._refresh()
        if self.data.status in ENDED:
            raise ExperimentRunCancelError()
        try:
            Run(self._client.service, {"id": self.id}).cancel()
        except (Conflict, NotFound) as error:
            raise ExperimentRunCancelError() from error
        return self


@as_of_tq42
def list_all(client: TQ42Client, experiment_id: str) -> PrettyList[ExperimentRun]:
    """Newest first; the results of each are asked for when they are looked at."""
    rows = [run.row for run in client.service.runs(project=experiment_id)]
    return PrettyList([ExperimentRun(client, row["id"], _describe(client, row, with_outcome=False)) for row in rows])
