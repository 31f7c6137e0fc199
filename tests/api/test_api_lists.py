"""What a list shows: filters, order, pages; and what people may change of an experiment."""
import pytest

from api_daemon import problem

ONE_EPOCH = {"training": {"epochs": 1}, "hidden_size": 1}


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """A daemon with six experiments of different losses, and their ids by name."""
    from api_daemon import Daemon
    daemon = Daemon(tmp_path_factory.mktemp("lists")).start()
    ids = {}
    for i, (name, extra) in enumerate([
            ("first", {"type": "lstm", "tags": ["baseline", "a"]}),
            ("second", {"type": "lstm", "tags": ["baseline"], "data": {"dataset": "sine"}}),
            ("third", {"variant": "linear", "n_qubits": 2, "notes": "Two wires.\nTo be repeated"}),
            ("fourth", {"model": {"layers": [{"type": "gru", "hidden_size": 2}, {"type": "lstm", "hidden_size": 1}]}}),
            ("fünfter", {"type": "rnn", "training": {"epochs": 2}}),
            ("of rows", {"type": "lstm", "training": {"epochs": 3}})]):
        spec = {**ONE_EPOCH, "name": name, **extra}
        if "model" in spec:
            del spec["hidden_size"]
        ids[name] = daemon.submit(spec)
        daemon.wait(ids[name])
    yield daemon, ids
    daemon.close()


def names(daemon, query, **more):
    reply = daemon.get(f"/experiments?{query}", **more)
    assert reply.status_code == 200, reply.text
    return [row["name"] for row in reply.json()["experiments"]]


@pytest.mark.parametrize("query, found", [
    ("tag=baseline", ["second", "first"]),
    ("tag=base", []),
    ("text=FIR", ["first"]),
    ("text=fünf", ["fünfter"]),
    ("text=wires.", ["third"]),
    ("text=baseline", ["second", "first"]),
    ("model=lstm", ["of rows", "fourth", "second", "first"]),
    ("model=gru", ["fourth"]),
    ("model=linear", ["third"]),
    ("dataset=sine", ["second"]),
    ("dataset=sine&tag=a", []),
    ("tag=baseline&status=succeeded&project=default&model=lstm", ["second", "first"]),
    ("created_before=2020-01-01", []),
    ("created_after=2020-01-01T00:00:00Z&text=third", ["third"]),
    ("created_after=2120-01-01", []),
    ("tag=%27%20OR%201%3D1", []),
])
def test_filters(runs, query, found):
    assert names(runs[0], query) == found


def test_times(runs):
    daemon, ids = runs
    at = daemon.get(f"/experiments/{ids['third']}").json()["created_at"]
    assert names(daemon, f"created_after={at}") == ["of rows", "fünfter", "fourth", "third"]
    assert names(daemon, f"created_before={at}") == ["second", "first"]


@pytest.mark.parametrize("sort", ["best_test_loss", "train_loss", "gradient_norm"])
def test_sorting(runs, sort):
    daemon, ids = runs

    def value(row):
        if sort in row["results"]:
            return row["results"][sort]
        return daemon.get(f"/experiments/{row['id']}/metrics").json()["metrics"][-1][sort]

    up = daemon.get(f"/experiments?sort={sort}").json()["experiments"]
    down = daemon.get(f"/experiments?sort=-{sort}").json()["experiments"]
    values = [value(row) for row in up]
    assert len(values) == 6 and values == sorted(values) and len(set(values)) == 6
    assert [row["id"] for row in down] == [row["id"] for row in reversed(up)]
    seen, cursor = [], ""
    while cursor is not None:
        page = daemon.get(f"/experiments?sort={sort}&limit=2" + (f"&cursor={cursor}" if cursor else "")).json()
        seen += [row["id"] for row in page["experiments"]]
        cursor = page["next_cursor"]
    assert seen == [row["id"] for row in up]
    assert names(daemon, f"sort=-{sort}&tag=baseline") == [row["name"] for row in down if "baseline" in row["tags"]]


def test_sorting_by_what_few_have(runs):
    assert names(runs[0], "sort=test_accuracy") == []
    gone = runs[0].submit({**ONE_EPOCH, "type": "lstm", "name": "gone"})
    runs[0].wait(gone)
    page = runs[0].get("/experiments?limit=1&text=gone&sort=best_test_loss").json()
    assert page["experiments"][0]["id"] == gone and page["next_cursor"] is None
    first = runs[0].get("/experiments?limit=1").json()
    assert first["experiments"][0]["id"] == gone
    runs[0].request("DELETE", f"/experiments/{gone}")
    said = problem(runs[0].get(f"/experiments?sort=best_test_loss&cursor={first['next_cursor']}"), 400, "not_found")
    assert gone in said


@pytest.mark.parametrize("query, words", [
    ("sort=", "a metric is expected"), ("sort=-", "a metric is expected"), ("sort=a'b", "a metric is expected"),
    ("created_after=yesterday", "is expected"), ("created_before=03/04/2020", "is expected"),
    ("created_after=12:00", "is expected"), ("sort=" + "x" * 61, "a metric is expected")])
def test_bad_filters(runs, query, words):
    assert words in problem(runs[0].get(f"/experiments?{query}"), 400, "invalid")


def test_labels(daemon):
    id_ = daemon.submit({**ONE_EPOCH, "name": "before", "tags": ["x"]})
    before = daemon.wait(id_)
    etag = daemon.get(f"/experiments/{id_}").headers["ETag"]

    def patch(body, **more):
        return daemon.request("PATCH", f"/experiments/{id_}", json=body, **more)

    after = patch({"name": "after", "notes": "first line\nsecond"}).json()
    assert (after["name"], after["tags"], after["notes"]) == ("after", ["x"], "first line\nsecond")
    assert after["spec"] == {**before["spec"], "name": "after", "notes": "first line\nsecond"}
    assert daemon.get(f"/experiments/{id_}").headers["ETag"] != etag
    assert patch({"tags": ["ä", "b"]}).json()["tags"] == ["ä", "b"]
    assert names(daemon, "tag=%C3%A4") == ["after"]
    nothing = patch({"tags": None, "notes": None, "name": None}).json()
    assert (nothing["name"], nothing["tags"], nothing["notes"]) == ("", [], "")
    assert nothing["spec"]["training"] == before["spec"]["training"]
    assert patch({}).json() == nothing
    again = daemon.post("/experiments?validate_only=true", nothing["spec"]).json()["spec"]
    assert again == nothing["spec"]
    problem(patch({"name": "x" * 201}), 422, "out_of_range", "/name")
    problem(patch({"tags": [1]}), 422, "wrong_type", "/tags/0")
    problem(patch({"notes": "x" * 10001}), 422, "out_of_range", "/notes")
    problem(patch({"hidden_size": 3}), 422, "unknown_field")
    problem(patch([1]), 422, "wrong_type")
    problem(daemon.request("PATCH", f"/experiments/{id_}", data="{"), 400, "syntax")
    problem(daemon.request("PATCH", "/experiments/01ARZ3NDEKTSV4RRFFQ69G5FAV", json={"name": "x"}), 404, "not_found")
    assert daemon.get(f"/experiments/{id_}").json()["name"] == ""


def test_a_run_goes_on_while_its_name_changes(daemon):
    """The spec that its worker was given and the one in the database differ in name alone: a resumption is the same."""
    spec = {"type": "lstm", "hidden_size": 2, "training": {"epochs": 40}}
    plain = daemon.train(spec)
    other = daemon.submit(spec)
    daemon.request("PATCH", f"/experiments/{other}", json={"name": "renamed"})
    daemon.post(f"/experiments/{other}/pause")
    row = daemon.wait(other, lambda row: row["status"] != "running")
    if row["status"] == "paused":
        daemon.request("PATCH", f"/experiments/{other}", json={"notes": "while it paused"})
        daemon.post(f"/experiments/{other}/resume")
    done = daemon.wait(other)
    assert done["status"] == "succeeded" and done["name"] == "renamed"
    assert done["results"] == plain["results"]


def test_fewer_points(daemon):
    done = daemon.train({"type": "lstm", "hidden_size": 1, "training": {"epochs": 11}})
    path = done["links"]["metrics"]
    rows = daemon.get(path).json()["metrics"]

    def epochs(query):
        got = daemon.get(f"{path}?{query}").json()["metrics"]
        assert all(row in rows for row in got)
        return [row["epoch"] for row in got]

    assert epochs("max_points=3") == [1, 6, 11] and epochs("max_points=2") == [1, 11]
    assert epochs("max_points=11") == epochs("max_points=100") == list(range(1, 12))
    assert epochs("max_points=4&after=1") == [2, 5, 8, 11]
    assert len(daemon.get(f"{path}?max_points=3&format=csv").text.splitlines()) == 4
    problem(daemon.get(f"{path}?max_points=1"), 400, "out_of_range")
