"""A private service for a program or a notebook."""

from __future__ import annotations

import atexit
import contextlib
import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from typing import Any

from .client import Client
from .errors import QlstmError


def find_daemon() -> str:
    """$QLSTMD, else qlstmd on the PATH."""
    path = os.environ.get("QLSTMD") or shutil.which("qlstmd")
    if not path:
        raise QlstmError("there is no qlstmd on the PATH; put its path into QLSTMD (after `make`: build/qlstmd)")
    return path


class Service(Client):
    """A client of a daemon of its own, on a free port of this machine. `with` ends it; so does `stop()`, and the end of
    the program."""

    def __init__(self, data: str | None, options: Sequence[str], key: str | None, ca: str | None) -> None:
        self._owner = os.getpid()
        self._temporary = tempfile.mkdtemp(prefix="qlstm-") if data is None else None
        self.data = data if data is not None else os.path.join(str(self._temporary), "data")
        self._log = tempfile.TemporaryFile("w+", errors="replace")  # noqa: SIM115
        command = [find_daemon(), "--data", self.data, "--listen", "127.0.0.1:0", *options]
        try:
            self.process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=self._log, text=True,
                start_new_session=True,
            )  # fmt: skip
        except OSError as problem:
            self._forget()
            raise QlstmError(f"{command[0]} does not start: {problem}") from problem
        assert self.process.stdout is not None
        found = re.match(r"listening on (\S+)", self.process.stdout.readline())
        if not found:
            self.process.wait()
            words = self.log().strip()[-1000:]
            self._forget()
            raise QlstmError(f"{command[0]} does not start: {words}")
        super().__init__(found[1], key, ca=ca)
        atexit.register(self.stop)

    def log(self) -> str:
        """What the daemon wrote to its log."""
        self._log.seek(0)
        return self._log.read()

    def stop(self) -> None:
        """Ends the daemon. What it had in a folder of its own is removed; a folder that was named stays."""
        if os.getpid() != self._owner:  # a copy of this program, made by fork
            return
        atexit.unregister(self.stop)
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(60)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        self._forget()

    def _forget(self) -> None:
        if hasattr(self, "process") and self.process.stdout:
            self.process.stdout.close()
        with contextlib.suppress(ValueError):
            self._log.close()
        if self._temporary:
            shutil.rmtree(self._temporary, ignore_errors=True)

    def __enter__(self) -> Service:
        return self

    def __exit__(self, *_: Any) -> None:
        self.stop()


def serve(*options: str, data: str | None = None, key: str | None = None, ca: str | None = None) -> Service:
    """Starts a private daemon and returns a client of it.

        with qlstm.serve() as client:
            run = client.train(epochs=30).wait()

    Its data are in a temporary folder, which is removed at the end, or in `data`, which stays. `options` are the
    daemon's, such as "--slots", "2". The daemon is $QLSTMD, else qlstmd on the PATH, with qlstm-worker beside it. It
    outlives this program where that is killed by kill -9.
    """
    return Service(data, options, key, ca)
