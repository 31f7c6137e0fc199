"""What a report says of gradients, of angles that cannot learn, and of circuits that are products of cosines."""

import json

import pytest

from qlstm_worker import dump, lines, of_type, run


def trained(folder, layer, data=None, **training):
    spec = {"data": data or {}, "model": {"layers": [layer]}, "training": {"epochs": 2, "batch_size": 1000, **training}}
    done = run("train", dump(folder / "spec.json", spec), "--out", folder / "out")
    assert done.returncode == 0, done.stderr
    return json.loads((folder / "out/report.json").read_text()), lines(done.stdout)


def test_norms_of_each_tensor_and_kind(tmp_path):
    report, _ = trained(tmp_path, {"type": "qlstm", "hidden_size": 3, "n_qubits": 3})
    found = report["gradients"]
    assert found["epoch"] == 2
    squares = {"quantum": 0, "classical": 0}
    for tensor in found["tensors"]:
        squares[tensor["kind"]] += tensor["norm"] ** 2
    assert found["quantum"] ** 2 == pytest.approx(squares["quantum"], rel=1e-12) and squares["quantum"] > 0
    assert found["classical"] ** 2 == pytest.approx(squares["classical"], rel=1e-12)
    # One batch is all of the epoch: its norm is that of all tensors.
    assert report["history"][-1]["gradient_norm"] ** 2 == pytest.approx(sum(squares.values()), rel=1e-12)


def test_a_circuit_that_is_a_product_of_cosines(tmp_path):
    report, said = trained(tmp_path, {"type": "qlstm", "variant": "linear", "hidden_size": 3})
    (trivial,) = report["gradients"]["trivial"]
    assert trivial["tensor"] == "layers.0.circuits"
    (warning,) = [line["message"] for line in of_type(said, "log") if line["level"] == "warning"]
    assert "layers.0.circuits are classically trivial" in warning
    deeper, said = trained(tmp_path, {"type": "qlstm", "variant": "linear", "hidden_size": 3, "depth": 2, "ansatz": "strong"})
    assert deeper["gradients"]["trivial"] == [] and of_type(said, "log") == []


def test_angles_that_cannot_learn(tmp_path):
    """Rot(a, b, c) = RZ RY RZ in front of a measurement of Z behind CNOTs: the last RZ of a control commutes with it."""
    report, _ = trained(tmp_path, {"type": "qlstm", "variant": "linear", "ansatz": "strong", "n_qubits": 2, "hidden_size": 2})
    dead = report["gradients"]["cannot_learn"]
    assert report["gradients"]["cannot_learn_count"] == len(dead) > 0
    for entry in dead:
        assert entry["tensor"] == "layers.0.circuits" and 0 <= entry["circuit"] < 4 and 0 <= entry["angle"] < 6
        assert entry["reason"] in ("it commutes with all that is measured behind it", "no measured wire depends on it",
                                   "the state before it is not changed by it") or "nothing reads that" in entry["reason"]


def test_angles_of_a_users_circuit(tmp_path):
    """Four trained numbers, six angles: one is read by two gates, one stands in front of an RZ's |0>, one is not read."""
    report, _ = trained(tmp_path, {"type": "circuit", "qasm": """OPENQASM 3.0;
include "stdgates.inc";
input float[64] x0;
input float[64] vain;
input float[64] twice;
input float[64] unread;
input float[64] behind;
qubit[2] q;
rz(vain) q[0];
rx(x0) q[0];
ry(twice) q[0];
ry(2 * twice) q[1];
cx q[0], q[1];
rz(3 * behind) q[1];
#pragma braket result expectation z(q[1])
"""}, data={"window": 1})
    reasons = {entry["angle"]: entry["reason"] for entry in report["gradients"]["cannot_learn"]}
    assert reasons == {0: "the state before it is not changed by it", 2: "no measured wire depends on it",
                       3: "it commutes with all that is measured behind it"}
    assert report["gradients"]["cannot_learn_count"] == 3
