#!/usr/bin/python3
"""What a request costs the daemon with 10 and with 10,000 experiments waiting: `make bench-waiting`.

Usage: waiting.py [--rounds 5] [--seconds 1] [--clients 8]. Two daemons, one with the short queue and one with the long one,
are asked in turns. In `rest` nothing is written meanwhile; in `trains` an endless experiment ends some hundred epochs a
second, each of which is a transaction. Prints microseconds of the daemon's processor time a request, the least of all
rounds, which does not depend on what else this machine does as rates do."""
import argparse
import os
import pathlib
import signal
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent), str(HERE.parent / "faults")]
from api_daemon import ENDLESS, Daemon  # noqa: E402
from door import LIMIT, Client, fill, ids  # noqa: E402
from test_kill import workers  # noqa: E402

SHORT = 10
BODY = '{"n_qubits":4,"hidden_size":5}'


def cpu(pid):
    """Seconds, of all threads."""
    return sum(int((task / "schedstat").read_text().split()[0]) for task in pathlib.Path(f"/proc/{pid}/task").iterdir()) / 1e9


class Side:
    """A daemon with so many experiments that wait behind an endless one."""

    def __init__(self, folder, options, count, works):
        folder.mkdir()
        idle = folder / "idle"
        idle.write_text("#!/bin/sh\nexec sleep 86400\n")
        idle.chmod(0o755)
        self.client, self.works = Client(folder, options), works
        self.daemon = Daemon(folder, "--slots", "1", "--hang", "86400", *(() if works else ("--worker", str(idle)))).start()
        self.daemon.wait(self.daemon.submit(ENDLESS), lambda row: row["status"] == "running")
        fill(self.daemon, self.client, count)
        paths = ["/experiments/" + name for name in ids(self.daemon, count)]
        self.asked = {"/healthz": ("GET", ["/healthz"]), "/metrics": ("GET", ["/metrics"]),
                      "GET /experiments/ID of 10": ("GET", paths[:10]),
                      "GET /experiments/ID of all": ("GET", paths),
                      "GET /experiments?limit=10": ("GET", ["/experiments?limit=10"]),
                      "POST, validated alone": ("POST", ["/experiments?validate_only=true"], [BODY])}
        self.hold(True)

    def hold(self, still):
        """The worker of the side that is not asked takes no time from the other."""
        for pid in workers(self.daemon) if self.works else ():
            os.kill(pid, signal.SIGSTOP if still else signal.SIGCONT)

    def measure(self, name):
        before = cpu(self.daemon.process.pid)
        found = self.client.run(self.daemon, *self.asked[name])
        assert found["others"] == 0, found
        return 1e6 * (cpu(self.daemon.process.pid) - before) / (found["per_second"] * self.client.options.seconds)


def compare(folder, options, works):
    sides = [Side(folder / str(count), options, count, works) for count in (SHORT, LIMIT)]
    try:
        least = {name: [float("inf")] * 2 for name in sides[0].asked}
        for _ in range(options.rounds):
            for name, figures in least.items():
                for index, side in enumerate(sides):
                    side.hold(False)
                    figures[index] = min(figures[index], side.measure(name))
                    side.hold(True)
        for name, (short, long) in least.items():
            print(f"{'trains' if works else 'rest':8} {name:30} {short:8.1f} us with {SHORT}, {long:8.1f} us with {LIMIT}: "
                  f"{long / short:5.2f}", flush=True)
    finally:
        for side in sides:
            side.hold(False)
            side.daemon.close()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=1)
    parser.add_argument("--clients", type=int, default=8)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        for works in (False, True):
            where = pathlib.Path(folder) / str(works)
            where.mkdir()
            compare(where, options, works)


if __name__ == "__main__":
    main()
