"""How a run that is waited for shows itself: a bar on a terminal and in a notebook, plain lines elsewhere."""

from __future__ import annotations

import shutil
import sys
import time
from typing import Any, TextIO


class Progress:
    """`say` is called with every event and the run's row."""

    def __init__(self, label: str, epochs: int, out: TextIO | None = None) -> None:
        self.label, self.epochs = label, max(1, epochs)
        self.out = out if out is not None else sys.stderr
        self.redraws = self.out.isatty() or "ipykernel" in sys.modules
        self.epoch, self.status, self.metrics = 0, "", ""
        self._said, self._drawn, self._began = -1, 0.0, 0.0

    def note(self, text: str) -> None:
        """A line that stays."""
        self._line(text)

    def say(self, event: dict[str, Any]) -> None:
        if event["type"] == "epoch":
            self.epoch = event["epoch"]
            shown = [(n, event.get(n)) for n in ("train_loss", "test_loss", "test_accuracy")]
            self.metrics = "  ".join(f"{n} {v:.4g}" for n, v in shown if v is not None)
            self._began = self._began or time.monotonic()
            if self.redraws:
                self._draw()
            elif self.epoch * 10 // self.epochs != self._said:
                self._said = self.epoch * 10 // self.epochs
                self._line(f"epoch {self.epoch}/{self.epochs}  {self.metrics}")
        elif event["type"] == "status":
            self.status = event["to"]
            if self.redraws:
                self._draw(force=True)
            else:
                self._line(self.status + (f": {event['reason']}" if event.get("reason") else ""))

    def close(self) -> None:
        if self.redraws and self._drawn:
            self._draw(force=True)
            self.out.write("\n")
            self.out.flush()

    def _line(self, text: str) -> None:
        self.out.write(f"{self.label}  {text}\n")
        self.out.flush()

    def _draw(self, force: bool = False) -> None:
        now = time.monotonic()
        if not force and now - self._drawn < 0.1:
            return
        self._drawn = now
        width = shutil.get_terminal_size().columns - 1
        label = self.label if len(self.label) <= 16 else self.label[:13] + "..."
        shown = self.metrics.replace("_loss", "") or self.status
        text = f"  {self.epoch}/{self.epochs}  {shown}{self._left(now)}"
        room = max(0, min(30, width - len(label) - len(text) - 3))
        full = room * self.epoch // self.epochs
        bar = f" [{'#' * full}{'.' * (room - full)}]" if room > 4 else ""
        self.out.write(f"\r{(label + bar + text)[:width]:<{width}}")
        self.out.flush()

    def _left(self, now: float) -> str:
        if self.status != "running" or self.epoch < 2 or self.epoch >= self.epochs:
            return ""
        return f"  {(now - self._began) / (self.epoch - 1) * (self.epochs - self.epoch):.0f} s left"
