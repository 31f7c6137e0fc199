"""The log in a file of its own: it does not grow for ever, and whoever renames it is obeyed."""
import json
import os
import signal

from api_daemon import poll


def lines(path):
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_rotation(make_daemon, tmp_path):
    log = tmp_path / "q.log"
    daemon = make_daemon("--log", str(log), "--log-size", "2K", "--log-keep", "2")
    for i in range(100):
        daemon.get(f"/experiments/none-{i}")
    assert daemon.stop() == 0
    files = sorted(path.name for path in tmp_path.glob("q.log*"))
    assert files == ["q.log", "q.log.1", "q.log.2"]
    seen = []
    for name in ("q.log.2", "q.log.1", "q.log"):
        assert (tmp_path / name).stat().st_size <= 2048
        seen += [line["path"] for line in lines(tmp_path / name) if line["level"] == "access"]
    count = len(seen)
    assert count > 10 and seen == [f"/experiments/none-{i}" for i in range(100 - count, 100)]  # none lost between
    assert daemon.log() == ""


def test_hangup(make_daemon, tmp_path):
    log, old = tmp_path / "q.log", tmp_path / "old.log"
    daemon = make_daemon("--log", str(log), "--log-size", "0")
    daemon.get("/healthz")
    os.rename(log, old)
    daemon.get("/version")
    poll(lambda: "/version" in old.read_text(), "the line of a file that was renamed")
    daemon.process.send_signal(signal.SIGHUP)
    poll(log.exists, "the log is opened anew")
    daemon.get("/readyz")
    poll(lambda: "/readyz" in log.read_text(), "a line in the new file")
    assert "/readyz" not in old.read_text() and lines(old)
