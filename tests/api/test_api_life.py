"""Pause, resume, retry: what people ask of an experiment's life."""
import pathlib
import sys

from api_daemon import ENDLESS, problem, read_safetensors

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

from test_api_events import read_events, stream

SPEC = {"hidden_size": 6, "training": {"epochs": 400, "shuffle": True, "optimizer": {"type": "adam"}}}


def ask(daemon, experiment, what, status=202):
    reply = daemon.post(f"/experiments/{experiment}/{what}")
    assert reply.status_code == status, reply.text
    return reply.json()


def steps(daemon, experiment):
    events = daemon.get(f"/experiments/{experiment}/events?limit=1000").json()["events"]
    return [(e.get("from"), e["to"], e.get("reason")) for e in events if e["type"] == "status"]


def weights(daemon, experiment):
    return read_safetensors(daemon.get(f"/experiments/{experiment}/weights").content)[0]


def test_paused_and_resumed_it_ends_with_the_same_bytes(make_daemon):
    daemon = make_daemon("--slots", "1", "--checkpoint", "0")
    experiment = daemon.submit(SPEC)
    daemon.wait(experiment, lambda row: row["progress"]["epoch"] >= 30)
    row = ask(daemon, experiment, "pause")
    assert not row["terminal"] and (row["status"], row["reason"]) in (("running", "user_paused"),
                                                                       ("paused", "user_paused"))
    row = daemon.wait(experiment, lambda row: row["status"] == "paused")
    assert 30 <= row["progress"]["epoch"] < 400 and row["progress"]["queue_position"] is None
    assert ask(daemon, experiment, "pause", 200)["status"] == "paused"
    other = daemon.train({**SPEC, "name": "undisturbed"})  # its slot is free meanwhile
    assert daemon.get(f"/experiments/{experiment}").json()["attempt"] == 1
    assert ask(daemon, experiment, "resume")["status"] in ("queued", "running")
    row = daemon.wait(experiment)
    assert row["status"] == "succeeded" and row["attempt"] == 2
    assert daemon.get(f"/experiments/{experiment}/report").json()["resumed_from"] >= 30
    assert weights(daemon, experiment) == weights(daemon, other["id"])
    assert steps(daemon, experiment) == [
        (None, "queued", None), ("queued", "running", None), ("running", "running", "user_paused"),
        ("running", "paused", "user_paused"), ("paused", "queued", None), ("queued", "running", None),
        ("running", "succeeded", None)]
    metrics = daemon.get(f"/experiments/{experiment}/metrics").json()["metrics"]
    assert [m["epoch"] for m in metrics] == list(range(1, 401))
    for what in ("pause", "resume", "retry"):
        problem(daemon.post(f"/experiments/{experiment}/{what}"), 409, "conflict")


def test_pause_in_the_queue(make_daemon):
    daemon = make_daemon("--slots", "1")
    first, second, third = daemon.submit(ENDLESS), daemon.submit(ENDLESS), daemon.submit(ENDLESS)
    daemon.wait(first, lambda row: row["status"] == "running")
    assert ask(daemon, second, "pause")["status"] == "paused"
    assert daemon.get(f"/experiments/{third}").json()["progress"]["queue_position"] == 1
    assert [e["id"] for e in daemon.get("/experiments?status=paused").json()["experiments"]] == [second]
    ask(daemon, first, "cancel")
    daemon.wait(third, lambda row: row["status"] == "running")
    assert daemon.get(f"/experiments/{second}").json()["status"] == "paused"
    assert ask(daemon, second, "resume")["status"] == "queued"
    assert ask(daemon, second, "resume", 200)["status"] == "queued"
    ask(daemon, second, "pause")
    assert daemon.stop() == 0
    daemon.start()
    assert daemon.get(f"/experiments/{second}").json()["status"] == "paused"  # also across a restart
    assert ask(daemon, second, "cancel")["status"] == "cancelled"
    ask(daemon, third, "cancel")


def test_a_pause_is_taken_back(make_daemon):
    daemon = make_daemon("--slots", "1", "--checkpoint", "0")
    experiment = daemon.submit(ENDLESS)
    daemon.wait(experiment, lambda row: row["progress"]["epoch"] >= 3)
    ask(daemon, experiment, "pause")
    row = daemon.post(f"/experiments/{experiment}/resume").json()
    assert row["status"] in ("running", "queued")
    daemon.wait(experiment, lambda row: row["attempt"] == 2 and row["status"] == "running")
    ask(daemon, experiment, "cancel")


def test_retry_goes_on_from_the_last_checkpoint(make_daemon):
    daemon = make_daemon("--slots", "1", "--checkpoint", "0")
    experiment = daemon.submit(SPEC)
    daemon.wait(experiment, lambda row: row["progress"]["epoch"] >= 30)
    problem(daemon.post(f"/experiments/{experiment}/retry"), 409, "conflict")
    ask(daemon, experiment, "cancel")
    assert daemon.wait(experiment)["status"] == "cancelled"
    row = ask(daemon, experiment, "retry")
    assert not row["terminal"] and row["reason"] is None and row["finished_at"] is None
    row = daemon.wait(experiment)
    assert row["status"] == "succeeded" and row["attempt"] == 2
    assert daemon.get(f"/experiments/{experiment}/report").json()["resumed_from"] >= 30
    assert weights(daemon, experiment) == weights(daemon, daemon.train(SPEC)["id"])
    seen = [event for event in read_events(stream(daemon, experiment)) if event["event"] == "status"]
    assert [event["data"]["to"] for event in seen] == ["queued", "running", "cancelling", "cancelled", "queued",
                                                       "running", "succeeded"]  # past the first end


def test_retry_gives_all_attempts_again(make_daemon, tmp_path):
    script = tmp_path / "worker"
    script.write_text("#!/bin/sh\nexit 9\n")
    script.chmod(0o755)
    daemon = make_daemon("--worker", str(script))
    experiment = daemon.submit({**SPEC, "limits": {"max_attempts": 1}})
    for attempt in (1, 2):
        row = daemon.wait(experiment)
        assert (row["status"], row["reason"], row["attempt"]) == ("failed", "too_many_attempts", attempt)
        if attempt == 1:
            ask(daemon, experiment, "retry")
            daemon.wait(experiment, lambda row: row["attempt"] == 2)


def test_retry_needs_its_data(make_daemon):
    daemon = make_daemon("--slots", "1")
    assert daemon.upload("waves", "value\n" + "\n".join(str(i % 7) for i in range(60)) + "\n").status_code == 201
    experiment = daemon.submit({**SPEC, "data": {"dataset": "waves"}, "training": {"epochs": 100000}})
    ask(daemon, experiment, "pause")
    daemon.wait(experiment, lambda row: row["status"] == "paused")
    problem(daemon.request("DELETE", "/datasets/waves"), 409, "conflict")  # a paused one still needs them
    ask(daemon, experiment, "cancel")
    assert daemon.request("DELETE", "/datasets/waves").status_code == 204
    message = problem(daemon.post(f"/experiments/{experiment}/retry"), 409, "conflict")
    assert message == "the experiment's data set was deleted; post it anew"
    assert daemon.get(f"/experiments/{experiment}").json()["status"] == "cancelled"


def test_priorities(make_daemon):
    daemon = make_daemon("--slots", "1")
    first = daemon.submit(ENDLESS)
    daemon.wait(first, lambda row: row["status"] == "running")
    low, high, middle = (daemon.submit({**ENDLESS, "priority": priority}) for priority in (0, 50, 5))

    def places():
        return [daemon.get(f"/experiments/{e}").json()["progress"]["queue_position"] for e in (low, high, middle)]

    assert places() == [3, 1, 2]
    reply = daemon.post("/experiments", {**ENDLESS, "priority": 7})
    assert reply.json()["progress"]["queue_position"] == 2 and reply.json()["spec"]["priority"] == 7
    daemon.post(f"/experiments/{reply.json()['id']}/cancel")
    ask(daemon, high, "pause")
    ask(daemon, high, "resume")
    assert places() == [3, 1, 2]
    ask(daemon, first, "cancel")
    daemon.wait(high, lambda row: row["status"] == "running")
    for experiment in (low, middle, high):
        ask(daemon, experiment, "cancel")
