"""Models of every layer, cell, variant and ansatz, small and trained for two epochs; each with raw inputs."""

ANSATZE = ["chen2020", "chen2024", "basic", "strong", "hardware_efficient", "qdi"]
ACTIVATIONS = ["relu", "tanh", "sigmoid", "gelu", "leaky_relu", "elu", "softplus", "identity"]

HYBRIDS = [
    ("ry", "cz_chain", "z", "linear"), ("ry_rz", "cz_ring", "xz", "relu"),
    ("rx_ry_rz", "cnot_chain", "xyz", "gelu"), ("rx_ry_rz", "cnot_ring", "xyz", "glu"),
]  # fmt: skip


def layers_of():
    """Name: layers."""
    found = {
        "chen2020": [{"type": "qlstm", "variant": "chen2020", "hidden_size": 2, "n_qubits": 3}],
        "chen2020, a wire to spare": [{"type": "qlstm", "variant": "chen2020", "hidden_size": 2, "n_qubits": 4,
                                       "hadamard": False, "measure": "X", "inversward": True}],
        "chen2024": [{"type": "qlstm", "variant": "chen2024", "hidden_size": 2, "n_qubits": 4, "depth": 2}],
        "linear": [{"type": "qlstm", "variant": "linear", "hidden_size": 3, "n_qubits": 2, "bidirectional": True}],
        "qdi": [{"type": "qlstm", "variant": "qdi", "hidden_size": 3, "n_qubits": 3, "n_qlayers": 2, "depth": 2}],
        "qdi, strong": [{"type": "qlstm", "hidden_size": 3, "n_qubits": 3, "n_qlayers": 2, "depth": 3,
                         "entangling": "strong", "rotation": "X", "measure": "Z"}],
        "one wire": [{"type": "qlstm", "hidden_size": 2, "n_qubits": 1, "rotation": "Y"},
                     {"type": "qgru", "hidden_size": 2, "n_qubits": 1, "variant": "linear"}],
        "two wires": [{"type": "qgru", "hidden_size": 2, "n_qubits": 2, "entangling": "strong", "depth": 2},
                      {"type": "qlstm", "variant": "chen2020", "hidden_size": 1, "n_qubits": 3}],
        "classical": [{"type": "lstm", "hidden_size": 3, "bidirectional": True}, {"type": "gru", "hidden_size": 4},
                      {"type": "rnn", "hidden_size": 6, "nonlinearity": "relu"},
                      {"type": "rnn", "hidden_size": 3, "inversward": True}],
        "activations": [{"type": "gru", "hidden_size": 8}, {"type": "dropout", "p": 0.1}]
        + [layer for function in ACTIVATIONS[:4] for layer in (
            {"type": "dense", "units": 4, "bias": function != "relu"}, {"type": "activation", "function": function})],
        "more activations": [layer for function in ACTIVATIONS[4:] for layer in (
            {"type": "dense", "units": 4}, {"type": "activation", "function": function})]
        + [{"type": "gru", "hidden_size": 3}],
    }  # fmt: skip
    found["norms"] = [
        {"type": "batch_norm", "epsilon": 0.01}, {"type": "gru", "hidden_size": 4}, {"type": "layer_norm"},
        {"type": "dense", "units": 3}, {"type": "batch_norm", "momentum": 0.5},
    ]  # fmt: skip
    for number, ansatz in enumerate(ANSATZE):
        n = 2 + number % 2
        encoder = ["atan", "atan_square", "pi_x", "tanh", "x", "asin"][number]
        found[f"circuits of {ansatz}"] = [
            {"type": "dense", "units": n}, {"type": "activation", "function": "tanh"},
            {"type": "quantum", "ansatz": ansatz, "n_qubits": n, "depth": 2, "encoder": encoder,
             "measure": "YXYZXY"[number]},
            {"type": "qgru", "ansatz": ansatz, "hidden_size": 2, "n_qubits": 3, "depth": 2, "hadamard": number % 2 == 0,
             "rotation": "Y", "measure": "Z"},
            {"type": "qlstm", "variant": "linear", "ansatz": ansatz, "hidden_size": 2, "n_qubits": 2},
            {"type": "quantum", "ansatz": ansatz, "n_qubits": 2, "measurement": ["even", "single"][number % 2],
             "entangling": "basic", "encoder": "acos" if ansatz == "hardware_efficient" else "x"},
        ]  # fmt: skip
    found["written circuits"] = [
        {"type": "dense", "units": 2}, {"type": "activation", "function": "tanh"},
        {"type": "circuit", "gates": [
            {"gate": "RZ", "wires": [2], "angle": {"feature": 0, "encoder": "asin"}},
            {"gate": "RX", "wires": [2], "angle": {"feature": 1, "encoder": "acos"}},
            {"gate": "RY", "wires": [1], "angle": {"feature": 0, "encoder": "pi_x"}},
            {"gate": "RX", "wires": [0], "angle": {"feature": 1, "encoder": "atan_square"}},
            {"gate": "H", "wires": [0]}, {"gate": "S", "wires": [0]}, {"gate": "T", "wires": [1]},
            {"gate": "RY", "wires": [0], "angle": {"feature": 0, "encoder": "atan"}},
            {"gate": "CRX", "wires": [0, 1], "angle": {"feature": 1}},
            {"gate": "RZZ", "wires": [1, 2], "angle": {"weight": 0}},
            {"gate": "U3", "wires": [2], "angle": [0.3, {"weight": 1}, 0.2]},
            {"gate": "CZ", "wires": [2, 0]}, {"gate": "SWAP", "wires": [0, 1]}, {"gate": "X", "wires": [2]},
            {"gate": "Y", "wires": [1]}, {"gate": "Z", "wires": [0]},
            {"gate": "RX", "wires": [1], "angle": {"weight": 0}}],
         "observables": ["Z0", "X1 Y2", "Y0 Z1 X2", "Z2"]},
        {"type": "lstm", "hidden_size": 2}, {"type": "dense", "units": 3},
        {"type": "circuit", "template": "sim_18", "n_qubits": 3, "depth": 2, "rotation": "X", "encoder": "tanh"},
    ]  # fmt: skip
    for number, (rotations, entangler, readouts, controller) in enumerate(HYBRIDS):
        found[f"hybrid, {controller}"] = [
            {"type": "hqrnn", "n_qubits": 1 + number, "hidden_size": 3, "rotations": rotations, "entangler": entangler,
             "readouts": readouts, "controller": controller, "dropout_p": 0.1, "depth": 1 + number % 2,
             "squash": ["none", "pi_tanh"][number % 2], "initial_state": ["zero", "learned"][number // 2]},
            {"type": "lstm", "hidden_size": 2}][: 1 + number % 2]  # fmt: skip
    return found


def train_all(client):
    """Name: a run of each, ended."""
    runs = {
        name: client.train(layers=layers, epochs=2, data="bessel", window=3) for name, layers in layers_of().items()
    }
    classes = {"task": "classification", "classes": 3, "steps": 2}
    rows = [[(i * 7) % 11 - 5, (i * 5) % 13, i % 4, i * i % 17, i % 3] for i in range(40)]
    runs["classes"] = client.train(
        type="gru", hidden_size=4, epochs=2, data={**classes, "dataset": client.upload(rows)["id"]}
    )
    letters = client.upload([[i * i % 7, i % 3, i % 2] for i in range(40)])["id"]
    runs["embedding"] = client.train(
        layers=[{"type": "embedding", "classes": 7, "dimension": 2}, {"type": "lstm", "hidden_size": 3}], epochs=2,
        data={"task": "classification", "classes": 2, "scaling": "none", "dataset": letters},
    )  # fmt: skip
    several = {"dataset": runs["classes"].row["data"]["dataset"], "inputs": [0, 1, 3], "targets": [0, 2]}
    several = {**several, "window": 2, "horizon": 2, "scaling": "standard"}
    runs["several columns"] = client.train(hidden_size=3, epochs=2, data=several)
    for run in runs.values():
        run.wait(progress=False)
    return runs


def inputs_of(run):
    """Raw [sample][time][feature], within the range of the data."""
    data = run.row["spec"]["data"]
    if run.row["spec"]["model"]["layers"][0]["type"] == "embedding":
        return [[[s], [s + 1]] for s in range(3)]
    steps, width = (
        (data["steps"], len(data["inputs"]) // data["steps"]) if "steps" in data else (4, len(data["inputs"]))
    )
    return [[[0.05 + 0.01 * s + 0.03 * t + 0.02 * f for f in range(width)] for t in range(steps)] for s in range(3)]


def service_says(run, inputs):
    """Raw outputs; of a classification the probabilities."""
    classes = run.row["spec"]["data"]["task"] == "classification"
    return run.predict_proba(inputs) if classes else run.predict(inputs)
