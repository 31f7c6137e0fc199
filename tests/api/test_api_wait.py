"""An answer that comes when the experiment has ended."""
import concurrent.futures
import time

import requests

from api_daemon import ENDLESS, problem


def test_the_end_is_waited_for(daemon):
    path = "/experiments/" + daemon.submit({"hidden_size": 5, "n_qubits": 6, "depth": 8, "training": {"epochs": 30}})
    reply = daemon.get(path + "?wait=60")
    assert reply.status_code == 200 and reply.headers["Content-Type"] == "application/json"
    row = reply.json()
    assert row["status"] == "succeeded" and row == daemon.get(path).json()
    again = daemon.get(path + "?wait=60")
    assert again.json() == row and "ETag" in again.headers


def test_the_time_is_over(daemon):
    run = daemon.submit(ENDLESS)
    start = time.monotonic()
    row = daemon.get(f"/experiments/{run}?wait=1").json()
    assert row["id"] == run and not row["terminal"] and time.monotonic() - start >= 0.9
    with concurrent.futures.ThreadPoolExecutor(20) as pool:  # more than there are lanes; none holds a thread
        waiting = [pool.submit(daemon.get, f"/experiments/{run}?wait=60") for _ in range(20)]
        daemon.wait(run, lambda row: row["status"] == "running")
        assert daemon.get("/healthz").status_code == 200
        daemon.post(f"/experiments/{run}/cancel")
        assert {future.result().json()["status"] for future in waiting} == {"cancelled"}


def test_who_hangs_up_leaves_nothing(make_daemon):
    daemon = make_daemon()
    run = daemon.submit(ENDLESS)
    for _ in range(5):
        try:
            requests.get(f"{daemon.url}/experiments/{run}?wait=60", timeout=0.3)
        except requests.exceptions.RequestException:
            pass
    assert daemon.request("HEAD", f"/experiments/{run}?wait=60").status_code == 200
    daemon.post(f"/experiments/{run}/cancel")
    daemon.wait(run)
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        other = daemon.submit(ENDLESS)
        late = pool.submit(daemon.get, f"/experiments/{other}?wait=60")
        daemon.wait(other, lambda row: row["status"] == "running")
        assert daemon.stop() == 0
        assert late.result().content == b"" or late.result().json()["id"] == other


def test_bad_times(daemon):
    run = daemon.submit({"training": {"epochs": 1}})
    problem(daemon.get(f"/experiments/{run}?wait=61"), 400, "out_of_range")
    problem(daemon.get(f"/experiments/{run}?wait=x"), 400, "wrong_type")
    problem(daemon.get("/experiments/01ARZ3NDEKTSV4RRFFQ69G5FAV?wait=5"), 404, "not_found")
