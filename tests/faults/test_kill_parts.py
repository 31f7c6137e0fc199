"""kill -9 of a run's worker: snapshots of epochs on the way, folds and translations are those of a run that nobody killed."""
import json
import os
import random
import signal
import subprocess

from api_daemon import BUILD
from test_kill import ended_once, resumed_from, running, workers

SNAPSHOTS = [1, 5, 690]
MODEL = {"hidden_size": 6, "data": {"dataset": "sine"}}
LONG = {**MODEL, "training": {"epochs": 700, "shuffle": True, "snapshots": SNAPSHOTS, "optimizer": {"type": "adam"}}}
FOLDS = {**MODEL, "data": {"dataset": "sine", "folds": {"count": 3}},
         "training": {"epochs": 200, "optimizer": {"type": "adam"}}}


HYBRID = {"type": "hqrnn", "n_qubits": 3, "hidden_size": 6}
TRANSLATION = {
    "data": {"dataset": "killed_pairs", "task": "translation", "vocabulary": 20, "max_length": 8, "beam_width": 2,
             "split": {"train": 0.8, "validation": 0.1}},
    "model": {"layers": [{"type": "embedding"}, HYBRID, {"type": "decoder", "handover": "state"}, HYBRID,
                         {"type": "attention", "score": "general"}, {"type": "dense", "units": 8}, {"type": "dense", "tied": True}]},
    "training": {"epochs": 60, "batch_size": 16, "shuffle": True, "optimizer": {"type": "adam", "learning_rate": 0.02}},
}


def by_hand(spec, folder, *more):
    folder.mkdir()
    (folder / "spec.json").write_text(json.dumps(spec))
    subprocess.run([str(BUILD / "qlstm-worker"), "train", str(folder / "spec.json"), "--out", str(folder / "out"), *more],
                   check=True, stdout=subprocess.DEVNULL)
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


def test_a_translation_goes_on(make_daemon, tmp_path):
    draw = random.Random(1)
    lines = [[draw.choice("abcdefgh") for _ in range(draw.randint(1, 6))] for _ in range(300)]
    text = "".join(f"{' '.join(line)}\t{' '.join(letter.upper() for letter in reversed(line))}\n" for line in lines)
    (tmp_path / "pairs.tsv").write_text(text)
    daemon = make_daemon("--checkpoint", "0")
    uploaded = daemon.request("POST", "/datasets", params={"name": "killed_pairs", "text": "pairs"}, data=text.encode(),
                              headers={"Content-Type": "text/plain"})
    assert uploaded.status_code == 201, uploaded.text
    run = killed_at(daemon, TRANSLATION, 20)
    assert resumed_from(daemon, run) >= 10
    whole = by_hand(TRANSLATION, tmp_path / "whole", "--data", str(tmp_path / "pairs.tsv"), "--dialect", '{"text": "pairs"}')
    assert daemon.get(f"/experiments/{run}/predictions").content == (whole / "predictions.csv").read_bytes()
    report, expected = daemon.get(f"/experiments/{run}/report").json(), json.loads((whole / "report.json").read_text())
    assert report["metrics"] == expected["metrics"]
    columns = ("train_loss", "validation_loss", "validation_bleu")
    assert [[row[key] for key in columns] for row in report["history"]] == [[row[key] for key in columns] for row in expected["history"]]
