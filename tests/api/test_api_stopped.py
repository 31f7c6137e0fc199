"""A run that ends early leaves what it has: weights, predictions and report of a whole epoch."""
import csv
import io

import pytest

from api_daemon import problem, read_safetensors

QUICK = {"type": "lstm", "hidden_size": 2}
ENDLESS = {**QUICK, "training": {"epochs": 100000}}


def results(daemon, row):
    """Its tensors, the rows of its predictions, its report."""
    tensors, _ = read_safetensors(daemon.get(row["links"]["weights"]).content)
    predictions = list(csv.DictReader(io.StringIO(daemon.get(row["links"]["predictions"]).text)))
    return tensors, predictions, daemon.get(row["links"]["report"]).json()


def check(daemon, row):
    """What is left is of one epoch: the same run, ended there by itself, leaves the same."""
    tensors, predictions, report = results(daemon, row)
    epochs = report["results"]["epochs"]
    assert 1 <= epochs <= row["progress"]["epoch"] and len(report["history"]) == epochs
    spec = {**row["spec"], "training": {**row["spec"]["training"], "epochs": epochs}}
    spec["limits"] = {"max_seconds": 3600}
    whole = daemon.train(spec)
    assert results(daemon, whole)[:2] == (tensors, predictions)
    reply = daemon.post(row["links"]["self"] + "/predict", {"inputs": [[[0.1]] * row["spec"]["data"]["window"]]})
    assert reply.status_code == 200


def test_cancelled(daemon):
    experiment = daemon.submit(ENDLESS)
    daemon.wait(experiment, until=lambda row: row["progress"]["epoch"] >= 3)
    daemon.post(f"/experiments/{experiment}/cancel")
    row = daemon.wait(experiment)
    assert row["status"] == "cancelled" and row["reason"] == "user_cancelled"
    check(daemon, row)
    before = daemon.get(row["links"]["report"]).json()["results"]["epochs"]
    # Taken up again it goes on, and what it leaves then is in place of that.
    daemon.post(row["links"]["retry"])
    problem(daemon.get(row["links"]["weights"]), 409, "conflict")
    daemon.wait(experiment, until=lambda row: row["progress"]["epoch"] > before + 3)
    daemon.post(f"/experiments/{experiment}/cancel")
    row = daemon.wait(experiment)
    assert daemon.get(row["links"]["report"]).json()["results"]["epochs"] > before


def test_cancelled_before_it_began(make_daemon):
    daemon = make_daemon("--slots", "1")
    running = daemon.submit(ENDLESS)
    waiting = daemon.submit(ENDLESS)
    daemon.post(f"/experiments/{waiting}/cancel")
    row = daemon.wait(waiting)
    assert "ended as cancelled, without weights" in problem(daemon.get(row["links"]["weights"]), 404, "not_found")
    daemon.post(f"/experiments/{running}/cancel")
    daemon.wait(running)


def test_out_of_time(daemon):
    spec = {**QUICK, "training": {"epochs": 60000}, "limits": {"max_seconds": 1}}
    row = daemon.wait(daemon.submit(spec))
    assert row["status"] == "failed" and row["reason"] == "timeout"
    check(daemon, row)


def test_a_loss_that_is_none(daemon):
    """It grows for some epochs and then is no number."""
    spec = {**QUICK, "training": {"epochs": 2000, "optimizer": {"type": "sgd", "learning_rate": 100}},
            "data": {"dataset": "sine", "scaling": "none"}}
    row = daemon.wait(daemon.submit(spec))
    if row["status"] == "succeeded":
        pytest.skip("it does not overflow here")
    assert row["reason"] == "nan_loss" and row["progress"]["epoch"] >= 1
    tensors, predictions, report = results(daemon, row)
    assert report["results"]["epochs"] == row["progress"]["epoch"] and len(predictions) == 235


def test_the_best_epoch(daemon):
    spec = {"data": {"dataset": "damped_shm"}, "hidden_size": 3, "n_qubits": 3,
            "training": {"epochs": 3, "seed": 0, "shuffle": True}}
    last = daemon.train(spec)
    best_epoch = last["results"]["best_epoch"]
    assert best_epoch == 2
    links = last["links"]["weights"]
    whole = daemon.train({**spec, "training": {**spec["training"], "epochs": 2}})
    best, _ = read_safetensors(daemon.get(links + "?epoch=best").content)
    assert best == results(daemon, whole)[0] != results(daemon, last)[0]
    assert daemon.get(links + "?epoch=last").content == daemon.get(links).content
    assert daemon.get(links + "?epoch=best&format=json").status_code == 200
    kept = daemon.train({**spec, "training": {**spec["training"], "keep": "best"}})
    tensors, predictions, report = results(daemon, kept)
    assert tensors == best and predictions == results(daemon, whole)[1]
    assert report["results"]["kept_epoch"] == 2 and report["results"]["epochs"] == 3
    last_one, _ = read_safetensors(daemon.get(kept["links"]["weights"] + "?epoch=last").content)
    assert last_one == results(daemon, last)[0]
    # Where the best is the last one, it is there under either name.
    links = whole["links"]["weights"]
    assert len({daemon.get(links + query).content for query in ("", "?epoch=best", "?epoch=last")}) == 1
    problem(daemon.get(links + "?epoch=first"), 400, "invalid")


def test_a_wild_value_in_the_test_part(daemon):
    values = [0, .841, .909, .141, -.757, -.959, -.279, .657, .989, .412, -.544, -1, -.537, .42, .991, .65, -.288, 1e308,
              -.751, .15]
    daemon.upload("wild value", "v\n" + "".join(f"{value}\n" for value in values))
    row = daemon.train({**QUICK, "data": {"dataset": "wild value", "window": 2}, "training": {"epochs": 3}})
    assert row["results"]["test_loss"] is None and row["results"]["best_epoch"] is None
    assert row["reason"] is None and "the test loss is not finite" in row["reason_message"]
    metrics = daemon.get(row["links"]["report"]).json()["metrics"]
    assert metrics["train"][0]["rmse"] < 10 and metrics["test"][0]["rmse"] is None
    assert daemon.get(row["links"]["weights"]).status_code == 200
    assert daemon.train({**QUICK, "training": {"epochs": 3}})["reason_message"] is None


def test_a_run_that_diverges(daemon):
    values = [0, .4794, .8415, .9975, .9093, .5985, .1411, -.3508, -.7568, -.9775, -.9589, -.7055, -.2794, .2151, .657]
    daemon.upload("diverging", "v\n" + "".join(f"{value}\n" for value in 2 * values))
    training = {"epochs": 20, "optimizer": {"type": "sgd", "learning_rate": 100}}
    row = daemon.train({**QUICK, "data": {"dataset": "diverging"}, "training": training})
    assert row["results"]["train_loss"] > 1e6 and row["reason_message"].startswith("diverged: the training loss is ")
    best = row["results"]["best_epoch"]
    tensors, _ = read_safetensors(daemon.get(row["links"]["weights"] + "?epoch=best").content)
    whole = daemon.train({**QUICK, "data": {"dataset": "diverging"}, "training": {**training, "epochs": best}})
    assert tensors == results(daemon, whole)[0]
