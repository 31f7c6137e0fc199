"""Runs: start, list, show, watch, compare; and which hyperparameters there are."""

from __future__ import annotations

import argparse
import json
import pathlib
import sys
from typing import Any

from ..client import Client
from ..errors import QlstmError
from ..run import Run
from .chart import Chart
from .output import write_json, write_table
from .table import ID, Command, argument, find


def value_of(words: str) -> Any:
    """JSON where it is JSON, else text: epochs=30, data=sine, tags=["a"]."""
    try:
        return json.loads(words)
    except ValueError:
        return words


def merge(under: dict[str, Any], over: dict[str, Any]) -> dict[str, Any]:
    """Both, part by part; what is over wins."""
    both = dict(under)
    for name, value in over.items():
        inner = both.get(name)
        both[name] = merge(inner, value) if isinstance(inner, dict) and isinstance(value, dict) else value
    return both


def run(client: Client, given: argparse.Namespace) -> int:
    """Trains RECIPE.json, or - from standard input, changed by NAME=VALUE; waits for its end.

    NAME is any hyperparameter: qlstm run hidden_size=5 epochs=30 data=sine. `data` may be a file: data=@series.csv"""
    spec: dict[str, Any] = {}
    values: dict[str, Any] = {}
    for word in given.what:
        name, equals, value = word.partition("=")
        if equals:
            values[name] = pathlib.Path(value[1:]) if name == "data" and value[:1] == "@" else value_of(value)
        else:
            text = sys.stdin.read() if word == "-" else pathlib.Path(word).read_text()
            spec = merge(spec, json.loads(text))
    if given.check:
        write_json(client.transport.json(
            "POST", "/experiments", body=merge(spec, client.experiment(**values)), query={"validate_only": "true"}
        ))  # fmt: skip
        return 0
    made = client.submit(merge(spec, client.experiment(**values)))
    if given.detach:
        write_json(made.row) if given.json else print(made.id)
        return 0
    try:
        made.wait(progress=not given.quiet, check=False)
    except KeyboardInterrupt:
        print(f"\nqlstm: {made.id} goes on; qlstm watch {made.id}, qlstm cancel {made.id}", file=sys.stderr)
        raise
    return ended(made, given.json)


def ended(run: Run, as_json: bool) -> int:
    """Says how a run ended; the exit status."""
    if as_json:
        write_json(run.row)
    else:
        reason = run.row["reason_message"] or run.row["reason"]
        losses = [
            f"{name} {run.results[name]:.6g}" for name in ("train_loss", "test_loss") if run.results[name] is not None
        ]
        print("  ".join([run.id, run.row["status"], *losses, *([reason] if reason else [])]))
    return 0 if run.row["status"] == "succeeded" else 1


def ls(client: Client, given: argparse.Namespace) -> None:
    """Runs, newest first."""
    found = list(client.runs(status=given.status, project=given.project, limit=given.limit))
    if given.json:
        write_json([run.row for run in found])
    elif given.ids:
        for run in found:
            print(run.id)
    else:
        header = ["id", "status", "epoch", "test loss", "model", "data", "name"]
        write_table(header, [line_of(run, run.row) for run in found])


def line_of(run: Run, row: dict[str, Any]) -> list[Any]:
    """A run in the list."""
    epoch = f"{row['progress']['epoch']}/{row['progress']['epochs']}"
    loss, data = row["results"]["test_loss"], row["data"]["dataset"]
    return [run.id, row["status"], epoch, loss, model_of(run), data, run.spec["name"]]


def model_of(run: Run) -> str:
    """As qlstm(qdi) 17, lstm 5."""
    layers = [layer for layer in run.spec["model"]["layers"] if "batch_first" in layer]
    kinds = [f"({layer['variant']})" if "variant" in layer else "" for layer in layers]
    return ", ".join(
        f"{layer['type']}{kind} {layer.get('hidden_size', '')}".strip() for layer, kind in zip(layers, kinds)
    )


def show(client: Client, given: argparse.Namespace) -> None:
    """One run, all there is to say."""
    row = find(client, given.id).row
    if given.json:
        write_json(row)
        return
    for name, value in flat(row):
        if not name.startswith("links"):
            print(f"{name:<32} {value if isinstance(value, str) else json.dumps(value)}")


def flat(value: Any, path: str = "") -> list[tuple[str, Any]]:
    """Leaves by their path."""
    if not isinstance(value, (dict, list)) or not value:
        return [(path, value)]
    items = value.items() if isinstance(value, dict) else enumerate(value)
    return [leaf for name, inner in items for leaf in flat(inner, f"{path}.{name}" if path else str(name))]


def watch(client: Client, given: argparse.Namespace) -> int:
    """Follows a run to its end: a live chart on a terminal, a line an epoch elsewhere, JSON lines with --json."""
    run = find(client, given.id)
    chart = Chart(run.spec["name"] or run.id, run.row["progress"]["epochs"], sys.stdout)
    for event in run.events():
        if given.json:
            print(json.dumps(event), flush=True)
        else:
            chart.say(event)
    if not given.json:
        chart.close()
        return ended(run.refresh(), False)
    return 0 if run.refresh().row["status"] == "succeeded" else 1


def compare(client: Client, given: argparse.Namespace) -> None:
    """Two or more runs: what differs in their specs, and their results."""
    found = [find(client, id) for id in given.id]
    if len(found) < 2:
        raise QlstmError("compare takes two runs or more")
    leaves = [dict(flat(run.spec)) for run in found]
    names = list(dict.fromkeys(name for each in leaves for name in each))
    rows = [[name, *(each.get(name) for each in leaves)] for name in names]
    rows = [row for row in rows if any(value != row[1] for value in row[2:])]
    rows += [[name, *(run.row["model"][name] for run in found)] for name in ("parameters",)]
    rows += [[name, *(run.row["results"].get(name) for run in found)] for name in dict.fromkeys(
        name for run in found for name in run.row["results"])]  # fmt: skip
    rows += [["train_seconds", *(run.row["timings"]["train_seconds"] for run in found)]]
    if given.json:
        write_json({name: dict(zip((run.id for run in found), values)) for name, *values in rows})
    else:
        write_table(["", *(run.id for run in found)], rows)


def parameters(client: Client, given: argparse.Namespace) -> None:
    """The hyperparameters that NAME=VALUE takes, as the service's schema has them."""
    schema = client.schema()
    if given.names:
        print("\n".join(sorted({*schema.fields, *schema.layer, *schema.parts})))
    elif given.json:
        write_json(schema.schema)
    else:
        write_table(["name", "in", "allowed", "default"], schema.rows())


COMMANDS = [
    Command("run", run, [
        argument("what", nargs="*", metavar="RECIPE.json|NAME=VALUE"),
        argument("-d", "--detach", action="store_true", help="print the id and do not wait"),
        argument("-q", "--quiet", action="store_true", help="no progress on standard error"),
        argument("--check", action="store_true", help="print what it would be and cost; start nothing"),
    ]),
    Command("ls", ls, [
        argument("--status", help="queued, running, paused, succeeded, failed, cancelled"),
        argument("--project"),
        argument("--limit", type=int, default=20, help="how many (20)"),
        argument("--ids", action="store_true", help="ids alone, for pipes"),
    ]),
    Command("show", show, [ID]),
    Command("watch", watch, [ID]),
    Command("compare", compare, [argument("id", nargs="+", metavar="ID")]),
    Command("parameters", parameters, [argument("--names", action="store_true", help="names alone")]),
]  # fmt: skip
