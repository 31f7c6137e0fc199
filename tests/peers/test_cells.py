"""Whole cells, and through them every ansatz, and circuits as layers, against PennyLane: outputs, loss and every gradient."""
import os

import numpy as np
import pytest
import torch

import engine
import model

WORKER = os.environ.get("QLSTM_WORKER", "build/qlstm-worker")
CELLS = ["chen2020", "chen2024", "linear", "qdi"]


def random_layer(rng, variant, ansatz, kind="qlstm"):
    n = int(rng.integers(2, 5))
    layer = {
        "type": kind, "variant": variant, "ansatz": ansatz, "n_qubits": n,
        "hidden_size": int(rng.integers(1, n)), "n_qlayers": int(rng.integers(1, 3)), "depth": int(rng.integers(1, 3)),
        "inversward": bool(rng.integers(2)), "bidirectional": False, "hadamard": bool(rng.integers(2)),
        "rotation": str(rng.choice(list("XYZ"))), "measure": str(rng.choice(list("XYZ"))),
        "entangling": str(rng.choice(["basic", "strong"])),
    }  # fmt: skip
    layer["bidirectional"] = not layer["inversward"] and bool(rng.integers(2))
    return layer


def circuit_shape(layer):
    n, layers = layer["n_qubits"], layer["n_qlayers"] * layer["depth"]
    if layer["ansatz"] == "qdi":
        return [layer["n_qlayers"] + 1, layer["depth"], n] + ([3] if layer["entangling"] == "strong" else [])
    return [layers, n] + {"chen2020": [3], "strong": [3], "hardware_efficient": [2]}.get(layer["ansatz"], [])


def random_weights(rng, layer, n_inputs):
    n, hidden, chen = layer["n_qubits"], layer["hidden_size"], layer["variant"] == "chen2020"
    fed = n * (layer["n_qlayers"] if layer["ansatz"] == "qdi" else 1)
    count = 3 if layer["type"] == "qgru" else 6 if chen else 4
    shapes = {"circuits": [count] + circuit_shape(layer)}
    if layer["variant"] in ("linear", "qdi"):
        shapes |= {"linear_in.weight": [fed, hidden + n_inputs], "linear_in.bias": [fed]}
        shapes |= {"linear_out.weight": [hidden, n], "linear_out.bias": [hidden]}
    prefixes = ["layers.0.", "layers.0.reverse."] if layer["bidirectional"] else ["layers.0."]
    shapes = {prefix + name: shape for prefix in prefixes for name, shape in shapes.items()}
    shapes |= {"layers.1.weight": [1, (n if chen else hidden) * len(prefixes)], "layers.1.bias": [1]}
    return {name: rng.normal(size=shape) for name, shape in shapes.items()}


def compare(layer, rng):
    weights = random_weights(rng, layer, n_inputs=1)
    compare_model([layer], weights, rng, 1, lambda theirs, x: model.model(layer, theirs, x))


def compare_model(layers, weights, rng, n_inputs, run, batch=3, steps=3):
    """run(weights, inputs): what torch says of `layers` with a dense head."""
    inputs, targets = rng.uniform(-0.9, 0.9, size=(batch, steps, n_inputs)), rng.uniform(-1, 1, size=(batch, 1))
    spec = {"model": {"layers": layers + [{"type": "dense", "units": 1}]}}
    plain = {name: value.tolist() for name, value in weights.items()}
    reply = engine.evaluate(WORKER, spec, plain, inputs.tolist(), targets.tolist())
    theirs = {name: torch.tensor(value, requires_grad=True) for name, value in weights.items()}
    x = torch.tensor(inputs, requires_grad=True)
    outputs = run(theirs, x)
    loss = torch.mean((outputs - torch.tensor(targets)) ** 2)
    loss.backward()
    np.testing.assert_allclose(reply["outputs"], outputs.detach(), rtol=0, atol=1e-10)
    np.testing.assert_allclose(reply["loss"], loss.detach(), rtol=0, atol=1e-10)
    np.testing.assert_allclose(reply["gradient"]["inputs"], x.grad, rtol=0, atol=1e-10)
    for name, value in theirs.items():
        gradient = torch.zeros_like(value) if value.grad is None else value.grad
        np.testing.assert_allclose(reply["gradient"]["weights"][name], gradient, rtol=0, atol=1e-10, err_msg=name)


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("variant", CELLS)
def test_cells(variant, seed):
    rng = np.random.default_rng([seed, CELLS.index(variant)])
    compare(random_layer(rng, variant, {"linear": "basic"}.get(variant, variant)), rng)


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("ansatz", list(model.ANSATZE))
def test_every_ansatz_between_linear_maps(ansatz, seed):
    rng = np.random.default_rng([seed, 10 + list(model.ANSATZE).index(ansatz)])
    compare(random_layer(rng, "linear", ansatz), rng)


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("variant", ["linear", "qdi"])
def test_qgru(variant, seed):
    rng = np.random.default_rng([seed, 20 + ["linear", "qdi"].index(variant)])
    ansatz = str(rng.choice(list(model.ANSATZE))) if seed > 1 else {"linear": "basic"}.get(variant, variant)
    compare(random_layer(rng, variant, ansatz, "qgru"), rng)


def random_quantum(rng, ansatz, n):
    layer = random_layer(rng, "", ansatz, "quantum")
    for name in ("variant", "hidden_size", "inversward", "bidirectional"):
        del layer[name]
    return layer | {"n_qubits": n, "measurement": str(rng.choice(["all", "even", "single"])),
                    "encoder": str(rng.choice(list(model.ENCODERS)))}  # fmt: skip


def values_taken(layer):
    return layer["n_qubits"] * (layer["n_qlayers"] if layer["ansatz"] == "qdi" else 1)


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("ansatz", list(model.ANSATZE))
def test_circuits_as_layers(ansatz, seed):
    rng = np.random.default_rng([seed, 30 + list(model.ANSATZE).index(ansatz)])
    below, above = (random_quantum(rng, ansatz, n) for n in (2, 3))
    width = {"all": lambda n: n, "even": lambda n: (n + 1) // 2, "single": lambda n: 1}
    widths = [width[layer["measurement"]](layer["n_qubits"]) for layer in (below, above)]
    hidden = values_taken(above)
    shapes = {"layers.0.circuits": [1] + circuit_shape(below), "layers.1.weight_ih": [hidden, widths[0]],
              "layers.1.weight_hh": [hidden, hidden], "layers.1.bias_ih": [hidden], "layers.1.bias_hh": [hidden],
              "layers.2.circuits": [1] + circuit_shape(above), "layers.3.weight": [1, widths[1]],
              "layers.3.bias": [1]}  # fmt: skip
    weights = {name: rng.normal(size=shape) for name, shape in shapes.items()}
    layers = [below, {"type": "rnn", "hidden_size": hidden, "nonlinearity": "tanh"}, above]
    compare_model(layers, weights, rng, values_taken(below), lambda theirs, x: model.between(below, above, theirs, x))
