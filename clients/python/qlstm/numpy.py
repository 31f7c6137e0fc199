"""A trained run as a NumPy function, from its weights alone: the definitions of engine/README.md.

    model = qlstm.numpy.Model("weights.safetensors")     # a path, bytes, or run.weights()
    model([[[0.1], [0.3], [0.5], [0.6]]])                # raw [sample][time][feature] -> raw [sample][target]

Of a classification the result is [sample][class], probabilities. `scaled` is the network itself, on scaled values.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy

from .circuits import expectation, expectations, step_gates, turned
from .weights import Source, network


class Model:
    """A trained network. `xp` is the library that computes; qlstm.torch puts torch in its place."""

    xp: Any = numpy
    erfc: Any = staticmethod(numpy.vectorize(math.erfc, otypes=[float]))

    def __init__(self, source: Source) -> None:
        weights = network(source)
        self.spec, self.scaling = weights.spec, weights.scaling
        self.tensors: Any = {name: numpy.asarray(value) for name, value in weights.items()}

    def array(self, values: Any) -> Any:
        return self.xp.asarray(values, dtype=self.xp.float64)

    def __call__(self, X: Any) -> Any:
        return self.forward(X)

    def forward(self, X: Any) -> Any:
        X, data = self.array(X), self.spec["data"]
        X = X.reshape(len(X), -1, len(data["inputs"]) // (data.get("steps", 1)))
        offset, factor = self._scalers("inputs")
        y = self.scaled((X - offset.reshape(-1, X.shape[2])) / factor.reshape(-1, X.shape[2]))
        if data["task"] == "classification":
            e = self.xp.exp(y - self.xp.amax(y, 1).reshape(-1, 1))
            return e / e.sum(1).reshape(-1, 1)
        offset, factor = self._scalers("targets")
        return y * factor + offset

    def _scalers(self, side: str) -> list[Any]:
        return [self.array([column[part] for column in self.scaling[side]]) for part in ("offset", "factor")]

    def scaled(self, X: Any) -> Any:
        """The network: scaled [sample][time][feature] -> scaled [sample][target], or logits of the classes."""
        xp, layers, xs = self.xp, self.spec["model"]["layers"], [X[:, t] for t in range(X.shape[1])]
        last = max((i for i, layer in enumerate(layers) if "hidden_size" in layer), default=-1)
        for i, layer in enumerate(layers):
            prefix = f"layers.{i}."
            if "hidden_size" not in layer:
                xs = [self.pointwise(layer, prefix, x) for x in xs]
            elif layer.get("bidirectional"):
                ahead, back = self.cell(layer, prefix, xs), self.cell(layer, prefix + "reverse.", xs[::-1])
                both = [xp.concatenate(pair, 1) for pair in zip(ahead, back[::-1])]
                xs = [xp.concatenate([ahead[-1], back[-1]], 1)] if i == last else both
            else:
                xs = self.cell(layer, prefix, xs[::-1] if layer.get("inversward") else xs)
                xs = xs[-1:] if i == last else xs[::-1] if layer.get("inversward") else xs
        return xs[0]

    def cell(self, layer: dict[str, Any], prefix: str, xs: list[Any]) -> list[Any]:
        """A recurrent layer over the steps as they come: outputs of all of them."""
        if layer["type"] == "hqrnn":
            return self.hqrnn(layer, prefix, xs)
        xp, t, outputs, size = self.xp, self.tensors, [], layer["hidden_size"]
        kind = layer["variant"] if layer["type"] == "qlstm" else layer["type"]
        h = xp.zeros((len(xs[0]), size), dtype=xp.float64)
        c: Any = 0.0

        def affine(name: str, x: Any) -> Any:
            return x @ t[f"{prefix}{name}"].T + t[f"{prefix}{name.replace('weight', 'bias')}"]

        def circuit(k: int, v: Any, count: int) -> Any:
            return self.circuit(layer, t[prefix + "circuits"][k], v, range(count))

        def hybrid(k: int, v: Any) -> Any:
            return affine("linear_out.weight", circuit(k, affine("linear_in.weight", v), layer["n_qubits"]))

        for x in xs:
            if kind in ("gru", "qgru"):
                if kind == "qgru":
                    r, z = (sigmoid(xp, hybrid(k, xp.concatenate([h, x], 1))) for k in (0, 1))
                    new = hybrid(2, xp.concatenate([r * h, x], 1))
                else:
                    a, s = (split(affine(f"weight_{w}", v), size) for w, v in (("ih", x), ("hh", h)))
                    r, z = sigmoid(xp, a[0] + s[0]), sigmoid(xp, a[1] + s[1])
                    new = a[2] + r * s[2]
                h = (1 - z) * xp.tanh(new) + z * h
            elif kind == "rnn":
                total = affine("weight_ih", x) + affine("weight_hh", h)
                h = xp.tanh(total) if layer["nonlinearity"] == "tanh" else total.clip(0)
            else:
                if kind == "lstm":
                    i, f, g, o = split(affine("weight_ih", x) + affine("weight_hh", h), size)
                elif kind == "chen2024":
                    i, f, g, o = (circuit(k, xp.concatenate([x, h], 1), size) for k in range(4))
                elif kind == "chen2020":
                    f, i, g, o = (circuit(k, xp.concatenate([x, h], 1), layer["n_qubits"]) for k in range(4))
                else:
                    f, i, g, o = (hybrid(k, xp.concatenate([h, x], 1)) for k in range(4))
                c = sigmoid(xp, f) * c + sigmoid(xp, i) * xp.tanh(g)
                h = m = sigmoid(xp, o) * xp.tanh(c)
                if kind == "chen2020":
                    h = circuit(4, m, size)
                    outputs.append(circuit(5, m, layer["n_qubits"]))
                    continue
            outputs.append(h)
        return outputs

    def hqrnn(self, layer: dict[str, Any], prefix: str, xs: list[Any]) -> list[Any]:
        """The hybrid network: its state goes on from step to step."""
        xp, t = self.xp, self.tensors
        outputs: list[Any] = []

        def affine(name: str, x: Any) -> Any:
            return x @ t[f"{prefix}{name}.weight"].T + t[f"{prefix}{name}.bias"]

        def step(theta: Any, state: Any) -> Any:
            for gate in step_gates(layer, theta):
                state = turned(xp, state, gate)
            return state

        def read(state: Any) -> Any:
            paulis = [(q, pauli) for q in range(layer["n_qubits"]) for pauli in layer["readouts"].upper()]
            return xp.stack([expectation(xp, state, q, pauli) for q, pauli in paulis], 1)

        state = xp.zeros((len(xs[0]), 2 ** layer["n_qubits"]), dtype=xp.complex128)
        state[:, 0] = 1
        if layer["initial_state"] == "learned":
            state = step(t[prefix + "initial_angles"].reshape(1, -1), state)
        for x in xs:
            a = affine("linear_in", xp.concatenate([read(state) if not outputs else outputs[-1], x], 1))
            theta = affine("linear_out", self.controller(layer, a))
            state = step(math.pi * xp.tanh(theta) if layer["squash"] == "pi_tanh" else theta, state)
            outputs.append(read(state))
        return outputs

    def controller(self, layer: dict[str, Any], a: Any) -> Any:
        if layer["controller"] == "glu":
            value, gate = split(a, layer["hidden_size"])
            return value * sigmoid(self.xp, gate)
        return a if layer["controller"] == "linear" else self.activation({"function": layer["controller"]}, a)

    def circuit(self, layer: dict[str, Any], angles: Any, x: Any, wires: Sequence[int]) -> Any:
        """Expectation values [sample][wire]; a subclass may have them from elsewhere."""
        return expectations(self.xp, layer, angles, x, wires)

    def pointwise(self, layer: dict[str, Any], prefix: str, x: Any) -> Any:
        """A layer that is not recurrent, on one step; dropout does nothing here."""
        if layer["type"] == "dense":
            return x @ self.tensors[prefix + "weight"].T + (self.tensors[prefix + "bias"] if layer["bias"] else 0)
        if layer["type"] == "quantum":
            n = layer["n_qubits"]
            wires = {"all": range(n), "even": range(0, n, 2), "single": range(1)}[layer["measurement"]]
            return self.circuit(layer, self.tensors[prefix + "circuits"][0], x, wires)
        if layer["type"] == "circuit":
            return self.circuit(layer, self.tensors[prefix + "circuits"][0], x, ())
        if layer["type"] == "embedding":
            return self.tensors[prefix + "weight"][self.xp.asarray(x, dtype=self.xp.int64)].reshape(len(x), -1)
        if layer["type"] in ("batch_norm", "layer_norm"):
            return self.normalised(layer, prefix, x)
        return self.activation(layer, x) if layer["type"] == "activation" else x

    def normalised(self, layer: dict[str, Any], prefix: str, x: Any) -> Any:
        t, mean = self.tensors, x.mean(1).reshape(-1, 1)
        variance = ((x - mean) ** 2).mean(1).reshape(-1, 1)
        if layer["type"] == "batch_norm":
            mean, variance = t[prefix + "running_mean"], t[prefix + "running_var"]
        return t[prefix + "weight"] * (x - mean) / (variance + layer["epsilon"]) ** 0.5 + t[prefix + "bias"]

    def activation(self, layer: dict[str, Any], x: Any) -> Any:
        xp, low, high = self.xp, x.clip(None, 0), x.clip(0)
        return {
            "relu": lambda: high,
            "leaky_relu": lambda: high + layer["negative_slope"] * low,
            "elu": lambda: high + layer["alpha"] * xp.expm1(low),
            "softplus": lambda: xp.where(x > 20, x, high + xp.log1p(xp.exp(-xp.abs(x)))),
            "gelu": lambda: x * self.erfc(-x / math.sqrt(2)) / 2,
            "sigmoid": lambda: sigmoid(xp, x),
            "tanh": lambda: xp.tanh(x),
            "identity": lambda: x,
        }[layer["function"]]()


def sigmoid(xp: Any, x: Any) -> Any:
    return (1 + xp.tanh(x / 2)) / 2


def split(rows: Any, size: int) -> list[Any]:
    """Columns of a classical cell, gate by gate."""
    return [rows[:, i : i + size] for i in range(0, rows.shape[1], size)]
