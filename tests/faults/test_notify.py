"""What a service manager is told, by the protocol of sd_notify."""
import os
import socket

import pytest

from api_daemon import Daemon


def manager(address):
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    listener.bind(address)
    listener.settimeout(120)
    return listener


@pytest.mark.parametrize("abstract", [False, True])
def test_ready_and_stopping(tmp_path, monkeypatch, abstract):
    name = f"\0qlstm-{os.getpid()}-{tmp_path.name}" if abstract else str(tmp_path / "notify")
    with manager(name) as listener:
        monkeypatch.setenv("NOTIFY_SOCKET", name.replace("\0", "@"))
        daemon = Daemon(tmp_path).start()
        try:
            lines = listener.recv(4096).decode().splitlines()
            assert lines[0] == "READY=1" and daemon.get("/healthz").status_code == 200
            # A worker does not speak for the daemon: the next word is the daemon's own.
            assert daemon.train({"training": {"epochs": 1}})["status"] == "succeeded"
        finally:
            assert daemon.stop() == 0
        assert listener.recv(4096).decode().splitlines() == ["STOPPING=1"]
        listener.setblocking(False)
        with pytest.raises(BlockingIOError):
            listener.recv(4096)


@pytest.mark.parametrize("name", ["", "relative", "@", "/" + "x" * 200])
def test_a_name_that_is_none(tmp_path, monkeypatch, name):
    monkeypatch.setenv("NOTIFY_SOCKET", name)
    daemon = Daemon(tmp_path).start()
    assert daemon.stop() == 0
