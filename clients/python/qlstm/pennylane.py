"""A trained run's circuits in PennyLane.

    node = qlstm.pennylane.circuit("weights.safetensors", layer=0, gate=1)
    node([0.1, 0.2, 0.3, 0.4])                              # expectation values of the layer's measure on all wires
    print(qml.draw(node)([0.1, 0.2, 0.3, 0.4]))

`gate` is the index of the first axis of `layers.I.circuits` (engine/README.md). `Module` is the whole network, a
torch.nn.Module whose circuits run in PennyLane, on `device`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pennylane as qml
import torch

from . import torch as plain
from .circuits import Gate, gates
from .weights import Source

OPERATIONS = {"H": qml.Hadamard, "CNOT": qml.CNOT, "RX": qml.RX, "RY": qml.RY, "RZ": qml.RZ}
PAULIS = {"X": qml.PauliX, "Y": qml.PauliY, "Z": qml.PauliZ}


def apply(gate: Gate) -> None:
    """One gate, as PennyLane has it."""
    name, wires, angle = gate
    if angle is None:
        OPERATIONS[name](wires=list(wires))
    else:
        OPERATIONS[name](angle, wires=list(wires))


def product(words: str) -> Any:
    """An observable, as "Z0 X3"."""
    factors = [PAULIS[word[0]](int(word[1:])) for word in words.split()]
    return qml.prod(*factors) if factors else qml.Identity(0)


def node(layer: dict[str, Any], angles: Any, wires: Sequence[int], device: str) -> Any:
    """A QNode of x, [sample][feature] or [feature], with the angles of one circuit."""

    @qml.qnode(qml.device(device, wires=layer["n_qubits"]), interface="torch")  # type: ignore
    def run(x: Any) -> Any:
        x = torch.as_tensor(x, dtype=torch.float64)
        for gate in gates(torch, layer, angles, x):
            apply(gate)
        if layer["type"] == "circuit":
            return [qml.expval(product(words)) for words in layer["observables"]]
        return [qml.expval(PAULIS[layer["measure"]](wire)) for wire in wires]

    return run


def circuit(
    weights: Source, layer: int = 0, gate: int = 0, *, reverse: bool = False, device: str = "default.qubit"
) -> Any:
    """A QNode of the features that come in, one sample or [sample][feature]. `reverse` is the
    direction from the end of a bidirectional layer."""
    module = plain.Module(weights)
    config = module.spec["model"]["layers"][layer]
    angles = module.tensors[f"layers.{layer}.{'reverse.' * reverse}circuits"][gate].detach()
    return node(config, angles, range(config["n_qubits"]), device)


class Module(plain.Module):
    """The whole network, its circuits in PennyLane."""

    def __init__(self, source: Source, device: str = "default.qubit") -> None:
        super().__init__(source)
        self.device = device

    def circuit(self, layer: dict[str, Any], angles: Any, x: Any, wires: Sequence[int]) -> Any:
        rows = node(layer, angles, wires, self.device)(x)
        return torch.stack([torch.atleast_1d(row).expand(len(x)) for row in rows], 1)
