#!/usr/bin/python3
"""What a request costs the daemon with 10 and with 10,000 experiments waiting: `make bench-waiting`.

Usage: waiting.py [--rounds 5] [--seconds 1] [--clients 8] [--modes rest,trains]. Three daemons, each started anew when
its data are there, are asked in turns: with the short queue; with the long one; with the short one and as many
experiments that ended as the long one has waiting. The third has as many rows as the second, so what they share is the size of the
database and what they differ by is the queue. In `rest` nothing is written meanwhile; in `trains` an endless experiment
ends some hundred epochs a second, each of which is a transaction. Prints microseconds of the daemon's processor time a
request, the least of all rounds, which does not depend on what else this machine does as rates do."""
import argparse
import os
import pathlib
import signal
import sys
import tempfile

import requests

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent), str(HERE.parent / "faults")]
from api_daemon import DEADLINE, ENDLESS, Daemon  # noqa: E402
from door import LIMIT, SEEDS, Client, fill, ids  # noqa: E402
from test_kill import workers  # noqa: E402

SHORT = 10


def cpu(pid):
    """Seconds, of all threads."""
    tasks = pathlib.Path(f"/proc/{pid}/task").iterdir()
    return sum(int((task / "schedstat").read_text().split()[0]) for task in tasks) / 1e9


def end_all_but(daemon, count):
    """Cancels what waits; of a queue those stay that are asked for."""
    session = requests.Session()
    for name in ids(daemon, LIMIT)[count:]:
        assert session.post(f"{daemon.url}/experiments/{name}/cancel", timeout=DEADLINE).status_code in (200, 202)


class Side:
    """A daemon with so many experiments that wait behind an endless one, of `made` ones in all."""

    def __init__(self, folder, options, made, waiting, works):
        folder.mkdir()
        idle = folder / "idle"
        idle.write_text("#!/bin/sh\nexec sleep 86400\n")
        idle.chmod(0o755)
        self.client, self.works = Client(folder, options), works
        worker = () if works else ("--worker", str(idle))
        self.daemon = Daemon(folder, "--slots", "1", "--hang", "86400", *worker).start()
        endless = self.daemon.submit(ENDLESS)
        self.daemon.wait(endless, lambda row: row["status"] == "running")
        fill(self.daemon, self.client, made)
        paths = ["/experiments/" + name for name in ids(self.daemon, made)]
        end_all_but(self.daemon, waiting)
        self.daemon.stop()
        self.daemon.start()
        self.daemon.wait(endless, lambda row: row["status"] == "running")
        self.asked = {"/healthz": ("GET", ["/healthz"]), "/metrics": ("GET", ["/metrics"]),
                      "GET /experiments/ID of 10": ("GET", paths[:10]),
                      "GET /experiments/ID of all": ("GET", paths),
                      "GET /experiments?limit=10": ("GET", ["/experiments?limit=10"]),
                      "POST, validated alone": ("POST", ["/experiments?validate_only=true"], [SEEDS])}
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
    kinds = ((SHORT, SHORT), (LIMIT, LIMIT), (LIMIT, SHORT))  # made, waiting
    sides = [Side(folder / str(index), options, *kind, works) for index, kind in enumerate(kinds)]
    mode = "trains" if works else "rest"
    try:
        least = {name: [float("inf")] * len(sides) for name in sides[0].asked}
        for _ in range(options.rounds):
            for name, figures in least.items():
                for index, side in enumerate(sides):
                    side.hold(False)
                    figures[index] = min(figures[index], side.measure(name))
                    side.hold(True)
        for name, (short, long, ended) in least.items():
            print(f"{mode:7} {name:27} {short:7.1f} us with {SHORT}; {long:7.1f} with {LIMIT}: {long / short:4.2f}; "
                  f"{ended:7.1f} with {SHORT} and {LIMIT - SHORT} that ended: long / this {long / ended:4.2f}", flush=True)
    finally:
        for side in sides:
            side.hold(False)
            side.daemon.close()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=1)
    parser.add_argument("--clients", type=int, default=8)
    parser.add_argument("--modes", default="rest,trains")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        for mode in options.modes.split(","):
            where = pathlib.Path(folder) / mode
            where.mkdir()
            compare(where, options, mode == "trains")


if __name__ == "__main__":
    main()
