"""A database that is missing, damaged, older or newer than the rest: said, never overwritten, and a way to go on."""
import shutil
import sqlite3
import subprocess

import pytest

from api_daemon import BUILD, DEADLINE, Daemon
from test_kill import SHORT, crash, tensors
from test_upgrade import lay_out


def refused(daemon, *options):
    """Starts it, and expects it to end at once; returns what it says."""
    run = subprocess.run([str(BUILD / "qlstmd"), "--data", str(daemon.data), "--listen", "127.0.0.1:0", *options],
                         capture_output=True, text=True, timeout=DEADLINE)
    assert run.returncode == 1 and run.stdout == "", run
    return run.stderr


def snapshot(data):
    return {path.relative_to(data): path.read_bytes() for path in data.rglob("*")
            if path.is_file() and not path.name.endswith("-shm")}


@pytest.fixture
def used(make_daemon):
    """A daemon that has ended, with two runs and a data set; the runs' ids."""
    daemon = make_daemon("--slots", "1")
    daemon.upload("mine", "v\n" + "1\n2\n" * 40)
    ids = [daemon.train(SHORT)["id"] for _ in range(2)]
    weights = [tensors(daemon, experiment) for experiment in ids]
    assert daemon.stop() == 0
    return daemon, ids, weights


def spoil_missing(database):
    database.unlink()


def spoil_empty(database):
    database.write_bytes(b"")


def spoil_cut(database):
    database.write_bytes(database.read_bytes()[:20000])


def spoil_page(database):
    content = bytearray(database.read_bytes())
    for page in range(1, len(content) // 4096):
        content[page * 4096:page * 4096 + 4096] = bytes(range(256)) * 16
    database.write_bytes(content)


def spoil_header(database):
    database.write_bytes(b"not a database\n" * 1000)


SPOILS = [spoil_missing, spoil_empty, spoil_cut, spoil_page, spoil_header]


@pytest.mark.parametrize("spoil", SPOILS, ids=lambda spoil: spoil.__name__[6:])
def test_a_database_that_is_of_no_use(used, spoil):
    daemon, ids, _ = used
    spoil(daemon.data / "qlstmd.db")
    before = snapshot(daemon.data)
    for _ in range(2):  # and the refusal changes nothing
        said = refused(daemon)
        assert said.startswith("qlstmd: store: ") and "database" in said, said
        assert "--accept-loss" in said and "qlstmd restore" in said
        assert snapshot(daemon.data) == before
    daemon.options += ("--accept-loss",)
    daemon.start()
    assert daemon.get("/experiments").json()["experiments"] == []
    aside = daemon.data / "aside-1"
    kept = snapshot(aside)
    assert all(kept[path] == content for path, content in before.items() if path.name not in ("qlstmd.reserve", "audit.log"))  # both stay where they are
    assert f"was put into {aside}" in daemon.log()
    assert {path.name for path in (aside / "runs").iterdir()} == set(ids)
    daemon.train(SHORT)
    assert daemon.stop() == 0
    daemon.start()  # with the option still there: nothing is put aside any more
    assert len(daemon.get("/experiments").json()["experiments"]) == 1
    assert not (daemon.data / "aside-2").exists() and snapshot(aside) == kept


def test_a_database_without_the_newest_runs(used):
    """Put back from an old copy, or cut in its log: the folders know better."""
    daemon, ids, weights = used
    db = sqlite3.connect(daemon.data / "qlstmd.db")
    db.execute("PRAGMA foreign_keys = ON")
    db.execute("DELETE FROM experiment WHERE id = ?", ids[1:])
    db.commit()
    db.close()
    said = refused(daemon)
    assert f"knows nothing of 1 of them (runs/{ids[1]})" in said and "--accept-loss" in said
    assert (daemon.data / "runs" / ids[1] / "attempt-1" / "weights.safetensors").exists()
    daemon.options += ("--accept-loss",)
    daemon.start()
    assert tensors(daemon, ids[0]) == weights[0]
    assert (daemon.data / "aside-1" / "runs" / ids[1] / "attempt-1" / "weights.safetensors").exists()
    assert not (daemon.data / "runs" / ids[1]).exists()


def test_an_empty_database_with_tables(used):
    """The tables are there, and nothing in them: not a new folder, with runs beside it."""
    daemon, ids, _ = used
    db = sqlite3.connect(daemon.data / "qlstmd.db")
    db.execute("DELETE FROM experiment")
    db.commit()
    db.close()
    assert "knows nothing of 2 of them" in refused(daemon)


def test_a_newer_database(used):
    """Neither started on nor put aside, whatever is accepted."""
    daemon, _, _ = used
    db = sqlite3.connect(daemon.data / "qlstmd.db")
    version = db.execute("PRAGMA user_version").fetchone()[0]
    db.execute(f"PRAGMA user_version = {version + 1}")
    db.commit()
    db.close()
    before = snapshot(daemon.data)
    for options in ((), ("--accept-loss",)):
        assert f"has version {version + 1}, this program knows up to {version}" in refused(daemon, *options)
        assert snapshot(daemon.data) == before


def test_an_older_database_is_said(tmp_path):
    lay_out(tmp_path / "data")
    daemon = Daemon(tmp_path).start()
    daemon.close()
    assert "the database was of version 1" in daemon.log() and "qlstmd.db.v1" in daemon.log()


def test_a_second_daemon(used):
    """Refused also when every file that can be removed without harm is gone."""
    daemon, _, _ = used
    daemon.start()
    for path in daemon.data.iterdir():
        if path.is_file() and path.name not in ("qlstmd.db", "qlstmd.db-wal", "qlstmd.db-shm"):
            path.unlink()
    assert "another qlstmd uses this data directory" in refused(daemon)
    other = daemon.data.parent / "by-another-name"
    other.symlink_to(daemon.data)
    twin = Daemon(daemon.data.parent)
    twin.data = other
    assert "another qlstmd uses this data directory" in refused(twin)


def test_a_fresh_folder_and_a_first_kill(make_daemon):
    """Nothing is missing where nothing was: a new folder, and one whose first daemon was killed with one upload."""
    daemon = make_daemon()
    daemon.upload("first", "v\n1\n2\n")
    crash(daemon)
    daemon.start()
    assert daemon.get("/datasets/first").status_code == 200
    daemon.request("DELETE", "/datasets/first")
    experiment = daemon.train(SHORT)["id"]
    daemon.request("DELETE", f"/experiments/{experiment}")
    crash(daemon)
    shutil.rmtree(daemon.data / "runs")
    daemon.start()
