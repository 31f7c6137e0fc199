"""The client for asyncio. Each call runs the plain client in a thread of a pool, so nothing blocks the loop."""

from __future__ import annotations

import asyncio
import concurrent.futures
import functools
import os
import pathlib
from collections.abc import AsyncIterator, Callable, Sequence
from typing import Any, TypeVar

from .client import Client
from .run import Run
from .weights import Weights

T = TypeVar("T")


class AsyncClient:
    """As `Client`, its methods awaited. `threads` is how many calls, waits among them, go on at once.

    async with AsyncClient() as client:
        run = await client.train(epochs=30)
        await run.wait()
    """

    def __init__(self, url: str | None = None, key: str | None = None, *, threads: int = 32, **options: Any) -> None:
        self.client = Client(url, key, **options)
        self._pool = concurrent.futures.ThreadPoolExecutor(threads, thread_name_prefix="qlstm")

    async def call(self, function: Callable[..., T], *arguments: Any, **named: Any) -> T:
        """Any function in a thread of the pool."""
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._pool, functools.partial(function, *arguments, **named))

    async def __aenter__(self) -> AsyncClient:
        return self

    async def __aexit__(self, *_: Any) -> None:
        self._pool.shutdown(wait=False)

    async def train(self, **hyperparameters: Any) -> AsyncRun:
        return AsyncRun(self, await self.call(self.client.train, **hyperparameters))

    async def submit(self, spec: dict[str, Any], *, idempotency_key: str | None = None) -> AsyncRun:
        return AsyncRun(self, await self.call(self.client.submit, spec, idempotency_key=idempotency_key))

    async def check(self, **hyperparameters: Any) -> dict[str, Any]:
        return await self.call(self.client.check, **hyperparameters)

    async def run(self, id: str) -> AsyncRun:
        return AsyncRun(self, await self.call(self.client.run, id))

    async def runs(self, **filters: Any) -> list[AsyncRun]:
        found = await self.call(lambda: list(self.client.runs(**filters)))
        return [AsyncRun(self, run) for run in found]

    async def upload(self, data: Any, name: str | None = None, **reading: Any) -> dict[str, Any]:
        return await self.call(self.client.upload, data, name, **reading)

    async def join(self, first: str, second: str, name: str, **how: str) -> dict[str, Any]:
        return await self.call(self.client.join, first, second, name, **how)

    async def datasets(self) -> list[dict[str, Any]]:
        return await self.call(self.client.datasets)


class AsyncRun:
    """As `Run`, its methods awaited; what asks the service and is a property there is a method here."""

    def __init__(self, client: AsyncClient, run: Run) -> None:
        self.client, self.run, self.id = client, run, run.id

    def __repr__(self) -> str:
        return repr(self.run).replace("<Run", "<AsyncRun")

    async def status(self) -> str:
        return await self.client.call(lambda: self.run.status)

    async def results(self) -> dict[str, Any]:
        return await self.client.call(lambda: self.run.results)

    async def wait(
        self, timeout: float | None = None, *, progress: bool | None = False, check: bool = True
    ) -> AsyncRun:
        await self.client.call(self.run.wait, timeout, progress=progress, check=check)
        return self

    async def events(self, after: int = 0, timeout: float | None = None) -> AsyncIterator[dict[str, Any]]:
        events, end = self.run.events(after, timeout), object()
        while True:
            event: Any = await self.client.call(next, events, end)
            if event is end:
                return
            yield event

    async def cancel(self) -> AsyncRun:
        await self.client.call(self.run.cancel)
        return self

    async def pause(self) -> AsyncRun:
        await self.client.call(self.run.pause)
        return self

    async def resume(self) -> AsyncRun:
        await self.client.call(self.run.resume)
        return self

    async def retry(self) -> AsyncRun:
        await self.client.call(self.run.retry)
        return self

    async def fork(self, **hyperparameters: Any) -> AsyncRun:
        return AsyncRun(self.client, await self.client.call(self.run.fork, **hyperparameters))

    async def predict_dataset(self, data: Any, **labels: Any) -> AsyncRun:
        return AsyncRun(self.client, await self.client.call(self.run.predict_dataset, data, **labels))

    async def label(self, **said: Any) -> AsyncRun:
        await self.client.call(self.run.label, **said)
        return self

    async def delete(self) -> None:
        await self.client.call(self.run.delete)

    async def metrics(self) -> Any:
        return await self.client.call(lambda: self.run.metrics)

    async def weights(self, epoch: str | None = None) -> Weights:
        return await self.client.call(self.run.weights, epoch)

    async def report(self) -> dict[str, Any]:
        return await self.client.call(self.run.report)

    async def predictions(self) -> Any:
        return await self.client.call(self.run.predictions)

    async def generate(self, prompt: str | Sequence[int], *lengths: int | None, **how: Any) -> list[dict[str, Any]]:
        return await self.client.call(self.run.generate, prompt, *lengths, **how)

    async def tensorboard(self, folder: str | os.PathLike[str] = ".") -> pathlib.Path:
        return await self.client.call(self.run.tensorboard, folder)

    async def predict(self, X: Any) -> Any:
        return await self.client.call(self.run.predict, X)

    async def predict_proba(self, X: Any) -> Any:
        return await self.client.call(self.run.predict_proba, X)
