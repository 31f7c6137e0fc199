"""OpenQASM 3 that qiskit writes comes in as a layer of type circuit."""
import json
import os
import random
import subprocess
from pathlib import Path

import numpy as np
import pytest

qiskit = pytest.importorskip("qiskit")
qasm3 = pytest.importorskip("qiskit.qasm3")
info = pytest.importorskip("qiskit.quantum_info")

WORKER = Path(os.environ["QLSTM_WORKER"])
ONE, TURNS, TWO = ["h", "x", "y", "z", "s", "sdg", "t", "tdg", "sx", "sxdg", "id"], ["rx", "ry", "rz", "p"], ["cx", "cy", "cz", "ch", "swap"]
TWO_TURNS = ["crx", "cry", "crz", "cp", "rxx", "ryy", "rzz", "rzx"]


def random_circuit(draw, x, theta):
    n = draw.randint(3, 5)
    circuit = qiskit.QuantumCircuit(n)
    angle = lambda: draw.choice([draw.uniform(-3, 3), draw.choice([*x, *theta]), 2 * draw.choice([*x]) - 0.5, -draw.choice([*theta]) / 2])
    circuit.h(range(n))
    for name in draw.sample(ONE, 4) + draw.sample(TURNS, 3) + draw.sample(TWO, 3) + draw.sample(TWO_TURNS, 4):
        wires = draw.sample(range(n), 1 if name in ONE + TURNS else 2)
        getattr(circuit, name)(*([angle()] if name in TURNS + TWO_TURNS else []), *wires)
    circuit.u(angle(), angle(), angle(), 0)
    circuit.ccx(0, 1, 2)
    for parameter in [*x, *theta]:
        circuit.ry(parameter, draw.randrange(n))
    circuit.barrier()
    return circuit


def evaluate(tmp_path, text, features, weights, n):
    """Between a layer that hands on what comes in and one that copies."""
    k = len(features)
    spec = {"data": {"inputs": list(range(k)), "targets": list(range(n))}, "model": {"layers": [
        {"type": "rnn", "hidden_size": k, "nonlinearity": "relu"}, {"type": "circuit", "qasm": text}, {"type": "dense"}]}}
    tensors = {"layers.0.weight_ih": np.eye(k).tolist(), "layers.0.weight_hh": np.zeros((k, k)).tolist(),
               "layers.0.bias_ih": [0] * k, "layers.0.bias_hh": [0] * k, "layers.1.circuits": [weights],
               "layers.2.weight": np.eye(n).tolist(), "layers.2.bias": [0] * n}
    for name, value in [("spec", spec), ("weights", tensors), ("inputs", [[features]])]:
        (tmp_path / f"{name}.json").write_text(json.dumps(value))
    done = subprocess.run([WORKER, "evaluate", tmp_path / "spec.json", "--weights", tmp_path / "weights.json", "--inputs",
                           tmp_path / "inputs.json"], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr + text
    return json.loads(done.stdout)["outputs"][0]


@pytest.mark.parametrize("seed", range(60))
def test_what_qiskit_writes(tmp_path, seed):
    draw = random.Random(seed)
    x = qiskit.circuit.ParameterVector("x", 2) if seed % 2 else [qiskit.circuit.Parameter(f"x{k}") for k in range(2)]
    theta = [qiskit.circuit.Parameter(name) for name in ("alpha", "beta", "gamma")]
    circuit = random_circuit(draw, x, theta)
    features, weights = [draw.uniform(0, 1) for _ in x], [draw.uniform(-3, 3) for _ in theta]
    state = info.Statevector(circuit.assign_parameters(dict(zip([*x, *theta], features + weights))))
    n = circuit.num_qubits
    expected = [state.expectation_value(info.Pauli("I" * (n - 1 - w) + "Z" + "I" * w)).real for w in range(n)]
    # Inputs are numbered in the order in which they are declared: by name.
    np.testing.assert_allclose(evaluate(tmp_path, qasm3.dumps(circuit), features, weights, n), expected, rtol=0, atol=1e-10)
