"""Classical layers against torch.nn: outputs, loss and every gradient of a stack that holds them."""
import os

import numpy as np
import pytest
import torch

import engine

WORKER = os.environ.get("QLSTM_WORKER", "build/qlstm-worker")
CELLS = {"lstm": (torch.nn.LSTM, 4), "gru": (torch.nn.GRU, 3), "rnn": (torch.nn.RNN, 1)}
ACTIVATIONS = {
    "relu": torch.nn.ReLU(), "tanh": torch.nn.Tanh(), "sigmoid": torch.nn.Sigmoid(), "gelu": torch.nn.GELU(),
    "leaky_relu": torch.nn.LeakyReLU(0.2), "elu": torch.nn.ELU(1.5), "softplus": torch.nn.Softplus(),
    "identity": torch.nn.Identity(),
}  # fmt: skip


def recurrent(layer, inputs):
    """(module, our names of its parameters without the prefix "layers.I.")"""
    kind, _ = CELLS[layer["type"]]
    more = {"nonlinearity": layer["nonlinearity"]} if layer["type"] == "rnn" else {}
    module = kind(inputs, layer["hidden_size"], batch_first=True, bidirectional=layer["bidirectional"],
                  dtype=torch.float64, **more)  # fmt: skip
    names = {}
    for name in ("weight_ih", "weight_hh", "bias_ih", "bias_hh"):
        names[name] = getattr(module, name + "_l0")
        if layer["bidirectional"]:
            names["reverse." + name] = getattr(module, name + "_l0_reverse")
    return module, names


class Stack(torch.nn.Module):
    """`layers` in torch; the last recurrent one gives its final step."""

    def __init__(self, layers, width):
        super().__init__()
        self.layers, self.modules_, self.named = layers, torch.nn.ModuleList(), {}
        for i, layer in enumerate(layers):
            if layer["type"] in CELLS:
                module, names = recurrent(layer, width)
                width = layer["hidden_size"] * (2 if layer["bidirectional"] else 1)
            elif layer["type"] == "dense":
                module = torch.nn.Linear(width, layer["units"], dtype=torch.float64)
                names, width = {"weight": module.weight, "bias": module.bias}, layer["units"]
            elif layer["type"] == "activation":
                module, names = ACTIVATIONS[layer["function"]], {}
            elif layer["type"] == "embedding":
                module = torch.nn.Embedding(layer["classes"], layer["dimension"], dtype=torch.float64)
                names, width = {"weight": module.weight}, width * layer["dimension"]
            elif layer["type"].endswith("_norm"):
                kind = {"batch_norm": torch.nn.BatchNorm1d, "layer_norm": torch.nn.LayerNorm}[layer["type"]]
                module = kind(width, eps=layer["epsilon"], dtype=torch.float64)
                names = {"weight": module.weight, "bias": module.bias, **dict(module.named_buffers())}
                names.pop("num_batches_tracked", None)
                for value in names.values():
                    torch.nn.init.uniform_(value, 0.5, 1.5)
            else:
                module, names = torch.nn.Dropout(layer["p"]), {}
            self.modules_.append(module)
            self.named |= {f"layers.{i}.{name}": value for name, value in names.items()}
        self.eval()

    def forward(self, x):
        last = max(i for i, layer in enumerate(self.layers) if layer["type"] in CELLS)
        for i, (layer, module) in enumerate(zip(self.layers, self.modules_)):
            if layer["type"] == "embedding":
                x = module(x.long()).flatten(-2)
                continue
            if layer["type"] not in CELLS:
                turned = layer["type"] == "batch_norm" and x.dim() == 3
                x = module(x.transpose(1, 2)).transpose(1, 2) if turned else module(x)
                continue
            x = module(x.flip(1))[0].flip(1) if layer["inversward"] else module(x)[0]
            if i == last:
                hidden = layer["hidden_size"]
                final = [x[:, 0] if layer["inversward"] else x[:, -1, :hidden]]
                x = torch.cat(final + ([x[:, 0, hidden:]] if layer["bidirectional"] else []), 1)
        return x


def compare(layers, seed, inputs=3, batch=4, steps=5, classes=False):
    torch.manual_seed(seed)
    rng = np.random.default_rng(seed)
    theirs = Stack(layers, inputs)
    whole = layers[0]["type"] == "embedding"
    x = rng.integers(layers[0]["classes"], size=(batch, steps, inputs)) if whole else rng.normal(size=(batch, steps, inputs))
    x = torch.tensor(x, dtype=torch.float64, requires_grad=True)
    units = layers[-1]["units"]
    targets = torch.tensor(rng.integers(units, size=(batch, 1)) if classes else rng.normal(size=(batch, units)))
    weights = {name: value.detach().tolist() for name, value in theirs.named.items()}
    spec = {"model": {"layers": layers}}
    if whole:
        spec["data"] = {"scaling": "none"}
    if classes:
        spec["data"] = {"task": "classification", "classes": units, "steps": steps}
    reply = engine.evaluate(WORKER, spec, weights, x.detach().tolist(), targets.tolist())
    outputs = theirs(x)
    cross_entropy = torch.nn.CrossEntropyLoss()
    loss = cross_entropy(outputs, targets[:, 0]) if classes else torch.mean((outputs - targets) ** 2)
    loss.backward()
    np.testing.assert_allclose(reply["outputs"], outputs.detach(), rtol=0, atol=1e-12)
    np.testing.assert_allclose(reply["loss"], loss.detach(), rtol=0, atol=1e-12)
    np.testing.assert_allclose(reply["gradient"]["inputs"], torch.zeros_like(x) if whole else x.grad, rtol=0, atol=1e-12)
    for name, value in theirs.named.items():
        if not value.requires_grad:
            continue
        np.testing.assert_allclose(reply["gradient"]["weights"][name], value.grad, rtol=0, atol=1e-12, err_msg=name)


def cell(kind, hidden, way="forward", **more):
    if kind == "rnn":
        more.setdefault("nonlinearity", "tanh")
    return {"type": kind, "hidden_size": hidden, "inversward": way == "inversward",
            "bidirectional": way == "bidirectional", **more}  # fmt: skip


@pytest.mark.parametrize("way", ["forward", "inversward", "bidirectional"])
@pytest.mark.parametrize("kind, more", [("lstm", {}), ("gru", {}), ("rnn", {}), ("rnn", {"nonlinearity": "relu"})])
def test_recurrent_layers(kind, more, way):
    below, above = cell(kind, 6, way, **more), cell(kind, 5, way, **more)
    compare([below, above, {"type": "dense", "units": 2}], seed=1)


@pytest.mark.parametrize("function", ACTIVATIONS)
def test_activations(function):
    layer = {"type": "activation", "function": function, "negative_slope": 0.2, "alpha": 1.5}
    layers = [{"type": "dense", "units": 4}, layer, cell("gru", 5), layer, {"type": "dense", "units": 3}, layer,
              {"type": "dense", "units": 2}]  # fmt: skip
    compare(layers, seed=2)


def test_dropout_outside_of_training():
    layers = [{"type": "dropout", "p": 0.5}, cell("gru", 5), {"type": "dropout", "p": 0.9}, {"type": "dense", "units": 1}]
    compare(layers, seed=3)


def test_cross_entropy():
    compare([cell("lstm", 5), {"type": "dense", "units": 4}], seed=4, classes=True)
    compare([cell("gru", 6, "bidirectional"), {"type": "dense", "units": 10}], seed=5, batch=9, classes=True)


@pytest.mark.parametrize("kind", ["batch_norm", "layer_norm"])
def test_normalisation(kind):
    norm = {"type": kind, "epsilon": 0.01}
    compare([norm, cell("lstm", 5), norm, {"type": "dense", "units": 2}], seed=6)


def test_embedding():
    compare([{"type": "embedding", "classes": 7, "dimension": 3}, cell("gru", 5), {"type": "dense", "units": 2}], seed=7)
