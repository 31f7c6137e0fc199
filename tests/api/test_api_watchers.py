"""A stream of events goes on only while the key that it was opened with is in force."""
import json
import os
import threading
import time

import pytest

from api_daemon import ENDLESS
from api_keys import Client, add_key, key_command


class Stream(threading.Thread):
    """Reads to the end."""

    def __init__(self, client, experiment):
        super().__init__(daemon=True)
        self.reply = client.request("GET", f"/experiments/{experiment}/events", stream=True,
                                    headers={"Accept": "text/event-stream"})
        assert self.reply.status_code == 200
        self.lines = []
        self.start()

    def run(self):
        for line in self.reply.iter_lines(chunk_size=1):
            self.lines.append(line.decode())


def expire(daemon, name):
    path = daemon.data / "keys.json"
    ring = json.loads(path.read_text())
    for key in ring["keys"]:
        if key["name"] == name:
            key["expires_at"] = int(time.time() * 1000) + 500
    path.with_suffix(".new").write_text(json.dumps(ring))
    os.replace(path.with_suffix(".new"), path)


@pytest.mark.parametrize("end", ["revoke", "rotate", "expire"])
def test_it_ends_with_its_key(make_daemon, end):
    daemon = make_daemon("--slots", "1")
    alice, other = (Client(daemon, add_key(daemon, name, "submit", "alice")) for name in ("laptop", "phone"))
    experiment = alice.submit(ENDLESS)
    alice.wait(experiment, lambda row: row["progress"]["epoch"] > 1)
    ended, on = Stream(alice, experiment), Stream(other, experiment)
    anybody = Stream(daemon, experiment)  # on a loopback address no key is needed
    if end == "expire":
        expire(daemon, "laptop")
    else:
        key_command(daemon, end, "laptop")
    ended.join(timeout=60)
    assert not ended.is_alive() and "event: end" not in ended.lines
    assert alice.get("/experiments").status_code == 401
    assert on.is_alive() and anybody.is_alive()
    assert other.post(f"/experiments/{experiment}/cancel").status_code == 202
    for stream in (on, anybody):
        stream.join(timeout=60)
        assert not stream.is_alive() and "event: end" in stream.lines
