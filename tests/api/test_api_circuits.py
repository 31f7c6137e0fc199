"""Weights as .npz; trained circuits as OpenQASM 3, as drawings, as programs of `qlstm-worker circuit`."""
import io
import json
import os
import re
import subprocess
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest

from api_daemon import problem, read_safetensors

WORKER = Path(os.environ.get("QLSTM_BUILD", "build")).resolve() / "qlstm-worker"
LAYERS = [{"type": "qlstm", "variant": "linear", "hidden_size": 3, "n_qubits": 3, "bidirectional": True, "depth": 2,
           "rotation": "Y", "measure": "X"},
          {"type": "lstm", "hidden_size": 2},
          {"type": "qlstm", "variant": "chen2020", "hidden_size": 2, "n_qubits": 4}]  # fmt: skip


@pytest.fixture(scope="module")
def trained(daemon):
    return daemon.train({"model": {"layers": LAYERS}, "training": {"epochs": 1}})


def circuit(daemon, trained, **query):
    return daemon.get(f"/experiments/{trained['id']}/circuit", params=query)


def test_npz_holds_what_the_weights_hold(daemon, trained):
    reply = daemon.get(trained["links"]["weights"], params={"format": "npz"})
    assert reply.headers["Content-Type"] == "application/x-npz"
    assert reply.headers["Content-Disposition"] == f'attachment; filename="{trained["id"]}.npz"'
    tensors, metadata = read_safetensors(daemon.get(trained["links"]["weights"]).content)
    arrays = np.load(io.BytesIO(reply.content))
    assert sorted(arrays) == sorted([*tensors, "metadata"])
    assert json.loads(arrays["metadata"].item()) == metadata
    for name, (shape, values) in tensors.items():
        assert list(arrays[name].shape) == shape and arrays[name].dtype == np.float64
        assert tuple(arrays[name].ravel()) == values
    assert daemon.get(trained["links"]["weights"], params={"format": "npz"}).content == reply.content


FIXED = {"h": np.array([[1, 1], [1, -1]]) / 2**0.5}
PAULI = {"x": np.array([[0, 1], [1, 0]]), "y": np.array([[0, -1j], [1j, 0]]), "z": np.diag([1, -1])}


def on_wires(n, **matrices):
    whole = np.eye(1)
    for wire in range(n):
        whole = np.kron(whole, matrices.get(f"q{wire}", np.eye(2)))
    return whole


def gate(n, name, angle, wires):
    if name == "cx":
        zero, one = np.diag([1, 0]), np.diag([0, 1])
        return on_wires(n, **{f"q{wires[0]}": zero}) + on_wires(n, **{f"q{wires[0]}": one, f"q{wires[1]}": PAULI["x"]})
    if name in FIXED:
        return on_wires(n, **{f"q{wires[0]}": FIXED[name]})
    turn = np.cos(angle / 2) * np.eye(2) - 1j * np.sin(angle / 2) * PAULI[name[1]]
    return on_wires(n, **{f"q{wires[0]}": turn})


def run_qasm(text, inputs=()):
    """The outputs of a program of the gates that are used here, by dense matrices."""
    inputs, outputs = dict(inputs), []
    for line in text.splitlines():
        if found := re.fullmatch(r"qubit\[(\d+)\] q;", line):
            n = int(found[1])
            state = np.eye(2**n)[0]
        elif found := re.fullmatch(r"(\w+)(?:\((.+)\))? q\[(\d+)\](?:, q\[(\d+)\])?;", line):
            angle = inputs[found[2]] if found[2] in inputs else float(found[2] or 0)
            state = gate(n, found[1], angle, [int(wire) for wire in found.groups()[2:] if wire]) @ state
        elif found := re.fullmatch(r"// (\d+): (.+)", line):
            letters = {f"q{word[1:]}": PAULI[word[0].lower()] for word in found[2].split()}
            outputs.append((state.conj() @ on_wires(n, **letters) @ state).real)
        else:
            assert re.match(r'OPENQASM 3.0;|include "stdgates.inc";|//|input float\[64\] ', line), line
    return outputs


def run_worker(program, features):
    done = subprocess.run([WORKER, "circuit", "-"], input=json.dumps({**program, "features": features}),
                          capture_output=True, text=True, check=True)
    return json.loads(done.stdout)["outputs"]


@pytest.mark.parametrize("query, gates", [
    ({"layer": 0, "circuit": 1}, "i"), ({"layer": 0, "circuit": 3, "direction": "reverse"}, "o"),
    ({"layer": 2, "circuit": 5}, "y"), ({"layer": 2, "circuit": 4, "epoch": "best"}, "h"),
])
def test_openqasm_computes_what_the_engine_computes(daemon, trained, query, gates):
    described = circuit(daemon, trained, format="json", **query).json()
    program = described["program"]
    assert described["gate"] == gates and described["direction"] == query.get("direction", "forward")
    tensors, _ = read_safetensors(daemon.get(trained["links"]["weights"]).content)
    shape, values = tensors[f"layers.{query['layer']}.{'reverse.' * ('direction' in query)}circuits"]
    if "epoch" not in query:
        np.testing.assert_array_equal(program["weights"], np.array(values).reshape(shape[0], -1)[query["circuit"]])
    n_features = 1 + max(gate["angle"]["feature"] for gate in program["gates"] if "feature" in str(gate))
    features = [0.3, -0.8, 0.55, 1.2, 0.1, -0.4][:n_features]
    theirs = run_worker(program, features)
    reply = circuit(daemon, trained, features=",".join(map(str, features)), **query)
    assert reply.headers["Content-Type"].startswith("text/x-openqasm")
    assert "input" not in reply.text
    np.testing.assert_allclose(run_qasm(reply.text), theirs, atol=1e-12)
    inputs = {f"{name}x{i}": function(x) for i, x in enumerate(features)
              for name, function in [("", float), ("atan_", np.arctan), ("atan_square_", lambda x: np.arctan(x * x))]}
    np.testing.assert_allclose(run_qasm(circuit(daemon, trained, **query).text, inputs), theirs, atol=1e-12)


def test_a_drawing(daemon, trained):
    reply = circuit(daemon, trained, format="svg")
    assert reply.headers["Content-Type"] == "image/svg+xml"
    root = ElementTree.fromstring(reply.content)
    assert root.tag == "{http://www.w3.org/2000/svg}svg"
    texts = ["".join(node.itertext()) for node in root.iter("{http://www.w3.org/2000/svg}text")]
    assert {"q0", "q1", "q2"} <= set(texts) and texts.count("Ry") == 9
    assert "arctan" not in reply.text and reply.text.count("θ") == 0
    assert circuit(daemon, trained, format="svg", labels="names").text.count("θ") == 6
    wide, narrow = (circuit(daemon, trained, format="svg", columns=c).text for c in (24, 2))
    assert wide.count(">q<") == 3 and narrow.count(">q<") == 3 * 5


def test_what_there_is_not(daemon, trained):
    for query, words in [({"layer": 1}, "layer 1 has no circuit 0; there are layer 0: circuits 0 to 3; layer 0, reverse:"),
                         ({"circuit": 4}, "layer 0 has no circuit 4"), ({"layer": 2, "direction": "reverse"}, "in reverse")]:
        reply = circuit(daemon, trained, **query)
        problem(reply, 404, "not_found")
        assert words in reply.json()["detail"]
    for query, code in [({"features": "1,2"}, "invalid"), ({"features": "1,2,x"}, "syntax"), ({"format": "png"}, "invalid"),
                        ({"circuit": 6}, "out_of_range"), ({"columns": 0}, "out_of_range"), ({"features": "1,2,nan"}, "syntax")]:
        problem(circuit(daemon, trained, **query), 400, code)
    classical = daemon.train({"type": "lstm", "hidden_size": 2, "training": {"epochs": 1}})
    assert "no layer has circuits" in circuit(daemon, classical).json()["detail"]
