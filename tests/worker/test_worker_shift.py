"""diff_method: the parameter-shift rule gives the adjoint method's gradients of whole models, and trains them alike."""
import numpy as np
import pytest

from qlstm_worker import answer, dump, problem, read_safetensors, run

GATES = [{"gate": "RY", "wires": [0], "angle": {"feature": 0, "encoder": "atan"}},
         {"gate": "CRX", "wires": [0, 1], "angle": {"weight": 0}}, {"gate": "RZZ", "wires": [0, 1], "angle": {"weight": 1}},
         {"gate": "RY", "wires": [1], "angle": {"feature": 1}}, {"gate": "CRZ", "wires": [1, 0], "angle": {"weight": 0}}]
MODELS = {
    **{variant: [{"type": "qlstm", "variant": variant, "hidden_size": 2, "n_qubits": 3}]
       for variant in ("qdi", "linear", "chen2020", "chen2024")},
    "bidirectional": [{"type": "qlstm", "hidden_size": 2, "n_qubits": 2, "n_qlayers": 2, "bidirectional": True}],
    "qgru": [{"type": "qgru", "hidden_size": 2, "n_qubits": 2}],
    "quantum": [{"type": "lstm", "hidden_size": 3}, {"type": "quantum", "n_qubits": 3, "depth": 2}],
    "gates": [{"type": "dense", "units": 2}, {"type": "circuit", "n_qubits": 2, "gates": GATES}, {"type": "lstm", "hidden_size": 2}],
    "template": [{"type": "dense", "units": 3}, {"type": "circuit", "n_qubits": 3, "template": "sim_14"},
                 {"type": "lstm", "hidden_size": 2}],
}  # fmt: skip


def spec_of(layers, method, **training):
    return {"model": {"layers": layers}, "simulation": {"diff_method": method}, "training": {"epochs": 2, "seed": 3, **training}}


@pytest.mark.parametrize("name", MODELS)
def test_gradients(tmp_path, name):
    inputs = dump(tmp_path / "x.json", np.random.default_rng(1).uniform(-1, 1, (5, 4, 1)).tolist())
    found = {}
    for method in ("adjoint", "parameter_shift"):
        spec = dump(tmp_path / f"{method}.json", spec_of(MODELS[name], method))
        assert run("init", spec, "--out", tmp_path / "w.safetensors").returncode == 0
        found[method] = answer("evaluate", spec, "--weights", tmp_path / "w.safetensors", "--inputs", inputs, "--gradient")
    adjoint, shift = found["adjoint"], found["parameter_shift"]
    assert np.abs(np.subtract(adjoint["outputs"], shift["outputs"])).max() < 1e-10
    assert np.abs(np.subtract(adjoint["gradient"]["inputs"], shift["gradient"]["inputs"])).max() < 1e-10
    for tensor, slope in adjoint["gradient"]["weights"].items():
        assert np.abs(np.subtract(slope, shift["gradient"]["weights"][tensor])).max() < 1e-10, tensor


def test_training(tmp_path):
    """On one thread and on two the same bytes; beside the adjoint method nearly the same weights."""
    weights = {}
    for name, method, threads in [("a", "adjoint", 1), ("one", "parameter_shift", 1), ("two", "parameter_shift", 2)]:
        spec = dump(tmp_path / "spec.json", spec_of(MODELS["qdi"], method))
        assert run("train", spec, "--out", tmp_path / name, "--threads", threads).returncode == 0
        weights[name] = read_safetensors(tmp_path / name / "weights.safetensors")[0]
    for tensor, values in weights["one"].items():
        assert values.tobytes() == weights["two"][tensor].tobytes()
        assert np.abs(values - weights["a"][tensor]).max() < 1e-6
    assert any(values.tobytes() != weights["a"][tensor].tobytes() for tensor, values in weights["one"].items())


def test_not_of_words(tmp_path):
    layers = [{"type": "qrnn"}]
    spec = dump(tmp_path / "s.json", {**spec_of(layers, "parameter_shift"),
                                      "data": {"dataset": "simple_seq", "task": "words", "word_bits": 1}})
    found = problem("describe", spec)
    assert found["pointer"] == "/simulation/diff_method" and "adjoint alone" in found["message"]
