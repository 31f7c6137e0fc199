"""A private service for a program or a notebook."""

from __future__ import annotations

import atexit
import os
import re
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Callable, Sequence
from typing import Any

from .client import Client
from .errors import QlstmError


def find_daemon() -> str:
    """$QLSTMD, else qlstmd on the PATH."""
    path = os.environ.get("QLSTMD") or shutil.which("qlstmd")
    if not path:
        raise QlstmError("there is no qlstmd on the PATH; put its path into QLSTMD (after `make`: build/qlstmd)")
    return path


# Starts the daemon and ends it when its own standard input ends: with this program, however that ends. Its exit status
# is the daemon's.
GUARD = '"$0" "$@" & daemon=$!; exec >&- 2>&-; read -r _; kill -TERM $daemon; wait $daemon'


class Service(Client):
    """A client of a daemon of its own, on a free port of this machine. `with` ends it; so does `stop()`, and the end of
    the program. `process` is a shell that guards the daemon."""

    def __init__(self, data: str | None, options: Sequence[str], key: str | None, ca: str | None) -> None:
        command = [find_daemon(), *options, "--listen", "127.0.0.1:0", "--data"]
        self._owner = os.getpid()
        self._temporary = tempfile.mkdtemp(prefix="qlstm-") if data is None else None
        self.data = data if data is not None else os.path.join(str(self._temporary), "data")
        self._log = tempfile.TemporaryFile("w+", errors="replace")  # noqa: SIM115
        self.process = subprocess.Popen(
            ["/bin/sh", "-c", GUARD, *command, self.data], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=self._log, text=True, start_new_session=True,
        )  # fmt: skip
        assert self.process.stdout is not None
        found = re.match(r"listening on (\S+)", self.process.stdout.readline())
        if not found:
            words = self._end(lambda: self.log().strip()[-1000:])
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
        self._end(lambda: "")

    def _end(self, last: Callable[[], str]) -> str:
        """Ends the daemon; `last` is what is asked before its log and folder are forgotten."""
        assert self.process.stdin is not None and self.process.stdout is not None
        self.process.stdin.close()
        try:
            self.process.wait(60)
        except subprocess.TimeoutExpired:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()
        said = "" if self._log.closed else last()
        self.process.stdout.close()
        self._log.close()
        if self._temporary:
            shutil.rmtree(self._temporary, ignore_errors=True)
        return said

    def __enter__(self) -> Service:
        return self

    def __exit__(self, *_: Any) -> None:
        self.stop()


def serve(*options: str, data: str | None = None, key: str | None = None, ca: str | None = None) -> Service:
    """Starts a private daemon and returns a client of it.

        with qlstm.serve() as client:
            run = client.train(epochs=30).wait()

    Its data are in a temporary folder, which is removed at the end, or in `data`, which stays. `options` are the
    daemon's, such as "--slots", "2". The daemon is $QLSTMD, else qlstmd on the PATH, with qlstm-worker beside it.
    """
    return Service(data, options, key, ca)
