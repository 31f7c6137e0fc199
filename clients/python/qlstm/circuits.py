"""Circuits gate by gate, as engine/README.md defines them, and their simulation; with NumPy, or with torch as `xp`."""

from __future__ import annotations

import functools
import math
from collections.abc import Iterator, Sequence
from typing import Any

Gate = tuple[str, tuple[int, ...], Any]  # name, wires, angle: a number, or one for each sample


def ring(n: int, step: int) -> list[Gate]:
    return [("CNOT", (i, (i + step) % n), None) for i in range(n)] if step % n else []


def entangle(kind: str, n: int, layer: int) -> list[Gate]:
    """The CNOTs of a variational layer: those of chen2020 and chen2024 come before its rotations, the others after."""
    if kind == "chen2020":
        return ring(n, 1) + ring(n, 2)
    if kind == "chen2024":
        return [("CNOT", (i, i + 1), None) for start in (0, 1) for i in range(start, n - 1, 2)]
    if kind == "strong":
        return ring(n, layer % (n - 1) + 1) if n > 1 else []
    return [("CNOT", (0, 1), None)] if kind == "basic" and n == 2 else ring(n, 1)


def gates(xp: Any, layer: dict[str, Any], angles: Any, x: Any) -> Iterator[Gate]:
    """A circuit of a layer, gate by gate from |0...0>; x is [sample][feature], or [feature]. Wire 0 is the most
    significant bit."""
    encoders = {
        "x": lambda v: v, "pi_x": lambda v: math.pi * v, "atan": xp.arctan, "atan_square": lambda v: xp.arctan(v * v),
        "asin": xp.arcsin, "acos": xp.arccos, "tanh": xp.tanh,
    }  # fmt: skip
    if layer["type"] == "circuit":
        yield from written_gates(xp, encoders, layer["gates"], angles, x)
        return
    n, ansatz, axis = layer["n_qubits"], layer["ansatz"], layer["rotation"]
    encode = encoders[layer.get("encoder", "x")]
    if ansatz in ("chen2020", "chen2024") and layer["hadamard"]:
        yield from (("H", (i,), None) for i in range(x.shape[-1] if ansatz == "chen2020" else n))
    for i in range(x.shape[-1] if ansatz != "qdi" else 0):
        if ansatz == "chen2020":
            yield "RY", (i,), xp.arctan(x[..., i])
            yield "RZ", (i,), xp.arctan(x[..., i] ** 2)
        else:
            yield ("RY", (i,), x[..., i]) if ansatz == "chen2024" else ("R" + axis, (i,), encode(x[..., i]))
    kind = layer["entangling"] if ansatz == "qdi" else ansatz
    axes = {"chen2020": "ZYZ", "chen2024": "Y", "strong": "ZYZ", "hardware_efficient": "YZ",
            "basic": "X" if ansatz == "qdi" else axis}[kind]  # fmt: skip
    for b, block in enumerate(angles if ansatz == "qdi" else [angles]):
        for i in range(n if b > 0 else 0):
            yield "R" + axis, (i,), encode(x[..., (b - 1) * n + i])
        for number, rotations in enumerate(block):
            cnots, turns = entangle(kind, n, number), rotations.reshape(n, -1)
            yield from cnots if kind.startswith("chen") else ()
            yield from (("R" + axes[k], (i,), turns[i, k]) for i in range(n) for k in range(len(axes)))
            yield from cnots if not kind.startswith("chen") else ()


def written_gates(
    xp: Any, encoders: dict[str, Any], listed: list[dict[str, Any]], angles: Any, x: Any
) -> Iterator[Gate]:
    """A user's circuit, as the weights' metadata list it: H, CNOT and rotations by `scale`, times a trained angle
    or an encoded feature where one is named."""
    for gate in listed:
        angle = None
        if "weight" in gate:
            angle = gate["scale"] * angles[gate["weight"]]
        elif "feature" in gate:
            angle = gate["scale"] * encoders[gate["encoder"]](x[..., gate["feature"]])
        elif "scale" in gate:
            angle = xp.asarray(gate["scale"], dtype=xp.float64)
        yield gate["gate"], tuple(gate["wires"]), angle


def step_gates(layer: dict[str, Any], theta: Any) -> Iterator[Gate]:
    """One step of an hqrnn, gate by gate; theta is [sample][angle]."""
    n, axes = layer["n_qubits"], layer["rotations"].replace("_", "").replace("r", "").upper()
    gate, form = layer["entangler"].upper().split("_")
    pairs = [(q, q + 1) for q in range(n - 1)] + ([(n - 1, 0)] if form == "RING" and n > 2 else [])
    for number in range(layer["depth"]):
        for q in range(n):
            yield from (("R" + axis, (q,), theta[:, (number * n + q) * len(axes) + k]) for k, axis in enumerate(axes))
        yield from ((gate, pair, None) for pair in pairs)


@functools.cache
def cz(n: int, first: int, second: int) -> list[float]:
    """The sign of each amplitude."""
    return [1.0 - 2.0 * ((i >> (n - 1 - first)) & (i >> (n - 1 - second)) & 1) for i in range(2**n)]


@functools.cache
def cnot(n: int, control: int, target: int) -> list[int]:
    """Which amplitude each one is taken from."""
    return [i ^ ((i >> (n - 1 - control) & 1) << (n - 1 - target)) for i in range(2**n)]


def halves(state: Any, wire: int) -> tuple[Any, Any]:
    """The amplitudes where the wire is 0 and where it is 1."""
    parts = state.reshape(len(state), 2**wire, 2, -1)
    return parts[:, :, 0], parts[:, :, 1]


def turned(xp: Any, state: Any, gate: Gate) -> Any:
    """The state [sample][amplitude] behind a gate."""
    name, wires, angle = gate
    size = state.shape[1]
    if name == "CNOT":
        return state[:, cnot(size.bit_length() - 1, *wires)]
    if name == "CZ":
        return state * xp.asarray(cz(size.bit_length() - 1, *wires))
    a, b = halves(state, wires[0])
    if name == "H":
        pair = ((a + b) * 0.5**0.5, (a - b) * 0.5**0.5)
    else:
        half = angle.reshape(-1, 1, 1) / 2
        c, s = xp.cos(half), xp.sin(half)
        pair = {
            "RX": lambda: (c * a - 1j * s * b, c * b - 1j * s * a),
            "RY": lambda: (c * a - s * b, c * b + s * a),
            "RZ": lambda: ((c - 1j * s) * a, (c + 1j * s) * b),
        }[name]()
    return xp.stack(pair, 2).reshape(-1, size)


def expectation(xp: Any, state: Any, wire: int, pauli: str) -> Any:
    """Of each sample."""
    a, b = halves(state, wire)
    if pauli == "Z":
        values = a.real**2 + a.imag**2 - b.real**2 - b.imag**2
    else:
        product = 2 * xp.conj(a) * b
        values = product.real if pauli == "X" else product.imag
    return values.reshape(len(values), -1).sum(1)


def observed(xp: Any, state: Any, words: str) -> Any:
    """The expectation value of a product of Pauli matrices, as "Z0 X3", of each sample."""
    product = state
    for word in words.split():
        a, b = halves(product, int(word[1:]))
        pair = {"X": (b, a), "Y": (-1j * b, 1j * a), "Z": (a, -b)}[word[0]]
        product = xp.stack(pair, 2).reshape(-1, state.shape[1])
    return (xp.conj(state) * product).real.sum(1)


def expectations(xp: Any, layer: dict[str, Any], angles: Any, x: Any, wires: Sequence[int]) -> Any:
    """Exact expectation values of the layer's measure: [sample][wire]; of a user's circuit [sample][observable]."""
    state = xp.zeros((1, 2 ** layer["n_qubits"]), dtype=xp.complex128)
    state[0, 0] = 1
    for gate in gates(xp, layer, angles, x):
        state = turned(xp, state, gate)
    if layer["type"] == "circuit":
        return xp.stack([observed(xp, state, words) + 0 * x[:, 0] for words in layer["observables"]], 1)
    return xp.stack([expectation(xp, state, wire, layer["measure"]) + 0 * x[:, 0] for wire in wires], 1)
