"""A client that watches an experiment through kill -9 of the daemon sees every epoch once, in order."""
import pathlib
import sys

import requests

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "api"))

from test_api_events import read_events, stream
from test_kill import crash

EPOCHS = 1500
SPEC = {"hidden_size": 3, "n_qubits": 2, "training": {"epochs": EPOCHS}, "limits": {"max_attempts": 10}}


def test_streams_go_on_after_kill_9(make_daemon):
    daemon = make_daemon("--slots", "1", "--checkpoint", "0")
    experiment = daemon.submit(SPEC)
    seen, last, ended, kills = [], None, False, 0
    while not ended:
        try:
            for event in read_events(stream(daemon, experiment, last)):
                ended = event["event"] == "end"
                if ended:
                    break
                last = event["id"]
                seen.append(event["data"])
                epochs = sum(e["type"] == "epoch" for e in seen)
                if kills < 3 and epochs > 300 * (kills + 1):
                    kills += 1
                    crash(daemon)
                    daemon.start()
                    break
        except requests.RequestException:
            continue
    assert kills == 3
    assert [e["epoch"] for e in seen if e["type"] == "epoch"] == list(range(1, EPOCHS + 1))
    assert [e["id"] for e in seen] == sorted({e["id"] for e in seen})
    assert [e["to"] for e in seen if e["type"] == "status"] == ["queued", "running"] * 4 + ["succeeded"]
