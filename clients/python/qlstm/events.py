"""Server-sent events of a run, each once, also over lost connections."""

from __future__ import annotations

import http.client
import json
import time
from collections.abc import Iterator
from typing import Any

from .errors import Busy, Unreachable
from .transport import Transport

SILENCE = (
    60.0  # seconds without a byte after which the connection counts as lost; the service says something more often
)


def events(transport: Transport, run: str, after: int = 0, deadline: float | None = None) -> Iterator[dict[str, Any]]:
    """All events with an id greater than `after`, until the run has ended. TimeoutError past the deadline
    (monotonic)."""
    failures = 0
    while True:
        try:
            for event in _connection(transport, run, after, deadline):
                if event is None:
                    return
                failures, after = 0, event["id"]
                yield event
        except (Unreachable, Busy) as problem:
            failures += 1
            if failures > transport.retries:
                raise
            _check(deadline, run)
            time.sleep(min(getattr(problem, "retry_after", 0) or 0.2 * 2**failures, 10))


def _check(deadline: float | None, run: str) -> None:
    if deadline is not None and time.monotonic() >= deadline:
        raise TimeoutError(f"run {run} has not ended in time")


def _connection(transport: Transport, run: str, after: int, deadline: float | None) -> Iterator[dict[str, Any] | None]:
    """Events of one connection; None at the end of the run."""
    left = SILENCE if deadline is None else max(0.01, min(SILENCE, deadline - time.monotonic()))
    headers = {"Accept": "text/event-stream", "Last-Event-ID": str(after)}
    with transport.open("GET", f"/experiments/{run}/events", headers=headers, timeout=left) as stream:
        if stream.status == 204:
            yield None
            return
        name, data = "", ""
        while True:
            try:
                line = stream.readline().decode()
            except (OSError, http.client.HTTPException) as problem:
                _check(deadline, run)
                raise Unreachable(f"the events of {run} broke off: {problem}") from problem
            _check(deadline, run)
            if not line:
                raise Unreachable(f"the events of {run} broke off")
            if line.startswith("event:"):
                name = line[6:].strip()
            elif line.startswith("data:"):
                data += line[5:].strip()
            elif line == "\n" and name:
                yield None if name == "end" else json.loads(data)
                name, data = "", ""
