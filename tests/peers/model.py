"""The cells and circuits of engine/README.md, written in PennyLane and torch from the published definitions
(arXiv 2009.01783, its author's later code, rdisipio/qlstm, TQ42's QDI). One sample set at a time, broadcast over the batch."""
import pennylane as qml
import torch


def ring(n, step):
    for q in range(n if step % n else 0):
        qml.CNOT(wires=[q, (q + step) % n])


ENCODERS = {
    "x": lambda x: x, "pi_x": lambda x: torch.pi * x, "atan": torch.atan, "atan_square": lambda x: torch.atan(x * x),
    "asin": torch.asin, "acos": torch.acos, "tanh": torch.tanh,
}  # fmt: skip


def chen2020(layer, z, angles):
    n = layer["n_qubits"]
    for q in range(z.shape[1]):
        if layer["hadamard"]:
            qml.Hadamard(wires=q)
        qml.RY(torch.atan(z[:, q]), wires=q)
        qml.RZ(torch.atan(z[:, q] ** 2), wires=q)
    for rotations in angles:
        ring(n, 1)
        ring(n, 2)
        for q in range(n):
            qml.Rot(*rotations[q], wires=q)


def chen2024(layer, z, angles):
    n = layer["n_qubits"]
    for q in range(n if layer["hadamard"] else 0):
        qml.Hadamard(wires=q)
    for q in range(z.shape[1]):
        qml.RY(z[:, q], wires=q)
    for rotations in angles:
        for parity in (0, 1):
            for q in range(parity, n - 1, 2):
                qml.CNOT(wires=[q, q + 1])
        for q in range(n):
            qml.RY(rotations[q], wires=q)


def embed(layer, z):
    rotation = {"X": qml.RX, "Y": qml.RY, "Z": qml.RZ}[layer["rotation"]]
    encode = ENCODERS[layer.get("encoder", "x")]
    for q in range(z.shape[1]):
        rotation(encode(z[:, q]), wires=q)
    return rotation


def basic(layer, z, angles):
    rotation = embed(layer, z)
    qml.BasicEntanglerLayers(angles, wires=range(layer["n_qubits"]), rotation=rotation)


def strong(layer, z, angles):
    embed(layer, z)
    qml.StronglyEntanglingLayers(angles, wires=range(layer["n_qubits"]))


def hardware_efficient(layer, z, angles):
    embed(layer, z)
    for rotations in angles:
        for q in range(layer["n_qubits"]):
            qml.RY(rotations[q, 0], wires=q)
            qml.RZ(rotations[q, 1], wires=q)
        ring(layer["n_qubits"], 1)


def qdi(layer, z, angles):
    n = layer["n_qubits"]
    for block, rotations in enumerate(angles):
        if block > 0:
            embed(layer, z[:, (block - 1) * n : block * n])
        if layer["entangling"] == "strong":
            qml.StronglyEntanglingLayers(rotations, wires=range(n))
        else:
            qml.BasicEntanglerLayers(rotations, wires=range(n), rotation=qml.RX)


ANSATZE = {f.__name__: f for f in (chen2020, chen2024, basic, strong, hardware_efficient, qdi)}


def expectations(layer, z, angles, count):
    """[batch][count] from z [batch][features]."""
    readout = {"X": qml.PauliX, "Y": qml.PauliY, "Z": qml.PauliZ}[layer["measure"]]

    @qml.qnode(qml.device("default.qubit", wires=layer["n_qubits"]), diff_method="backprop")
    def circuit():
        ANSATZE[layer["ansatz"]](layer, z, angles)
        return [qml.expval(readout(q)) for q in range(count)]

    rows = [torch.atleast_1d(row).expand(z.shape[0]) for row in circuit()]
    return torch.stack(rows, dim=1)


def step_chen2020(layer, tensors, x, h, c):
    """(output, h, c)"""
    n, angles, v = layer["n_qubits"], tensors["circuits"], torch.cat([x, h], 1)
    f, i, g, o = (expectations(layer, v, angles[k], n) for k in range(4))
    c = torch.sigmoid(f) * c + torch.sigmoid(i) * torch.tanh(g)
    m = torch.sigmoid(o) * torch.tanh(c)
    return expectations(layer, m, angles[5], n), expectations(layer, m, angles[4], layer["hidden_size"]), c


def step_gated(layer, tensors, x, h, c):
    if layer["variant"] == "chen2024":
        v = torch.cat([x, h], 1)
        i, f, g, o = (expectations(layer, v, angles, layer["hidden_size"]) for angles in tensors["circuits"])
    else:
        z = torch.cat([h, x], 1) @ tensors["linear_in.weight"].T + tensors["linear_in.bias"]
        f, i, g, o = (
            expectations(layer, z, angles, layer["n_qubits"]) @ tensors["linear_out.weight"].T
            + tensors["linear_out.bias"]
            for angles in tensors["circuits"]
        )
    c = torch.sigmoid(f) * c + torch.sigmoid(i) * torch.tanh(g)
    h = torch.sigmoid(o) * torch.tanh(c)
    return h, h, c


def step_qgru(layer, tensors, x, h, c):
    """Circuits in the order r, z, n; the reset gate acts before the map."""

    def gate(k, h):
        q = torch.cat([h, x], 1) @ tensors["linear_in.weight"].T + tensors["linear_in.bias"]
        e = expectations(layer, q, tensors["circuits"][k], layer["n_qubits"])
        return e @ tensors["linear_out.weight"].T + tensors["linear_out.bias"]

    r, z = torch.sigmoid(gate(0, h)), torch.sigmoid(gate(1, h))
    n = torch.tanh(gate(2, r * h))
    h = (1 - z) * n + z * h
    return h, h, c


def quantum(layer, tensors, x):
    """A circuit as a layer, [batch][output] from [batch][feature]."""
    values = expectations(layer, x, tensors["circuits"][0], layer["n_qubits"])
    return {"all": values, "even": values[:, ::2], "single": values[:, :1]}[layer["measurement"]]


def step_of(layer):
    if layer["type"] == "qgru":
        return step_qgru
    return step_chen2020 if layer["variant"] == "chen2020" else step_gated


def direction(layer, tensors, inputs, backwards):
    """The output of the last step in reading order."""
    chen = layer["variant"] == "chen2020"
    batch, steps = inputs.shape[:2]
    h = torch.zeros(batch, layer["hidden_size"], dtype=inputs.dtype)
    c = torch.zeros(batch, layer["n_qubits"] if chen else layer["hidden_size"], dtype=inputs.dtype)
    for t in reversed(range(steps)) if backwards else range(steps):
        out, h, c = step_of(layer)(layer, tensors, inputs[:, t], h, c)
    return out


def under(weights, prefix):
    return {name[len(prefix) :]: value for name, value in weights.items() if name.startswith(prefix)}


def between(below, above, weights, inputs):
    """A quantum layer on every step, a plain recurrent layer of PyTorch's equations, a quantum layer on its final step,
    a dense head."""
    rnn = under(weights, "layers.1.")
    h = torch.zeros(inputs.shape[0], rnn["bias_hh"].shape[0], dtype=inputs.dtype)
    for t in range(inputs.shape[1]):
        x = quantum(below, under(weights, "layers.0."), inputs[:, t])
        h = torch.tanh(x @ rnn["weight_ih"].T + rnn["bias_ih"] + h @ rnn["weight_hh"].T + rnn["bias_hh"])
    out = quantum(above, under(weights, "layers.2."), h)
    return out @ weights["layers.3.weight"].T + weights["layers.3.bias"]


def model(layer, weights, inputs):
    """One recurrent layer with a dense head; [batch][output] from [batch][time][feature]."""
    out = direction(layer, under(weights, "layers.0."), inputs, layer["inversward"])
    if layer["bidirectional"]:
        out = torch.cat([out, direction(layer, under(weights, "layers.0.reverse."), inputs, True)], 1)
    return out @ weights["layers.1.weight"].T + weights["layers.1.bias"]
