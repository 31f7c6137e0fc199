"""GET /experiments/{id}/tensorboard: TFRecords whose lengths and tags are those of the run's history."""
import re
import struct

from api_daemon import ENDLESS, problem


def events(data):
    """The bytes of each event; lengths must fill the file."""
    found, at = [], 0
    while at < len(data):
        (length,) = struct.unpack_from("<Q", data, at)
        found.append(data[at + 12:at + 12 + length])
        at += 12 + length + 4
    assert at == len(data)
    return found


def test_of_every_run(daemon):
    row = daemon.train({"type": "rnn", "hidden_size": 2, "training": {"epochs": 3}})
    reply = daemon.get(row["links"]["tensorboard"])
    assert reply.status_code == 200 and re.search(r'filename="?01\w+\.tfevents', reply.headers["Content-Disposition"])
    first, spec, *scalars = events(reply.content)
    assert b"brain.Event:2" in first and b'"rnn"' in spec
    epochs = daemon.get(row["links"]["metrics"]).json()["metrics"]
    numbers = [value for epoch in epochs for name, value in epoch.items() if name != "epoch" and value is not None]
    assert len(scalars) == len(numbers) and sum(b"loss/test" in event for event in scalars) == 3
    half = daemon.request("GET", row["links"]["tensorboard"], headers={"Range": "bytes=0-35"})
    assert half.status_code == 206 and half.content == reply.content[:36]


def test_not_before_the_end(daemon):
    running = daemon.submit(ENDLESS)
    problem(daemon.get(f"/experiments/{running}/tensorboard"), 409, "conflict")
    daemon.post(f"/experiments/{running}/cancel")
    daemon.wait(running)
