"""An independent evaluation of circuits, cells and whole models, written from the definitions that engine/README.md
names: dense 2^n x 2^n matrices, one sample at a time, no shortcuts. Nothing here is taken from the engine."""

import functools
import math

import numpy as np

I2 = np.eye(2, dtype=complex)
FIXED = {
    "H": np.array([[1, 1], [1, -1]], dtype=complex) / np.sqrt(2),
    "X": np.array([[0, 1], [1, 0]], dtype=complex),
    "Y": np.array([[0, -1j], [1j, 0]], dtype=complex),
    "Z": np.array([[1, 0], [0, -1]], dtype=complex),
    "S": np.array([[1, 0], [0, 1j]], dtype=complex),
    "T": np.array([[1, 0], [0, np.exp(1j * np.pi / 4)]], dtype=complex),
}
TWO_WIRES = {  # rows and columns: first wire is the high bit
    "CNOT": np.array([[1, 0, 0, 0], [0, 1, 0, 0], [0, 0, 0, 1], [0, 0, 1, 0]], dtype=complex),
    "CZ": np.diag([1, 1, 1, -1]).astype(complex),
    "SWAP": np.array([[1, 0, 0, 0], [0, 0, 1, 0], [0, 1, 0, 0], [0, 0, 0, 1]], dtype=complex),
}
ENCODERS = {
    "x": lambda x: x,
    "pi_x": lambda x: np.pi * x,
    "atan": np.arctan,
    "atan_square": lambda x: np.arctan(x * x),
    "asin": np.arcsin,
    "acos": np.arccos,
    "tanh": np.tanh,
}


def rotation(axis, angle):
    """exp(-i angle P / 2)"""
    return np.cos(angle / 2) * I2 - 1j * np.sin(angle / 2) * FIXED[axis]


def on_one(matrix, wire, n):
    """Wire 0 is the most significant bit: the leftmost factor."""
    return np.kron(np.kron(np.eye(2**wire), matrix), np.eye(2 ** (n - 1 - wire)))


@functools.lru_cache(maxsize=None)
def on_two(name, first, second, n):
    """Entry by entry: bits of the two wires go through the small matrix, all others stay."""
    small, full = TWO_WIRES[name], np.zeros((2**n, 2**n), dtype=complex)
    for column in range(2**n):
        bits = [(column >> (n - 1 - w)) & 1 for w in range(n)]
        for out in range(4):
            new = list(bits)
            new[first], new[second] = out >> 1, out & 1
            row = sum(bit << (n - 1 - w) for w, bit in enumerate(new))
            full[row, column] += small[out, 2 * bits[first] + bits[second]]
    return full


@functools.lru_cache(maxsize=None)
def pauli_string(text, n):
    """ "ZIX" or "Z0 X2" as a matrix."""
    letters = ["I"] * n
    if any(ch.isdigit() for ch in text):
        for part in text.split():
            letters[int(part[1:])] = part[0]
    else:
        letters = list(text)
    full = np.eye(1)
    for letter in letters:
        full = np.kron(full, I2 if letter == "I" else FIXED[letter])
    return full


class Circuit:
    """A state that gates are applied to, from |0...0>."""

    def __init__(self, n):
        self.n = n
        self.state = np.zeros(2**n, dtype=complex)
        self.state[0] = 1

    def gate(self, name, wire):
        self.state = on_one(FIXED[name], wire, self.n) @ self.state

    def rotate(self, axis, wire, angle):
        self.state = on_one(rotation(axis, angle), wire, self.n) @ self.state

    def rot(self, wire, alpha, beta, gamma):
        self.rotate("Z", wire, alpha)
        self.rotate("Y", wire, beta)
        self.rotate("Z", wire, gamma)

    def two(self, name, first, second):
        self.state = on_two(name, first, second, self.n) @ self.state

    def cnot(self, control, target):
        self.two("CNOT", control, target)

    def expect(self, text):
        return float(np.real(np.conj(self.state) @ pauli_string(text, self.n) @ self.state))

    def measure(self, axis, count):
        return np.array([self.expect("I" * w + axis + "I" * (self.n - 1 - w)) for w in range(count)])


# Ansaetze: values of the first `count` wires


def ring(circuit, step):
    """CNOT(i -> i + step mod n) for all i; a ring that joins a wire with itself is left out."""
    n = circuit.n
    if step % n:
        for i in range(n):
            circuit.cnot(i, (i + step) % n)


def chen2020_gates(circuit, angles, x, hadamard):
    if hadamard:
        for i in range(len(x)):
            circuit.gate("H", i)
    for i, value in enumerate(x):
        circuit.rotate("Y", i, np.arctan(value))
        circuit.rotate("Z", i, np.arctan(value**2))
    for layer in angles:
        ring(circuit, 1)
        ring(circuit, 2)
        for i, (alpha, beta, gamma) in enumerate(layer):
            circuit.rot(i, alpha, beta, gamma)


def chen2020(angles, x, count, hadamard=True, measure="Z"):
    """arXiv 2009.01783; angles [L][n][3]."""
    circuit = Circuit(angles.shape[1])
    chen2020_gates(circuit, angles, x, hadamard)
    return circuit.measure(measure, count)


def chen2024_gates(circuit, angles, x, hadamard):
    n = circuit.n
    if hadamard:
        for i in range(n):
            circuit.gate("H", i)
    for i, value in enumerate(x):
        circuit.rotate("Y", i, value)
    for layer in angles:
        for i in range(0, n - 1, 2):
            circuit.cnot(i, i + 1)
        for i in range(1, n - 1, 2):
            circuit.cnot(i, i + 1)
        for i, angle in enumerate(layer):
            circuit.rotate("Y", i, angle)


def chen2024(angles, x, count, hadamard=True, measure="Z"):
    """Its author's later code; angles [L][n]."""
    circuit = Circuit(angles.shape[1])
    chen2024_gates(circuit, angles, x, hadamard)
    return circuit.measure(measure, count)


def basic_entangler(circuit, angles, axis):
    """A rotation a wire, then the ring; one CNOT for two wires, none for one."""
    for layer in angles:
        for i, angle in enumerate(layer):
            circuit.rotate(axis, i, angle)
        if circuit.n == 2:
            circuit.cnot(0, 1)
        else:
            ring(circuit, 1)


def strong_entangler(circuit, angles):
    """TQ42: Rot a wire, then the ring of range (l mod (n - 1)) + 1."""
    n = circuit.n
    for l, layer in enumerate(angles):
        for i, (alpha, beta, gamma) in enumerate(layer):
            circuit.rot(i, alpha, beta, gamma)
        if n > 1:
            ring(circuit, l % (n - 1) + 1)


def hardware_efficient(circuit, angles):
    """V(n, L): RY and RZ a wire, then the ring; angles [L][n][2]."""
    for layer in angles:
        for i, (first, second) in enumerate(layer):
            circuit.rotate("Y", i, first)
            circuit.rotate("Z", i, second)
        ring(circuit, 1)


def layer_circuit(angles, x, layer):
    """All wires' values of the ansatz that a layer names, its features through the layer's encoder. qdi, as in TQ42:
    Var_0, then an embedding of n fresh values and a Var, n_qlayers times; the others embed once."""
    n, axis = layer["n_qubits"], layer["rotation"]
    encode = ENCODERS[layer.get("encoder", "x")]
    circuit = Circuit(n)
    if layer["ansatz"] == "chen2020":
        chen2020_gates(circuit, angles, x, layer["hadamard"])
    elif layer["ansatz"] == "chen2024":
        chen2024_gates(circuit, angles, x, layer["hadamard"])
    elif layer["ansatz"] == "qdi":
        for block, block_angles in enumerate(angles):
            for i in range(n if block > 0 else 0):
                circuit.rotate(axis, i, encode(x[(block - 1) * n + i]))
            if layer["entangling"] == "strong":
                strong_entangler(circuit, block_angles)
            else:
                basic_entangler(circuit, block_angles, "X")
    else:
        for i, value in enumerate(x):
            circuit.rotate(axis, i, encode(value))
        if layer["ansatz"] == "strong":
            strong_entangler(circuit, angles)
        elif layer["ansatz"] == "hardware_efficient":
            hardware_efficient(circuit, angles)
        else:
            basic_entangler(circuit, angles, axis)
    return circuit.measure(layer["measure"], n)


# Cells: each is a function of (layer, its tensors, inputs [time][feature]) giving outputs [time][width]


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def cell_chen2020(layer, tensors, xs):
    """arXiv 2009.01783; the output is y~ = VQC6(m), not h."""
    W, n, hidden = tensors["circuits"], layer["n_qubits"], layer["hidden_size"]
    run = functools.partial(chen2020, hadamard=layer["hadamard"], measure=layer["measure"])
    h, c, outputs = np.zeros(hidden), np.zeros(n), []
    for x in xs:
        v = np.concatenate([x, h])
        f, i = sigmoid(run(W[0], v, n)), sigmoid(run(W[1], v, n))
        g, o = np.tanh(run(W[2], v, n)), sigmoid(run(W[3], v, n))
        c = f * c + i * g
        m = o * np.tanh(c)
        h = run(W[4], m, hidden)
        outputs.append(run(W[5], m, n))
    return np.array(outputs)


def cell_chen2024(layer, tensors, xs):
    """The author's later code; circuits in the order input, forget, cell, output."""
    W, hidden = tensors["circuits"], layer["hidden_size"]
    run = functools.partial(chen2024, hadamard=layer["hadamard"], measure=layer["measure"])
    h, c, outputs = np.zeros(hidden), np.zeros(hidden), []
    for x in xs:
        v = np.concatenate([x, h])
        i, f = sigmoid(run(W[0], v, hidden)), sigmoid(run(W[1], v, hidden))
        g, o = np.tanh(run(W[2], v, hidden)), sigmoid(run(W[3], v, hidden))
        c = f * c + i * g
        h = o * np.tanh(c)
        outputs.append(h)
    return np.array(outputs)


def cell_linear(layer, tensors, xs):
    """Linear maps shared by the gates, columns h then x; circuits in the order f, i, g, o."""
    W, hidden = tensors["circuits"], layer["hidden_size"]
    h, c, outputs = np.zeros(hidden), np.zeros(hidden), []
    for x in xs:
        z = tensors["linear_in.weight"] @ np.concatenate([h, x]) + tensors["linear_in.bias"]
        f, i, g, o = (tensors["linear_out.weight"] @ layer_circuit(w, z, layer) + tensors["linear_out.bias"] for w in W)
        c = sigmoid(f) * c + sigmoid(i) * np.tanh(g)
        h = sigmoid(o) * np.tanh(c)
        outputs.append(h)
    return np.array(outputs)


def cell_lstm(layer, tensors, xs):
    """PyTorch's equations; rows in the order i, f, g, o."""
    hidden = layer["hidden_size"]
    h, c, outputs = np.zeros(hidden), np.zeros(hidden), []
    for x in xs:
        rows = tensors["weight_ih"] @ x + tensors["bias_ih"] + tensors["weight_hh"] @ h + tensors["bias_hh"]
        i, f, g, o = rows.reshape(4, hidden)
        c = sigmoid(f) * c + sigmoid(i) * np.tanh(g)
        h = sigmoid(o) * np.tanh(c)
        outputs.append(h)
    return np.array(outputs)


def cell_gru(layer, tensors, xs):
    """PyTorch's equations; rows in the order r, z, n."""
    hidden = layer["hidden_size"]
    h, outputs = np.zeros(hidden), []
    for x in xs:
        a = (tensors["weight_ih"] @ x + tensors["bias_ih"]).reshape(3, hidden)
        s = (tensors["weight_hh"] @ h + tensors["bias_hh"]).reshape(3, hidden)
        r, z = sigmoid(a[0] + s[0]), sigmoid(a[1] + s[1])
        n = np.tanh(a[2] + r * s[2])
        h = (1 - z) * n + z * h
        outputs.append(h)
    return np.array(outputs)


def cell_rnn(layer, tensors, xs):
    """PyTorch's equations."""
    f = {"tanh": np.tanh, "relu": lambda v: np.maximum(v, 0)}[layer["nonlinearity"]]
    h, outputs = np.zeros(layer["hidden_size"]), []
    for x in xs:
        h = f(tensors["weight_ih"] @ x + tensors["bias_ih"] + tensors["weight_hh"] @ h + tensors["bias_hh"])
        outputs.append(h)
    return np.array(outputs)


def quantum(layer, angles, x):
    """A circuit as a layer: all wires, the even ones, or the first."""
    values = layer_circuit(angles[0], x, layer)
    return {"all": values, "even": values[::2], "single": values[:1]}[layer["measurement"]]


def cell_qgru(layer, tensors, xs):
    """engine/README.md: circuits in the order r, z, n between linear maps that they share; columns h then x."""
    hidden = layer["hidden_size"]

    def gate(k, h, x):
        q = tensors["linear_in.weight"] @ np.concatenate([h, x]) + tensors["linear_in.bias"]
        e = layer_circuit(tensors["circuits"][k], q, layer)
        return tensors["linear_out.weight"] @ e + tensors["linear_out.bias"]

    h, outputs = np.zeros(hidden), []
    for x in xs:
        r, z = sigmoid(gate(0, h, x)), sigmoid(gate(1, h, x))
        n = np.tanh(gate(2, r * h, x))
        h = (1 - z) * n + z * h
        outputs.append(h)
    return np.array(outputs)


def hqrnn_state(layer, theta, state):
    """One step: rotations of every qubit, then the entangler, layer by layer."""
    n, axes = layer["n_qubits"], layer["rotations"].replace("_", "").replace("r", "").upper()
    gate, form = layer["entangler"].split("_")
    pairs = [(q, q + 1) for q in range(n - 1)] + ([(n - 1, 0)] if form == "ring" and n > 2 else [])
    for angles in theta.reshape(layer["depth"], n, len(axes)):
        for q in range(n):
            for axis, angle in zip(axes, angles[q]):
                state = on_one(rotation(axis, angle), q, n) @ state
        for first, second in pairs:
            state = on_two(gate.upper(), first, second, n) @ state
    return state


def cell_hqrnn(layer, tensors, xs):
    """engine/README.md: a controller makes the angles of each step from what was read and what comes in."""
    n, outputs = layer["n_qubits"], []

    def read(state):
        return np.array([(state.conj() @ on_one(FIXED[axis], q, n) @ state).real
                         for q in range(n) for axis in layer["readouts"].upper()])

    def act(a):
        if layer["controller"] == "glu":
            value, gate = np.split(a, 2)
            return value * sigmoid(gate)
        function = {"linear": "identity"}.get(layer["controller"], layer["controller"])
        return np.array([activation({"function": function}, v) for v in a])

    state = np.zeros(2**n, dtype=complex)
    state[0] = 1
    if layer["initial_state"] == "learned":
        state = hqrnn_state(layer, tensors["initial_angles"], state)
    z = read(state)
    for x in xs:
        h = act(tensors["linear_in.weight"] @ np.concatenate([z, x]) + tensors["linear_in.bias"])
        theta = tensors["linear_out.weight"] @ h + tensors["linear_out.bias"]
        state = hqrnn_state(layer, np.pi * np.tanh(theta) if layer["squash"] == "pi_tanh" else theta, state)
        z = read(state)
        outputs.append(z)
    return np.array(outputs)


CELLS = {"chen2020": cell_chen2020, "chen2024": cell_chen2024, "linear": cell_linear, "qdi": cell_linear}
CELLS_BY_TYPE = {"lstm": cell_lstm, "gru": cell_gru, "rnn": cell_rnn, "qgru": cell_qgru, "hqrnn": cell_hqrnn}


def tensors_under(weights, prefix):
    return {name[len(prefix) :]: value for name, value in weights.items() if name.startswith(prefix)}


def recurrent(layer, weights, prefix, xs):
    """(outputs aligned to input time, the final step in reading order)"""
    cell = CELLS_BY_TYPE[layer["type"]] if layer["type"] in CELLS_BY_TYPE else CELLS[layer["variant"]]
    if layer.get("inversward"):
        outputs = cell(layer, tensors_under(weights, prefix), xs[::-1])[::-1]
        return outputs, outputs[0]
    outputs = cell(layer, tensors_under(weights, prefix), xs)
    if not layer.get("bidirectional"):
        return outputs, outputs[-1]
    backward = cell(layer, tensors_under(weights, prefix + "reverse."), xs[::-1])[::-1]
    return np.hstack([outputs, backward]), np.concatenate([outputs[-1], backward[0]])


def dense(weights, prefix, x):
    return weights[prefix + "weight"] @ x + weights.get(prefix + "bias", 0)


def activation(layer, x):
    """PyTorch's definitions, value by value."""
    function, slope, alpha = layer["function"], layer.get("negative_slope", 0.01), layer.get("alpha", 1)
    return {
        "relu": lambda v: max(v, 0.0),
        "leaky_relu": lambda v: v if v > 0 else slope * v,
        "elu": lambda v: v if v > 0 else alpha * (math.exp(v) - 1),
        "softplus": lambda v: v if v > 20 else math.log(1 + math.exp(v)),
        "gelu": lambda v: v * math.erfc(-v / math.sqrt(2)) / 2,
        "sigmoid": lambda v: 1 / (1 + math.exp(-v)),
        "tanh": math.tanh,
        "identity": lambda v: v,
    }[function](float(x))


def pointwise(layer, weights, prefix, x):
    """A layer that is not recurrent, on one step; dropout without training changes nothing."""
    if layer["type"] == "dense":
        return dense(weights, prefix, x)
    if layer["type"] == "quantum":
        return quantum(layer, weights[prefix + "circuits"], x)
    if layer["type"] == "embedding":
        return np.concatenate([weights[prefix + "weight"][int(v)] for v in x])
    if layer["type"] in ("batch_norm", "layer_norm"):
        mean, variance = np.mean(x), np.var(x)
        if layer["type"] == "batch_norm":
            mean, variance = weights[prefix + "running_mean"], weights[prefix + "running_var"]
        normal = (x - mean) / np.sqrt(variance + layer.get("epsilon", 1e-5))
        return weights[prefix + "weight"] * normal + weights[prefix + "bias"]
    return np.array([activation(layer, v) for v in x]) if layer["type"] == "activation" else x


def is_recurrent(layer):
    return "hidden_size" in layer


def model(layers, weights, xs):
    """Outputs for one sample, xs [time][feature]; `layers` in the long form of a spec."""
    last = max((i for i, layer in enumerate(layers) if is_recurrent(layer)), default=-1)
    final = xs[0] if last < 0 else None
    for i, layer in enumerate(layers):
        prefix = f"layers.{i}."
        if i > last:
            final = pointwise(layer, weights, prefix, final)
        elif is_recurrent(layer):
            xs, final = recurrent(layer, weights, prefix, xs)
        else:
            xs = np.array([pointwise(layer, weights, prefix, x) for x in xs])
    return final


def loss(name, prediction, target):
    difference = np.asarray(prediction) - np.asarray(target)
    return float(np.mean(difference**2 if name == "mse" else np.abs(difference)))


# Circuit programs as `qlstm-worker circuit` takes them


def program(listing, features):
    """Expectation values of a listing for one sample."""
    weights = listing.get("weights", [])

    def angle(value):
        if not isinstance(value, dict):
            return value
        if "weight" in value:
            return weights[value["weight"]]
        return ENCODERS[value.get("encoder", "x")](features[value["feature"]])

    n = listing["n_qubits"]
    circuit = Circuit(n)
    for gate in listing["gates"]:
        name, wires = gate["gate"], gate["wires"]
        if name == "Rot":
            circuit.rot(wires[0], *(angle(a) for a in gate["angle"]))
        elif name in ("RX", "RY", "RZ"):
            circuit.rotate(name[1], wires[0], angle(gate["angle"]))
        elif name in TWO_WIRES:
            circuit.two(name, *wires)
        else:
            circuit.gate(name, wires[0])
    return np.array([circuit.expect(text) for text in listing["observables"]])


def derivative(function, h=2e-3):
    """d function(t) / dt at 0 by central differences of fourth order: error about 1e-12 for functions of size 1."""
    return (8 * (function(h) - function(-h)) - (function(2 * h) - function(-2 * h))) / (12 * h)
