"""Experiments of kind prediction: what a trained model says of a whole data set."""
import csv
import io
import signal

import numpy as np
import pytest

from api_daemon import ENDLESS, Daemon, problem

NOBODY = "01ARZ3NDEKTSV4RRFFQ69G5FAV"
TRAINING = {"epochs": 3, "seed": 4}


def series(rows, start=0, targets=True):
    draw = np.random.default_rng(start)
    lines = ["day,load,heat" if targets else "day,load"]
    for i in range(rows):
        load = np.sin((start + i) / 5) + draw.normal(0, 0.01)
        lines.append(f"2024-{1 + i // 28:02}-{1 + i % 28:02},{load:.6f}" + (f",{2 * load + 1:.6f}" if targets else ""))
    return "\n".join(lines) + "\n"


@pytest.fixture(scope="module")
def model(daemon):
    daemon.upload("heat-known", series(120))
    return daemon.train({"data": {"dataset": "heat-known", "inputs": ["load"], "targets": ["heat"], "window": 6, "horizon": 2},
                         "type": "gru", "hidden_size": 3, "training": TRAINING})


def ask(daemon, run, dataset, **more):
    reply = daemon.post(f"/experiments/{run['id']}/predictions", {"dataset": dataset, **more})
    assert reply.status_code == 202 and reply.headers["Location"] == f"/experiments/{reply.json()['id']}", reply.text
    row = daemon.wait(reply.json()["id"])
    assert row["status"] == "succeeded", row["reason_message"]
    return row


def lines(daemon, run):
    return list(csv.DictReader(io.StringIO(daemon.get(f"/experiments/{run['id']}/predictions").text)))


def test_the_data_that_it_was_trained_on(daemon, model):
    """The bits of the run's own predictions, and behind them those whose row is beyond the end."""
    done = ask(daemon, model, "heat-known", name="again", tags=["x"])
    assert done["status"] == "succeeded" and done["progress"]["epochs"] == 0 and done["terminal"]
    assert (done["spec"]["kind"], done["spec"]["init_from"], done["spec"]["name"]) == ("prediction", model["id"], "again")
    for part in ("model", "simulation"):
        assert done["spec"][part] == model["spec"][part]
    ours, theirs = lines(daemon, done), lines(daemon, model)
    for row, own in zip(ours, theirs):
        assert {**row, "part": own["part"]} == own
    assert list(ours[0]) == list(theirs[0]) and {row["part"] for row in ours} == {"test"}
    last, *beyond = ours[len(theirs):]  # drop_last_window is of trainings
    assert last["row"] == "119" and last["heat"]
    assert [(row["heat"], row["row"], row["time"]) for row in beyond] == [("", "120", ""), ("", "121", "")]
    assert daemon.get(f"/experiments/{done['id']}/weights").status_code in (404, 409)
    again = daemon.train(done["spec"])
    assert daemon.get(f"/experiments/{again['id']}/predictions").content == daemon.get(f"/experiments/{done['id']}/predictions").content


def test_scores_of_new_data(daemon, model):
    daemon.upload("heat-new", series(50, start=500))
    done = ask(daemon, model, "heat-new")
    report = daemon.get(f"/experiments/{done['id']}/report").json()
    (scores,) = report["metrics"]["test"]
    rows = [row for row in lines(daemon, done) if row["heat"]]
    errors = np.array([float(row["heat_predicted"]) - float(row["heat"]) for row in rows])
    assert len(rows) == scores["samples"] == 50 - 6 - 2 + 1 and scores["target"] == "heat" and scores["mase"] is None
    assert scores["mse"] == pytest.approx((errors**2).mean(), rel=1e-12) and scores["mae"] == pytest.approx(abs(errors).mean(), rel=1e-12)
    assert report["data"]["dataset"] == done["spec"]["data"]["dataset"] and report["data"]["rows"] == 50
    assert report["weights_sha256"] == daemon.get(f"/experiments/{model['id']}/report").json().get("weights_sha256", report["weights_sha256"])
    assert report["scaling"] == daemon.get(f"/experiments/{model['id']}/report").json()["scaling"]
    outcome = daemon.get(f"/experiments/{done['id']}/outcome").json()
    assert outcome["result"]["results"][0]["test_metrics"]["mse"] == scores["mse"]
    asked = daemon.post(f"/experiments/{model['id']}/predict", {"inputs": [[[v] for v in (0.1, 0.2, 0.3, 0.4, 0.5, 0.6)]]})
    daemon.upload("heat-six", "load\n" + "\n".join(str(v) for v in (0.1, 0.2, 0.3, 0.4, 0.5, 0.6)) + "\n")
    (row,) = lines(daemon, ask(daemon, model, "heat-six"))
    assert float(row["heat_predicted"]) == asked.json()["outputs"][0][0] and row["heat"] == "" and row["row"] == "7"


def test_data_without_the_truth(daemon, model):
    daemon.upload("heat-blind", series(30, targets=False))
    done = ask(daemon, model, "heat-blind")
    assert {row["heat"] for row in lines(daemon, done)} == {""} and len(lines(daemon, done)) == 25
    assert daemon.get(f"/experiments/{done['id']}/report").json()["metrics"] is None
    holes = series(30).split("\n")
    holes[10] = holes[10].rsplit(",", 1)[0] + ",?"
    daemon.upload("heat-holes", "\n".join(holes))
    done = ask(daemon, model, "heat-holes")
    assert [row["row"] for row in lines(daemon, done) if row["heat"] == ""] == ["9", "30", "31"]
    assert daemon.get(f"/experiments/{done['id']}/report").json()["metrics"]["test"][0]["samples"] == 22


def test_classes_and_rows(daemon):
    draw = np.random.default_rng(1)
    x = draw.uniform(-1, 1, (80, 3))
    table = lambda some, label: "\n".join(["a,b,c" + (",kind" if label else "")] + [
        ",".join(f"{v:.5f}" for v in row) + (f",{int(row.sum() > 0)}" if label else "") for row in some]) + "\n"
    daemon.upload("kinds-known", table(x[:60], True))
    run = daemon.train({"data": {"dataset": "kinds-known", "task": "classification", "classes": 2, "targets": ["kind"], "steps": 3},
                        "type": "rnn", "hidden_size": 4, "training": {**TRAINING, "epochs": 20}})
    daemon.upload("kinds-new", table(x[60:], True))
    done = ask(daemon, run, "kinds-new")
    (scores,) = daemon.get(f"/experiments/{done['id']}/report").json()["metrics"]["test"]
    rows = lines(daemon, done)
    right = np.mean([row["kind"] == row["kind_predicted"] for row in rows])
    assert scores["accuracy"] == pytest.approx(right) and len(rows) == 20
    answer = daemon.post(f"/experiments/{run['id']}/predict", table(x[60:], False), headers={"Content-Type": "text/csv"}).json()
    assert [[float(row["kind_probability_0"]), float(row["kind_probability_1"])] for row in rows] == answer["probabilities"]
    daemon.upload("kinds-blind", table(x[60:], False))
    blind = ask(daemon, run, "kinds-blind")
    assert [row["kind_predicted"] for row in lines(daemon, blind)] == [row["kind_predicted"] for row in rows]
    assert daemon.get(f"/experiments/{blind['id']}/report").json()["metrics"] is None


@pytest.mark.parametrize("body, status, code, pointer, words", [
    ({}, 422, "missing", "/dataset", "dataset is missing"),
    ([], 422, "wrong_type", "", "an object"),
    ("{", 400, "syntax", None, "line 1"),
    ({"dataset": "sine", "epochs": 3}, 422, "unknown_field", "/epochs", "known are dataset"),
    ({"dataset": 3}, 422, "missing", "/data/dataset", "data.dataset"),
    ({"dataset": "nobody-has-it"}, 422, "not_found", "/data/dataset", "nobody-has-it"),
    ({"dataset": "heat-short"}, 422, "invalid", "/data/dataset", "3 rows; a window takes 6"),
    ({"dataset": "heat-other"}, 422, "invalid", "/data/inputs/0", "load"),
    ({"dataset": "heat-gap"}, 422, None, "/data/inputs/0", "line 3"),
])
def test_refusals(daemon, model, body, status, code, pointer, words):
    daemon.upload("heat-short", series(3))
    daemon.upload("heat-other", "x\n1\n2\n3\n4\n5\n6\n7\n")
    daemon.upload("heat-gap", "load\n1\n?\n3\n4\n5\n6\n7\n8\n")
    reply = daemon.post(f"/experiments/{model['id']}/predictions", body)
    assert words in problem(reply, status, code or reply.json()["errors"][0]["code"], pointer)


def test_what_it_cannot_be(daemon, model):
    """Kinds of experiments that do not predict so, and requests that want another model."""
    done = ask(daemon, model, "heat-known")
    assert "prediction itself" in problem(daemon.post(f"/experiments/{done['id']}/predictions", {"dataset": "sine"}), 422, "invalid", "/init_from")
    problem(daemon.post(f"/experiments/{done['id']}/fork"), 409, "conflict")
    problem(daemon.post(f"/experiments/{NOBODY}/predictions", {"dataset": "sine"}), 422, "not_found", "/init_from")
    words = daemon.train({"data": {"dataset": "simple_seq", "task": "words", "word_bits": 3, "length": 10}, "type": "qrnn", "workspace": 3,
                          "training": {"epochs": 1}})
    assert "/generate" in problem(daemon.post(f"/experiments/{words['id']}/predictions", {"dataset": "simple_seq"}), 422, "invalid", "/init_from")
    short = {"kind": "prediction", "init_from": model["id"], "data": {"dataset": "heat-known"}}
    assert daemon.post("/experiments?validate_only=true", short).status_code == 200
    for more, pointer in [({"data": {"dataset": "heat-known", "window": 7}}, "/data/window"), ({"training": {"seed": 5}}, "/training/seed"),
                          ({"model": {"layers": [{"type": "lstm"}, {}]}}, "/model/layers/0/type"), ({"hidden_size": 3}, "/hidden_size"),
                          ({"init_from": ""}, "/init_from"), ({"data": {}}, "/data/dataset")]:
        problem(daemon.post("/experiments", {**short, **more}), 422, "missing" if pointer in ("/init_from", "/data/dataset") else "invalid", pointer)
    listed = daemon.get("/experiments", params={"kind": "prediction", "dataset": "heat-known"}).json()["experiments"]
    assert done["id"] in [row["id"] for row in listed] and model["id"] not in [row["id"] for row in listed]
    assert daemon.request("DELETE", f"/experiments/{done['id']}").status_code == 204


def test_it_survives_and_holds_what_it_needs(tmp_path):
    """Killed in the middle and while it waits, it ends with the bytes of one that was left alone; what a waiting one
    needs cannot be deleted."""
    daemon = Daemon(tmp_path, "--slots", "1").start()
    daemon.upload("long", series(330))
    spec = {"data": {"dataset": "long", "inputs": ["load"], "targets": ["heat"], "window": 200}, "n_qubits": 8, "depth": 3,
            "hidden_size": 4, "training": {"epochs": 1}}
    run = daemon.train({**spec, "data": {**spec["data"], "split": {"train": 0.1}}})
    whole = ask(daemon, run, "long")
    wanted = daemon.get(f"/experiments/{whole['id']}/predictions").content
    blocked = daemon.submit(ENDLESS)
    waiting = daemon.post(f"/experiments/{run['id']}/predictions", {"dataset": "long"}).json()["id"]
    problem(daemon.request("DELETE", "/datasets/long"), 409, "conflict")
    problem(daemon.request("DELETE", f"/experiments/{run['id']}"), 409, "conflict")
    daemon.process.send_signal(signal.SIGKILL)
    daemon.process.wait()
    daemon.process.stdout.close()
    daemon.start()
    daemon.post(f"/experiments/{blocked}/cancel")
    row = daemon.wait(waiting, lambda row: row["terminal"] or row["status"] == "running")
    daemon.process.send_signal(signal.SIGKILL)
    daemon.process.wait()
    daemon.process.stdout.close()
    daemon.start()
    row = daemon.wait(waiting)
    assert row["status"] == "succeeded" and daemon.get(f"/experiments/{waiting}/predictions").content == wanted
    cancelled = daemon.post(f"/experiments/{run['id']}/predictions", {"dataset": "long"}).json()["id"]
    daemon.post(f"/experiments/{cancelled}/cancel")
    assert daemon.wait(cancelled)["status"] in ("cancelled", "succeeded")
    daemon.close()


def test_tq42_infers(daemon):
    """GENERIC_ML_INFER and TS_HQLSTM_EVAL as they stand."""
    draw = np.random.default_rng(3).uniform(0, 1, (40, 2))
    daemon.upload("infer-rows", "a,b,c\n" + "\n".join(f"{x:.4f},{y:.4f},{x + y:.4f}" for x, y in draw) + "\n")
    train = {"parameters": {"model_type": "MLP", "layers": [{"classical_dense_layer": {"hidden_size": 1}}], "num_epochs": 2,
                            "data_processing_parameters": {"input_columns": [0, 1], "output_columns": [2]}},
             "inputs": {"data": {"storage_id": "infer-rows"}}}
    run = daemon.train(train)
    infer = {"parameters": {"data_processing_parameters": {"input_columns": [], "timestamp_columns": []}},
             "inputs": {"model": {"storage_id": run["id"]}, "data": {"storage_id": "infer-rows"}}}
    done = daemon.train(infer)
    assert done["spec"]["kind"] == "prediction"
    assert [row["c_predicted"] for row in lines(daemon, done)] == [row["c_predicted"] for row in lines(daemon, run)]
    outcome = daemon.get(f"/experiments/{done['id']}/outcome").json()
    assert set(outcome["result"]["input_scales"]) == {"a", "b"} and outcome["outputs"] == {"inferred_data": {"storage_id": done["id"]}}
    infer["parameters"]["data_processing_parameters"]["input_columns"] = [0, 2]
    assert "it is 2" in problem(daemon.post("/experiments", infer), 422, "invalid",
                                "/parameters/data_processing_parameters/input_columns/1")
    infer["parameters"]["data_processing_parameters"]["input_columns"] = [0, 1]
    assert daemon.post("/experiments?validate_only=true", infer).status_code == 200
    del infer["inputs"]["model"]["storage_id"]
    problem(daemon.post("/experiments", infer), 422, "missing", "/inputs/model/storage_id")


def test_tq42_evaluates_a_forecaster(daemon):
    lines_ = ['Time,"Power, kW"'] + [f"2020-01-{1 + i // 24:02}T{i % 24:02}:00:00,{np.sin(i / 4) + 2:.4f}" for i in range(100)]
    daemon.upload("eval-series", "\n".join(lines_) + "\n")
    said = {"input_width": 12, "label_width": 2, "hidden_size": 10, "num_qubits": 2, "depth": 1, "n_qlayers": 1, "dropout_coef": 0.1,
            "time_column": "Time", "target_column": "Power, kW"}
    run = daemon.train({"parameters": {**said, "num_epochs": 5}, "inputs": {"data": {"storage_id": "eval-series"}}})
    body = {"parameters": said, "inputs": {"model": {"storage_id": run["id"]}, "data": {"storage_id": "eval-series"}}}
    done = daemon.train(body)
    (scores, _) = daemon.get(f"/experiments/{done['id']}/report").json()["metrics"]["test"]
    assert scores["horizon"] == 1 and scores["samples"] == 100 - 12 - 2 + 1
    for name, value in [("hidden_size", 11), ("input_width", 13), ("dropout_coef", 0.2), ("num_qubits", 3), ("target_column", "x")]:
        reply = daemon.post("/experiments", {**body, "parameters": {**said, name: value}})
        assert reply.status_code == 422 and reply.json()["errors"][0]["pointer"].startswith(f"/parameters/{name}"), (name, reply.text)
