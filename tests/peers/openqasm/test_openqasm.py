"""Trained circuits as OpenQASM 3, read and computed by qiskit, by Braket's local simulator, and by pyqasm."""
import json
import os
import random
import re
import subprocess
import warnings
from pathlib import Path

import numpy as np
import pytest

qasm3 = pytest.importorskip("qiskit_qasm3_import")
info = pytest.importorskip("qiskit.quantum_info")
pyqasm = pytest.importorskip("pyqasm")
braket = pytest.importorskip("braket.default_simulator")
openqasm = pytest.importorskip("braket.ir.openqasm")

WORKER = Path(os.environ["QLSTM_WORKER"])
ANSATZE = ["chen2020", "chen2024", "basic", "strong", "hardware_efficient", "qdi"]
ENCODERS = {"x": float, "pi_x": lambda x: np.pi * x, "atan": np.arctan, "atan_square": lambda x: np.arctan(x * x),
            "asin": np.arcsin, "acos": np.arccos, "tanh": np.tanh}  # fmt: skip
COUNT = 1000
# Braket reads no stdgates.inc and calls one gate of it by another name.
BRAKET_GATES = "gate cx a, b { cnot a, b; }"


def circuit_of(draw, **fields):
    return {"ansatz": draw.choice(ANSATZE), "depth": draw.randint(1, 3), "measure": draw.choice("XYZ"),
            "hadamard": draw.random() < 0.5, "rotation": draw.choice("XYZ"), **fields}  # fmt: skip


def spec_of(seed):
    """Two recurrent layers and a quantum one, with 21 or 22 circuits."""
    draw = random.Random(seed)
    n = draw.randint(1, 5)
    quantum = circuit_of(draw, type="quantum", n_qubits=n, encoder=draw.choice(list(ENCODERS)),
                         measurement=draw.choice(["all", "even", "single"]))
    layers = [
        {"type": "dense", "units": n}, {"type": "activation", "function": "tanh"}, quantum,
        circuit_of(draw, type="qgru", hidden_size=2, n_qubits=draw.randint(1, 4), bidirectional=draw.random() < 0.5),
        circuit_of(draw, type="qlstm", variant=draw.choice(["linear", "qdi"]), hidden_size=2, n_qubits=draw.randint(1, 5),
                   n_qlayers=draw.randint(1, 2), entangling=draw.choice(["basic", "strong"]), bidirectional=True),
        {"type": "qlstm", "variant": "chen2020", "hidden_size": 2, "n_qubits": 6, "depth": draw.randint(1, 2)},
    ]  # fmt: skip
    return {"model": {"layers": layers}, "training": {"epochs": 1, "seed": seed}, "data": {"dataset": "bessel"}}


def run(*arguments, stdin=None):
    done = subprocess.run([WORKER, *map(str, arguments)], input=stdin, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


def circuits_of(weights, spec):
    """(layer, direction, row) of every circuit of the file."""
    header = json.loads(weights.read_bytes()[8:8 + int.from_bytes(weights.read_bytes()[:8], "little")])
    for name, entry in header.items():
        if name.endswith("circuits"):
            _, layer, *way, _ = name.split(".")
            yield from ((int(layer), way[0] if way else "forward", row) for row in range(entry["shape"][0]))


def trained_circuits(folder):
    count, seed = 0, 0
    while count < COUNT:
        seed += 1
        (folder / "spec.json").write_text(json.dumps(spec_of(seed)))
        run("train", folder / "spec.json", "--out", folder / "out")
        weights = folder / "out" / "weights.safetensors"
        for layer, way, row in circuits_of(weights, spec_of(seed)):
            which = ["export", weights, "--layer", layer, "--direction", way, "--circuit", row]
            program = json.loads(run(*which, "--format", "json"))["program"]
            draw = random.Random(count)
            read = [gate["angle"]["feature"] for gate in program["gates"] if "feature" in str(gate)]
            program["features"] = [draw.uniform(-1, 1) for _ in range(1 + max(read))]
            bound = run(*which, "--features", ",".join(map(repr, program["features"])))
            yield program, run(*which), bound
            count += 1


def by_qiskit(text, observables, inputs=()):
    circuit = qasm3.parse(text)
    state = info.Statevector(circuit.assign_parameters(dict(inputs)) if inputs else circuit)
    outputs = []
    for observable in observables:
        letters = ["I"] * circuit.num_qubits
        for word in observable.split():
            letters[int(word[1:])] = word[0]
        outputs.append(state.expectation_value(info.Pauli("".join(reversed(letters)))).real)
    return outputs


def by_braket(text, observables, inputs=()):
    results = ["#pragma braket result expectation " + " @ ".join(f"{word[0].lower()}(q[{word[1:]}])" for word in one.split())
               for one in observables]
    source = text.replace('include "stdgates.inc";', BRAKET_GATES) + "\n".join(results) + "\n"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        done = braket.StateVectorSimulator().run(openqasm.Program(source=source, inputs=dict(inputs)), shots=0)
    return [result.value for result in done.resultTypes]


def by_pyqasm(text, observables):
    module = pyqasm.loads(text)
    module.validate()
    module.unroll()
    return by_qiskit(pyqasm.dumps(module), observables)


def inputs_of(text, features):
    """What the inputs of a program stand for."""
    names = re.findall(r"^input float\[64\] ((?:(\w+)_)?x(\d+));", text, re.MULTILINE)
    return {name: float(ENCODERS[{"": "x", "pi": "pi_x"}.get(encoder, encoder)](features[int(index)]))
            for name, encoder, index in names}


def test_a_thousand_trained_circuits(tmp_path):
    count = 0
    for program, text, bound in trained_circuits(tmp_path):
        expected = json.loads(run("circuit", "-", stdin=json.dumps(program)))["outputs"]
        observables, inputs = program["observables"], inputs_of(text, program["features"])
        assert inputs and "input" not in bound
        for found in (by_qiskit(bound, observables), by_qiskit(text, observables, inputs), by_braket(bound, observables),
                      by_braket(text, observables, inputs), by_pyqasm(bound, observables)):
            np.testing.assert_allclose(found, expected, rtol=0, atol=1e-10, err_msg=bound)
        count += 1
    assert count >= COUNT
