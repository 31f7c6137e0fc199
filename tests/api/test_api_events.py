"""GET /experiments/ID/events: one list of everything that happened, as server-sent events and in pages."""
import json
import socket
import threading

import requests

from api_daemon import DEADLINE, ENDLESS, poll, problem

SPEC = {"hidden_size": 2, "n_qubits": 2, "training": {"epochs": 30}}


def stream(daemon, experiment, last=None, **arguments):
    headers = {"Accept": "text/event-stream"}
    if last is not None:
        headers["Last-Event-ID"] = str(last)
    return daemon.get(f"/experiments/{experiment}/events", headers=headers, stream=True, **arguments)


def read_events(reply):
    """Parses server-sent events until the end; comments and retry lines are left out."""
    event = {}
    for line in reply.iter_lines(decode_unicode=True):
        if line == "":
            if "data" in event:
                yield event
            event = {}
        elif not line.startswith(":"):
            name, _, value = line.partition(": ")
            event[name] = json.loads(value) if name == "data" else value


def pages(daemon, experiment, limit):
    found, after = [], 0
    while True:
        page = daemon.get(f"/experiments/{experiment}/events", params={"after": after, "limit": limit}).json()
        assert page["experiment"] == experiment and len(page["events"]) <= limit
        if not page["events"]:
            assert page["after"] == after
            return found, page
        found += page["events"]
        assert page["after"] == found[-1]["id"]
        after = page["after"]


def check(events, epochs):
    """Ids rise; every epoch once, in order; the transitions of a run without trouble."""
    assert [e["id"] for e in events] == sorted({e["id"] for e in events})
    assert [e["epoch"] for e in events if e["type"] == "epoch"] == list(range(1, epochs + 1))
    assert [e["to"] for e in events if e["type"] == "status"] == ["queued", "running", "succeeded"]


def test_pages_and_stream_tell_the_same(daemon):
    experiment = daemon.submit(SPEC)
    reply = stream(daemon, experiment)
    assert reply.status_code == 200 and reply.headers["Content-Type"] == "text/event-stream"
    live = list(read_events(reply))
    assert live[-1]["event"] == "end" and live[-1]["data"] == {}
    for event in live[:-1]:
        assert event["id"] == str(event["data"]["id"]) and event["event"] == event["data"]["type"]
    events = [event["data"] for event in live[:-1]]
    check(events, 30)
    for limit in [1, 7, 1000]:
        found, last = pages(daemon, experiment, limit)
        assert found == events and last["terminal"]
    late = list(read_events(stream(daemon, experiment)))
    assert late == live
    metrics = daemon.get(f"/experiments/{experiment}/metrics").json()["metrics"]
    told = [{k: e[k] for k in metrics[0]} for e in events if e["type"] == "epoch"]
    assert told == metrics


def test_coming_back(daemon):
    experiment = daemon.train(SPEC)["id"]
    events, _ = pages(daemon, experiment, 1000)
    for last in [events[0]["id"], events[10]["id"], events[-2]["id"]]:
        got = [e["data"] for e in read_events(stream(daemon, experiment, last))][:-1]
        assert got == [e for e in events if e["id"] > last]
    assert stream(daemon, experiment, events[-1]["id"]).status_code == 204  # nothing will come: do not come back
    for nonsense in ["", "-1", "x", "99999999999999999999"]:
        got = [e["data"] for e in read_events(stream(daemon, experiment, nonsense))][:-1]
        assert got == events


def test_wrong_questions(daemon):
    experiment = daemon.submit(SPEC)
    path = f"/experiments/{experiment}/events"
    problem(daemon.get(path, params={"limit": 0}), 400, "out_of_range")
    problem(daemon.get(path, params={"limit": 1001}), 400, "out_of_range")
    problem(daemon.get(path, params={"after": "x"}), 400, "wrong_type")
    problem(daemon.get("/experiments/01ARZ3NDEKTSV4RRFFQ69G5FAV/events"), 404, "not_found")
    problem(daemon.get("/experiments/01ARZ3NDEKTSV4RRFFQ69G5FAV/events", headers={"Accept": "text/event-stream"}), 404,
            "not_found")


def test_cancelling_ends_the_stream(make_daemon):
    daemon = make_daemon("--slots", "1")
    running = daemon.submit(ENDLESS)
    queued = daemon.submit(SPEC)
    replies = [stream(daemon, running), stream(daemon, queued)]
    for experiment in [queued, running]:
        daemon.post(f"/experiments/{experiment}/cancel")
    for reply in replies:
        events = list(read_events(reply))
        assert events[-1]["event"] == "end" and events[-2]["data"]["to"] == "cancelled"
        assert events[-2]["data"]["reason"] == "user_cancelled"


def test_clients_that_leave(make_daemon):
    """Streams whose clients have gone do not keep the daemon from stopping, nor others from their events."""
    daemon = make_daemon("--slots", "1")
    experiment = daemon.submit(ENDLESS)
    for _ in range(50):
        connection = socket.create_connection(("127.0.0.1", daemon.port), timeout=DEADLINE)
        connection.sendall(f"GET /experiments/{experiment}/events HTTP/1.1\r\nHost: localhost\r\n"
                           "Accept: text/event-stream\r\n\r\n".encode())
        assert connection.recv(16).startswith(b"HTTP/1.1 200")
        connection.close()
    watched = stream(daemon, experiment)
    events = read_events(watched)
    assert [next(events)["data"]["type"] for _ in range(2)] == ["status", "status"]
    assert daemon.stop() == 0
    try:
        assert all(e["event"] != "end" for e in events)  # it was stopped, the experiment was not ended
    except requests.exceptions.ChunkedEncodingError:
        pass


def test_slow_clients_miss_nothing(make_daemon):
    """One that reads nothing while thousands of events happen gets all of them afterwards."""
    daemon = make_daemon()
    epochs = 6000
    experiment = daemon.submit({"type": "lstm", "hidden_size": 1, "data": {"window": 1},
                                "training": {"epochs": epochs, "batch_size": 1000}})
    slow = stream(daemon, experiment)
    daemon.wait(experiment)
    check([e["data"] for e in read_events(slow)][:-1], epochs)


def test_a_stop_in_between(make_daemon):
    """A daemon that is stopped and started again: no epoch twice, and the reason of each change."""
    other = make_daemon("--slots", "1")
    experiment = other.submit({**SPEC, "training": {"epochs": 3000}})
    other.wait(experiment, lambda row: row["progress"]["epoch"] >= 3)
    assert other.stop() == 0
    other.start()
    other.wait(experiment)
    events, _ = pages(other, experiment, 1000)
    assert [e["epoch"] for e in events if e["type"] == "epoch"] == list(range(1, 3001))
    statuses = [(e["to"], e.get("reason")) for e in events if e["type"] == "status"]
    assert statuses == [("queued", None), ("running", None), ("queued", "shutdown"), ("running", None),
                        ("succeeded", None)]


def test_many_streams(make_daemon):
    daemon = make_daemon()
    experiments = [daemon.submit({**SPEC, "training": {"epochs": 200}}) for _ in range(4)]
    results = []

    def watch(experiment):
        results.append([e["data"] for e in read_events(stream(daemon, experiment))][:-1])
    threads = [threading.Thread(target=watch, args=(experiments[i % 4],)) for i in range(80)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(DEADLINE * 3)
    assert len(results) == 80
    for events in results:
        check(events, 200)
    poll(lambda: daemon.get("/healthz").status_code == 200, "it answers")
