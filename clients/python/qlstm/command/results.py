"""What a run leaves: metrics, weights, predictions, report, logs; new predictions, and sequences that go on."""

from __future__ import annotations

import argparse
import json
import pathlib
import sys

from ..client import Client
from ..data import nested
from ..tables import rows_of
from .output import write_csv, write_json
from .table import ID, IDS, Command, argument, find, find_all


def metrics(client: Client, given: argparse.Namespace) -> None:
    """One row an epoch, as CSV."""
    rows = rows_of(find(client, given.id).metrics)
    write_json(rows) if given.json else write_csv(rows)


def predictions(client: Client, given: argparse.Namespace) -> None:
    """Targets and predictions of all samples, as CSV."""
    rows = rows_of(find(client, given.id).predictions())
    write_json(rows) if given.json else write_csv(rows)


def report(client: Client, given: argparse.Namespace) -> None:
    """What was run, on what, with which result, as JSON."""
    write_json(find(client, given.id).report())


def logs(client: Client, given: argparse.Namespace) -> None:
    """What the worker wrote."""
    lines = find(client, given.id).logs(given.attempt)
    write_json(lines) if given.json else sys.stdout.writelines(line + "\n" for line in lines)


def weights(client: Client, given: argparse.Namespace) -> None:
    """The trained tensors, into ID.safetensors, FILE, or - for standard output; with --json as JSON there."""
    run = find(client, given.id)
    found = run.weights(given.epoch)
    if given.json:
        tensors = {name: nested(values) for name, values in found.items()}
        write_json({"tensors": tensors, "metadata": found.metadata})
    elif given.out == "-":
        sys.stdout.buffer.write(found.content)
    else:
        path = given.out or f"{run.id}.safetensors"
        found.save(path)
        print(path)


def predict(client: Client, given: argparse.Namespace) -> None:
    """What the model says about FILE (CSV, npy, ...; JSON: numbers as run.predict takes them), - is standard input."""
    run = find(client, given.id)
    content = sys.stdin.buffer.read() if given.file == "-" else pathlib.Path(given.file).read_bytes()
    answers = run.ask(json.loads(content) if content.lstrip()[:1] == b"[" else content)
    answer = {**answers[0], "outputs": [row for each in answers for row in each["outputs"]]}
    if "probabilities" in answer:
        answer["probabilities"] = [row for each in answers for row in each["probabilities"]]
    if given.json:
        write_json(answer)
        return
    names = answer["targets"]
    if "horizons" in answer:
        names = [f"{name}_h{horizon}" for horizon in answer["horizons"] for name in names]
    rows = [dict(zip(names, row)) for row in answer["outputs"]]
    for row, chances in zip(rows, answer.get("probabilities", [])):
        row.update({f"probability_{k}": p for k, p in zip(answer["classes"], chances)})
    write_csv(rows)


def forward(client: Client, given: argparse.Namespace) -> None:
    """Copies runs to an MLflow tracking server and prints their ids there (needs mlflow-skinny)."""
    from ..mlflow import forward as copy

    for run in find_all(client, given.id):
        (there,) = copy(run, given.to, files=not given.no_files, experiment=given.experiment)
        write_json({"run": run.id, "mlflow": there}) if given.json else print(there)


def generate(client: Client, given: argparse.Namespace) -> None:
    """Goes on from PROMPT, a text or a list as [0,1]; a sequence a line, as text where there is an alphabet."""
    prompt = json.loads(given.prompt) if given.prompt[:1] == "[" else given.prompt
    run = find(client, given.id)
    found = run.generate(prompt, given.length, given.samples, temperature=given.temperature, seed=given.seed)
    if given.json:
        write_json(found)
        return
    for one in found:
        print(one["text"] if "text" in one else " ".join(map(str, one["words"])))


def tensorboard(client: Client, given: argparse.Namespace) -> None:
    """The event file for TensorBoard, into FOLDER/ID; tensorboard --logdir FOLDER shows it."""
    path = str(find(client, given.id).tensorboard(given.out))
    write_json({"path": path}) if given.json else print(path)


COMMANDS = [
    Command("metrics", metrics, [ID]),
    Command("predictions", predictions, [ID]),
    Command("predict", predict, [ID, argument("file", metavar="FILE", nargs="?", default="-")]),
    Command(
        "weights", weights, [ID, argument("-o", "--out", metavar="FILE"), argument("--epoch", help="last or best")]
    ),
    Command("generate", generate, [
        ID,
        argument("prompt", metavar="PROMPT"),
        argument("--length", type=int, help="words in all; those of a trained sequence"),
        argument("--samples", type=int, help="sequences (1)"),
        argument("--temperature", type=float, help="0 takes the most probable word (1)"),
        argument("--seed", type=int, help="of the draws (0)"),
    ]),
    Command("report", report, [ID]),
    Command(
        "forward",
        forward,
        [
            IDS,
            argument("--to", metavar="URI", required=True, help="of the tracking server"),
            argument("--experiment", metavar="NAME", help="there, in place of the project"),
            argument("--no-files", action="store_true", help="neither weights nor predictions"),
        ],
    ),
    Command("tensorboard", tensorboard, [ID, argument("-o", "--out", metavar="FOLDER", default=".")]),
    Command("logs", logs, [ID, argument("--attempt", type=int)]),
]  # fmt: skip
