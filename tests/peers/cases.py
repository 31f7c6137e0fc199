"""V(n, L) with numbers: what every simulator gets, from one file."""
import json

import numpy as np

# n, L, batch: the grid of `qlstm-worker bench`.
GRID = [(4, 1, 256), (4, 2, 256), (6, 2, 256), (8, 2, 256), (10, 2, 64), (12, 2, 16)]


def v_gates(n, layers):
    """RY(x_q) on every wire; L times { RY, RZ on every wire; CNOT q -> q + 1 }, as `qlstm-worker circuit` reads it."""
    gates = [{"gate": "RY", "wires": [q], "angle": {"feature": q}} for q in range(n)]
    for layer in range(layers):
        for q in range(n):
            first = 2 * (layer * n + q)
            gates.append({"gate": "RY", "wires": [q], "angle": {"weight": first}})
            gates.append({"gate": "RZ", "wires": [q], "angle": {"weight": first + 1}})
        gates += [{"gate": "CNOT", "wires": [q, (q + 1) % n]} for q in range(n)]
    return gates


def make(n, layers, batch):
    rng = np.random.default_rng([n, layers, batch])
    return {
        "name": f"V({n},{layers})",
        "n": n,
        "layers": layers,
        "batch": batch,
        "features": rng.uniform(-np.pi, np.pi, size=(batch, n)).tolist(),
        "weights": rng.uniform(-np.pi, np.pi, size=(layers, n, 2)).tolist(),
        "cotangents": rng.normal(size=(batch, n)).tolist(),
    }


def write(path, case):
    path.write_text(json.dumps(case))
    return path


def read(path):
    case = json.loads(open(path).read())
    return {key: np.array(value) if isinstance(value, list) else value for key, value in case.items()}


def listing(case):
    return {
        "n_qubits": case["n"],
        "gates": v_gates(case["n"], case["layers"]),
        "features": np.asarray(case["features"]).tolist(),
        "weights": np.ravel(case["weights"]).tolist(),
    }
