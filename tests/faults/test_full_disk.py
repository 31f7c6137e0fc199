"""A disk without a free byte: the way out stays open, through the API, over a kill and a start."""
import gzip
import os
import socket
import subprocess

import pytest

from api_daemon import DEADLINE, ENDLESS, Daemon, poll, problem
from test_disk import fill
from test_kill import SHORT, crash, running


@pytest.fixture
def disk(tmp_path):
    """A folder whose data directory is a file system of 12 MiB."""
    data = tmp_path / "data"
    data.mkdir()
    if os.geteuid() != 0 or subprocess.run(["mount", "-t", "tmpfs", "-o", "size=12m", "tmpfs", data]).returncode != 0:
        pytest.skip("a small file system cannot be mounted here (not root, or no right to mount)")
    yield tmp_path
    subprocess.run(["umount", "-l", data], check=True)


def fill_up(daemon):
    """Until a request is refused for it: the store gives space back when its log is idle."""
    def refused():
        fill(daemon.data / "filler")
        reply = daemon.post("/experiments", SHORT)
        return [reply] if reply.status_code == 507 else None
    problem(poll(refused, "a request is refused")[0], 507, "disk_full")


def reserve(daemon):
    path = daemon.data / "qlstmd.reserve"
    try:
        return path.stat().st_blocks * 512
    except FileNotFoundError:
        return 0


def test_the_way_out(disk):
    daemon = Daemon(disk, "--slots", "1", "--reserve", "1M").start()
    try:
        assert reserve(daemon) == 1 << 20
        ended = [daemon.train(SHORT)["id"] for _ in range(3)]
        endless = daemon.submit(ENDLESS)
        running(daemon, endless, 1)
        queued = daemon.submit(SHORT)
        fill_up(daemon)
        # cancelling what waits, and what runs, which then ends
        assert daemon.post(f"/experiments/{queued}/cancel").json()["status"] == "cancelled"
        assert daemon.post(f"/experiments/{endless}/cancel").status_code == 202
        assert daemon.wait(endless)["status"] == "cancelled"
        fill(daemon.data / "filler")
        # the last room is for deleting: nothing new
        problem(daemon.post("/experiments", SHORT), 507, "disk_full")
        problem(daemon.upload("new", "v\n1\n2\n"), 507, "disk_full")
        for experiment in ended:
            assert daemon.request("DELETE", f"/experiments/{experiment}").status_code == 204
        (daemon.data / "filler").unlink()
        poll(lambda: reserve(daemon) == 1 << 20, "the reserve is made again")
        poll(lambda: daemon.post("/experiments", SHORT).status_code == 202, "new ones are accepted")
    finally:
        daemon.close()


def test_a_small_disk_takes_large_uploads(disk):
    """2.4 MB go by way of a file beside the data; while it is written a sixteenth of the disk stays free."""
    daemon = Daemon(disk, "--reserve", "1M").start()
    try:
        large = "v\n" + "1\n2\n" * 600000
        assert daemon.upload("large", large).status_code == 201
        fill(daemon.data / "filler")
        problem(daemon.upload("more", large + "3\n"), 507, "disk_full")
        assert [row["name"] for row in daemon.get("/datasets").json()["datasets"] if not row["builtin"]] == ["large"]
    finally:
        daemon.close()


def parts_of(size, form):
    """The head of an upload of so many bytes, its body in two halves."""
    body = (b"v\n" + b"1\n2\n" * (size // 4))[:size - 1] + b"\n"
    kind = b"text/csv"
    if form:
        kind = b"multipart/form-data; boundary=xx"
        body = b'--xx\r\nContent-Disposition: form-data; name="file"; filename="a.csv"\r\n\r\n' + body + b"\r\n--xx--\r\n"
    head = (b"POST /datasets?name=large HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Type: " + kind +
            b"\r\nContent-Length: %d\r\n\r\n" % len(body))
    return head + body[:size // 2], body[size // 2:]


@pytest.mark.parametrize("form", [False, True], ids=["body", "form"])
def test_a_disk_that_fills_in_the_midst_of_an_upload(disk, form):
    """A part of 2.4 MB is on the disk when others take the rest of it: a 507 in the end, and nothing of it is left."""
    daemon = Daemon(disk, "--reserve", "1M").start()
    try:
        free = os.statvfs(daemon.data).f_bavail
        begin, rest = parts_of(2400000, form)
        with socket.create_connection(("127.0.0.1", daemon.port), timeout=DEADLINE) as client:
            client.sendall(begin)
            poll(lambda: os.statvfs(daemon.data).f_bavail < free - 200, "a block is on the disk")
            fill(daemon.data / "filler")
            client.sendall(rest)
            answer = b""
            while part := client.recv(65536):
                answer += part
        assert answer.startswith(b"HTTP/1.1 507 ") and b"/problems/disk_full" in answer, answer
        assert [row for row in daemon.get("/datasets").json()["datasets"] if not row["builtin"]] == []
        (daemon.data / "filler").unlink()
        poll(lambda: os.statvfs(daemon.data).f_bavail > free - 64, "the room is given back")
        with socket.create_connection(("127.0.0.1", daemon.port), timeout=DEADLINE) as client:
            client.sendall(begin + rest)
            assert client.recv(65536).startswith(b"HTTP/1.1 201 ")
    finally:
        daemon.close()


def test_packed_data_leave_room(disk):
    """70 KB that unpack to 24 MB, twice the disk: they are refused, and what they took meanwhile is free again."""
    daemon = Daemon(disk, "--reserve", "1M").start()
    try:
        free = os.statvfs(daemon.data).f_bavail
        problem(daemon.upload("bomb", gzip.compress(b"v\n" + b"1\n2\n" * 6000000)), 507, "disk_full")
        poll(lambda: os.statvfs(daemon.data).f_bavail > free - 64, "the room is given back")
        assert daemon.upload("small", gzip.compress(b"v\n" + b"1\n2\n" * 100000)).status_code == 201
    finally:
        daemon.close()


def test_killed_on_a_full_disk(disk):
    """The running experiment is recovered, and the queue can be emptied, without a byte from outside."""
    daemon = Daemon(disk, "--slots", "1", "--reserve", "1M").start()
    try:
        endless = daemon.submit(ENDLESS)
        running(daemon, endless, 1)
        queued = [daemon.submit({**SHORT, "limits": {"max_attempts": 10}}) for _ in range(20)]
        fill_up(daemon)
        seen = len(daemon.get("/experiments?limit=200").json()["experiments"])
        crash(daemon)
        fill(daemon.data / "filler")
        daemon.start()
        assert len(daemon.get("/experiments?limit=200").json()["experiments"]) == seen
        everything = [row["id"] for row in daemon.get("/experiments?limit=200").json()["experiments"]]
        for experiment in everything:
            daemon.post(f"/experiments/{experiment}/cancel")
            daemon.wait(experiment)
            assert daemon.request("DELETE", f"/experiments/{experiment}").status_code == 204
        assert daemon.get("/experiments").json()["experiments"] == []
        (daemon.data / "filler").unlink()
        poll(lambda: reserve(daemon) == 1 << 20, "the reserve is made again")
        daemon.train(SHORT)
    finally:
        daemon.close()


def test_without_a_reserve(make_daemon):
    daemon = make_daemon("--reserve", "0")
    assert reserve(daemon) == 0
    daemon.train(SHORT)
