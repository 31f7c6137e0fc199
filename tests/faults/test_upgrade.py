"""Data folders that older versions left behind, one killed in the middle of a run: opened, migrated, served, finished."""
import pathlib
import shutil
import sqlite3

import pytest

from api_daemon import Daemon, read_safetensors
from test_kill import tensors, undisturbed

OLD = pathlib.Path(__file__).parent / "version1"


def lay_out(folder, old=OLD):
    """The folder that the fixture describes: database.sql becomes the database, the rest is copied."""
    shutil.copytree(old, folder, ignore=shutil.ignore_patterns("database.sql"))
    db = sqlite3.connect(folder / "qlstmd.db")
    db.executescript((old / "database.sql").read_text())
    db.close()


def version(path):
    db = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
    try:
        return db.execute("PRAGMA user_version").fetchone()[0], db.execute("SELECT count(*) FROM experiment").fetchone()[0]
    finally:
        db.close()


def checkpoint_of(old, experiment):
    """The epoch of a run's checkpoint, and the rows of its history one after the other."""
    (path,) = (old / "runs" / experiment / "attempt-1").glob("checkpoint-*.safetensors")
    content, metadata = read_safetensors(path.read_bytes())
    return int(metadata["epoch"]), content["history"][1]


def test_a_folder_of_version_1(tmp_path):
    lay_out(tmp_path / "data")
    daemon = Daemon(tmp_path, "--slots", "1").start()
    try:
        rows = {row["spec"]["name"]: row for row in daemon.get("/experiments").json()["experiments"]}
        assert set(rows) == {"done", "failed", "running"}
        assert version(tmp_path / "data" / "qlstmd.db.v1") == (1, 3)
        newest, count = version(tmp_path / "data" / "qlstmd.db")
        assert newest > 1 and count == 3

        done = rows["done"]["id"]
        attempt = OLD / "runs" / done / "attempt-1"
        assert daemon.get(f"/experiments/{done}/weights").content == (attempt / "weights.safetensors").read_bytes()
        assert daemon.get(f"/experiments/{done}/predictions").content == (attempt / "predictions.csv").read_bytes()
        assert daemon.get(f"/experiments/{done}/report").content == (attempt / "report.json").read_bytes()
        metrics = daemon.get(f"/experiments/{done}/metrics").json()["metrics"]
        events = daemon.get(f"/experiments/{done}/events").json()["events"]
        assert [e.get("to") or e["epoch"] for e in events] == ["queued", "running", 1, 2, 3, "succeeded"]
        assert [{k: e[k] for k in metrics[0]} for e in events if e["type"] == "epoch"] == metrics
        assert daemon.get("/datasets/old/content").content == next((OLD / "datasets").iterdir()).read_bytes()
        again = daemon.train(daemon.get(f"/experiments/{done}").json()["spec"])
        assert tensors(daemon, again["id"]).keys() == tensors(daemon, done).keys()

        running = rows["running"]["id"]
        row = daemon.wait(running)
        assert row["status"] == "succeeded" and row["attempt"] == 2
        log = (tmp_path / "data" / "runs" / running / "attempt-2" / "worker.log").read_text()
        # Its checkpoint is of a built-in series whose last bits were others: said, and begun again.
        assert "starting from the beginning" in log and "belongs to another experiment, or its data were others" in log
        epochs = [e for e in daemon.get(f"/experiments/{running}/events", params={"limit": 1000}).json()["events"]
                  if e["type"] == "epoch"]
        assert [(e["attempt"], e["epoch"]) for e in epochs] == [(1 + (k > 7), k) for k in range(1, 401)]  # each once
        assert tensors(daemon, running) == undisturbed(row["spec"], tmp_path)
    finally:
        daemon.close()


def test_data_sets_of_version_2(tmp_path):
    """Rows without a kind are CSV; trained on again, they give the weights that they gave, but for last bits: the
    arithmetic is another."""
    old = OLD.parent / "version2"
    lay_out(tmp_path / "data", old)
    daemon = Daemon(tmp_path, "--slots", "1").start()
    try:
        assert version(tmp_path / "data" / "qlstmd.db.v2") == (2, 1)
        for name, has_header in (("old", True), ("bare", False)):
            row = daemon.get(f"/datasets/{name}").json()
            assert row["kind"] == "csv" and row["description"] == {"has_header": has_header}
            assert row["has_header"] == has_header
            content = daemon.get(row["links"]["content"])
            assert content.content == (old / "datasets" / f"{row['sha256']}.csv").read_bytes()
            assert content.headers["Content-Type"] == "text/csv"
        assert daemon.get("/datasets/old").json()["columns"] == [
            {"name": "t", "numeric": True}, {"name": "value", "numeric": True},
            {"name": "note", "numeric": False, "bad_line": 2, "bad_text": "n0"}]
        (done,) = daemon.get("/experiments").json()["experiments"]
        again = daemon.train(daemon.get(f"/experiments/{done['id']}").json()["spec"])
        new, before = tensors(daemon, again["id"]), tensors(daemon, done["id"])
        assert new.keys() == before.keys()
        for name, (shape, values) in before.items():
            assert new[name][0] == shape and new[name][1] == pytest.approx(values, rel=1e-9, abs=1e-12)
        assert daemon.request("DELETE", "/datasets/bare").status_code == 204
        assert len(list((tmp_path / "data" / "datasets").iterdir())) == 1
    finally:
        daemon.close()


@pytest.mark.parametrize("version_before, arithmetic", [(1, "0 on an unknown instruction set"), (4, "0 on x86-64-v4")])
def test_runs_go_on_from_old_checkpoints(tmp_path, version_before, arithmetic):
    """Two runs of an uploaded data set, killed in the middle: no epoch is done twice, and what computed them is said."""
    old = OLD.parent / f"version{version_before}_runs"
    lay_out(tmp_path / "data", old)
    (file,) = (old / "datasets").iterdir()
    daemon = Daemon(tmp_path, "--slots", "1").start()
    try:
        assert version(tmp_path / "data" / f"qlstmd.db.v{version_before}") == (version_before, 2)
        ids = {row["spec"]["name"]: row["id"] for row in daemon.get("/experiments").json()["experiments"]}
        assert set(ids) == {"chen2024", "two layers"}
        for experiment in ids.values():
            row = daemon.wait(experiment)
            assert (row["status"], row["attempt"]) == ("succeeded", 2), row
            epoch, before = checkpoint_of(old, experiment)
            report = daemon.get(f"/experiments/{experiment}/report").json()
            assert 0 < epoch < row["progress"]["epochs"] and report["resumed_from"] == epoch
            history = [[line[name] for name in ("epoch", "train_loss", "test_loss", "gradient_norm", "seconds")]
                       for line in report["history"]]
            assert [x for line in history[:epoch] for x in line] == list(before)
            assert [line[0] for line in history] == list(range(1, row["progress"]["epochs"] + 1))
            events = daemon.get(f"/experiments/{experiment}/events", params={"limit": 1000}).json()["events"]
            epochs = [(e["epoch"], e["attempt"]) for e in events if e["type"] == "epoch"]
            assert [k for k, _ in epochs] == list(range(1, row["progress"]["epochs"] + 1))
            assert {attempt for k, attempt in epochs if k <= epoch} == {1} and epochs[-1][1] == 2

            log = (tmp_path / "data" / "runs" / experiment / "attempt-2" / "worker.log").read_text()
            assert report["engine"]["arithmetic_before"] == f"up to epoch {epoch}: {arithmetic}"
            assert f"before it were: up to epoch {epoch}: {arithmetic}" in log
            new, whole = tensors(daemon, experiment), undisturbed(row["spec"], tmp_path, "--data", file)
            assert new.keys() == whole.keys()
            for name, (shape, values) in whole.items():
                assert new[name][0] == shape and new[name][1] == pytest.approx(values, rel=1e-6, abs=1e-9)
    finally:
        daemon.close()


def test_a_copy_is_made_once(tmp_path):
    """A migration that is tried again keeps the first copy; one that cannot make a copy changes nothing."""
    lay_out(tmp_path / "data")
    (tmp_path / "data" / "qlstmd.db.v1").write_bytes(b"the copy of an earlier try")
    Daemon(tmp_path).start().close()
    assert (tmp_path / "data" / "qlstmd.db.v1").read_bytes() == b"the copy of an earlier try"
    assert version(tmp_path / "data" / "qlstmd.db")[1] == 3
