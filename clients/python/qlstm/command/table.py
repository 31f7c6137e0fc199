"""What a command is: its words, its function, its arguments."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from ..client import Client
from ..errors import NotFound
from ..run import Run

Function = Callable[[Client, argparse.Namespace], Any]
Argument = tuple[tuple[str, ...], dict[str, Any]]


class Command(NamedTuple):
    """`function` returns the exit status, None for 0; its first line of documentation is the help."""

    name: str
    function: Function
    arguments: list[Argument] = []


def argument(*names: str, **options: Any) -> Argument:
    """As add_argument of argparse takes it."""
    return names, options


ID = argument("id", metavar="ID", help="of a run; `last` is the newest")
IDS = argument("id", metavar="ID", nargs="+", help="of runs; `last` is the newest, - reads them from standard input")


def find(client: Client, id: str) -> Run:
    if id != "last":
        return client.run(id)
    run = next(client.runs(limit=1), None)
    if run is None:
        raise NotFound(404, {"detail": "there is no run"})
    return run


def find_all(client: Client, ids: list[str]) -> Iterator[Run]:
    for id in ids:
        for word in sys.stdin.read().split() if id == "-" else [id]:
            yield find(client, word)
