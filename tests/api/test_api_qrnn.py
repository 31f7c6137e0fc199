"""Bausch's network over HTTP: words from a built-in task and from an upload, what it learns, is measured by and leaves."""
import csv
import io
import json
import pathlib

import pytest

from api_daemon import ROOT, problem, read_safetensors

RECIPES = pathlib.Path(ROOT) / "schema" / "recipes"
XOR = {"dataset": "elman_xor", "task": "words", "word_bits": 2, "length": 36, "split": {"train": 0.8}}
SMALL = {"type": "qrnn", "workspace": 3, "stages": 1}
QUICK = {"epochs": 2, "batch_size": 64, "shuffle": True, "optimizer": {"type": "adam", "learning_rate": 0.05},
         "clip_norm": 0.5}
METRICS = {"train_loss", "test_loss", "gradient_norm", "train_accuracy", "test_accuracy", "train_error_rate",
           "test_error_rate", "train_min_postsel_prob", "test_min_postsel_prob"}


def predictions(daemon, row):
    return list(csv.DictReader(io.StringIO(daemon.get(row["links"]["predictions"]).text)))


def epochs(daemon, row):
    return daemon.get(row["links"]["metrics"]).json()["metrics"]


def tensors(daemon, row):
    return read_safetensors(daemon.get(row["links"]["weights"]).content)[0]


def test_two_sequences_by_heart(daemon):
    spec = json.loads((RECIPES / "qrnn_simple_seq.json").read_text())
    spec["training"] |= {"epochs": 400, "stop_loss": 1e-3}
    row = daemon.train(spec)
    assert row["model"] == {"parameters": 1162, "quantum": 1162, "classical": 0}
    assert row["spec"]["model"]["layers"] == [{**spec["model"]["layers"][0], "bias": 1.5707963267948966,
                                               "measure": False, "batch_first": True, "input_bits": 3}]
    history = epochs(daemon, row)
    assert METRICS <= set(history[-1])
    assert len(history) < 400 and history[-1]["test_loss"] < 1e-3 <= min(e["test_loss"] for e in history[:-1])
    assert history[-1]["test_accuracy"] == 1 and history[-1]["train_min_postsel_prob"] > 0.9
    assert history[-1]["test_min_postsel_prob"] == 1  # all are drawn
    said = predictions(daemon, row)
    assert list(said[0]) == ["part", "index", "position", "target", "target_predicted",
                             *(f"target_probability_{k}" for k in range(8)), "row"]
    assert len(said) == 4 * 19 and [r["part"] for r in said] == ["train"] * 38 + ["test"] * 38
    assert all(r["target"] == r["target_predicted"] for r in said)
    assert [r["row"] for r in said[18:20]] == [str(int(said[0]["row"]) + 18), str(int(said[0]["row"]) + 20)]
    assert [r["target"] for r in said[:19]] == [str((i + 1) % 4) for i in range(19)]
    assert all(abs(sum(float(r[f"target_probability_{k}"]) for k in range(8)) - 1) < 1e-12 for r in said)
    report = daemon.get(f"/experiments/{row['id']}/report").json()
    assert report["metrics"]["test"][0]["accuracy"] == 1 and "classes" not in report["data"]
    shapes = {name: shape for name, (shape, _) in tensors(daemon, row).items()}
    assert shapes["layers.0.input.weights"] == [5, 63] and shapes["layers.0.stages.1.rotations"] == [5]


def test_a_built_in_task_is_a_data_set(daemon):
    found = daemon.get("/datasets/elman_xor").json()
    assert [c["name"] for c in found["columns"]] == ["input", "target", "scored"] and found["rows"] == 800 * 36
    text = daemon.get("/datasets/elman_xor/content").text
    rows = list(csv.DictReader(io.StringIO(text)))
    assert len(rows) == found["rows"] and rows[2]["scored"] == "1" and rows[0] == {"input": rows[0]["input"],
                                                                                  "target": "2", "scored": "0"}
    # The same words from an upload give the same weights; so does naming the columns.
    assert daemon.upload("my_xor", text.encode()).status_code == 201
    spec = {"data": XOR, "model": {"layers": [SMALL]}, "training": QUICK, "simulation": {"precision": "float32"}}
    first = daemon.train(spec)
    assert first["spec"]["data"]["scored"] == "scored" and "scaling" not in first["spec"]["data"]
    second = daemon.train({**spec, "data": {**XOR, "dataset": "my_xor", "inputs": ["input"], "targets": [1]}})
    assert tensors(daemon, first) == tensors(daemon, second)
    said = predictions(daemon, first)
    assert len(said) == 800 * 12 and {r["position"] for r in said} == {str(p) for p in range(2, 36, 3)}


def test_validation_every_few_batches_with_what_is_drawn(daemon):
    """An epoch of two batches of 480 / 64; sequences 480 and 481 are the first of the validation part."""
    data = {**XOR, "split": {"train": 0.6, "validation": 0.2}}
    row = daemon.train({"data": data, "model": {"layers": [SMALL]},
                        "training": {**QUICK, "epochs": 3, "epoch_batches": 2, "shown_sequences": 2}})
    history = epochs(daemon, row)
    measured = {f"validation_{name}" for name in ("loss", "accuracy", "error_rate", "min_postsel_prob")}
    assert len(history) == 3 and measured | METRICS <= set(history[0])
    assert all(0 < epoch["validation_min_postsel_prob"] <= 1 for epoch in history)
    events = daemon.get(f"/experiments/{row['id']}/events?limit=200").json()["events"]
    said = [event["message"] for event in events if event["type"] == "log" and ", drawn " in event["message"]]
    assert len(said) == 3 * 2 and [line.split(":")[0] for line in said[::2]] == ["epoch 1", "epoch 2", "epoch 3"]
    rows = list(csv.DictReader(io.StringIO(daemon.get("/datasets/elman_xor/content").text)))
    for k, line in enumerate(said):
        targets, drawn = line.split(": ")[1].split(", drawn ")
        sequence = rows[(480 + k % 2) * 36:][1:36]
        assert targets.split() == [at["target"] for at in sequence if at["scored"] == "1"]
        assert len(drawn.split()) == 12 and set(drawn.split()) <= set("0123")
    file = daemon.get(f"/experiments/{row['id']}/tensorboard").content
    assert b"validation_samples" in file and said[-1].split(": ")[1].encode() in file


def test_going_on_with_another_rate_batch_and_optimiser(daemon):
    spec = {"data": XOR, "model": {"layers": [SMALL]}, "training": {**QUICK, "epochs": 3}}
    parent = daemon.train(spec)
    changes = {"training": {"epochs": 2, "batch_size": 16,
                            "optimizer": {"type": "sgd", "learning_rate": 1e-12, "momentum": 0}}}
    reply = daemon.post(f"/experiments/{parent['id']}/fork", changes)
    assert reply.status_code == 202, reply.text
    child = daemon.wait(reply.json()["id"])
    assert child["status"] == "succeeded" and child["spec"]["training"]["batch_size"] == 16
    # A rate that moves nothing: what the parent knew is still known.
    assert epochs(daemon, child)[-1]["test_loss"] == pytest.approx(epochs(daemon, parent)[-1]["test_loss"], rel=1e-9)
    better = daemon.post(f"/experiments/{parent['id']}/fork", {"training": {"epochs": 4, "batch_size": 32}}).json()
    assert better["spec"]["training"]["optimizer"]["resume"]
    learned = epochs(daemon, daemon.wait(better["id"]))
    assert learned[-1]["test_loss"] < epochs(daemon, parent)[-1]["test_loss"]


def test_going_on_is_as_if_it_had_not_ended(daemon):
    """In the order of the data two epochs and two more are four, to the bit: weights, Adam's moments and steps."""
    training = {**QUICK, "shuffle": False}
    spec = {"data": XOR, "model": {"layers": [SMALL]}, "training": training, "simulation": {"precision": "float32"}}
    parent, whole = daemon.train(spec), daemon.train({**spec, "training": {**training, "epochs": 4}})
    child = daemon.wait(daemon.post(f"/experiments/{parent['id']}/fork", {}).json()["id"])
    assert tensors(daemon, child) == tensors(daemon, whole)
    assert epochs(daemon, child)[-1]["test_loss"] == epochs(daemon, whole)[-1]["test_loss"]


def test_another_model_on_the_same_words(daemon):
    row = daemon.train({"data": XOR, "model": {"layers": [{"type": "gru", "hidden_size": 4}]},
                        "training": {**QUICK, "loss": "cross_entropy"}})
    assert row["spec"]["model"]["layers"][-1] == {"type": "dense", "units": 4, "bias": True}
    assert "test_accuracy" in epochs(daemon, row)[-1] and "test_error_rate" not in epochs(daemon, row)[-1]
    said = predictions(daemon, row)[0]
    assert abs(sum(float(said[f"target_probability_{k}"]) for k in range(4)) - 1) < 1e-12


def test_shorthand(daemon):
    reply = daemon.post("/experiments?validate_only=true", {"type": "qrnn", "workspace": 2, "data": XOR})
    assert reply.status_code == 200, reply.text
    assert reply.json()["spec"]["model"]["layers"] == [
        {"type": "qrnn", "workspace": 2, "stages": 2, "order": 2, "degree": 2, "bias": 1.5707963267948966,
         "weight_spread": 0.01, "bias_spread": 0.1, "rotation_spread": 0.01, "measure": False, "batch_first": True, "input_bits": 2}]
    assert reply.json()["spec"]["training"]["loss"] == "probability_cross_entropy"


@pytest.mark.parametrize("change, code, pointer", [
    ({"data": {**XOR, "word_bits": None}}, "wrong_type", "/data/word_bits"),
    ({"data": {k: v for k, v in XOR.items() if k != "word_bits"}}, "missing", "/data/word_bits"),
    ({"data": {**XOR, "word_bits": 7}}, "out_of_range", "/data/word_bits"),
    ({"data": {**XOR, "length": 35}}, "invalid", "/data/length"),
    ({"data": {**XOR, "scored": "weight"}}, "invalid", "/data/scored"),
    ({"data": {**XOR, "inputs": ["input", "target"]}}, "invalid", "/data/inputs"),
    ({"data": {**XOR, "scaling": "none"}}, "invalid", "/data/scaling"),
    ({"data": {"dataset": "sine", "word_bits": 2}}, "invalid", "/data/word_bits"),
    ({"data": {}}, "invalid", "/model/layers/0/type"),
    ({"model": {"layers": [{**SMALL, "input_bits": 3}]}}, "invalid", "/model/layers/0/input_bits"),
    ({"model": {"layers": [{**SMALL, "workspace": 11}]}}, "out_of_range", "/model/layers/0/workspace"),
    ({"model": {"layers": [{"type": "lstm"}, SMALL]}}, "invalid", None),
    ({"training": {"loss": "cross_entropy"}}, "invalid", "/training/loss"),
    ({"model": {"layers": [{"type": "lstm"}]}}, "invalid", "/training/loss"),
])
def test_refusals(daemon, change, code, pointer):
    spec = {"data": XOR, "model": {"layers": [SMALL]}, **change}
    problem(daemon.post("/experiments", spec), 422, code, pointer)


@pytest.mark.parametrize("rows, words", [
    ("0,1,1\n1,2,1\n2,4,1\n3,0,1\n", ("/data/targets/0", "holds 4 in row 2 (from 0)")),
    ("0,1,1\n1.5,2,1\n2,3,1\n3,0,1\n", ("/data/inputs/0", "holds 1.5 in row 1")),
    ("0,1,1\n1,2,1\n2,3,-1\n3,0,1\n", ("/data/scored", "holds -1 in row 2")),
])
def test_uploaded_words_are_checked_before(daemon, rows, words):
    name = f"words{abs(hash(rows))}"
    assert daemon.upload(name, ("input,target,scored\n" + rows).encode()).status_code == 201
    spec = {"data": {"dataset": name, "task": "words", "word_bits": 2, "length": 2}, "model": {"layers": [SMALL]}}
    for _ in range(2):
        assert words[1] in problem(daemon.post("/experiments", spec), 422, "invalid", words[0])
    wider = {**spec, "data": {**spec["data"], "word_bits": 3}}
    reply = daemon.post("/experiments?validate_only=true", wider)
    assert reply.status_code == (200 if "4" in words[1] else 422), reply.text


def test_words_are_not_predicted(daemon):
    row = daemon.train({"data": XOR, "model": {"layers": [SMALL]}, "training": {**QUICK, "epochs": 1}})
    reply = daemon.post(f"/experiments/{row['id']}/predict", {"inputs": [[[0, 1]]]})
    assert "predictions" in problem(reply, 409, "conflict")


@pytest.mark.parametrize("layers", [[SMALL, {"type": "layer_norm"}], [{"type": "batch_norm"}, SMALL, {"type": "dense"}],
                                    [{"type": "dense", "units": 2}, SMALL]])
def test_it_stands_alone(daemon, layers):
    """Also between other layers, and in a forecasting: there a worker read past its memory."""
    layers = [{**layer, "input_bits": 1} if layer["type"] == "qrnn" else layer for layer in layers]
    reply = daemon.post("/experiments", {"data": {"dataset": "sine", "window": 2}, "model": {"layers": layers}})
    assert "a layer of type 'qrnn' is a model by itself" in problem(reply, 422, "invalid", "/model/layers")
