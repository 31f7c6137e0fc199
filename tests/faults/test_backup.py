"""A backup of a daemon at work, laid out elsewhere; and what `qlstmd check` sees."""
import re
import shutil
import sqlite3
import subprocess

import pytest

from api_daemon import BUILD, DEADLINE, Daemon
from test_kill import LONG, SHORT, resumed_from, running, tensors

CSV = "t,v\n" + "".join(f"{i},{i % 7}\n" for i in range(60))


def command(*words, status=0):
    run = subprocess.run([str(BUILD / "qlstmd"), *map(str, words)], capture_output=True, text=True, timeout=DEADLINE)
    assert run.returncode == status, run
    return run.stdout if status in (0, 3) else run.stdout + run.stderr


def check(data, status=0):
    return command("check", "--data", data, status=status)


@pytest.fixture(params=["command", "request"])
def make_backup(request):
    def by_command(daemon, file):
        command("backup", file, "--data", daemon.data)

    def by_request(daemon, file):
        reply = daemon.get("/backup")
        assert reply.status_code == 200 and reply.headers["Content-Type"] == "application/vnd.sqlite3"
        file.write_bytes(reply.content)

    return by_command if request.param == "command" else by_request


def test_a_backup_during_training(make_daemon, make_backup, tmp_path):
    """What runs at that moment goes on elsewhere, and ends as it does here, where nothing disturbs it."""
    spec = {**LONG, "training": {**LONG["training"], "epochs": 800}}
    daemon = make_daemon("--slots", "1", "--checkpoint", "0")
    assert daemon.upload("mine", CSV).status_code == 201
    done = daemon.train({**SHORT, "data": {"dataset": "mine", "window": 4, "targets": ["v"]}})["id"]
    live, queued = daemon.submit(spec), daemon.submit(SHORT)
    assert running(daemon, live, 100)["status"] == "running"
    file = tmp_path / "all.backup"
    make_backup(daemon, file)
    assert daemon.get(f"/experiments/{live}").json()["status"] == "running"
    # One of the two checkpoints may go while they are looked at.
    assert re.search("(9|10) files hold, 0 damaged, 0 of nobody", command("check", "--data", daemon.data))

    elsewhere = Daemon(tmp_path / "elsewhere", "--slots", "1")
    elsewhere.data.parent.mkdir()
    assert "0 damaged, 0 of nobody" in command("restore", file, "--data", elsewhere.data)
    elsewhere.start()
    try:
        for path in ("weights", "predictions", "report", "metrics", ""):
            one, other = (each.get(f"/experiments/{done}/{path}".rstrip("/")) for each in (daemon, elsewhere))
            assert one.status_code == 200 and one.content == other.content
        assert elsewhere.get("/datasets/mine/content").text == CSV
        for each in (daemon, elsewhere):
            assert each.wait(live)["status"] == each.wait(queued)["status"] == "succeeded"
        assert resumed_from(elsewhere, live) >= 50
        assert tensors(elsewhere, live) == tensors(daemon, live) and resumed_from(daemon, live) == 0
        assert not [path for path in daemon.data.iterdir() if path.name.startswith(".")]
    finally:
        elsewhere.close()


def test_restoring_is_careful(make_daemon, tmp_path):
    daemon = make_daemon()
    daemon.train(SHORT)
    file, target = tmp_path / "all.backup", tmp_path / "target"
    command("backup", file, "--data", daemon.data)
    assert "is there already" in command("backup", file, "--data", daemon.data, status=1)
    # only into an empty folder
    target.mkdir()
    (target / "notes.txt").write_text("mine")
    assert "is not empty" in command("restore", file, "--data", target, status=1)
    assert [path.name for path in target.iterdir()] == ["notes.txt"]
    # only a whole backup, only one of its own
    cut = tmp_path / "cut.backup"
    for content in (file.read_bytes()[:-20000], b"", b"no backup\n" * 1000):
        cut.write_bytes(content)
        command("restore", cut, "--data", tmp_path / "new", status=1)
        assert not (tmp_path / "new" / "qlstmd.db").exists()
    assert "backup_file" in command("restore", daemon.data / "qlstmd.db", "--data", tmp_path / "new2", status=1)
    # no path of the file leads out of the folder
    for name in ("../evil", "/etc/evil", "runs/../../evil", "datasets/a/b", "qlstmd.db", "runs/x/attempt-1/spec.json"):
        shutil.copy(file, cut)
        db = sqlite3.connect(cut)
        db.execute("INSERT INTO backup_file VALUES (?, 0, x'00')", (name,))
        db.commit()
        db.close()
        assert "names a file" in command("restore", cut, "--data", tmp_path / "new3", status=1)
        assert not list(tmp_path.rglob("evil"))
        shutil.rmtree(tmp_path / "new3")
    for words in (("backup",), ("restore",), ("check", "x"), ("backup", "a", "b"), ("check", "--data")):
        assert "usage: qlstmd" in command(*words, status=2)


def test_what_a_check_finds(make_daemon):
    daemon = make_daemon()
    daemon.upload("mine", CSV)
    experiment = daemon.train(SHORT)["id"]
    assert daemon.stop() == 0
    assert "6 files hold, 0 damaged, 0 of nobody, 0 of others" in check(daemon.data)
    attempt = daemon.data / "runs" / experiment / "attempt-1"
    weights = attempt / "weights.safetensors"
    (attempt / ".report.json.01234567.tmp").write_text("x")
    (daemon.data / "notes.txt").write_text("x")
    said = check(daemon.data, status=3)
    assert f"unowned: runs/{experiment}/attempt-1/.report.json.01234567.tmp" in said and "1 of nobody, 1 of others" in said
    whole = weights.read_bytes()
    flipped = bytearray(whole)
    flipped[len(flipped) // 2] ^= 1
    for content in (bytes(flipped), whole[:-1], None):
        weights.unlink()
        if content is not None:
            weights.write_bytes(content)
        assert f"damaged: runs/{experiment}/attempt-1/weights.safetensors" in check(daemon.data, status=1)
    weights.write_bytes(whole)
    database = daemon.data / "qlstmd.db"
    content = bytearray(database.read_bytes())
    for page in range(2, len(content) // 4096):
        content[page * 4096:page * 4096 + 200] = b"junk" * 50
    database.write_bytes(content)
    found = subprocess.run([str(BUILD / "qlstmd"), "check", "--data", str(daemon.data)], capture_output=True, text=True)
    assert found.returncode == 1, found
