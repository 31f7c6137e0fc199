"""Text and JSON on standard output."""

from __future__ import annotations

import csv
import json
import sys
from collections.abc import Sequence
from typing import Any, TextIO


def write_json(value: Any, out: TextIO | None = None) -> None:
    (out or sys.stdout).write(json.dumps(value, indent=None if out else 2) + "\n")


def write_csv(rows: list[dict[str, Any]]) -> None:
    """Rows with the same names; reals with all their digits."""
    if rows:
        writer = csv.DictWriter(sys.stdout, list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


def write_table(header: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
    """Columns beside one another; nothing where there are no rows."""
    cells = [[text(cell) for cell in row] for row in rows]
    if not cells:
        return
    widths = [max(len(name), *(len(row[i]) for row in cells)) for i, name in enumerate(header)]
    for row in [[name.upper() for name in header], *cells]:
        print("  ".join(f"{cell:<{width}}" for cell, width in zip(row, widths)).rstrip())


def text(value: Any) -> str:
    """A value in a table: four digits of a real, nothing for none."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    return f"{value:.4g}" if isinstance(value, float) else value if isinstance(value, str) else json.dumps(value)
