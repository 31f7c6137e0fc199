"""What a kill leaves of files: whatever is nobody's goes, at the start and in operation; what is somebody's stays."""
import fcntl
import hashlib
import os
import pathlib
import signal
import socket
import subprocess

import pytest
import requests

from api_daemon import BUILD, DEADLINE, ENDLESS, poll
from test_kill import LONG, SHORT, crash, running, tensors, workers

CSV = "t,v\n" + "".join(f"{i},{i % 7}\n" for i in range(60))
OLD_ID = "01ARZ3NDEKTSV4RRFFQ69G5FAV"  # of 2016: older than every experiment here


def things(data):
    """Every file and folder below the data directory but the service's own."""
    found = (path.relative_to(data) for path in pathlib.Path(data).rglob("*"))
    return {str(path) for path in found if not str(path).startswith("qlstmd.") and str(path) not in ("runs", "datasets")}


def put(path, text="x"):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.unlink(missing_ok=True)  # it may be a second name of something
    path.write_text(text)
    return path


def plant_unowned(data, done):
    """One of each kind: returns what must go."""
    sha = hashlib.sha256(b"never registered").hexdigest()
    attempt = data / "runs" / done / "attempt-1"
    return [
        put(data / "datasets" / f".{sha}.csv.0123abcd.tmp"),           # an upload that a kill cut off
        put(data / "datasets" / f"{sha}.csv"),                         # one without a row
        put(data / "datasets" / f"{sha}.npy.gz"),
        put(data / "runs" / OLD_ID / "attempt-1" / "worker.log"),      # a deleted experiment
        put(attempt / ".checkpoint-12.safetensors.89abcdef.tmp"),      # a worker that was killed
        put(attempt / ".spec.json.89abcdef.tmp"),
        put(attempt / ".weights.safetensors.89abcdef.tmp"),
        put(attempt / ".predictions.csv.89abcdef.tmp"),
        put(attempt / "checkpoint-7.safetensors"),                     # without a row
        put(attempt / "weights-best.safetensors"),                     # of a worker that was killed before it was done
        put(attempt / "weights-last.safetensors"),
        put(attempt / ".weights-best.safetensors.89abcdef.tmp"),
        put(attempt / "data.csv"),                                     # a link that only a running attempt needs
        put(data / ".qlstmd.reserve.00112233.tmp"),
        put(data / ".keys.json.00112233.tmp"), put(data / ".keys.used.json.00112233.tmp"),
    ]


def plant_foreign(data, done):
    """What users and other programs leave: returns what must stay."""
    attempt = data / "runs" / done / "attempt-1"
    sha = "ab" * 32
    return [
        put(data / "notes.txt"), put(data / ".notes.tmp"), put(data / "backup" / "old.csv"),
        put(data / "datasets" / "notes.txt"), put(data / "datasets" / "prices.csv"),
        put(data / "datasets" / f"{sha}.txt"), put(data / "datasets" / f"{sha}.csv.bak"),
        put(data / "datasets" / ".notes.0123abcd.tmp"), put(data / "datasets" / f".{sha}.csv.tmp"),
        put(data / "datasets" / f"{sha[:-1]}.csv"),
        put(data / "runs" / "notes.txt"), put(data / "runs" / "mine" / "notes.txt"),
        put(data / "runs" / OLD_ID.lower() / "notes.txt"),
        put(data / "runs" / done / "notes.txt"), put(data / "runs" / done / "attempt-x" / "a"),
        put(attempt / "notes.txt"), put(attempt / "checkpoint-best.safetensors"), put(attempt / "plot.png"),
    ]


def data_of(daemon, experiment):
    return daemon.data / "runs" / experiment


def owned_before(daemon):
    """A run with results, one that was cancelled after a checkpoint, a data set."""
    assert daemon.upload("mine", CSV).status_code == 201
    done = daemon.train({**SHORT, "data": {"dataset": "mine", "window": 4, "targets": ["v"]}})["id"]
    stopped = daemon.submit(LONG)
    running(daemon, stopped, 20)
    daemon.post(f"/experiments/{stopped}/cancel")
    daemon.wait(stopped)
    return done, stopped


@pytest.mark.parametrize("how", ["at the start", "in operation"])
def test_what_is_nobodys_goes(make_daemon, how):
    daemon = make_daemon("--slots", "1", "--checkpoint", "0", "--sweep", "1")
    done, stopped = owned_before(daemon)
    weights = tensors(daemon, done)
    before = daemon.get(f"/experiments/{done}/report").content
    if how == "at the start":
        crash(daemon)
    foreign, unowned = plant_foreign(daemon.data, done), plant_unowned(daemon.data, done)
    if how == "at the start":
        unowned.append(put(data_of(daemon, done) / "attempt-7" / "worker.log"))  # of a copy that was put back
        daemon.start()
    gone = lambda: not any(path.exists() for path in unowned)
    if how == "at the start":
        assert gone(), [path for path in unowned if path.exists()]
    else:
        poll(gone, "a sweep")
    assert not (daemon.data / "runs" / OLD_ID).exists()
    assert all(path.read_text() == "x" for path in foreign)
    assert tensors(daemon, done) == weights and daemon.get(f"/experiments/{done}/report").content == before
    assert daemon.get("/datasets/mine/content").text == CSV
    log = {path.name for path in (daemon.data / "runs" / stopped / "attempt-1").iterdir()}
    assert "worker.log" in log and not any(name.startswith((".", "data")) for name in log), log
    assert "swept: " in daemon.log()


def test_what_is_written_stays(make_daemon):
    """A temporary file that a process holds, however old; an attempt that runs; an upload on its way."""
    daemon = make_daemon("--slots", "1", "--checkpoint", "0", "--sweep", "1")
    endless = daemon.submit(ENDLESS)
    running(daemon, endless, 1)
    sha = hashlib.sha256(b"on its way").hexdigest()
    held = put(daemon.data / "datasets" / f".{sha}.csv.0123abcd.tmp")
    begun = put(daemon.data / "runs" / endless / "attempt-1" / ".checkpoint-9.safetensors.0123abcd.tmp")
    beside = put(daemon.data / "datasets" / f".{sha}.csv.4567abcd.tmp")
    os.utime(held, (0, 0))
    os.utime(begun, (0, 0))
    with open(held) as file:
        fcntl.flock(file, fcntl.LOCK_SH)
        poll(lambda: not beside.exists(), "a sweep")
        beside = put(beside)
        poll(lambda: not beside.exists(), "another sweep")
        assert held.exists() and begun.exists()
    poll(lambda: not held.exists(), "a sweep after the writer has gone")
    assert begun.exists()
    daemon.post(f"/experiments/{endless}/cancel")
    daemon.wait(endless)
    poll(lambda: not begun.exists(), "a sweep after the attempt")


def test_a_deleted_run_whose_folder_stayed(make_daemon):
    """The newest of all, deleted: nothing in the database is younger, and the folder goes all the same."""
    daemon = make_daemon("--slots", "1")
    first, last = daemon.train(SHORT)["id"], daemon.train(SHORT)["id"]
    folder = daemon.data / "runs" / last
    (folder / "attempt-1" / "deep").mkdir()
    kept = [(path.relative_to(folder), path.read_bytes()) for path in folder.rglob("*") if path.is_file()]
    assert daemon.request("DELETE", f"/experiments/{last}").status_code == 204
    crash(daemon)
    for name, content in kept:  # as if the kill had come between the commit and the removal
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
    daemon.start()
    assert not folder.exists() and (daemon.data / "runs" / first).exists()
    assert daemon.get(f"/experiments/{last}").status_code == 404
    crash(daemon)
    daemon.start()  # and nothing is made of it later


def test_kills_leave_nothing(make_daemon):
    """kill -9 of the daemon in uploads, and of workers that write checkpoints: in the end every file is owned."""
    daemon = make_daemon("--slots", "1", "--checkpoint", "0")
    endless = daemon.submit({**ENDLESS, "limits": {"max_attempts": 10}})
    for round_ in range(4):
        running(daemon, endless, 1)
        half = socket.create_connection(("127.0.0.1", daemon.port))
        half.sendall(b"POST /datasets?name=half HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\nhalf")
        big = "v\n" + f"{round_}\n" * 400000
        try:
            requests.post(daemon.url + "/datasets", data=big, params={"name": f"big{round_}"}, timeout=0.01,
                          headers={"Content-Type": "text/csv"})
        except requests.RequestException:
            pass
        for pid in workers(daemon):
            os.kill(pid, signal.SIGKILL)
        crash(daemon)
        half.close()
        daemon.start()
    daemon.post(f"/experiments/{endless}/cancel")
    daemon.wait(endless)
    assert daemon.stop() == 0
    daemon.start()
    left = things(daemon.data)
    named = {f"datasets/{row['sha256']}.csv" for row in daemon.get("/datasets").json()["datasets"] if not row["builtin"]}
    assert {name for name in left if name.startswith("datasets/")} == named
    assert not [name for name in left if name.endswith(".tmp")], left
    checkpoints = [name for name in left if "checkpoint" in name]
    assert len(checkpoints) <= 2, checkpoints


def test_a_healthy_folder_has_nothing_of_nobody(make_daemon):
    """Right after an end, of whatever kind, without a sweep."""
    daemon = make_daemon("--slots", "1", "--checkpoint", "0")

    def healthy():
        done = subprocess.run([BUILD / "qlstmd", "check", "--data", daemon.data], capture_output=True, text=True,
                              timeout=DEADLINE)
        assert done.returncode == 0, done.stdout + done.stderr

    assert daemon.upload("waves", "value\n" + "\n".join(str(i % 7) for i in range(60)) + "\n").status_code == 201
    spec = {"hidden_size": 2, "n_qubits": 2, "data": {"dataset": "waves"}, "training": {"epochs": 3}}
    daemon.train(spec)
    healthy()
    failing = {**spec, "training": {"epochs": 50, "optimizer": {"type": "sgd", "learning_rate": 100}}}
    failing = {"type": "lstm", "hidden_size": 2, **{key: failing[key] for key in ("data", "training")}}
    assert daemon.wait(daemon.submit(failing))["status"] == "failed"
    healthy()
    experiment = daemon.submit({**spec, "training": {"epochs": 600}})
    daemon.wait(experiment, lambda row: row["progress"]["epoch"] > 1)
    daemon.post(f"/experiments/{experiment}/pause")
    daemon.wait(experiment, lambda row: row["status"] == "paused")
    healthy()
    daemon.post(f"/experiments/{experiment}/resume")
    assert daemon.wait(experiment)["attempt"] == 2
    healthy()
    cancelled = daemon.submit({**spec, "training": {"epochs": 100000}})
    daemon.wait(cancelled, lambda row: row["progress"]["epoch"] > 1)
    daemon.post(f"/experiments/{cancelled}/cancel")
    daemon.wait(cancelled)
    healthy()
