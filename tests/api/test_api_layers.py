"""Every type of layer from POST to weights."""
import pytest

from api_daemon import problem, read_safetensors

EPOCHS = {"training": {"epochs": 10, "shuffle": True}}


def tensors_of(daemon, row):
    return {name: shape for name, (shape, _) in read_safetensors(daemon.get(row["links"]["weights"]).content)[0].items()}


def losses(daemon, row):
    return [epoch["train_loss"] for epoch in daemon.get(row["links"]["metrics"]).json()["metrics"]]


@pytest.mark.parametrize("kind, gates, defaults", [
    ("lstm", 4, {}), ("gru", 3, {}), ("rnn", 1, {"nonlinearity": "tanh"}),
])
def test_a_recurrent_layer_in_shorthand(daemon, kind, gates, defaults):
    row = daemon.train({"type": kind, "hidden_size": 5, "bidirectional": True, **EPOCHS})
    assert row["spec"]["model"]["layers"] == [
        {"type": kind, "hidden_size": 5, **defaults, "inversward": False, "bidirectional": True, "batch_first": True},
        {"type": "dense", "units": 1, "bias": True},
    ]
    expected = {"layers.1.weight": [1, 10], "layers.1.bias": [1]}
    for way in ("", "reverse."):
        expected |= {f"layers.0.{way}weight_ih": [gates * 5, 1], f"layers.0.{way}weight_hh": [gates * 5, 5],
                     f"layers.0.{way}bias_ih": [gates * 5], f"layers.0.{way}bias_hh": [gates * 5]}
    assert tensors_of(daemon, row) == expected
    assert row["model"]["quantum"] == 0 and row["model"]["classical"] == 2 * gates * 5 * 8 + 11
    assert row["engine"]["plan"] == "none" and row["engine"]["estimated_seconds"] > 0
    found = losses(daemon, row)
    assert found[-1] < 0.5 * found[0]


def test_a_stack_of_all_types(daemon):
    layers = [
        {"type": "dense", "units": 3}, {"type": "activation", "function": "leaky_relu", "negative_slope": 0.2},
        {"type": "dropout", "p": 0.1}, {"type": "rnn", "hidden_size": 4, "nonlinearity": "relu"},
        {"type": "qlstm", "hidden_size": 2, "n_qubits": 2}, {"type": "gru", "hidden_size": 4, "inversward": True},
        {"type": "dropout", "rate": 0.2}, {"type": "activation"},
    ]  # fmt: skip
    spec = {"model": {"layers": layers}, **EPOCHS}
    first, second = daemon.train(spec), daemon.train(spec)
    resolved = first["spec"]["model"]["layers"]
    assert resolved[1] == {"type": "activation", "function": "leaky_relu", "negative_slope": 0.2, "alpha": 1}
    assert resolved[6] == {"type": "dropout", "p": 0.2}
    assert resolved[7] == {"type": "activation", "function": "relu", "negative_slope": 0.01, "alpha": 1}
    assert resolved[8] == {"type": "dense", "units": 1, "bias": True}
    assert {name.split(".")[1] for name in tensors_of(daemon, first)} == {"0", "3", "4", "5", "8"}
    # Dropped values are a function of the seed.
    assert daemon.get(first["links"]["weights"]).content == daemon.get(second["links"]["weights"]).content
    other = daemon.train({**spec, "training": {**spec["training"], "seed": 2}})
    assert losses(daemon, other) != losses(daemon, first)


@pytest.mark.parametrize("layers, code, pointer", [
    ([{"type": "gru", "n_qubits": 4}], "unknown_field", "/model/layers/0/n_qubits"),
    ([{"type": "gru", "hidden_size": 0}], "out_of_range", "/model/layers/0/hidden_size"),
    ([{"type": "gru", "inversward": True, "bidirectional": True}], "invalid", "/model/layers/0/bidirectional"),
    ([{"type": "rnn", "nonlinearity": "sin"}], "invalid", "/model/layers/0/nonlinearity"),
    ([{"type": "rnn"}, {"type": "dropout", "p": 1.5}], "out_of_range", "/model/layers/1/p"),
    ([{"type": "rnn"}, {"type": "activation", "function": "relo"}], "invalid", "/model/layers/1/function"),
    ([{"type": "dropout"}, {"type": "activation"}], "invalid", "/model/layers"),
])
def test_layers_that_cannot_be(daemon, layers, code, pointer):
    problem(daemon.post("/experiments", {"model": {"layers": layers}}), 422, code, pointer)
