"""Inputs of a prediction as the service takes them, and its answers as arrays."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from .data import encode, is_frame, nested
from .errors import QlstmError
from .tables import as_array

if TYPE_CHECKING:
    from .run import Run

NUMBERS = 1 << 17  # in one request; the service takes eight times as many


def depth(values: Any) -> int:
    """How many dimensions nested lists have."""
    return 1 + depth(values[0]) if isinstance(values, Sequence) and values else 0


def samples(values: Any, data: dict[str, Any]) -> list[list[list[float]]]:
    """[sample][time][feature] of an array of one to three dimensions."""
    values = nested(values)
    given, features = depth(values), len(data["inputs"])
    if given == 3:
        return list(values)
    if data["task"] == "forecasting":
        if given in (1, 2) and features == 1:
            return [[[x] for x in row] for row in (values if given == 2 else [values])]
        raise QlstmError(f"X has {given} dimensions; with {features} inputs it is [sample][time][feature]")
    if given not in (1, 2) or "steps" not in data:
        flat = "[sample][input] or " if "steps" in data else ""
        raise QlstmError(f"X has {given} dimensions; it is {flat}[sample][step][feature]")
    rows = values if given == 2 else [values]
    for row in rows:
        if len(row) != features:
            raise QlstmError(f"a row of X has {len(row)} values; the model reads {features} inputs")
    width = features // data["steps"]
    return [[list(row[i : i + width]) for i in range(0, features, width)] for row in rows]


def ask(run: Run, X: Any) -> list[dict[str, Any]]:
    """The service's answers, one for each part of X that is sent."""
    path = f"/experiments/{run.id}/predict"
    if is_frame(X) or isinstance(X, (os.PathLike, dict, bytes)):
        upload = encode(X)
        headers = {"Content-Type": upload.media_type}
        return [run.client.transport.json("POST", path, body=upload.content, headers=headers)]
    all_samples = samples(X, run.row["spec"]["data"])
    if not all_samples:
        raise QlstmError("X has no sample")
    size = max(1, len(all_samples[0])) * max(1, len(all_samples[0][0]) if all_samples[0] else 1)
    count = max(1, NUMBERS // size)
    return [
        run.client.transport.json("POST", path, body={"inputs": all_samples[i : i + count]})
        for i in range(0, len(all_samples), count)
    ]


def outputs(run: Run, X: Any) -> Any:
    answers = ask(run, X)
    rows = [row for answer in answers for row in answer["outputs"]]
    return as_array([row[0] for row in rows] if "classes" in answers[0] else rows)


def probabilities(run: Run, X: Any) -> Any:
    answers = ask(run, X)
    if "probabilities" not in answers[0]:
        raise QlstmError("only a classification has probabilities")
    return as_array([row for answer in answers for row in answer["probabilities"]])
