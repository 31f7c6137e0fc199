"""Data sets: put, ls, show, get, rm."""

from __future__ import annotations

import argparse
import pathlib
import sys
from typing import Any

from ..client import Client
from ..errors import QlstmError
from .output import write_json, write_table
from .table import Command, argument

NAME = argument("name", metavar="NAME", help="name or id")


def _say(given: argparse.Namespace, found: list[dict[str, Any]]) -> None:
    if given.json:
        write_json(found)
        return
    write_table(["name", "kind", "rows", "columns", "id"], [
        [one["name"], one["kind"], one["rows"], ", ".join(c["name"] for c in one["columns"][:6]) + ("" if len(
            one["columns"]) <= 6 else f", ... ({len(one['columns'])})"), one["id"]] for one in found
    ])  # fmt: skip


def put(client: Client, given: argparse.Namespace) -> None:
    """Uploads FILE (CSV, npy, IDX, packed or not), - is standard input; its name is the file's without the suffix.

    NAME=VALUE says how a CSV is to be read: separator=; decimal=, header=false"""
    reading = dict(word.split("=", 1) for word in given.reading if "=" in word)
    if len(reading) != len(given.reading):
        raise QlstmError(f"{' '.join(given.reading)} is not NAME=VALUE")
    if given.file == "-":
        found = client.upload(sys.stdin.buffer.read(), given.name, **reading)
    else:
        path = pathlib.Path(given.file)
        found = client.upload(path, given.name or path.name.split(".")[0], **reading)
    write_json(found) if given.json else _say(given, [found])


def ls(client: Client, given: argparse.Namespace) -> None:
    """Built-in series, then uploads, newest first."""
    _say(given, client.datasets())


def show(client: Client, given: argparse.Namespace) -> None:
    """What the service understood of a data set."""
    found = client.dataset(given.name)
    if given.json:
        write_json(found)
        return
    _say(given, [found])
    print()
    facts = ["type", "missing", "minimum", "maximum"]
    write_table(["column", *facts], [[column["name"], *map(column.get, facts)] for column in found["columns"]])
    for note in found["description"].get("notes", []):
        print(f"note: {note}")


def get(client: Client, given: argparse.Namespace) -> None:
    """The bytes of a data set, to standard output."""
    sys.stdout.buffer.write(client.download(given.name))


def rm(client: Client, given: argparse.Namespace) -> None:
    """Deletes an upload."""
    client.delete_dataset(given.name)
    write_json({"deleted": given.name}) if given.json else print(f"{given.name}  deleted")


COMMANDS = [
    Command(
        "data put",
        put,
        [argument("file", metavar="FILE"), argument("reading", metavar="NAME=VALUE", nargs="*"), argument("--name")],
    ),
    Command("data ls", ls),
    Command("data show", show, [NAME]),
    Command("data get", get, [NAME]),
    Command("data rm", rm, [NAME]),
]
