"""Losses as a chart in the terminal, drawn anew while they come; a line an epoch where there is no terminal."""

from __future__ import annotations

import math
import shutil
import time
from typing import Any, TextIO

SERIES = [("train_loss", "+"), ("test_loss", "o")]
HEIGHT = 14
NOTES = 4


class Chart:
    """`say` is called with every event."""

    def __init__(self, title: str, epochs: int, out: TextIO) -> None:
        self.title, self.epochs, self.out = title, epochs, out
        self.rows: list[dict[str, Any]] = []
        self.status = ""
        self.notes: list[str] = []
        self._lines, self._drawn = 0, 0.0

    def say(self, event: dict[str, Any]) -> None:
        if event["type"] == "status":
            self.status = event["to"]
        elif event["type"] == "log":
            self._note(f"{event['level']}: {event['message']}")
        elif event["type"] == "epoch":
            self.rows.append(event)
            if not self.out.isatty():
                values = [f"{name} {event[name]:.6g}" for name, _ in SERIES if event.get(name) is not None]
                self.out.write("  ".join([f"epoch {event['epoch']}/{self.epochs}", *values]) + "\n")
                self.out.flush()
        if self.out.isatty() and time.monotonic() - self._drawn > 0.15:
            self._draw()

    def close(self) -> None:
        if self.out.isatty():
            self._draw()

    def _note(self, text: str) -> None:
        """A line of the run's log: the newest few under the chart, elsewhere all of them."""
        self.notes = [*self.notes, text][-NOTES:]
        if not self.out.isatty():
            self.out.write(text + "\n")
            self.out.flush()

    def _draw(self) -> None:
        self._drawn = time.monotonic()
        width = shutil.get_terminal_size().columns - 1
        lines = picture(self.rows, width, HEIGHT)
        last = self.rows[-1]["epoch"] if self.rows else 0
        lines = [f"{self.title}  {self.status}  epoch {last}/{self.epochs}", *lines, *(n[:width] for n in self.notes)]
        back = f"\x1b[{self._lines}A" if self._lines else ""
        self.out.write(back + "".join(f"\x1b[2K{line}\n" for line in lines))
        self.out.flush()
        self._lines = len(lines)


def picture(rows: list[dict[str, Any]], width: int, height: int) -> list[str]:
    """Losses by epoch, the height logarithmic; always `height` + 2 lines. Where several epochs share a column the last
    one is shown."""
    values = [row[name] for row in rows for name, _ in SERIES if row.get(name) and row[name] > 0]
    label = 10
    columns = max(1, width - label - 2)
    low, high = (math.log10(min(values)), math.log10(max(values))) if values else (-1.0, 0.0)
    if high - low < 1e-9:
        low, high = low - 0.5, high + 0.5
    grid = [[" "] * columns for _ in range(height)]
    for name, mark in SERIES:
        for i, row in enumerate(rows):
            value = row.get(name)
            if value is not None and value > 0:
                x = i * columns // len(rows) if len(rows) > columns else i * (columns - 1) // max(1, len(rows) - 1)
                y = round((high - math.log10(value)) / (high - low) * (height - 1))
                grid[y][x] = mark
    lines = []
    for y, line in enumerate(grid):
        shown = f"{10 ** (high - (high - low) * y / (height - 1)):.3g}" if y % 4 == 0 or y == height - 1 else ""
        lines.append(f"{shown:>{label}} |{''.join(line).rstrip()}")
    lines.append(" " * label + " +" + "-" * columns)
    lines.append(" " * label + "  " + "   ".join(f"{mark} {name.replace('_', ' ')}" for name, mark in SERIES))
    return lines
