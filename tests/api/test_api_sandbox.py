"""Workers and predictors of a real daemon are in their sandbox, and die with it."""
import os
import pathlib
import signal

from api_daemon import BUILD, ENDLESS, poll
from test_api_operation import children

SPEC = {"type": "lstm", "hidden_size": 2, "training": {"epochs": 2}}
RELAXED = "san-" in str(BUILD) or "coverage" in str(BUILD)


def status(pid):
    lines = pathlib.Path(f"/proc/{pid}/status").read_text().splitlines()
    return dict(line.split(":\t", 1) for line in lines if ":\t" in line)


def limit(pid, name):
    (line,) = [line for line in pathlib.Path(f"/proc/{pid}/limits").read_text().splitlines() if line.startswith(name)]
    return line[26:].split()[0]


def check(pid):
    assert status(pid)["NoNewPrivs"] == "1" and limit(pid, "Max core file size") == "0"
    if not RELAXED:
        assert status(pid)["Seccomp"] == "2"
        assert 2**30 < int(limit(pid, "Max address space")) < 2**33


def test_workers_and_predictors(make_daemon):
    daemon = make_daemon("--slots", "1", "--threads", "1", "--max-memory", "512M")
    done = daemon.train(SPEC)
    assert daemon.post(f"/experiments/{done['id']}/predict", {"inputs": [[[0.1]] * 4]}).status_code == 200
    (predictor,) = children(daemon.process.pid)
    check(predictor)
    running = daemon.submit(ENDLESS)
    daemon.wait(running, lambda row: row["progress"]["epoch"] > 0)
    (worker,) = set(children(daemon.process.pid)) - {predictor}
    check(worker)
    assert limit(worker, "Max address space") == limit(predictor, "Max address space")  # each with one thread
    log = (daemon.data / "runs" / running / "attempt-1" / "worker.log").read_text()
    assert "seccomp" not in log


def test_a_stopped_worker_dies_with_its_daemon(make_daemon):
    daemon = make_daemon()
    running = daemon.submit(ENDLESS)
    daemon.wait(running, lambda row: row["progress"]["epoch"] > 0)
    (worker,) = children(daemon.process.pid)
    os.kill(worker, signal.SIGSTOP)
    try:
        daemon.process.kill()
        daemon.process.wait()
        poll(lambda: not os.path.exists(f"/proc/{worker}") or status(worker)["State"].startswith(("Z", "X")), "it is gone")
    finally:
        if os.path.exists(f"/proc/{worker}"):
            os.kill(worker, signal.SIGKILL)
    daemon.process.stdout.close()
    daemon.start()
    assert daemon.get(f"/experiments/{running}").json()["status"] in ("queued", "running")
