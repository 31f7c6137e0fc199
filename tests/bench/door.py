#!/usr/bin/python3
"""Requests a second at the door, by a client on the same machine: `make bench-door`.

Usage: door.py [--seconds 3] [--clients 32] [--data DIR]. Starts daemons of its own on free ports, with their data in DIR
(default: a temporary folder; what is durable is as fast as its disk). An endless experiment holds the only worker, so
that what is posted stays queued. A daemon that is asked for what waits was started anew after that was posted: else one
that had answered 10 requests would stand beside one that had answered 10,000. Prints one line a measurement: requests a
second, milliseconds, the daemon's CPU time a request. Rates are of this machine at this moment: compare the ratios."""
import argparse
import json
import os
import pathlib
import random
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from api_daemon import BUILD, ENDLESS, Daemon  # noqa: E402

SEEN = '{"n_qubits":4,"hidden_size":5,"name":"e@"}'
SEEDS = '{"n_qubits":4,"hidden_size":5,"training":{"seed":@}}'
LIMIT = 10000  # experiments that may wait


def new_models():
    """Small circuits, each model another one."""
    bodies = [json.dumps({"n_qubits": n, "hidden_size": h, "depth": d, "n_qlayers": q, "training": {"batch_size": b}})
              for n in (2, 3, 4) for d in (1, 2) for q in (1, 2) for h in range(2, 42) for b in range(8, 18)]
    return random.Random(1).sample(bodies, len(bodies))


class Client:
    """build/bench/door against one daemon."""

    def __init__(self, folder, options):
        self.folder, self.options = folder, options

    def lines(self, name, lines):
        path = self.folder / name
        path.write_text("".join(line + "\n" for line in lines))
        return path

    def run(self, daemon, method, paths, bodies=None, clients=None, seconds=None):
        clients, seconds = clients or self.options.clients, seconds or self.options.seconds
        arguments = [BUILD / "bench/door", daemon.port, clients, seconds, method, self.lines("paths", paths)]
        if bodies:
            arguments.append(self.lines("bodies", bodies))
        before = cpu(daemon.process.pid)
        done = subprocess.run(list(map(str, arguments)), check=True, capture_output=True, text=True)
        found = json.loads(done.stdout)
        found["cpu_us"] = 1e6 * (cpu(daemon.process.pid) - before) / max(1, found["per_second"] * seconds)
        return found


def cpu(pid):
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def show(name, found):
    others = f"  {found['others']} were {found['first_other']}" if found["others"] else ""
    print(f"{name:44} {found['per_second']:8.0f}/s   median {found['median_ms']:7.2f}  p99 {found['p99_ms']:7.2f} ms"
          f"   {found['cpu_us']:6.0f} us CPU{others}", flush=True)


def started(folder):
    daemon = Daemon(folder, "--slots", "1").start()
    wait_for_endless(daemon, daemon.submit(ENDLESS))
    return daemon


def wait_for_endless(daemon, name):
    daemon.wait(name, lambda row: row["status"] == "running" and row["progress"]["epoch"] > 0)


def start_again(daemon):
    name = daemon.get("/experiments?status=running").json()["experiments"][0]["id"]
    assert daemon.stop() == 0
    wait_for_endless(daemon.start(), name)


def ids(daemon, count):
    found, cursor = [], {}
    while len(found) < count:
        page = daemon.get("/experiments", params={"limit": 200, "status": "queued", **cursor}).json()
        found += [row["id"] for row in page["experiments"]]
        if not page["has_more"]:
            break
        cursor = {"cursor": page["next_cursor"]}
    return found[:count]


def posts(client, folder):
    """A few seconds each: the queue has a limit."""
    for where, name, bodies in (("seen", "POST, a circuit seen before", [SEEN]),
                                ("seeds", "POST, that circuit, each time another seed", [SEEDS]),
                                ("new", "POST, models not seen before", new_models())):
        daemon = started(folder / where)
        try:
            show("/healthz", client.run(daemon, "GET", ["/healthz"]))
            show(name, client.run(daemon, "POST", ["/experiments"], bodies, seconds=2))
        finally:
            daemon.close()


def fill(daemon, client, count):
    waiting = lambda: len(ids(daemon, count))  # noqa: E731
    have = waiting()
    while have < count:
        if count - have > 200:
            client.run(daemon, "POST", ["/experiments"], [SEEN], clients=16, seconds=0.2)
        else:
            for _ in range(count - have):
                if daemon.post("/experiments", json.loads(SEEN)).status_code == 503:
                    return
        have = waiting()


def reads(client, daemon, queued):
    paths = ["/experiments/" + name for name in random.Random(1).sample(ids(daemon, queued), min(queued, 1000))]
    for name, asked in (("/healthz", ["/healthz"]), ("GET /experiments/ID of 10", paths[:10]),
                        (f"GET /experiments/ID of {len(paths)}", paths),
                        ("GET /experiments?limit=10", ["/experiments?limit=10"]), ("GET /metrics", ["/metrics"])):
        show(f"{name}, {queued} queued", client.run(daemon, "GET", asked))
    show(f"POST, validated alone, {queued} queued",
         client.run(daemon, "POST", ["/experiments?validate_only=true"], [SEEDS]))


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--seconds", type=float, default=3)
    parser.add_argument("--clients", type=int, default=32)
    parser.add_argument("--data", type=pathlib.Path)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=options.data) as folder:
        folder = pathlib.Path(folder)
        for name in ("seen", "seeds", "new", "queue"):
            (folder / name).mkdir()
        client = Client(folder, options)
        posts(client, folder)
        daemon = started(folder / "queue")
        try:
            for count in (10, LIMIT):
                fill(daemon, client, count)
                start_again(daemon)
                reads(client, daemon, count)
        finally:
            daemon.close()


if __name__ == "__main__":
    main()
