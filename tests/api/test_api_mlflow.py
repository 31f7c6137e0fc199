"""The paths by which MLflow's client reads: projects as experiments, experiments as runs."""
import math

import pytest

from api_daemon import ENDLESS, problem

HOME = "/api/2.0/mlflow"
NOBODY = "01ARZ3NDEKTSV4RRFFQ69G5FAV"


@pytest.fixture(scope="module")
def runs(daemon):
    """Three of a project, of 2, 3 and 4 epochs."""
    return [daemon.train({"project": "mlflow-a", "name": f"run {k}", "tags": ["kind=first" if k == 0 else "kind=other", "plain"],
                          "notes": "words" if k == 0 else "", "hidden_size": 2, "n_qubits": 2,
                          "training": {"epochs": 2 + k, "seed": k + 1}}) for k in range(3)]


@pytest.fixture(scope="module")
def waiting(daemon):
    run = daemon.submit({**ENDLESS, "project": "mlflow-b"})
    yield run
    daemon.post(f"/experiments/{run}/cancel")


def search(daemon, **body):
    reply = daemon.post(f"{HOME}/runs/search", {"experiment_ids": ["mlflow-a"], **body})
    assert reply.status_code == 200, reply.text
    return reply.json()


def found(daemon, **body):
    return [run["info"]["run_name"] for run in search(daemon, **body)["runs"]]


def pairs(items):
    return {item["key"]: item["value"] for item in items}


def test_a_run(daemon, runs):
    row = runs[0]
    run = daemon.get(f"{HOME}/runs/get?run_id={row['id']}").json()["run"]
    assert run == daemon.get(f"{HOME}/runs/get?run_uuid={row['id']}").json()["run"]
    info = run["info"]
    assert (info["run_id"], info["run_name"], info["experiment_id"], info["status"]) == (row["id"], "run 0", "mlflow-a", "FINISHED")
    assert info["end_time"] >= info["start_time"] > 1.7e12 and info["artifact_uri"] == f"mlflow-artifacts:/{row['id']}"
    metrics = {item["key"]: item for item in run["data"]["metrics"]}
    last = daemon.get(f"/experiments/{row['id']}/metrics").json()["metrics"][-1]
    assert {key: item["value"] for key, item in metrics.items() if key != "best_test_loss"} == {
        key: value for key, value in last.items() if key not in ("epoch", "seconds") and value is not None}
    assert metrics["train_loss"]["step"] == 2
    assert metrics["best_test_loss"]["value"] == row["results"]["best_test_loss"]
    params = pairs(run["data"]["params"])
    assert params["training.epochs"] == "2" and params["model.layers.0.type"] == "qlstm" and params["data.dataset"] == "damped_shm"
    assert params["training.optimizer.learning_rate"] == str(row["spec"]["training"]["optimizer"]["learning_rate"])
    assert params["model.layers.0.inversward"] == "false" and not {"name", "project", "tags", "notes"} & set(params)
    assert pairs(run["data"]["tags"]) == {"mlflow.runName": "run 0", "mlflow.source.name": "qlstmd", "kind": "first", "plain": "",
                                          "mlflow.note.content": "words"}


def test_history(daemon, runs):
    expected = daemon.get(f"/experiments/{runs[2]['id']}/metrics").json()["metrics"]
    path = f"{HOME}/metrics/get-history?run_id={runs[2]['id']}"
    points = daemon.get(path + "&metric_key=test_loss").json()["metrics"]
    assert [(p["step"], p["value"]) for p in points] == [(row["epoch"], row["test_loss"]) for row in expected]
    assert sorted(p["timestamp"] for p in points) == [p["timestamp"] for p in points]
    whole, token = [], ""
    for _ in range(4):
        page = daemon.get(path + f"&metric_key=test_loss&max_results=1{token}").json()
        whole += page["metrics"]
        token = f"&page_token={page.get('next_page_token')}"
    assert whole == points and "next_page_token" not in page
    (best,) = daemon.get(path + "&metric_key=best_test_loss").json()["metrics"]
    assert best["value"] == min(p["value"] for p in points) and best["step"] == runs[2]["results"]["best_epoch"]
    assert daemon.get(path + "&metric_key=nothing").json() == {"metrics": []}
    assert problem(daemon.get(path), 422, "missing")


def test_projects_are_experiments(daemon, runs, waiting):
    everything = daemon.post(f"{HOME}/experiments/search", {"max_results": 1000}).json()["experiments"]
    ours = {item["name"]: item for item in everything if item["name"].startswith("mlflow-")}
    assert set(ours) == {"mlflow-a", "mlflow-b"}
    assert ours["mlflow-a"]["experiment_id"] == "mlflow-a" and ours["mlflow-a"]["creation_time"] <= ours["mlflow-a"]["last_update_time"]
    names = [item["name"] for item in everything]
    assert names.index("mlflow-b") < names.index("mlflow-a"), "the latest first"
    for path in ("get?experiment_id=mlflow-a", "get-by-name?experiment_name=mlflow-a"):
        assert daemon.get(f"{HOME}/experiments/{path}").json()["experiment"] == ours["mlflow-a"]
    by_filter = daemon.post(f"{HOME}/experiments/search", {"filter": "name LIKE 'mlflow-%'", "order_by": ["name DESC"]}).json()
    assert [item["name"] for item in by_filter["experiments"]] == ["mlflow-b", "mlflow-a"]
    page = daemon.post(f"{HOME}/experiments/search", {"filter": "name LIKE 'mlflow-%'", "order_by": ["name"], "max_results": 1}).json()
    assert [item["name"] for item in page["experiments"]] == ["mlflow-a"]
    page = daemon.post(f"{HOME}/experiments/search", {"filter": "name LIKE 'mlflow-%'", "order_by": ["name"], "max_results": 1,
                                                      "page_token": page["next_page_token"]}).json()
    assert [item["name"] for item in page["experiments"]] == ["mlflow-b"] and "next_page_token" not in page
    assert daemon.post(f"{HOME}/experiments/search", {"view_type": "DELETED_ONLY"}).json() == {"experiments": []}


def test_the_default_project_has_the_id_of_mlflows_default(daemon):
    made = daemon.train({"name": "of the default project", "training": {"epochs": 1}})
    experiment = daemon.get(f"{HOME}/experiments/get?experiment_id=0").json()["experiment"]
    assert (experiment["name"], experiment["experiment_id"]) == ("default", "0")
    assert daemon.get(f"{HOME}/experiments/get-by-name?experiment_name=default").json()["experiment"]["experiment_id"] == "0"
    assert daemon.get(f"{HOME}/runs/get?run_id={made['id']}").json()["run"]["info"]["experiment_id"] == "0"
    assert "of the default project" in found(daemon, experiment_ids=["0"])
    assert daemon.train({"project": "0", "training": {"epochs": 1}})["id"] in [
        run["info"]["run_id"] for run in search(daemon, experiment_ids=["default"])["runs"]]


@pytest.mark.parametrize("text, expected", [
    ("", [2, 1, 0]), ("tags.kind = 'first'", [0]), ("tags.`kind` != 'first'", [2, 1]), ('tags."kind" = "first"', [0]),
    ("params.training.epochs = '3'", [1]), ("parameters.`training.epochs` != '3' and tags.kind = 'other'", [2]),
    ("params.training.epochs IN ('2', '4')", [2, 0]), ("params.training.epochs NOT IN ('2','4')", [1]),
    ("metrics.test_loss >= 0", [2, 1, 0]), ("metrics.test_loss < 0", []), ("metrics.nothing = 1", []), ("params.nothing != '1'", []),
    ("attributes.status = 'FINISHED'", [2, 1, 0]), ("status != 'FINISHED'", []), ("run_name LIKE 'run %'", [2, 1, 0]),
    ("attributes.run_name LIKE 'RUN 1'", []), ("attributes.run_name ILIKE 'RUN _'", [2, 1, 0]), ("run_name like 'run_1'", [1]),
    ("attributes.start_time > 0 AND attributes.end_time >= 1", [2, 1, 0]), ("attr.run_name = 'run 2'", [2]),
    ("run_name LIKE 'r*n 1'", []), ("run_name LIKE 'run [1]'", []), ("tags.plain = ''", [2, 1, 0]),
])  # fmt: skip
def test_filters(daemon, runs, text, expected):
    assert found(daemon, filter=text) == [f"run {k}" for k in expected]
    assert sorted(found(daemon, filter=text, order_by=["run_id"])) == sorted(f"run {k}" for k in expected)


def test_filters_by_metric(daemon, runs):
    losses = {row["name"]: row["results"]["test_loss"] for row in runs}
    middle = sorted(losses.values())[1]
    for sign, holds in [("<", lambda x: x < middle), ("<=", lambda x: x <= middle), (">", lambda x: x > middle),
                        (">=", lambda x: x >= middle), ("=", lambda x: x == middle), ("!=", lambda x: x != middle)]:
        assert set(found(daemon, filter=f"metrics.test_loss {sign} {middle!r}")) == {n for n, loss in losses.items() if holds(loss)}
    by_loss = sorted(losses, key=losses.get)
    assert found(daemon, order_by=["metrics.test_loss ASC"]) == by_loss
    assert found(daemon, order_by=["metrics.`test_loss` DESC"]) == by_loss[::-1]
    assert found(daemon, order_by=["tags.kind", "params.training.epochs DESC"]) == ["run 0", "run 2", "run 1"]
    assert found(daemon, order_by=["metrics.nothing", "start_time"]) == ["run 0", "run 1", "run 2"]


@pytest.mark.parametrize("order", [[], ["attributes.start_time DESC"]])
def test_pages(daemon, runs, order):
    names, token = [], None
    for left in (2, 1, 0):
        page = search(daemon, max_results=1, order_by=order, **({"page_token": token} if token else {}))
        names += [run["info"]["run_name"] for run in page["runs"]]
        token = page.get("next_page_token")
        assert (token is None) == (left == 0)
    assert names == ["run 2", "run 1", "run 0"]
    problem(daemon.post(f"{HOME}/runs/search", {"experiment_ids": ["mlflow-a"], "order_by": order, "page_token": "x"}), 422, "invalid")


def test_several_experiments(daemon, runs, waiting):
    both = search(daemon, experiment_ids=["mlflow-a", "mlflow-b"])["runs"]
    assert {run["info"]["experiment_id"] for run in both} == {"mlflow-a", "mlflow-b"} and len(both) == 4
    assert [run["info"]["start_time"] for run in both] == sorted((run["info"]["start_time"] for run in both), reverse=True)
    (run,) = search(daemon, experiment_ids=["mlflow-b"])["runs"]
    assert run["info"]["status"] in ("SCHEDULED", "RUNNING") and "end_time" not in run["info"]
    assert search(daemon, experiment_ids=[])["runs"] == search(daemon, run_view_type="DELETED_ONLY")["runs"] == []
    assert search(daemon, experiment_ids=["of nobody"])["runs"] == []


@pytest.mark.parametrize("body, code, pointer, words", [
    ({"filter": "metrics.a <"}, "invalid", "/filter", "place 12: a number"), ({"filter": "metrics.a ~ 1"}, "invalid", "/filter", "one of ="),
    ({"filter": "tags.a = 'x"}, "invalid", "/filter", "closing quote"), ({"filter": "tags.a = x"}, "invalid", "/filter", "text in quotes"),
    ({"filter": "tags.a < 'x'"}, "invalid", "/filter", "of text one of"), ({"filter": "metrics.a = 1 or metrics.a = 2"}, "invalid", "/filter", "AND or the end"),
    ({"filter": "color = 'x'"}, "invalid", "/filter", "no attribute 'color'"), ({"filter": "metrics. = 1"}, "invalid", "/filter", "a name"),
    ({"filter": "metrics.a IN ('x')"}, "invalid", "/filter", "numbers"), ({"filter": "status IN 'x'"}, "invalid", "/filter", "( is"),
    ({"filter": "status IN ('x'"}, "invalid", "/filter", ") is"), ({"filter": "status NOT LIKE 'x'"}, "invalid", "/filter", "IN is"),
    ({"filter": " and ".join(["metrics.a = 1"] * 21)}, "invalid", "/filter", "more than 20"), ({"filter": 3}, "wrong_type", "/filter", "text"),
    ({"order_by": ["metrics.a UP"]}, "invalid", "/order_by", "ASC, DESC"), ({"order_by": "x"}, "wrong_type", "/order_by", "list"),
    ({"order_by": ["run_id"] * 5}, "out_of_range", "/order_by", "more than 4"), ({"max_results": 0}, "out_of_range", "/max_results", "1 to 50000"),
    ({"max_results": "9"}, "wrong_type", "/max_results", "integer"), ({"experiment_ids": [1]}, "wrong_type", "/experiment_ids", "texts"),
    ({"page_token": 1}, "wrong_type", "/page_token", "text"),
    ({"view_type": {}}, "wrong_type", "/view_type", "text"), ({"run_view_type": 1}, "wrong_type", "/run_view_type", "text"),
])  # fmt: skip
def test_what_is_not_understood(daemon, body, code, pointer, words):
    reply = daemon.post(f"{HOME}/runs/search", {"experiment_ids": ["mlflow-a"], **body})
    assert words in problem(reply, 422, code, pointer)
    assert reply.json()["error_code"] == "INVALID_PARAMETER_VALUE" and reply.json()["message"] == reply.json()["detail"]


def test_files(daemon, runs):
    run = runs[0]["id"]
    listed = daemon.get(f"{HOME}/artifacts/list?run_id={run}").json()
    assert listed["root_uri"] == f"mlflow-artifacts:/{run}"
    sizes = {item["path"]: item["file_size"] for item in listed["files"]}
    assert {"weights.safetensors", "predictions.csv", "report.json", "run.tfevents"} <= set(sizes)
    assert daemon.get(f"/api/2.0/mlflow-artifacts/artifacts?path={run}").json()["files"] == listed["files"]
    for name, path in [("weights.safetensors", "weights"), ("predictions.csv", "predictions"), ("report.json", "report"),
                       ("run.tfevents", "tensorboard")]:
        reply = daemon.get(f"/api/2.0/mlflow-artifacts/artifacts/{run}/{name}")
        assert reply.status_code == 200 and reply.content == daemon.get(f"/experiments/{run}/{path}").content
        assert len(reply.content) == sizes[name]
    for path in (f"{run}/report.json", f"{run}/x"):
        assert daemon.get(f"/api/2.0/mlflow-artifacts/artifacts?path={path}").json() == {"files": []}
    assert daemon.get(f"{HOME}/artifacts/list?run_id={run}&path=x").json()["files"] == []


def test_what_is_not_there(daemon, runs, waiting):
    for path in (f"{HOME}/runs/get?run_id={NOBODY}", f"{HOME}/experiments/get?experiment_id=nobody", f"{HOME}/artifacts/list?run_id=x",
                 f"{HOME}/experiments/get-by-name?experiment_name=nobody", f"{HOME}/metrics/get-history?metric_key=a&run_id={NOBODY}",
                 "/api/2.0/mlflow-artifacts/artifacts", "/api/2.0/mlflow-artifacts/artifacts?path=..%2F..", f"{HOME}/runs/create",
                 f"/api/2.0/mlflow-artifacts/artifacts/{runs[0]['id']}/other", f"/api/2.0/mlflow-artifacts/artifacts/{NOBODY}/report.json"):
        reply = daemon.get(path)
        problem(reply, 404, "not_found")
        assert reply.json()["error_code"] == "RESOURCE_DOES_NOT_EXIST", path
    for path in ("runs/get", "artifacts/list", "experiments/get", "experiments/get-by-name", "experiments/get?experiment_id="):
        problem(daemon.get(f"{HOME}/{path}"), 422, "missing")
    problem(daemon.get(f"/api/2.0/mlflow-artifacts/artifacts/{waiting}/report.json"), 409, "conflict")
    assert daemon.get(f"{HOME}/artifacts/list?run_id={waiting}").json()["files"] == []
    assert "error_code" not in daemon.get("/experiments/x").json()


def test_a_number_that_is_none(daemon):
    """A metric that an epoch has no number for is left out of the run and is NaN in the history."""
    made = daemon.train({"project": "mlflow-c", "data": {"dataset": "sine"}, "training": {"epochs": 1}})
    rows = daemon.get(f"/experiments/{made['id']}/metrics").json()["metrics"]
    without = [key for key, value in rows[0].items() if value is None]
    run = daemon.get(f"{HOME}/runs/get?run_id={made['id']}").json()["run"]
    assert not set(without) & {item["key"] for item in run["data"]["metrics"]}
    assert all(math.isfinite(item["value"]) for item in run["data"]["metrics"])
    for key in without[:1]:
        points = daemon.get(f"{HOME}/metrics/get-history?run_id={made['id']}&metric_key={key}").json()["metrics"]
        assert [p["value"] for p in points] == ["NaN"]
