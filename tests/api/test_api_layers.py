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


def test_qgru_in_shorthand(daemon):
    row = daemon.train({"type": "qgru", "hidden_size": 3, "bidirectional": True, **EPOCHS})
    assert row["spec"]["model"]["layers"][0] == {
        "type": "qgru", "variant": "qdi", "ansatz": "qdi", "hidden_size": 3, "n_qubits": 4, "n_qlayers": 1, "depth": 1,
        "inversward": False, "bidirectional": True, "batch_first": True, "hadamard": True, "rotation": "Z",
        "entangling": "basic", "measure": "Y", "angle_init": "uniform",
    }  # fmt: skip
    expected = {"layers.1.weight": [1, 6], "layers.1.bias": [1]}
    for way in ("", "reverse."):
        expected |= {f"layers.0.{way}linear_in.weight": [4, 4], f"layers.0.{way}linear_in.bias": [4],
                     f"layers.0.{way}circuits": [3, 2, 1, 4],
                     f"layers.0.{way}linear_out.weight": [3, 4], f"layers.0.{way}linear_out.bias": [3]}
    assert tensors_of(daemon, row) == expected
    assert row["model"]["quantum"] == 2 * 24
    assert row["engine"]["plan"] in ("batch", "local") and row["engine"]["estimated_seconds"] > 0
    found = losses(daemon, row)
    assert found[-1] < 0.5 * found[0]


@pytest.mark.parametrize("measurement, width", [("all", 3), ("even", 2), ("single", 1)])
def test_circuits_as_layers(daemon, measurement, width):
    layers = [
        {"type": "dense", "units": 4}, {"type": "quantum", "depth": 2},
        {"type": "lstm", "hidden_size": 3},
        {"type": "quantum", "ansatz": "strong", "num_qubits": 3, "measurement_mode": measurement, "encoder": "atan"},
    ]  # fmt: skip
    row = daemon.train({"model": {"layers": layers}, **EPOCHS})
    resolved = row["spec"]["model"]["layers"]
    assert resolved[1] == {
        "type": "quantum", "ansatz": "qdi", "n_qubits": 4, "n_qlayers": 1, "depth": 2, "encoder": "x", "hadamard": True,
        "rotation": "Z", "entangling": "strong", "measure": "Y", "measurement": "all", "angle_init": "uniform",
    }  # fmt: skip
    assert resolved[3]["measurement"] == measurement and resolved[3]["encoder"] == "atan"
    assert resolved[3]["rotation"] == "X" and resolved[3]["measure"] == "Z"
    shapes = tensors_of(daemon, row)
    assert shapes["layers.1.circuits"] == [1, 2, 2, 4, 3] and shapes["layers.3.circuits"] == [1, 1, 3, 3]
    assert shapes["layers.4.weight"] == [1, width]
    assert row["model"]["quantum"] == 48 + 9
    found = losses(daemon, row)
    assert found[-1] < found[0]


@pytest.mark.parametrize("layers, code, pointer, message", [
    ([{"type": "quantum"}, {"type": "lstm"}], "invalid", "/model/layers/0/n_qubits", "takes 4 values; 1 come in"),
    ([{"type": "lstm", "hidden_size": 8}, {"type": "quantum", "n_qlayers": 3}], "invalid", "/model/layers/1/n_qubits",
     "put a dense layer of 12 units before it"),
    ([{"type": "lstm"}, {"type": "quantum", "measurement": "odd"}], "invalid", "/model/layers/1/measurement", "'even'"),
    ([{"type": "lstm"}, {"type": "quantum", "hidden_size": 4}], "unknown_field", "/model/layers/1/hidden_size", ""),
    ([{"type": "qgru", "variant": "chen2020"}], "invalid", "/model/layers/0/variant", "'qdi', 'linear'"),
    ([{"type": "qgru", "inversward": True, "bidirectional": True}], "invalid", "/model/layers/0/bidirectional", ""),
    ([{"type": "quantum", "n_qubits": 1}], "invalid", "/model/layers", "no recurrent layer"),
])
def test_quantum_layers_that_cannot_be(daemon, layers, code, pointer, message):
    assert message in problem(daemon.post("/experiments", {"model": {"layers": layers}}), 422, code, pointer)


def test_letters_are_embedded(daemon):
    """The class is whether the letter stands in the first half of the alphabet."""
    rows = "".join(f"{i * 5 % 8},{i * 3 % 8},{int(i * 5 % 8 < 4)}\n" for i in range(64))
    letters = daemon.post("/datasets", params={"name": "letters", "header": "false"}, data=rows).json()["id"]
    spec = {"data": {"dataset": letters, "task": "classification", "classes": 2, "scaling": "none"},
            "model": {"layers": [{"type": "embedding", "num_embeddings": 8, "embedding_dim": 3}, {"type": "gru", "hidden_size": 4}]},
            "training": {"epochs": 60, "batch_size": 8, "optimizer": {"type": "adam", "learning_rate": 0.05}}}
    row = daemon.train(spec)
    assert row["spec"]["model"]["layers"][0] == {"type": "embedding", "classes": 8, "dimension": 3}
    assert tensors_of(daemon, row)["layers.0.weight"] == [8, 3] and row["results"]["test_accuracy"] == 1
    reply = daemon.post("/experiments", {**spec, "data": {**spec["data"], "scaling": "minmax"}})
    assert "reads whole numbers" in problem(reply, 422, "invalid", "/data/scaling")
    spec["model"]["layers"][0]["num_embeddings"] = 7
    assert daemon.wait(daemon.submit(spec))["reason"] == "nan_loss"


def test_norms(daemon):
    row = daemon.train({"model": {"layers": [{"type": "batch_norm", "epsilon": 0.01}, {"type": "gru", "hidden_size": 4},
                                             {"type": "layer_norm"}, {"type": "dense", "units": 3}, {"type": "batch_norm"}]},
                        **EPOCHS})
    tensors = tensors_of(daemon, row)
    assert {name: tensors[name] for name in tensors if name[7] in "024"} == {
        f"layers.{k}.{name}": [width] for k, width, names in
        [(0, 1, ["weight", "bias", "running_mean", "running_var"]), (2, 4, ["weight", "bias"]),
         (4, 3, ["weight", "bias", "running_mean", "running_var"])] for name in names}
    found = losses(daemon, row)
    assert found[-1] < 0.5 * found[0]
