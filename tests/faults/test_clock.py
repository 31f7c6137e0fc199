"""Time that is not what it seems: a daemon that is stopped for longer than its limits, a clock that is set."""
import os
import pathlib
import signal
import time

import pytest

from api_daemon import BUILD, ENDLESS, poll
from test_kill import LONG, ended_once, running, transitions, workers

RUN = {**LONG, "training": {**LONG["training"], "epochs": 500}}
FAKETIME = next(pathlib.Path("/usr/lib").glob("*/faketime/libfaketime.so.1"), None)


def stopped(daemon, seconds):
    """SIGSTOP of the daemon alone; its workers go on."""
    os.kill(daemon.process.pid, signal.SIGSTOP)
    time.sleep(seconds)
    os.kill(daemon.process.pid, signal.SIGCONT)


def test_a_stopped_daemon_fails_nothing(make_daemon):
    """For longer than --hang, --grace and max_seconds, while the worker has ended or is full of what it has to say."""
    daemon = make_daemon("--slots", "2", "--hang", "2", "--grace", "1", "--checkpoint", "0")
    ends = daemon.submit({**RUN, "limits": {"max_attempts": 1, "max_seconds": 600}})
    waits = daemon.submit({**ENDLESS, "limits": {"max_attempts": 1, "max_seconds": 100000}})
    assert running(daemon, ends, 20)["status"] == "running"
    assert running(daemon, waits, 3)["status"] == "running"
    stopped(daemon, 4)
    assert daemon.wait(ends)["attempt"] == 1
    ended_once(daemon, ends)
    epoch = daemon.get(f"/experiments/{waits}").json()["progress"]["epoch"]
    row = running(daemon, waits, epoch + 3)
    assert (row["status"], row["attempt"]) == ("running", 1)
    daemon.post(f"/experiments/{waits}/cancel")
    daemon.wait(waits)


def test_max_seconds_counts_the_time_of_the_daemon(make_daemon):
    """Everything sleeps for longer than the limit, as a machine does: the run goes on where it was."""
    daemon = make_daemon("--slots", "1")
    experiment = daemon.submit({"limits": {"max_seconds": 8, "max_attempts": 1}, "training": {"epochs": 100000},
                                "hidden_size": 2, "n_qubits": 2, "depth": 1})
    running(daemon, experiment, 1)
    (worker,) = workers(daemon)
    os.kill(worker, signal.SIGSTOP)
    stopped(daemon, 9)
    epoch = daemon.get(f"/experiments/{experiment}").json()["progress"]["epoch"]
    os.kill(worker, signal.SIGCONT)
    assert running(daemon, experiment, epoch + 20)["status"] == "running"
    daemon.post(f"/experiments/{experiment}/cancel")
    assert daemon.wait(experiment)["status"] == "cancelled"


@pytest.mark.skipif(FAKETIME is None or "san-" in str(BUILD), reason="no libfaketime, or a sanitizer beside it")
def test_a_clock_that_is_set(make_daemon, tmp_path, monkeypatch):
    offset = tmp_path / "offset"

    def set_clock(text):
        (tmp_path / "next").write_text(text)
        (tmp_path / "next").rename(offset)

    set_clock("+0")
    for name, value in (("LD_PRELOAD", str(FAKETIME)), ("FAKETIME_TIMESTAMP_FILE", str(offset)),
                        ("FAKETIME_NO_CACHE", "1"), ("DONT_FAKE_MONOTONIC", "1"), ("NO_FAKE_STAT", "1"),
                        ("FAKETIME_DONT_RESET", "1")):
        monkeypatch.setenv(name, value)
    daemon = make_daemon("--slots", "1", "--checkpoint", "0")
    for name in ("LD_PRELOAD",):
        monkeypatch.delenv(name)
    key = {"Idempotency-Key": "one"}
    first = daemon.submit(RUN, headers=key)
    before = daemon.submit(ENDLESS)
    running(daemon, first, 10)
    set_clock("-2d")
    poll(lambda: daemon.submit({**RUN, "training": {"epochs": 1}}) < first or True, "something is made")
    assert daemon.get("/healthz").json()["uptime_seconds"] >= 0
    row = daemon.wait(first)
    assert row["status"] == "succeeded" and row["attempt"] == 1
    assert row["timings"]["run_seconds"] >= 0 and row["timings"]["queued_seconds"] >= 0
    set_clock("+3d")
    assert daemon.submit(RUN, headers=key) == first  # not forgotten
    assert daemon.get("/healthz").json()["uptime_seconds"] < 86400
    row = running(daemon, before, 3)
    assert row["status"] == "running" and row["timings"]["queued_seconds"] >= 0
    ids = [row["id"] for row in daemon.get("/experiments").json()["experiments"]]
    assert ids == sorted(ids, reverse=True)
    assert "worker_hung" not in [reason for *_, reason in transitions(daemon, before)]
    daemon.post(f"/experiments/{before}/cancel")
    daemon.wait(before)
