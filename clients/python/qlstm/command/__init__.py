"""The command line `qlstm`. COMMANDS is the table of what there is; README.md has the exit statuses."""

from __future__ import annotations

import argparse
import os
import pathlib
import sys
from collections.abc import Sequence

from ..client import Client
from ..errors import AccessDenied, Busy, Conflict, Invalid, NotFound, QlstmError, RunFailed, Unreachable
from . import datasets, life, results, runs
from .completion import script
from .output import write_json
from .table import Command, argument

STATUSES: list[tuple[type[QlstmError], int]] = [
    (RunFailed, 1), (Invalid, 2), (NotFound, 3), (Unreachable, 4), (Busy, 4), (AccessDenied, 5), (Conflict, 6),
    (QlstmError, 2),
]  # fmt: skip
INTERRUPTED, BROKEN_PIPE = 130, 141
RETRIES = 4


def completion(_: Client, given: argparse.Namespace) -> None:
    """Prints a script for the shell: source <(qlstm completion bash)"""
    sys.stdout.write(script(COMMANDS))


def version(client: Client, given: argparse.Namespace) -> None:
    """The service's version."""
    found = client.version()
    write_json(found) if given.json else print(f"{found['name']} {found['version']} ({found['isa']}) at {client.url}")


COMMANDS: list[Command] = [
    *runs.COMMANDS,
    *life.COMMANDS,
    *results.COMMANDS,
    *datasets.COMMANDS,
    Command("version", version),
    Command("completion", completion, [argument("shell", choices=["bash"])]),
]


def parser() -> argparse.ArgumentParser:
    common = argparse.ArgumentParser(add_help=False, argument_default=argparse.SUPPRESS)
    common.add_argument("--url", help="address of the service ($QLSTM_URL, http://127.0.0.1:8080)")
    common.add_argument("--key-file", metavar="FILE", help="file that holds the key ($QLSTM_KEY)")
    common.add_argument("--ca", metavar="FILE", help="certificates to trust over https ($QLSTM_CA)")
    common.add_argument("--json", action="store_true", help="JSON in place of text")
    top = argparse.ArgumentParser(prog="qlstm", description="Trains on a qlstmd service.", parents=[common])
    groups = {"": top.add_subparsers(metavar="COMMAND", required=True)}
    for command in COMMANDS:
        group, _, word = command.name.rpartition(" ")
        if group not in groups:
            inner = groups[""].add_parser(group, help=f"{group} ...: qlstm {group} --help")
            groups[group] = inner.add_subparsers(metavar="COMMAND", required=True)
        summary = (command.function.__doc__ or "").strip()
        sub = groups[group].add_parser(word, parents=[common], help=summary.split("\n")[0], description=summary)
        for names, options in command.arguments:
            sub.add_argument(*names, **options)
        sub.set_defaults(function=command.function)
    return top


def main(arguments: Sequence[str] | None = None) -> int:
    """The exit status."""
    given = parser().parse_args(arguments)
    given.json = getattr(given, "json", False)
    try:
        file = getattr(given, "key_file", None)
        key = pathlib.Path(file).read_text().strip() if file else None
        ca = getattr(given, "ca", None) or os.environ.get("QLSTM_CA")
        client = Client(getattr(given, "url", None), key, ca=ca, retries=RETRIES)
        status = given.function(client, given)
        sys.stdout.flush()
        return int(status or 0)
    except QlstmError as error:
        problem = getattr(error, "problem", None) or {"detail": str(error)}
        write_json(problem, sys.stderr) if given.json else print(f"qlstm: {error}", file=sys.stderr)
        return next(status for kind, status in STATUSES if isinstance(error, kind))
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return BROKEN_PIPE
    except KeyboardInterrupt:
        return INTERRUPTED
    except (OSError, ValueError) as error:
        print(f"qlstm: {error}", file=sys.stderr)
        return 2
