"""kill -9 of a run's worker: snapshots of epochs on the way and folds are those of a run that nobody killed."""
import json
import os
import signal
import subprocess

from api_daemon import BUILD
from test_kill import ended_once, resumed_from, running, workers

SNAPSHOTS = [1, 5, 690]
MODEL = {"hidden_size": 6, "data": {"dataset": "sine"}}
LONG = {**MODEL, "training": {"epochs": 700, "shuffle": True, "snapshots": SNAPSHOTS, "optimizer": {"type": "adam"}}}
FOLDS = {**MODEL, "data": {"dataset": "sine", "folds": {"count": 3}},
         "training": {"epochs": 200, "optimizer": {"type": "adam"}}}


def by_hand(spec, folder):
    folder.mkdir()
    (folder / "spec.json").write_text(json.dumps(spec))
    subprocess.run([str(BUILD / "qlstm-worker"), "train", str(folder / "spec.json"), "--out", str(folder / "out")], check=True,
                   stdout=subprocess.DEVNULL)
    return folder / "out"


def killed_at(daemon, spec, epoch):
    run = daemon.submit(spec)
    assert running(daemon, run, epoch)["status"] == "running"
    for pid in workers(daemon):
        os.kill(pid, signal.SIGKILL)
    daemon.wait(run)
    assert ended_once(daemon, run)["attempt"] == 2
    return run


def test_snapshots_come_out_of_the_checkpoint(make_daemon, tmp_path):
    daemon = make_daemon("--checkpoint", "0")
    run = killed_at(daemon, LONG, 20)
    assert resumed_from(daemon, run) >= 10  # behind the first two
    whole = by_hand(LONG, tmp_path / "whole")
    for epoch in SNAPSHOTS:
        predictions = daemon.get(f"/experiments/{run}/predictions?epoch={epoch}").content
        assert predictions == (whole / f"snapshot-{epoch}-predictions.csv").read_bytes()
        assert daemon.get(f"/experiments/{run}/weights?epoch={epoch}").status_code == 200
    assert daemon.get(f"/experiments/{run}/predictions").content == (whole / "predictions.csv").read_bytes()


def test_folds_begin_again(make_daemon, tmp_path):
    """Killed once the last epoch of the run itself is there: folds are what is under way."""
    daemon = make_daemon("--checkpoint", "0")
    run = killed_at(daemon, FOLDS, 200)
    assert resumed_from(daemon, run) >= 199  # the last epoch's checkpoint is written just behind its line
    whole = by_hand(FOLDS, tmp_path / "whole")
    report = daemon.get(f"/experiments/{run}/report").json()
    assert report["folds"] == json.loads((whole / "report.json").read_text())["folds"]
    assert len(report["folds"]["folds"]) == 3
    assert daemon.get(f"/experiments/{run}/predictions").content == (whole / "predictions.csv").read_bytes()
