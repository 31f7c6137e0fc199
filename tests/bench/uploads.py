#!/usr/bin/env python3
"""Many uploads at once while experiments train: what they take, and what others notice of it.

    uploads.py [--uploads 100] [--megabytes 20] [--experiments 2]
"""
import argparse
import concurrent.futures
import pathlib
import random
import sys
import tempfile
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from api_daemon import ENDLESS, Daemon


def table(number, size):
    """A CSV of its own, `size` bytes."""
    rng = random.Random(number)
    block = "".join(f"{rng.random():.6f},{rng.randrange(1000)}\n" for _ in range(2000))
    return ("a,b\n" + f"{number}.5,1\n" + block * (size // len(block) + 1))[:size].rsplit("\n", 1)[0].encode() + b"\n"


def memory(daemon, what="VmRSS"):
    lines = pathlib.Path(f"/proc/{daemon.process.pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(what + ":")) / 1024


def upload(daemon, number, size):
    start = time.monotonic()
    reply = daemon.upload(f"upload {number}", table(number, size))
    return reply.status_code, time.monotonic() - start


def watch(daemon, over, waits):
    """Small requests meanwhile."""
    while not over.wait(0.02):
        start = time.monotonic()
        assert daemon.get("/experiments?limit=1").status_code == 200
        waits.append(time.monotonic() - start)


def measure(daemon, uploads, size, experiments):
    """{"statuses", "seconds", "waits", "memory_before", "memory_most", "epochs"}: of each run how far it came meanwhile."""
    runs = [daemon.submit(ENDLESS) for _ in range(experiments)]
    for run in runs:
        daemon.wait(run, lambda row: row["progress"]["epoch"] > 0)
    over, waits = threading.Event(), []
    before = [daemon.get(f"/experiments/{run}").json()["progress"]["epoch"] for run in runs]
    result = {"memory_before": memory(daemon)}
    watcher = threading.Thread(target=watch, args=(daemon, over, waits))
    watcher.start()
    start = time.monotonic()
    with concurrent.futures.ThreadPoolExecutor(uploads) as pool:
        answers = list(pool.map(lambda k: upload(daemon, k, size), range(uploads)))
    result["seconds"] = time.monotonic() - start
    over.set()
    watcher.join()
    after = [daemon.get(f"/experiments/{run}").json()["progress"]["epoch"] for run in runs]
    for run, epoch in zip(runs, before):
        daemon.wait(run, lambda row: row["progress"]["epoch"] > epoch)  # it went on, however slow this machine is
        daemon.post(f"/experiments/{run}/cancel")
        daemon.wait(run)
    return {**result, "statuses": [status for status, _ in answers], "waits": sorted(waits), "memory_most": memory(daemon, "VmHWM"),
            "epochs": [b - a for a, b in zip(before, after)]}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--uploads", type=int, default=100)
    parser.add_argument("--megabytes", type=float, default=20)
    parser.add_argument("--experiments", type=int, default=2)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        daemon = Daemon(folder, "--body-timeout", "3600").start()
        found = measure(daemon, args.uploads, int(args.megabytes * 1e6), args.experiments)
        daemon.close()
    waits = found["waits"]
    print(f"{args.uploads} uploads of {args.megabytes:g} MB at once, {args.experiments} experiments training: "
          f"{found['statuses'].count(201)} stored in {found['seconds']:.1f} s "
          f"({args.uploads * args.megabytes / found['seconds']:.0f} MB/s); the daemon's memory {found['memory_before']:.0f} MiB "
          f"before, {found['memory_most']:.0f} at most; GET meanwhile: median {1000 * waits[len(waits) // 2]:.1f} ms, p99 "
          f"{1000 * waits[len(waits) * 99 // 100]:.1f} ms; epochs trained meanwhile: {found['epochs']}")
    sys.exit(found["statuses"] != [201] * args.uploads)


if __name__ == "__main__":
    main()
