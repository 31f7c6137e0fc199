#!/usr/bin/env python3
"""Random kills of everything while clients do everything; what was promised is counted afterwards.

    make torture                    # KILLS=300 more, SEED= the next; adds up in build/torture.json
    tests/faults/torture.py --kills 60 --seed 7 --tally none

A round is one data directory: a daemon is started, clients submit, cancel, pause, resume, retry, delete, upload and
vanish, and kill after kill falls on workers, on the daemon, on both, or stops one of them for longer than every limit.
Then everything is left to end, and torture_checks.py counts what is lost, doubled, different or left behind."""
import argparse
import collections
import fcntl
import json
import os
import pathlib
import random
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent)]

from api_daemon import BUILD, TERMINAL, Daemon, poll
from test_kill import alive, workers
from torture_checks import check
from torture_clients import SPECS, Client, History, table

OPTIONS = ("--slots", "3", "--hang", "2", "--grace", "1", "--checkpoint", "0")
STOPPED = 2.6  # seconds: longer than --hang, --grace and the limits of some experiments
ROUND = 60     # kills on one data directory
CLIENTS = 4


class Tormentor:
    """Kills, by a random generator; counts them."""

    def __init__(self, daemon, rng):
        self.daemon, self.rng = daemon, rng
        self.counts = collections.Counter()
        self.stopped = []  # (when it goes on, pid)

    def wake(self, everybody=False):
        now = time.monotonic()
        for entry in [entry for entry in self.stopped if everybody or entry[0] <= now]:
            self.stopped.remove(entry)
            try:
                os.kill(entry[1], signal.SIGCONT)
            except ProcessLookupError:
                pass

    @staticmethod
    def has_begun(pid):
        """Its program, to where it dies with its daemon also when it is stopped."""
        try:
            return re.search(r"NoNewPrivs:\s*1", pathlib.Path(f"/proc/{pid}/status").read_text()) is not None
        except OSError:
            return False

    def signal_workers(self, number):
        """One of the workers, or all of them; how many there were."""
        there = workers(self.daemon)
        if number == signal.SIGSTOP:  # one that has not begun its program yet would keep the daemon's lock for so long
            there = [pid for pid in there if self.has_begun(pid)]
        chosen = there if self.rng.random() < 0.2 else there[:1]
        for pid in chosen:
            try:
                os.kill(pid, number)
            except ProcessLookupError:
                continue
            if number == signal.SIGSTOP:
                self.stopped.append((time.monotonic() + STOPPED * self.rng.choice((0.3, 1, 2)), pid))
        return len(chosen)

    def kill_worker(self):
        self.counts["worker"] += self.signal_workers(signal.SIGKILL)

    def stop_worker(self):
        self.counts["worker stopped"] += self.signal_workers(signal.SIGSTOP)

    def kill_daemon(self):
        left = workers(self.daemon)
        self.daemon.process.kill()
        self.daemon.process.wait()
        self.daemon.process.stdout.close()
        self.counts["daemon"] += 1
        if self.rng.random() < 0.5:  # else the next one starts while they are still ending
            poll(lambda: not any(alive(pid) for pid in left), "workers end when the daemon is gone")
        self.daemon.start()

    def kill_both(self):
        if self.signal_workers(signal.SIGKILL):
            self.counts["worker with daemon"] += 1
        self.kill_daemon()

    def stop_daemon(self):
        os.kill(self.daemon.process.pid, signal.SIGSTOP)
        time.sleep(STOPPED)
        os.kill(self.daemon.process.pid, signal.SIGCONT)
        self.counts["daemon stopped"] += 1

    def terminate_daemon(self):
        self.wake(everybody=True)  # a worker that is stopped would be waited for
        assert self.daemon.stop() == 0, self.daemon.log()[-2000:]
        self.counts["daemon terminated"] += 1
        self.daemon.start()

    def strike(self):
        self.wake()
        deeds = ((self.kill_worker, 40), (self.kill_daemon, 20), (self.kill_both, 20), (self.stop_worker, 10),
                 (self.stop_daemon, 4), (self.terminate_daemon, 6))
        self.rng.choices([deed for deed, _ in deeds], [weight for _, weight in deeds])[0]()
        time.sleep(self.rng.random() ** 2 * 0.5)

    def total(self):
        return sum(self.counts.values()) - self.counts["worker with daemon"]


def train_undisturbed(folder):
    """The tensors of every spec, by hand, without a daemon."""
    (folder / "base.csv").write_text(table(0))
    for i, spec in enumerate(SPECS):
        by_hand = json.loads(json.dumps(spec))
        data = by_hand.get("data", {}).get("dataset")
        (folder / f"{i}.json").write_text(json.dumps(by_hand))
        subprocess.run([str(BUILD / "qlstm-worker"), "train", str(folder / f"{i}.json"), "--out", str(folder / str(i)),
                        *(("--data", str(folder / "base.csv")) if data else ())],
                       check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return [(folder / str(i) / "weights.safetensors").read_bytes() for i in range(len(SPECS))]


def settle(daemon, history):
    """Everything accepted ends once nobody disturbs it: what is paused is resumed first. Each is looked at once: lists
    of one status after the other would miss one that is queued when those that run are listed, and the reverse."""
    def left():
        busy, page = 0, {"has_more": True, "next_cursor": None}
        while page["has_more"]:
            asked = {"limit": 200, **({"cursor": page["next_cursor"]} if page["next_cursor"] else {})}
            page = daemon.get("/experiments", params=asked).json()
            for row in page["experiments"]:
                busy += row["status"] not in TERMINAL
                if row["status"] == "paused" or row["reason"] == "user_paused":
                    daemon.post(f"/experiments/{row['id']}/resume")
        time.sleep(0.2)
        return busy == 0
    poll(left, "every experiment ends")
    history.repeat_unanswered(daemon)
    poll(left, "every experiment ends, the last ones too")


def run_round(seed, kills, folder):
    """One data directory; what was found, as counts and as lines of text."""
    rng = random.Random(seed)
    expected = train_undisturbed(folder)
    daemon = Daemon(folder, *OPTIONS).start()
    assert daemon.upload("base", table(0)).status_code == 201
    history, over = History(), threading.Event()
    clients = [Client(daemon, history, random.Random(rng.random()), over) for _ in range(CLIENTS)]
    for client in clients:
        client.start()
    tormentor = Tormentor(daemon, rng)
    try:
        while tormentor.total() < kills:
            tormentor.strike()
        over.set()
        for client in clients:
            client.join()
        tormentor.wake(everybody=True)
        settle(daemon, history)
        assert daemon.stop() == 0, daemon.log()[-2000:]
        daemon.start()  # what was left is swept
        daemon.close()
    finally:
        over.set()
        if daemon.process.poll() is None:
            daemon.process.kill()
    found = check(daemon.data, history, expected)
    found["kills"] = dict(tormentor.counts)
    found["total"] = tormentor.total()
    return found


def add_up(tally, found, seed):
    """Into the file; concurrent runs wait for each other."""
    path = pathlib.Path(tally)
    path.parent.mkdir(parents=True, exist_ok=True)
    with open(path, "a+", encoding="utf-8") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        file.seek(0)
        text = file.read()
        sums = json.loads(text) if text else {"seeds": [], "kills": {}, "faults": []}
        sums["seeds"].append(seed)
        for name, count in found["kills"].items():
            sums["kills"][name] = sums["kills"].get(name, 0) + count
        for name in ("total", "experiments", "succeeded", "lost", "doubled", "differing", "leaked"):
            sums[name] = sums.get(name, 0) + found[name]
        sums["faults"] = (sums["faults"] + [f"seed {seed}: {line}" for line in found["faults"]])[:200]
        file.seek(0)
        file.truncate()
        json.dump(sums, file, indent=1)
        return sums


def next_seed(tally):
    try:
        return max(json.loads(pathlib.Path(tally).read_text(encoding="utf-8"))["seeds"]) + 1
    except (FileNotFoundError, ValueError):
        return 1


def show(title, sums):
    print(f"{title}: {sums['total']} kills ({', '.join(f'{n} {name}' for name, n in sorted(sums['kills'].items()))}); "
          f"{sums['experiments']} experiments, {sums['succeeded']} succeeded; lost {sums['lost']}, "
          f"doubled {sums['doubled']}, differing {sums['differing']}, leaked {sums['leaked']}", flush=True)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--kills", type=int, default=300)
    parser.add_argument("--seed", type=int)
    parser.add_argument("--tally", default="build/torture.json", help="where the sums are kept; none: nowhere")
    parser.add_argument("--keep", action="store_true", help="keep the data directory of a round in which a fault was found")
    options = parser.parse_args()
    kept = options.tally != "none"
    seed = options.seed if options.seed is not None else next_seed(options.tally) if kept else 1
    left, faults = options.kills, 0
    while left > 0:
        folder = pathlib.Path(tempfile.mkdtemp(prefix="qlstmd-torture-"))
        found = run_round(seed, min(left, ROUND), folder)
        show(f"seed {seed}", found)
        for line in found["faults"]:
            print(f"  {line}")
        if found["faults"] and options.keep:
            print(f"  kept: {folder}")
        else:
            shutil.rmtree(folder)
        if kept:
            sums = add_up(options.tally, found, seed)
        left -= found["total"]
        faults += len(found["faults"])
        seed += 1
    if kept:
        show("so far", sums)
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
