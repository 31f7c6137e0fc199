"""Random programs of `qlstm-worker circuit` against PennyLane, on every plan that takes them; V(n, L) of the benchmarks."""
import json
import os

import numpy as np
import pennylane as qml
import pytest
import torch

import cases
import engine

WORKER = os.environ.get("QLSTM_WORKER", "build/qlstm-worker")
FIXED = ["Hadamard", "PauliX", "PauliY", "PauliZ", "S", "T"]
OURS = dict(zip(FIXED, "HXYZST"))
ENCODERS = {
    "x": lambda x: x,
    "pi_x": lambda x: np.pi * x,
    "atan": torch.atan,
    "atan_square": lambda x: torch.atan(x**2),
    "asin": torch.asin,
    "acos": torch.acos,
    "tanh": torch.tanh,
}


def random_angle(rng):
    source = rng.integers(3)
    if source == 0:
        return float(rng.normal())
    if source == 1:
        return {"weight": int(rng.integers(6))}
    return {"feature": int(rng.integers(4)), "encoder": str(rng.choice(list(ENCODERS)))}


def random_listing(seed):
    rng = np.random.default_rng(seed)
    n, gates = 2 + seed % 5, []
    for _ in range(30):
        kind, wires = rng.integers(3), [int(w) for w in rng.permutation(n)[:2]]
        if kind == 0:
            gates.append({"gate": OURS[str(rng.choice(FIXED))], "wires": wires[:1]})
        elif kind == 1:
            gates.append({"gate": str(rng.choice(["RX", "RY", "RZ"])), "wires": wires[:1], "angle": random_angle(rng)})
        else:
            gates.append({"gate": str(rng.choice(["CNOT", "CZ", "SWAP"])), "wires": wires})
    return {
        "n_qubits": n,
        "gates": gates,
        "features": rng.uniform(-0.9, 0.9, size=4).tolist(),
        "weights": rng.normal(size=6).tolist(),
        "observables": ["".join(rng.choice(list("IXYZ"), size=n)) for _ in range(2)] + ["Z" * n],
    }


def observable(text):
    letters = [getattr(qml, "Pauli" + letter)(q) for q, letter in enumerate(text) if letter != "I"]
    return qml.prod(*letters) if len(letters) > 1 else letters[0] if letters else qml.Identity(0)


def expected(listing):
    """Outputs and both Jacobians."""

    @qml.qnode(qml.device("default.qubit", wires=listing["n_qubits"]), diff_method="backprop")
    def circuit(features, weights):
        def angle(value):
            if not isinstance(value, dict):
                return value
            if "weight" in value:
                return weights[value["weight"]]
            return ENCODERS[value["encoder"]](features[value["feature"]])

        names = {ours: theirs for theirs, ours in OURS.items()}
        for gate in listing["gates"]:
            operation = getattr(qml, names.get(gate["gate"], gate["gate"]))
            operation(*([angle(gate["angle"])] if "angle" in gate else []), wires=gate["wires"])
        return [qml.expval(observable(text)) for text in listing["observables"]]

    arguments = tuple(torch.tensor(listing[key], dtype=torch.float64) for key in ("features", "weights"))
    by_features, by_weights = torch.autograd.functional.jacobian(lambda f, w: torch.stack(circuit(f, w)), arguments)
    return torch.stack(circuit(*arguments)), by_features, by_weights


@pytest.mark.parametrize("seed", range(20))
def test_random_programs(tmp_path, seed):
    listing = random_listing(seed)
    outputs, by_features, by_weights = expected(listing)
    path = cases.write(tmp_path / "program.json", listing)
    for plan in ("reference", "batch", "wide", "auto"):
        reply = json.loads(engine.run(WORKER, "circuit", path, "--plan", plan, "--gradient"))
        np.testing.assert_allclose(reply["outputs"], outputs, rtol=0, atol=1e-10)
        np.testing.assert_allclose(reply["gradient"]["features"], by_features, rtol=0, atol=1e-10)
        np.testing.assert_allclose(reply["gradient"]["weights"], by_weights, rtol=0, atol=1e-10)
