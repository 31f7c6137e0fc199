"""The hybrid network over HTTP: what the answer says of it, training, predictions, built-in tasks of memory, refusals."""
import json
import pathlib

import pytest

from api_daemon import ROOT, problem, read_safetensors

RECIPES = pathlib.Path(ROOT) / "schema" / "recipes"
ADDING = {"dataset": "adding_50", "task": "regression", "steps": 50, "scaling": "none"}
COPYING = {"dataset": "copying_50", "task": "words", "word_bits": 4, "length": 71}
SMALL = {"type": "hqrnn", "n_qubits": 3, "hidden_size": 4}
FULL = {"type": "hqrnn", "n_qubits": 3, "depth": 2, "hidden_size": 4, "controller": "glu", "rotations": "rx_ry_rz",
        "entangler": "cnot_ring", "readouts": "xyz", "squash": "none", "initial_state": "zero", "reading": "expectation",
        "dropout_p": 0, "batch_first": True}
ADAM = {"type": "adam", "learning_rate": 0.01}


def epochs(daemon, row):
    return daemon.get(row["links"]["metrics"]).json()["metrics"]


def tensors(daemon, row):
    return read_safetensors(daemon.get(row["links"]["weights"]).content)[0]


def test_in_shorthand(daemon):
    row = daemon.train({**SMALL, "data": {"dataset": "sine", "window": 4}, "training": {"epochs": 20, "optimizer": ADAM}})
    assert row["spec"]["model"]["layers"] == [FULL, {"type": "dense", "units": 1, "bias": True}]
    # W1 8 x 10, b1 8, W2 18 x 4, b2 18, the head 9 + 1
    assert row["model"] == {"parameters": 80 + 8 + 72 + 18 + 10, "quantum": 0, "classical": 188}
    history = epochs(daemon, row)
    assert history[-1]["train_loss"] < 0.2 * history[0]["train_loss"]
    shapes = {name: shape for name, (shape, _) in tensors(daemon, row).items()}
    assert shapes["layers.0.linear_in.weight"] == [8, 10] and shapes["layers.0.linear_out.bias"] == [18]
    said = daemon.post(f"/experiments/{row['id']}/predict", {"inputs": [[[0.1], [0.3], [0.5], [0.6]]]})
    assert said.status_code == 200 and len(said.json()["outputs"]) == 1


def test_every_choice(daemon):
    layers = [{**SMALL, "controller": "gelu", "rotations": "ry_rz", "entangler": "cz_chain", "readouts": "xz",
               "squash": "pi_tanh", "initial_state": "learned", "reading": "collapse", "dropout_p": 0.25},
              {"type": "lstm", "hidden_size": 2}]
    spec = {"model": {"layers": layers}, "data": {"dataset": "sine"}, "training": {"epochs": 3, "optimizer": ADAM}}
    first, second = daemon.train(spec), daemon.train(spec)
    assert first["spec"]["model"]["layers"][0] == {**FULL, **layers[0], "depth": 2, "batch_first": True}
    assert first["model"]["quantum"] == 12  # the initial angles
    assert tensors(daemon, first) == tensors(daemon, second)
    assert [e["test_loss"] for e in epochs(daemon, first)] == [e["test_loss"] for e in epochs(daemon, second)]


def test_tasks_of_memory_are_data_sets(daemon):
    adding = daemon.get("/datasets/adding_50").json()
    assert adding["rows"] == 3200 and [c["name"] for c in adding["columns"]][-3:] == ["value_49", "mark_49", "sum"]
    copying = daemon.get("/datasets/copying_100").json()
    assert copying["rows"] == 1280 * 121 and [c["name"] for c in copying["columns"]] == ["input", "target", "scored"]


@pytest.mark.parametrize("layer", [SMALL, {"type": "lstm", "hidden_size": 3}, {"type": "rnn", "hidden_size": 6}])
def test_tasks_of_memory_are_trained_on(daemon, layer):
    """Its classical switch is the layer's type."""
    training = {"epochs": 1, "batch_size": 256, "optimizer": ADAM}
    row = daemon.train({"data": {**ADDING, "split": {"train": 0.1}}, "model": {"layers": [layer]}, "training": training,
                        "simulation": {"precision": "float32"}})
    assert len(row["spec"]["data"]["inputs"]) == 100 and row["spec"]["data"]["targets"] == ["sum"]
    assert epochs(daemon, row)[-1]["test_loss"] < 3
    spec = {"data": COPYING, "model": {"layers": [layer]}, "training": {"loss": "cross_entropy"}}
    reply = daemon.post("/experiments?validate_only=true", spec)
    assert reply.status_code == 200 and reply.json()["spec"]["model"]["layers"][-1]["units"] == 16


@pytest.mark.parametrize("recipe", ["adding_hqrnn", "copying_hqrnn", "row_mnist_hqrnn", "permuted_mnist_hqrnn"])
def test_recipes_are_accepted(daemon, recipe):
    spec = json.loads((RECIPES / f"{recipe}.json").read_text())
    mnist = "mnist" in recipe
    reply = daemon.post("/experiments?validate_only=true", spec)
    assert (reply.status_code, mnist) in [(200, False), (404, True), (422, True)], reply.text


@pytest.mark.parametrize("change, code, pointer", [
    ({"n_qubits": 21}, "out_of_range", "/model/layers/0/n_qubits"),
    ({"depth": 0}, "out_of_range", "/model/layers/0/depth"),
    ({"controller": "gul"}, "invalid", "/model/layers/0/controller"),
    ({"rotations": "rz"}, "invalid", "/model/layers/0/rotations"),
    ({"entangler": "ring"}, "invalid", "/model/layers/0/entangler"),
    ({"readouts": "y"}, "invalid", "/model/layers/0/readouts"),
    ({"dropout_p": 1.5}, "out_of_range", "/model/layers/0/dropout_p"),
    ({"bidirectional": True}, "unknown_field", "/model/layers/0/bidirectional"),
])
def test_refusals(daemon, change, code, pointer):
    reply = daemon.post("/experiments", {"model": {"layers": [{**SMALL, **change}]}})
    problem(reply, 422, code, pointer)


def test_where_memory_ends(daemon):
    reply = daemon.post("/experiments?validate_only=true",
                        {**SMALL, "n_qubits": 20, "training": {"batch_size": 4096}})
    said = problem(reply, 422, "too_large", "/n_qubits")
    assert "memory" in said
