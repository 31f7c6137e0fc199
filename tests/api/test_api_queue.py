"""A queue of ten thousand: places are right, and nothing takes longer than with a short one."""
import json
import socket
import sqlite3
import time

import pytest
import requests

from api_daemon import DEADLINE, ENDLESS, Daemon, poll

WAITING = 10_000
PROMPT = 20  # seconds; an answer takes milliseconds


def identifier(number):
    return f"01ARZ3NDEKTSV4RRFF{number:08d}"


def fill(path, count):
    """Copies of the one experiment that is there, due a millisecond later, so that their ids order them."""
    with sqlite3.connect(path) as db:
        names = [row[1] for row in db.execute("PRAGMA table_info(experiment)")]
        (row,) = db.execute("SELECT * FROM experiment").fetchall()
        row = dict(zip(names, row))
        row.update(status="queued", attempt=0, started_at=None, attempt_started_at=None, worker_pid=None,
                   heartbeat_at=None)
        start = row["run_at"]
        db.executemany(f"INSERT INTO experiment ({', '.join(names)}) VALUES ({', '.join('?' * len(names))})",
                       ([*{**row, "id": identifier(k), "run_at": start + 1}.values()] for k in range(count)))
    db.close()


def started(directory, count):
    """Its only worker is busy for ever, and `count` wait behind it."""
    directory.mkdir()
    daemon = Daemon(directory, "--slots", "1").start()
    running = daemon.submit(ENDLESS)
    daemon.wait(running, lambda row: row["status"] == "running")
    daemon.process.kill()
    daemon.process.wait()
    fill(daemon.data / "qlstmd.db", count)
    daemon.start()
    daemon.wait(running, lambda row: row["status"] == "running")
    return daemon


@pytest.fixture(scope="module")
def daemons(tmp_path_factory):
    folder = tmp_path_factory.mktemp("queues")
    both = [started(folder / str(count), count) for count in (20, WAITING)]
    yield both
    for daemon in both:
        daemon.process.kill()
        daemon.process.wait()


def place(daemon, number):
    return daemon.get(f"/experiments/{identifier(number)}").json()["progress"]["queue_position"]


def test_places_and_counts(daemons):
    daemon = daemons[1]
    assert [place(daemon, number) for number in (0, 1, 5000, WAITING - 1)] == [1, 2, 5001, WAITING]
    page = daemon.get("/experiments", params={"limit": 3, "status": "queued"}).json()["experiments"]
    assert [row["progress"]["queue_position"] for row in page] == [WAITING, WAITING - 1, WAITING - 2]
    assert f'qlstmd_experiments{{status="queued"}} {WAITING}\n' in daemon.get("/metrics").text
    assert daemon.post("/experiments", ENDLESS).status_code == 503
    assert daemon.post(f"/experiments/{identifier(3)}/cancel").json()["status"] == "cancelled"
    assert [place(daemon, number) for number in (2, 3, 4, WAITING - 1)] == [3, None, 4, WAITING - 1]
    made = daemon.post("/experiments", ENDLESS)
    assert made.status_code == 202 and made.json()["progress"]["queue_position"] == WAITING
    assert daemon.get(made.headers["Location"]).json() == made.json()


def quickest(ask):
    times = []
    for _ in range(25):
        start = time.perf_counter()
        ask()
        times.append(time.perf_counter() - start)
    return min(times)


@pytest.mark.parametrize("path", [f"/experiments/{identifier(19)}", "/experiments?limit=10&status=queued", "/metrics"])
def test_reading_costs_what_it_did(daemons, path):
    """The longer queue takes a hundred times as long where something counts it for each row, and ten times where it is
    counted once. Taken in turn, so that what else the machine does slows both."""
    def ratio():
        short, long = (quickest(lambda: daemon.get(path)) for daemon in daemons)
        return long < 4 * short

    poll(ratio, "about the same time")


def test_a_new_one_costs_what_it_did(daemons):
    """Until it is refused a POST does the same, and the refusal reads no queue."""
    short, long = daemons
    body = json.dumps({**ENDLESS, "name": "one more"})
    room = long.post(f"/experiments/{identifier(7)}/cancel")
    assert room.status_code in (200, 202)
    assert long.post("/experiments", body).status_code == 202

    def ratio():
        def cancel_and_post(daemon):
            made = daemon.post("/experiments", body)
            if made.status_code == 202:
                daemon.post(f"/experiments/{made.json()['id']}/cancel")
        return quickest(lambda: cancel_and_post(long)) < 4 * quickest(lambda: cancel_and_post(short))

    poll(ratio, "about the same time")


def test_lists_that_nobody_waits_for(daemons):
    """Clients that ask for long lists and leave: the others are answered as if they had not been there."""
    daemon = daemons[1]
    for _ in range(300):
        with socket.create_connection(("127.0.0.1", daemon.port), timeout=DEADLINE) as connection:
            connection.sendall(b"GET /experiments?limit=200 HTTP/1.1\r\nHost: localhost\r\n\r\n")
    for path in ("/healthz", "/metrics", f"/experiments/{identifier(5000)}", "/experiments?limit=200"):
        assert requests.get(daemon.url + path, timeout=PROMPT).status_code == 200
