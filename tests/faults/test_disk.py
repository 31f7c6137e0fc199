"""A disk that fills up: what cannot be kept is refused, what was accepted ends."""
import os
import subprocess

import pytest

from api_daemon import Daemon, poll, problem

# As many attempts as there may be: a run that meets the full disk is taken up again until there is room.
SPEC = {"hidden_size": 4, "training": {"epochs": 5}, "limits": {"max_attempts": 10}}


@pytest.fixture
def small_disk(tmp_path):
    """A folder whose data directory is a file system of 4 MiB."""
    data = tmp_path / "data"
    data.mkdir()
    if os.geteuid() != 0 or subprocess.run(["mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", data]).returncode != 0:
        pytest.skip("a small file system cannot be mounted here (not root, or no right to mount)")
    yield tmp_path
    subprocess.run(["umount", "-l", data], check=True)


def fill(path):
    with open(path, "ab", buffering=0) as file:
        try:
            while True:
                file.write(bytes(4096))
        except OSError:
            pass


def test_full_disk_loses_nothing(small_disk):
    daemon = Daemon(small_disk, "--slots", "1").start()
    try:
        accepted = [daemon.submit(SPEC) for _ in range(3)]

        def refused():
            fill(small_disk / "data" / "filler")  # again each time: the store gives space back when its log is idle
            reply = daemon.post("/experiments", SPEC)
            if reply.status_code != 202:
                return [reply]  # a response that failed is falsy
            accepted.append(reply.json()["id"])

        problem(poll(refused, "a request is refused")[0], 507, "disk_full")
        assert daemon.get("/healthz").status_code == 200
        (small_disk / "data" / "filler").unlink()
        for experiment in accepted:
            row = daemon.wait(experiment)
            assert row["status"] == "succeeded"
            metrics = daemon.get(row["links"]["metrics"]).json()["metrics"]
            assert [epoch["epoch"] for epoch in metrics] == [1, 2, 3, 4, 5]  # no hole where the disk was full
            assert daemon.get(row["links"]["weights"]).status_code == 200
        daemon.train(SPEC)
    finally:
        daemon.close()
