"""What is done to runs: cancel, pause, resume, retry, rm."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from typing import Any

from ..client import Client
from ..run import Run
from .output import write_json
from .table import IDS, Command, find_all


def _each(client: Client, given: argparse.Namespace, act: Callable[[Run], Any], word: str) -> None:
    rows = []
    for run in find_all(client, given.id):
        act(run)
        rows.append(run.row)
        if not given.json:
            print(f"{run.id}  {word or run.row['status']}")
    if given.json:
        write_json(rows)


def cancel(client: Client, given: argparse.Namespace) -> None:
    """Ends runs without results."""
    _each(client, given, Run.cancel, "")


def pause(client: Client, given: argparse.Namespace) -> None:
    """Stops runs after a checkpoint."""
    _each(client, given, Run.pause, "")


def resume(client: Client, given: argparse.Namespace) -> None:
    """Goes on with paused runs."""
    _each(client, given, Run.resume, "")


def retry(client: Client, given: argparse.Namespace) -> None:
    """Tries failed or cancelled runs again."""
    _each(client, given, Run.retry, "")


def rm(client: Client, given: argparse.Namespace) -> None:
    """Deletes ended runs with their files."""
    _each(client, given, Run.delete, "deleted")


COMMANDS = [Command(act.__name__, act, [IDS]) for act in (cancel, pause, resume, retry, rm)]
