"""The service from a program: experiments, data sets."""

from __future__ import annotations

import os
import uuid
from collections.abc import Iterable, Iterator
from typing import Any
from urllib.parse import quote

from .data import encode
from .run import Run
from .schema import Places
from .seeds import Seeds
from .tables import read_csv, table
from .transport import Transport

DEFAULT_URL = "http://127.0.0.1:8080"


class Client:
    """A service at an address.

        client = Client("http://127.0.0.1:8080", key="qlstmd_...")
        run = client.train(hidden_size=5, n_qubits=4, epochs=30, data="damped_shm").wait()

    `url` and `key` are those of $QLSTM_URL and $QLSTM_KEY where absent. A request that finds the service full or away
    is made again `retries` times, with growing pauses. `timeout` is that of one request, in seconds; `ca` a file of
    certificates to trust over https in place of those of the system. Safe to use from several threads.
    """

    def __init__(
        self, url: str | None = None, key: str | None = None, *, timeout: float = 60, retries: int = 5,
        ca: str | None = None,
    ) -> None:  # fmt: skip
        url = url or os.environ.get("QLSTM_URL") or DEFAULT_URL
        key = key or os.environ.get("QLSTM_KEY") or None
        self.transport = Transport(url, key, timeout, retries, ca)
        self._places: Places | None = None

    @property
    def url(self) -> str:
        return self.transport.url

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.url}>"

    def __reduce__(self) -> tuple[Any, ...]:
        t = self.transport
        return _client, (t.url, t.key, t.timeout, t.retries, t.ca)

    # Experiments

    def experiment(self, **hyperparameters: Any) -> dict[str, Any]:
        """The request that hyperparameters by name mean. Data that are not on the service yet are uploaded."""
        data = hyperparameters.get("data", {})
        fields = dict(data) if isinstance(data, dict) else {"dataset": data}
        if not isinstance(fields.get("dataset", ""), str):
            fields["dataset"] = self.upload(fields["dataset"])["id"]
        return self.schema().experiment({**hyperparameters, "data": fields} if fields else hyperparameters)

    def schema(self) -> Places:
        """The hyperparameters that the service knows; asked for once."""
        if self._places is None:
            self._places = Places(self.transport.json("GET", "/schema/experiment"))
        return self._places

    def train(self, **hyperparameters: Any) -> Run:
        """Queues an experiment and returns at once. Hyperparameters by name, as schema/HYPERPARAMETERS.md lists them,
        whatever part of an experiment they belong to; a part may be given as a dict. `data` is the name of a data set
        or the data themselves (an array, lists, a DataFrame, a path, or (X, y)), or a dict of the fields of `data`,
        `dataset` one of these."""
        return self.submit(self.experiment(**hyperparameters))

    def submit(self, spec: dict[str, Any], *, idempotency_key: str | None = None) -> Run:
        """Queues an experiment as the service takes it. Said twice under one `idempotency_key` it is made once."""
        headers = {"Idempotency-Key": idempotency_key or str(uuid.uuid4())}
        return Run(self, self.transport.json("POST", "/experiments", body=spec, headers=headers))

    def check(self, **hyperparameters: Any) -> dict[str, Any]:
        """What `train` would do: the long form, parameters, data, estimated seconds. Nothing is queued."""
        answer: dict[str, Any] = self.transport.json(
            "POST", "/experiments", body=self.experiment(**hyperparameters), query={"validate_only": "true"}
        )
        return answer

    def train_seeds(self, seeds: int | Iterable[int] = 5, **hyperparameters: Any) -> Seeds:
        """The same experiment with several seeds: 1 to `seeds`, or those named."""
        chosen = range(1, seeds + 1) if isinstance(seeds, int) else seeds
        spec = self.experiment(**hyperparameters)
        return Seeds([self.submit({**spec, "training": {**spec.get("training", {}), "seed": seed}}) for seed in chosen])

    def run(self, id: str) -> Run:
        """A run by its id."""
        return Run(self, self.transport.json("GET", f"/experiments/{quote(id, safe='')}"))

    def runs(
        self, *, status: str | None = None, project: str | None = None, limit: int | None = None, **filters: Any
    ) -> Iterator[Run]:
        """Runs, newest first, page by page; at most `limit`. `filters` are the service's: tag="best", text="...",
        model="lstm", dataset="sine", created_after="2026-11-28", sort="test_loss" (smallest first), ..."""
        cursor, left = None, limit if limit is not None else -1
        while left != 0:
            query = {
                **filters,
                "status": status,
                "project": project,
                "cursor": cursor,
                "limit": min(left, 200) if left > 0 else 200,
            }
            page = self.transport.json("GET", "/experiments", query=query)
            for row in page["experiments"]:
                yield Run(self, row)
            left -= len(page["experiments"]) if left > 0 else 0
            cursor = page["next_cursor"]
            if not page["has_more"]:
                return

    # Data sets

    def upload(self, data: Any, name: str | None = None, **reading: Any) -> dict[str, Any]:
        """Stores data and returns what the service understood of them: an array or lists of one or two dimensions, a
        DataFrame, a dict of columns, a path, bytes, or (X, y), side by side. Without a name they get one of their
        content. `reading` says how a CSV is to be read where it could be read in two ways: separator=";",
        decimal=",", header=False, ..."""
        upload = encode(data)
        said = {word: str(value).lower() if isinstance(value, bool) else value for word, value in reading.items()}
        answer: dict[str, Any] = self.transport.json(
            "POST", "/datasets", body=upload.content, query={"name": name or upload.name, **said},
            headers={"Content-Type": upload.media_type},
        )  # fmt: skip
        return answer

    def datasets(self) -> list[dict[str, Any]]:
        """Built-in series, then uploads."""
        datasets: list[dict[str, Any]] = self.transport.json("GET", "/datasets")["datasets"]
        return datasets

    def dataset(self, name: str) -> dict[str, Any]:
        """One data set, by name or id."""
        dataset: dict[str, Any] = self.transport.json("GET", f"/datasets/{quote(name, safe='')}")
        return dataset

    def download(self, name: str) -> bytes:
        """The bytes of a data set; of a built-in series a CSV."""
        body, _ = self.transport.request("GET", f"/datasets/{quote(name, safe='')}/content")
        return body

    def values(self, name: str) -> Any:
        """The rows of a data set that is a CSV or built in; a DataFrame or a list of dicts."""
        return table(read_csv(self.download(name).decode()))

    def join(self, first: str, second: str, name: str, *, by: str = "row", suffix: str = "") -> dict[str, Any]:
        """A new data set, `first`'s columns beside `second`'s, by "row" or by "date"."""
        body = {"dataset": second, "name": name, "by": by, "suffix": suffix}
        answer: dict[str, Any] = self.transport.json("POST", f"/datasets/{quote(first, safe='')}/join", body=body)
        return answer

    def delete_dataset(self, name: str) -> None:
        """Deletes an upload that no queued or running experiment uses."""
        self.transport.request("DELETE", f"/datasets/{quote(name, safe='')}")

    # The service

    def version(self) -> dict[str, Any]:
        """Name, version, instruction set."""
        version: dict[str, Any] = self.transport.json("GET", "/version")
        return version


def _client(url: str, key: str | None, timeout: float, retries: int, ca: str | None) -> Client:
    return Client(url, key, timeout=timeout, retries=retries, ca=ca)
