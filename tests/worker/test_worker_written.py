"""Circuits that users write, as gates and as OpenQASM 3, against dense matrices made from the gates' definitions."""
import json
import random

import numpy as np
import pytest

from qlstm_worker import run

I2, X, Y, Z = np.eye(2), np.array([[0, 1], [1, 0]]), np.array([[0, -1j], [1j, 0]]), np.diag([1, -1])
H = (X + Z) / 2**0.5
ENCODERS = {"x": float, "pi_x": lambda x: np.pi * x, "atan": np.arctan, "atan_square": lambda x: np.arctan(x * x),
            "asin": np.arcsin, "acos": np.arccos, "tanh": np.tanh}  # fmt: skip


def turn(pauli, angle):
    """exp(-i angle/2 P) for any P whose square is 1."""
    return np.cos(angle / 2) * np.eye(len(pauli)) - 1j * np.sin(angle / 2) * pauli


def controlled(u):
    return np.block([[np.eye(len(u)), np.zeros_like(u)], [np.zeros_like(u), u]])


def u3(theta, phi, lam):
    c, s = np.cos(theta / 2), np.sin(theta / 2)
    return np.array([[c, -np.exp(1j * lam) * s], [np.exp(1j * phi) * s, np.exp(1j * (phi + lam)) * c]])


# Name: wires, angles, matrix (the first wire is the most significant bit).
GATES = {
    "H": (1, 0, lambda: H), "X": (1, 0, lambda: X), "Y": (1, 0, lambda: Y), "Z": (1, 0, lambda: Z),
    "S": (1, 0, lambda: np.diag([1, 1j])), "Sdg": (1, 0, lambda: np.diag([1, -1j])),
    "T": (1, 0, lambda: np.diag([1, np.exp(0.25j * np.pi)])), "Tdg": (1, 0, lambda: np.diag([1, np.exp(-0.25j * np.pi)])),
    "SX": (1, 0, lambda: turn(X, np.pi / 2)), "SXdg": (1, 0, lambda: turn(X, -np.pi / 2)), "ID": (1, 0, lambda: I2),
    "RX": (1, 1, lambda a: turn(X, a)), "RY": (1, 1, lambda a: turn(Y, a)), "RZ": (1, 1, lambda a: turn(Z, a)),
    "P": (1, 1, lambda a: np.diag([1, np.exp(1j * a)])), "U1": (1, 1, lambda a: np.diag([1, np.exp(1j * a)])),
    "U2": (1, 2, lambda a, b: u3(np.pi / 2, a, b)), "U3": (1, 3, u3), "U": (1, 3, u3),
    "Rot": (1, 3, lambda a, b, c: turn(Z, c) @ turn(Y, b) @ turn(Z, a)),
    "CNOT": (2, 0, lambda: controlled(X)), "CX": (2, 0, lambda: controlled(X)), "CY": (2, 0, lambda: controlled(Y)),
    "CZ": (2, 0, lambda: controlled(Z)), "CH": (2, 0, lambda: controlled(H)),
    "SWAP": (2, 0, lambda: np.eye(4)[[0, 2, 1, 3]]),
    "CRX": (2, 1, lambda a: controlled(turn(X, a))), "CRY": (2, 1, lambda a: controlled(turn(Y, a))),
    "CRZ": (2, 1, lambda a: controlled(turn(Z, a))), "CP": (2, 1, lambda a: np.diag([1, 1, 1, np.exp(1j * a)])),
    "RXX": (2, 1, lambda a: turn(np.kron(X, X), a)), "RYY": (2, 1, lambda a: turn(np.kron(Y, Y), a)),
    "RZZ": (2, 1, lambda a: turn(np.kron(Z, Z), a)), "CCX": (3, 0, lambda: controlled(controlled(X))),
}  # fmt: skip


def apply(state, n, matrix, wires):
    """state [2, 2, ..]"""
    k = len(wires)
    moved = np.moveaxis(state, wires, range(k)).reshape(2**k, -1)
    return np.moveaxis((matrix @ moved).reshape([2] * n), range(k), wires)


def expected(n, gates, observables, features, weights):
    def value(angle):
        if not isinstance(angle, dict):
            return angle
        return weights[angle["weight"]] if "weight" in angle else ENCODERS[angle.get("encoder", "x")](features[angle["feature"]])

    state = np.zeros([2] * n, complex)
    state[(0,) * n] = 1
    for gate in gates:
        angles = gate.get("angle", [])
        angles = angles if isinstance(angles, list) else [angles]
        state = apply(state, n, GATES[gate["gate"]][2](*map(value, angles)), gate["wires"])
    outputs = []
    for words in observables:
        turned = state
        for word in words.split():
            turned = apply(turned, n, {"X": X, "Y": Y, "Z": Z}[word[0]], [int(word[1:])])
        outputs.append(np.vdot(state, turned).real)
    return outputs


def evaluate(tmp_path, layer, features, weights, n_outputs, *more):
    """What the layer gives, between a layer that hands on what comes in (none of it is negative) and one that copies."""
    k = len(features)
    spec = {"data": {"inputs": list(range(k)), "targets": list(range(n_outputs))},
            "model": {"layers": [{"type": "rnn", "hidden_size": k, "nonlinearity": "relu"}, layer, {"type": "dense"}]}}
    tensors = {"layers.0.weight_ih": np.eye(k).tolist(), "layers.0.weight_hh": np.zeros((k, k)).tolist(),
               "layers.0.bias_ih": [0] * k, "layers.0.bias_hh": [0] * k, "layers.1.circuits": [weights],
               "layers.2.weight": np.eye(n_outputs).tolist(), "layers.2.bias": [0] * n_outputs}
    for name, value in [("spec", spec), ("weights", tensors), ("inputs", [[features]])]:
        (tmp_path / f"{name}.json").write_text(json.dumps(value))
    done = run("evaluate", tmp_path / "spec.json", "--weights", tmp_path / "weights.json", "--inputs", tmp_path / "inputs.json",
               *more)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def random_circuit(draw):
    n = draw.randint(3, 5)
    gates = [{"gate": "H", "wires": [w]} for w in range(n)]

    def angle():
        return draw.choice([round(draw.uniform(-3, 3), 3), {"weight": draw.randrange(3)},
                            {"feature": draw.randrange(2), "encoder": draw.choice(list(ENCODERS))}])

    for name in draw.sample(list(GATES), 12) + ["CRX", "RX", "RY"]:
        wires, angles, _ = GATES[name]
        gate = {"gate": name, "wires": draw.sample(range(n), wires)}
        if angles:
            gate["angle"] = angle() if angles == 1 else [angle() for _ in range(angles)]
        gates.append(gate)
    gates += [{"gate": "RY", "wires": [0], "angle": {"feature": k}} for k in range(2)]
    gates += [{"gate": "CRY", "wires": [0, 1], "angle": {"weight": k}} for k in range(3)]
    return n, gates, [f"{draw.choice('XYZ')}{w}" for w in range(n)] + ["X0 Z1"]


@pytest.mark.parametrize("seed", range(12))
@pytest.mark.parametrize("plan", ["auto", "reference"])
def test_gates(tmp_path, seed, plan):
    draw = random.Random(seed)
    n, gates, observables = random_circuit(draw)
    features, weights = [draw.uniform(0, 0.9) for _ in range(2)], [draw.uniform(-3, 3) for _ in range(3)]
    layer = {"type": "circuit", "gates": gates, "observables": observables}
    found = evaluate(tmp_path, layer, features, weights, len(observables), "--gradient")
    np.testing.assert_allclose(found["outputs"][0], expected(n, gates, observables, features, weights), atol=1e-12)
    # The derivative of the sum of the outputs.
    for k in range(5):
        ends = []
        for e in (1e-5, -1e-5):
            moved = [*features, *weights]
            moved[k] += e
            ends.append(sum(expected(n, gates, observables, moved[:2], moved[2:])))
        slope = (ends[0] - ends[1]) / 2e-5
        given = found["gradient"]["inputs"][0][0][k] if k < 2 else found["gradient"]["weights"]["layers.1.circuits"][0][k - 2]
        assert abs(slope - given) < 1e-8


def surveyed(name, n, depth, rotation, hadamard):
    """The gates of a circuit of the survey, from the paper's drawings; 4 wires there, any number here."""
    gates, weights = [{"gate": "H", "wires": [w]} for w in range(n) if hadamard], iter(range(1000))

    def turn(kind):
        gates.extend({"gate": kind, "wires": [w], "angle": {"weight": next(weights)}} for w in range(n))

    def control(kind, pairs):
        gates.extend({"gate": kind, "wires": pair, "angle": {"weight": next(weights)}} for pair in pairs)

    gates += [{"gate": "R" + rotation, "wires": [w], "angle": {"feature": w, "encoder": "atan"}} for w in range(n)]
    down = [[i, (i + 1) % n] for i in reversed(range(n))]
    for layer in range(depth):
        if name == "sim_5":
            turn("RX"), turn("RZ")
            control("CRZ", [[c, t] for c in reversed(range(n)) for t in reversed(range(n)) if t != c])
            turn("RX"), turn("RZ")
        elif name == "sim_10":
            if layer == 0:
                turn("RY")
            gates += [{"gate": "CZ", "wires": pair} for pair in [[i, i - 1] for i in range(n - 1, 0, -1)] + [[0, n - 1]]]
            turn("RY")
        elif name == "sim_14":
            turn("RY"), control("CRX", down), turn("RY")
            control("CRX", [[c, (c - 1) % n] for c in [n - 1, *range(n - 1)]])
        else:
            turn("RX"), turn("RZ"), control("CRZ", down)
    return gates, next(weights)


@pytest.mark.parametrize("name, count", [
    ("sim_5", lambda n, L: (n * n + 3 * n) * L), ("sim_10", lambda n, L: n * L + n), ("sim_14", lambda n, L: 4 * n * L),
    ("sim_18", lambda n, L: 3 * n * L)])
@pytest.mark.parametrize("n, depth, rotation, hadamard", [(4, 1, "Y", False), (3, 2, "X", True)])
def test_the_survey(tmp_path, name, count, n, depth, rotation, hadamard):
    draw = random.Random(n)
    gates, n_weights = surveyed(name, n, depth, rotation, hadamard)
    assert n_weights == count(n, depth)  # table I of the paper
    features, weights = [draw.uniform(0, 1) for _ in range(n)], [draw.uniform(-3, 3) for _ in range(n_weights)]
    layer = {"type": "circuit", "template": name, "n_qubits": n, "depth": depth, "rotation": rotation, "hadamard": hadamard,
             "encoder": "arctan"}
    found = evaluate(tmp_path, layer, features, weights, n)
    np.testing.assert_allclose(found["outputs"][0], expected(n, gates, [f"Z{w}" for w in range(n)], features, weights), atol=1e-12)


@pytest.mark.parametrize("field, value, code", [("template", "sim_6", "invalid"), ("depth", 31, "out_of_range"),
                                                ("n_qubits", 26, "out_of_range"), ("encoder", "sinh", "invalid")])
def test_templates_that_are_refused(tmp_path, field, value, code):
    error = refused(tmp_path, {"type": "circuit", "template": "sim_5", "n_qubits": 1, field: value})
    assert error["pointer"] == "/model/layers/0/" + field and error["code"] == code


QASM = """OPENQASM 3.0;
include "stdgates.inc";
/* as qiskit writes it */
gate rzx(p0) _gate_q_0, _gate_q_1 { h _gate_q_1; cx _gate_q_0, _gate_q_1; rz(p0) _gate_q_1; cx _gate_q_0, _gate_q_1; h _gate_q_1; }
gate rzz(p0) a, b { cx a, b; rz(p0) b; cx a, b; }
input float[64] _x_0_;
input float[64] atan_x1;
input float[64] θ;
input angle[32] other;
qubit[2] q;
qubit r;
bit[3] c;
h q;
rx(2*_x_0_ + pi/2) q[0];
rzx(-θ/2) q[0], r;
rzz(other - 0.25) q[1], r;
crx(-(atan_x1 - 1) * 3) q[1], q[0];
barrier q, r;
c[0] = measure q[1];
measure r -> c[1];
"""


def test_openqasm(tmp_path):
    x, (theta, other) = [0.3, 0.8], [0.4, -1.1]
    gates = [{"gate": "H", "wires": [0]}, {"gate": "H", "wires": [1]}, {"gate": "RX", "wires": [0], "angle": 2 * x[0] + np.pi / 2},
             {"gate": "H", "wires": [2]}, {"gate": "RZZ", "wires": [0, 2], "angle": -theta / 2}, {"gate": "H", "wires": [2]},
             {"gate": "RZZ", "wires": [1, 2], "angle": other - 0.25},
             {"gate": "CRX", "wires": [1, 0], "angle": -(np.arctan(x[1]) - 1) * 3}]  # fmt: skip
    found = evaluate(tmp_path, {"type": "circuit", "qasm": QASM}, x, [theta, other], 2)
    np.testing.assert_allclose(found["outputs"][0], expected(3, gates, ["Z1", "Z2"], x, []), atol=1e-12)


def refused(tmp_path, layer):
    (tmp_path / "spec.json").write_text(json.dumps({"model": {"layers": [layer, {"type": "lstm", "hidden_size": 2}]}}))
    done = run("describe", tmp_path / "spec.json")
    assert done.returncode == 1
    return json.loads(done.stderr)["error"]


@pytest.mark.parametrize("line, column, text, words", [
    (2, 1, "qubit[2] q;\nrxy(x0) q[0];", "'rxy' is not a gate"),
    (2, 8, "qubit[2] q;\nrx(0.5 q[0];", "',' is expected, not 'q'"),
    (1, 7, "qubit[26] q;", "a whole number from 1 to 25"),
    (2, 6, "qubit[2] q;\nh q[ 2];", "a whole number from 0 to 1"),
    (2, 10, "qubit[2] q;\ncx q[0], q[0];", "the qubits of a gate differ"),
    (2, 4, "qubit[2] q;\ncx q, q;", "a gate on several qubits"),
    (2, 4, "qubit[2] q;\nrx(y) q[0];", "'y' is no number, constant or input"),
    (3, 6, "qubit q;\ninput float x0; input float x1;\nrx(x0*x1) q;", "two inputs cannot be multiplied"),
    (3, 6, "qubit q;\ninput float x0; input float x1;\nrx(x0+x1) q;", "made of one input"),
    (2, 5, "qubit q;\nrx(1/0) q;", "divides by zero"),
    (2, 1, "qubit q;\nfor int i in [0:3] { h q; }", "'for' is not a gate or statement"),
    (2, 1, "qubit q;\nctrl @ x q;", "'ctrl' is not a gate or statement"),
    (3, 1, "qubit q;\nmeasure q;\nh q;", "nothing may follow a measurement"),
    (2, 1, "qubit q;\nrx q;", "0 angles; the gate has 1"),
    (1, 9, 'include "other.inc";', "only \\\"stdgates.inc\\\""),
    (1, 5, "/* h", "a comment without an end"),
    (2, 12, "qubit q;\ngate a b { a b; } a q;", "defined by one another more than 8 deep"),
    (1, 17, "input float x0; ", "there are no qubits"),
])
def test_openqasm_that_is_refused(tmp_path, line, column, text, words):
    error = refused(tmp_path, {"type": "circuit", "qasm": text})
    assert error["pointer"] == "/model/layers/0/qasm" and error["code"] == "syntax"
    assert error["message"].startswith(f"line {line}, column {column}: "), error["message"]
    assert words.replace('\\"', '"') in error["message"]


def test_definitions_that_explode_are_refused(tmp_path):
    lines = ["gate g0 a { id a; }"] + [f"gate g{k} a {{ {f'g{k - 1} a; ' * 60} }}" for k in range(1, 8)]
    error = refused(tmp_path, {"type": "circuit", "qasm": "qubit q;\n" + "\n".join(lines) + "\ng7 q;"})
    assert "more than 100000 gates" in error["message"]


def test_a_circuit_fits_its_place(tmp_path):
    for text, words in [("qubit q; input float t; rx(t) q;", "reads 0 features (x0, x1, ..); 1 values come in"),
                        ("qubit q; input float x0; rx(x0) q;", "no trained angle")]:
        error = refused(tmp_path, {"type": "circuit", "qasm": text})
        assert error["pointer"] == "/model/layers/0/qasm" and words in error["message"]
    both = {"type": "circuit", "qasm": "qubit q;", "gates": [{"gate": "H", "wires": [0]}]}
    assert "not as both" in refused(tmp_path, both)["message"]


@pytest.mark.parametrize("gate, pointer, words", [
    ({"gate": "RX", "wires": [0]}, "/qasm", "0 angles; the gate has 1"),
    ({"gate": "RX", "wires": ["a"], "angle": 1}, "/gates/1/wires/0", "a whole number"),
    ({"gate": "RX", "wires": [25], "angle": 1}, "/gates/1/wires/0", "0 to 24"),
    ({"gate": "RX", "wires": [0], "angle": {"weigth": 1}}, "/gates/1/angle", "an angle is a number"),
    ({"gate": "RX", "wires": [0], "angle": {"feature": 0, "encoder": "sinh"}}, "/gates/1/angle", "an encoder is one of"),
    ({"gate": "RX", "wire": [0], "angle": 1}, "/gates/1/wire", "did you mean 'wires'"),
    ({"wires": [0]}, "/gates/1/gate", "a gate has a name"),
])
def test_gates_that_are_refused(tmp_path, gate, pointer, words):
    error = refused(tmp_path, {"type": "circuit", "gates": [{"gate": "RX", "wires": [0], "angle": {"feature": 0}}, gate]})
    assert error["pointer"] == "/model/layers/0" + pointer and words in error["message"]
