"""One experiment of the service, from queue to weights."""

from __future__ import annotations

import os
import pathlib
import time
import uuid
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from . import predict
from .errors import RunFailed
from .events import events
from .progress import Progress
from .tables import read_csv, rows_of, table
from .weights import Weights

if TYPE_CHECKING:
    from .client import Client


class Run:
    """A run. `row` is the service's last answer about it; `status`, `reason` and `results` ask anew unless it has
    ended."""

    def __init__(self, client: Client, row: dict[str, Any]) -> None:
        self.client, self.row = client, row
        self.id: str = row["id"]

    def __repr__(self) -> str:
        return f"<Run {self.id} {self.row['status']}>"

    # What it is

    def refresh(self) -> Run:
        """Asks the service how it stands."""
        self.row = self.client.transport.json("GET", f"/experiments/{self.id}")
        return self

    def _current(self) -> dict[str, Any]:
        return self.row if self.row["terminal"] else self.refresh().row

    @property
    def status(self) -> str:
        """queued, running, paused, cancelling, succeeded, failed or cancelled."""
        return str(self._current()["status"])

    @property
    def reason(self) -> str | None:
        """Why it stands so, as `timeout`; None where there is nothing to say."""
        reason: str | None = self._current()["reason"]
        return reason

    @property
    def results(self) -> dict[str, Any]:
        """Losses of the last epoch, the best epoch."""
        return dict(self._current()["results"])

    @property
    def spec(self) -> dict[str, Any]:
        """The experiment in its long form; posted again it gives the same run."""
        return dict(self.row["spec"])

    # Its life

    def wait(
        self, timeout: float | None = None, *, progress: bool | None = None, check: bool = True
    ) -> Run:  # fmt: skip
        """Until it has ended. `progress`: False shows nothing, True or None a bar on a terminal, plain lines elsewhere.
        RunFailed where it did not succeed, unless `check` is False; TimeoutError after `timeout` seconds, and it goes
        on."""
        shown = (
            Progress(self.row["spec"]["name"] or self.id, self.row["progress"]["epochs"])
            if progress is not False
            else None
        )
        deadline = None if timeout is None else time.monotonic() + timeout
        seen = 0
        if shown:
            for warning in self.row["data"].get("warnings", []):
                shown.note(f"note: {warning}")
        try:
            while not self._current()["terminal"]:
                for event in events(self.client.transport, self.id, seen, deadline):
                    seen = event["id"]
                    if shown:
                        shown.say(event)
        finally:
            if shown:
                shown.close()
        if check and self.row["status"] != "succeeded":
            raise RunFailed(self, self.row)
        return self

    def events(self, after: int = 0, timeout: float | None = None) -> Iterator[dict[str, Any]]:
        """Every transition, epoch and log line, those that there are and then live, until it has ended. A lost
        connection is taken up again after the last event; TimeoutError after `timeout` seconds."""
        deadline = None if timeout is None else time.monotonic() + timeout
        return events(self.client.transport, self.id, after, deadline)

    def _act(self, verb: str, repeatable: bool = True) -> Run:
        self.row = self.client.transport.json("POST", f"/experiments/{self.id}/{verb}", repeatable=repeatable)
        return self

    def cancel(self) -> Run:
        """Ends it without results."""
        return self._act("cancel")

    def pause(self) -> Run:
        """Stops it after a checkpoint."""
        return self._act("pause")

    def resume(self) -> Run:
        """Goes on from the checkpoint, to the same bytes."""
        return self._act("resume")

    def retry(self) -> Run:
        """Tries a failed or cancelled one again, from its last checkpoint."""
        return self._act("retry", repeatable=False)

    def fork(self, **hyperparameters: Any) -> Run:
        """Another run that goes on from these weights, with this spec but for what is named, as for `train`: more
        epochs, other data. The optimiser starts anew."""
        body = self.client.experiment(**hyperparameters) if hyperparameters else {}
        headers = {"Idempotency-Key": str(uuid.uuid4())}
        path = f"/experiments/{self.id}/fork"
        return Run(self.client, self.client.transport.json("POST", path, body=body, headers=headers))

    def predict_dataset(self, data: Any, **labels: Any) -> Run:
        """Another run, of kind prediction, over a whole data set: its name or id, or data as for `train`, uploaded. Its
        `predictions()` are what this model says of every row; `report()["metrics"]` where the data hold the truth.
        `labels`: name, project, tags, notes, priority."""
        dataset = data if isinstance(data, str) else self.client.upload(data)["id"]
        body = {"dataset": dataset, **labels}
        headers = {"Idempotency-Key": str(uuid.uuid4())}
        path = f"/experiments/{self.id}/predictions"
        return Run(self.client, self.client.transport.json("POST", path, body=body, headers=headers))

    def label(self, *, name: str | None = None, tags: list[str] | None = None, notes: str | None = None) -> Run:
        """Says anew what people call it; what is None stays."""
        said = {"name": name, "tags": tags, "notes": notes}
        body = {word: value for word, value in said.items() if value is not None}
        self.row = self.client.transport.json("PATCH", f"/experiments/{self.id}", body=body)
        return self

    def delete(self) -> None:
        """Removes it with its files; it must have ended."""
        self.client.transport.request("DELETE", f"/experiments/{self.id}")

    # What it leaves

    @property
    def metrics(self) -> Any:
        """One row an epoch, also while it runs: a DataFrame where pandas is there, else a list of dicts."""
        return table(self.client.transport.json("GET", f"/experiments/{self.id}/metrics")["metrics"])

    def weights(self, epoch: str | None = None) -> Weights:
        """The trained tensors, of the epoch that `keep` names; `epoch` is "last" or "best" for that one."""
        return Weights(self.content("weights", epoch=epoch))

    def report(self) -> dict[str, Any]:
        """What was run, on what, with which result."""
        report: dict[str, Any] = self.client.transport.json("GET", f"/experiments/{self.id}/report")
        return report

    def predictions(self) -> Any:
        """Targets and predictions of all samples, in the units of the data; a DataFrame or a list of dicts."""
        return table(read_csv(self.content("predictions").decode()))

    def content(self, name: str, **query: Any) -> bytes:
        """A file of it by its path in the service: "weights", "predictions", "report", "tensorboard"."""
        body, _ = self.client.transport.request("GET", f"/experiments/{self.id}/{name}", query=query)
        return body

    def logs(self, attempt: int | None = None) -> list[str]:
        """What the worker wrote to its log; of the last attempt where none is named."""
        lines: list[str] = []
        after, path = 0, f"/experiments/{self.id}/logs"
        while True:
            page = self.client.transport.json("GET", path, query={"attempt": attempt, "after": after})
            lines += page["lines"]
            if not page["lines"]:
                return lines
            after = page["after"]

    def predict(self, X: Any) -> Any:
        """What the trained model says about new inputs, in the units of the data: [sample][target], of a classification
        [sample] the most probable class. X is [sample][time][feature]; or, in fewer dimensions: a series of one
        feature is one sample, rows of it are samples; of a regression or classification a row is a sample. A DataFrame
        or a path is sent as a file: of a forecasting sample i is then rows i to i + window - 1."""
        return predict.outputs(self, X)

    def predict_proba(self, X: Any) -> Any:
        """Of a classification: [sample][class]."""
        return predict.probabilities(self, X)

    def ask(self, X: Any) -> list[dict[str, Any]]:
        """The service's whole answers about new inputs, as for `predict`; several where X is sent in parts."""
        return predict.ask(self, X)

    def generate(
        self,
        prompt: str | Sequence[int],
        length: int | None = None,
        samples: int | None = None,
        *,
        temperature: float | None = None,
        postselect: bool | None = None,
        seed: int | None = None,
    ) -> list[dict[str, Any]]:
        """Of a model of words: sequences that go on from `prompt`, a list of words, or text where the data have an
        alphabet. Each has `words`, their `probabilities` and, with an alphabet, `text`. What is None is the
        service's default: the length of the trained sequences, one sample, temperature 1, seed 0."""
        given = {"prompt": prompt if isinstance(prompt, str) else list(prompt), "length": length, "samples": samples,
                 "temperature": temperature, "postselect": postselect, "seed": seed}  # fmt: skip
        body = {name: value for name, value in given.items() if value is not None}
        answer = self.client.transport.json("POST", f"/experiments/{self.id}/generate", body=body)
        sequences: list[dict[str, Any]] = answer["sequences"]
        return sequences

    def tensorboard(self, folder: str | os.PathLike[str] = ".") -> pathlib.Path:
        """Writes the event file for TensorBoard to FOLDER/ID/events.out.tfevents.qlstm, so that each run has a folder
        of its own, and returns that path; `tensorboard --logdir FOLDER` shows it."""
        path = pathlib.Path(folder) / self.id / "events.out.tfevents.qlstm"
        content = self.content("tensorboard")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        return path

    def plot(self, axes: Any = None) -> Any:
        """Losses by epoch and predictions beside the truth; needs matplotlib. Returns the two axes."""
        from .plot import plot_run

        return plot_run(self, rows_of(self.metrics), rows_of(self.predictions()), axes)
