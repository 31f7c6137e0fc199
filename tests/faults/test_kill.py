"""kill -9 of workers and of the daemon: every accepted experiment ends, exactly once, and nothing in it shows the kill."""
import json
import os
import pathlib
import signal
import sqlite3
import subprocess
import threading

import pytest
import requests

from api_daemon import BUILD, DEADLINE, TERMINAL, poll, read_safetensors

# Seconds of training: more than it takes to see that it runs, and to kill it.
LONG = {"hidden_size": 6, "training": {"epochs": 1500, "shuffle": True, "optimizer": {"type": "adam"}}}
SHORT = {"hidden_size": 4, "training": {"epochs": 5}}


def children(pid):
    """The pids of a process's children (other threads of it may have started them)."""
    found = []
    for task in pathlib.Path(f"/proc/{pid}/task").iterdir():
        try:
            found += [int(child) for child in (task / "children").read_text().split()]
        except (FileNotFoundError, ProcessLookupError):
            pass  # a thread that has just ended
    return found


def alive(pid):
    try:
        return pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def workers(daemon):
    return [pid for pid in children(daemon.process.pid) if alive(pid)]


def crash(daemon):
    """kill -9 of the daemon; waits until its workers have noticed."""
    left = workers(daemon)
    daemon.process.kill()
    daemon.process.wait()
    daemon.process.stdout.close()
    poll(lambda: not any(alive(pid) for pid in left), "workers end when the daemon is gone")


def transitions(daemon, experiment):
    db = sqlite3.connect(f"file:{daemon.data}/qlstmd.db?mode=ro", uri=True)
    try:
        return db.execute("SELECT attempt, from_status, to_status, reason FROM transition WHERE experiment_id = ? "
                          "ORDER BY seq", (experiment,)).fetchall()
    finally:
        db.close()


def ended_once(daemon, experiment):
    row = daemon.get(f"/experiments/{experiment}").json()
    assert row["status"] == "succeeded", row
    steps = transitions(daemon, experiment)
    assert [to for _, _, to, _ in steps if to in TERMINAL] == ["succeeded"]
    attempts = [attempt for attempt, _, to, _ in steps if to == "running"]
    assert attempts == sorted(set(attempts)) and attempts[-1] == row["attempt"]
    metrics = daemon.get(f"/experiments/{experiment}/metrics").json()["metrics"]
    assert [m["epoch"] for m in metrics] == list(range(1, row["progress"]["epochs"] + 1))
    return row


def undisturbed(spec, tmp_path, *options):
    """The tensors of the same spec trained by hand, without daemon or interruption."""
    (tmp_path / "spec.json").write_text(json.dumps(spec))
    subprocess.run([str(BUILD / "qlstm-worker"), "train", str(tmp_path / "spec.json"), "--out", str(tmp_path / "out"),
                    *map(str, options)], check=True, stdout=subprocess.DEVNULL)
    return read_safetensors((tmp_path / "out" / "weights.safetensors").read_bytes())[0]


def tensors(daemon, experiment):
    return read_safetensors(daemon.get(f"/experiments/{experiment}/weights").content)[0]


def resumed_from(daemon, experiment):
    """The epoch that the last attempt went on from; 0: from scratch."""
    return daemon.get(f"/experiments/{experiment}/report").json()["resumed_from"]


def running(daemon, experiment, epoch):
    return daemon.wait(experiment, lambda row: row["terminal"] or row["progress"]["epoch"] >= epoch)


def test_kill_workers_with_ten_queued_behind(make_daemon, tmp_path):
    daemon = make_daemon("--slots", "2", "--checkpoint", "0")
    first = [daemon.submit({**LONG, "training": {**LONG["training"], "seed": seed}}) for seed in (1, 2)]
    rest = [daemon.submit(SHORT) for _ in range(10)]
    for experiment in first:
        assert running(daemon, experiment, 20)["status"] == "running"
    assert len(workers(daemon)) == 2
    for pid in workers(daemon):
        os.kill(pid, signal.SIGKILL)
    for experiment in first + rest:
        daemon.wait(experiment)
    for experiment in first:
        row = ended_once(daemon, experiment)
        assert row["attempt"] == 2
        assert resumed_from(daemon, experiment) >= 10  # a checkpoint after each epoch, and the kill came after 20
        assert "worker_crashed" in [reason for *_, reason in transitions(daemon, experiment)]
    for experiment in rest:
        assert ended_once(daemon, experiment)["attempt"] == 1
    expected = undisturbed({**LONG, "training": {**LONG["training"], "seed": 1}}, tmp_path)
    assert tensors(daemon, first[0]) == expected, "resumed run differs from an uninterrupted one"


def test_kill_daemon_twice(make_daemon, tmp_path):
    daemon = make_daemon("--slots", "2", "--checkpoint", "0")
    first = [daemon.submit(LONG) for _ in range(2)]
    rest = [daemon.submit(SHORT) for _ in range(10)]
    for kill in (1, 2):
        for experiment in first:
            assert running(daemon, experiment, 100 * kill)["status"] == "running"
        crash(daemon)
        daemon.start()
        seen = {row["id"] for row in daemon.get("/experiments?limit=200").json()["experiments"]}
        assert seen == set(first + rest)
    for experiment in first + rest:
        daemon.wait(experiment)
        ended_once(daemon, experiment)
    assert daemon.get(f"/experiments/{first[0]}").json()["attempt"] == 3
    assert all(resumed_from(daemon, experiment) >= 100 for experiment in first)
    assert all(resumed_from(daemon, experiment) == 0 for experiment in rest)
    assert tensors(daemon, first[0]) == tensors(daemon, first[1]) == undisturbed(LONG, tmp_path)


def test_terminate_drains_and_resumes(make_daemon, tmp_path):
    daemon = make_daemon("--slots", "1")
    spec = {**LONG, "training": {**LONG["training"], "epochs": 2000}}
    experiment = daemon.submit(spec)
    running(daemon, experiment, 50)
    assert daemon.stop() == 0
    daemon.start()
    row = daemon.wait(experiment)
    assert row["attempt"] == 2 and ended_once(daemon, experiment)
    assert resumed_from(daemon, experiment) > 0
    assert "shutdown" in [reason for *_, reason in transitions(daemon, experiment)]
    left = (daemon.data / "runs" / experiment).rglob("checkpoint-*")
    assert any(left), "the drain left a checkpoint to resume from"
    assert tensors(daemon, experiment) == undisturbed(spec, tmp_path)


def test_accepted_means_durable(make_daemon):
    """Clients submit from eight threads while the daemon is killed: each 202 is there afterwards."""
    daemon = make_daemon("--slots", "1")
    accepted, lock = [], threading.Lock()

    def submit():
        with requests.Session() as session:
            while True:
                try:
                    reply = session.post(daemon.url + "/experiments", json=SHORT, timeout=DEADLINE)
                except requests.RequestException:
                    return
                assert reply.status_code == 202
                with lock:
                    accepted.append(reply.json()["id"])

    threads = [threading.Thread(target=submit) for _ in range(8)]
    for thread in threads:
        thread.start()
    poll(lambda: len(accepted) >= 100, "a hundred accepted")
    crash(daemon)
    for thread in threads:
        thread.join()
    daemon.start()
    assert len(accepted) == len(set(accepted)) >= 100
    for experiment in accepted:
        assert daemon.get(f"/experiments/{experiment}").status_code == 200
        assert transitions(daemon, experiment)[0] == (0, None, "queued", None)


def test_crash_loop_ends(make_daemon, tmp_path):
    """A worker that dies at once, every time: failed after max_attempts, with the reason, and the queue goes on."""
    script = tmp_path / "worker"
    script.write_text("#!/bin/sh\nkill -9 $$\n")
    script.chmod(0o755)
    daemon = make_daemon("--worker", str(script), "--slots", "1")
    experiment = daemon.submit({**SHORT, "limits": {"max_attempts": 2}})
    row = daemon.wait(experiment)
    assert (row["status"], row["reason"], row["attempt"]) == ("failed", "too_many_attempts", 2)
    assert "signal 9" in row["reason_message"]
    steps = transitions(daemon, experiment)
    assert [to for _, _, to, _ in steps] == ["queued", "running", "queued", "running", "failed"]


def test_stopped_worker_is_fenced(make_daemon):
    """A worker that hangs is given up; when it wakes up again its attempt is over and its words count for nothing."""
    daemon = make_daemon("--slots", "1", "--hang", "5", "--grace", "1", "--checkpoint", "0")
    experiment = daemon.submit({**LONG, "limits": {"max_attempts": 10}})
    running(daemon, experiment, 20)
    (pid,) = workers(daemon)
    os.kill(pid, signal.SIGSTOP)
    daemon.wait(experiment, lambda row: row["attempt"] >= 2 and row["progress"]["epoch"] > 20 or row["terminal"])
    if alive(pid):
        os.kill(pid, signal.SIGCONT)
    daemon.wait(experiment)
    ended_once(daemon, experiment)
    assert resumed_from(daemon, experiment) > 0
    assert "worker_hung" in [reason for *_, reason in transitions(daemon, experiment)]


def test_a_stopped_worker_ends_with_the_daemon(make_daemon):
    """The end of its pipe does not reach it; it would stay for ever."""
    daemon = make_daemon("--slots", "1")
    running(daemon, daemon.submit(LONG), 5)
    (pid,) = workers(daemon)
    os.kill(pid, signal.SIGSTOP)
    crash(daemon)
    assert not alive(pid)


def shown_words(daemon, experiment):
    """The lines of drawn sequences that the log has; those of an epoch that was computed again are the same."""
    said = [event.get("message", "") for event in daemon.get(f"/experiments/{experiment}/events?limit=1000").json()["events"]]
    return sorted({line for line in said if ", drawn " in line})


@pytest.mark.parametrize("training", [
    {"optimizer": {"type": "adam"}, "epoch_batches": 7, "shown_sequences": 2},
    {"optimizer": {"type": "lbfgs", "history": 5, "iterations": 2}},
])
def test_killed_while_it_draws_words(make_daemon, training):
    """Bausch's network: weights, and what the draws of the other parts were measured by, are those of an undisturbed
    run; also where an epoch, with its validation, is a few batches, and drawn sequences are shown."""
    spec = {"data": {"dataset": "elman_xor", "task": "words", "word_bits": 2, "length": 36,
                     "split": {"train": 0.6, "validation": 0.2}},
            "model": {"layers": [{"type": "qrnn", "workspace": 5, "degree": 3}]},
            "training": {"epochs": 40, "batch_size": 32, "shuffle": True, **training},
            "simulation": {"precision": "float32"}}
    daemon = make_daemon("--slots", "1", "--checkpoint", "0")
    experiment, undisturbed_one = daemon.submit(spec), daemon.submit(spec)
    assert running(daemon, experiment, 5)["status"] == "running"
    os.kill(workers(daemon)[0], signal.SIGKILL)
    daemon.wait(experiment)
    daemon.wait(undisturbed_one)
    assert ended_once(daemon, experiment)["attempt"] == 2 and resumed_from(daemon, experiment) >= 1
    assert tensors(daemon, experiment) == tensors(daemon, undisturbed_one)
    shown = [shown_words(daemon, one) for one in (experiment, undisturbed_one)]
    assert shown[0] == shown[1] and len(shown[0]) == 40 * training.get("shown_sequences", 0)
    rows = [[{k: v for k, v in epoch.items() if k.startswith(("train_", "validation_", "test_"))}
             for epoch in daemon.get(f"/experiments/{one}/metrics").json()["metrics"]]
            for one in (experiment, undisturbed_one)]
    assert rows[0] == rows[1] and len(rows[0]) == 40


def test_killed_while_a_state_is_kept(make_daemon):
    """The hybrid network, with values dropped and readouts drawn: the weights and losses of an undisturbed run."""
    spec = {"data": {"dataset": "damped_shm", "window": 12},
            "model": {"layers": [{"type": "hqrnn", "n_qubits": 5, "hidden_size": 6, "dropout_p": 0.2, "reading": "projective",
                                  "initial_state": "learned"}]},
            "training": {"epochs": 40, "batch_size": 32, "shuffle": True, "optimizer": {"type": "adam"}}}
    daemon = make_daemon("--slots", "1", "--checkpoint", "0")
    experiment, undisturbed_one = daemon.submit(spec), daemon.submit(spec)
    assert running(daemon, experiment, 5)["status"] == "running"
    os.kill(workers(daemon)[0], signal.SIGKILL)
    daemon.wait(experiment)
    daemon.wait(undisturbed_one)
    assert ended_once(daemon, experiment)["attempt"] == 2 and resumed_from(daemon, experiment) >= 1
    assert tensors(daemon, experiment) == tensors(daemon, undisturbed_one)
    rows = [[{k: v for k, v in epoch.items() if k.endswith("_loss")}
             for epoch in daemon.get(f"/experiments/{one}/metrics").json()["metrics"]]
            for one in (experiment, undisturbed_one)]
    assert rows[0] == rows[1] and len(rows[0]) == 40
