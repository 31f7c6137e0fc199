"""One of everything in one life of a daemon: `make valgrind` runs it under memcheck, with each process that it starts."""
from api_daemon import ENDLESS, poll
from test_kill import LONG, SHORT, running

CSV = "v\n" + "".join(f"{i % 7}\n" for i in range(40))
SMALL = {"data": {"dataset": "waves", "window": 3}, "hidden_size": 2, "n_qubits": 2, "training": {"epochs": 2}}


def test_one_of_everything(make_daemon):
    daemon = make_daemon("--slots", "1", "--checkpoint", "0", "--sweep", "1")
    assert daemon.upload("waves", CSV).status_code == 201
    assert daemon.upload("waves", "v\n").status_code == 400
    for spec, status in ((SMALL, 200), ({**SMALL, "hidden_size": 0}, 422), ("{", 400)):
        assert daemon.post("/experiments?validate_only=true", spec).status_code == status
    key = {"Idempotency-Key": "once"}
    row = daemon.wait(daemon.submit(SMALL, headers=key))
    assert row["status"] == "succeeded" and daemon.submit(SMALL, headers=key) == row["id"]
    path = f"/experiments/{row['id']}"
    for name in ("weights", "weights?format=json", "predictions", "report", "metrics", "events", "logs"):
        assert daemon.get(f"{path}/{name}").status_code == 200, name
    assert daemon.get(path + "/metrics", headers={"Accept": "text/csv"}).text.count("\n") == 3
    for inputs, status in (([[[0.5]] * 3] * 2, 200), ([[[0.5, 1.0]]], 422), ("none", 422)):
        def answered():
            code = daemon.post(path + "/predict", {"inputs": inputs}).status_code
            return code if code != 503 else None  # a predictor that is slow to start
        assert poll(answered, "a prediction") == status
    with daemon.get(path + "/events", headers={"Accept": "text/event-stream"}, stream=True) as stream:
        assert b"succeeded" in stream.content

    stopped = daemon.submit(LONG)
    running(daemon, stopped, 1)
    daemon.post(f"/experiments/{stopped}/pause")
    daemon.wait(stopped, lambda row: row["status"] == "paused")
    daemon.post(f"/experiments/{stopped}/resume")
    daemon.wait(stopped, lambda row: row["status"] == "running")
    daemon.post(f"/experiments/{stopped}/cancel")
    daemon.wait(stopped)
    for target in (path, f"/experiments/{stopped}", "/datasets/waves"):
        assert daemon.request("DELETE", target).status_code == 204
        assert daemon.get(target).status_code == 404

    for read in ("/experiments", "/datasets", "/metrics", "/openapi.json", "/openapi.yaml", "/nothing", "/backup"):
        assert daemon.get(read).status_code == (404 if read == "/nothing" else 200), read
    left = daemon.submit(ENDLESS)
    waits = daemon.submit(SHORT)
    running(daemon, left, 1)
    assert daemon.stop() == 0
    daemon.start()  # the recovery
    daemon.wait(left, lambda row: row["attempt"] == 2 and row["status"] == "running")
    assert daemon.get(f"/experiments/{waits}").json()["status"] == "queued"
    for experiment in (left, waits):
        daemon.post(f"/experiments/{experiment}/cancel")
        daemon.wait(experiment)
    assert daemon.stop() == 0
