"""What a trained run predicts, computed with NumPy from its weights' file and nothing else.

    python3 predict.py weights.safetensors '[[[0.1], [0.3], [0.5], [0.6]]]'

Raw values [sample][time][feature] in, raw values [sample][target] out; of a classification the probabilities of the
classes. Every layer but qrnn, hqrnn and attention; equations and tensors are those of engine/README.md."""
import json
import math
import struct
import sys

import numpy as np

PAULI = {"X": np.array([[0, 1], [1, 0]]), "Y": np.array([[0, -1j], [1j, 0]]), "Z": np.diag([1, -1])}
ENCODE = {"x": lambda v: v, "pi_x": lambda v: math.pi * v, "atan": np.arctan, "atan_square": lambda v: np.arctan(v * v),
          "asin": np.arcsin, "acos": np.arccos, "tanh": np.tanh}
sigmoid = lambda x: (1 + np.tanh(x / 2)) / 2

def load(path):
    """Tensors by name, the spec, the scaling of the columns, users' circuits by layer."""
    content = open(path, "rb").read()
    (length,) = struct.unpack_from("<Q", content)
    header, body = json.loads(content[8:8 + length]), content[8 + length:]
    metadata = header.pop("__metadata__")
    tensors = {name: np.frombuffer(body[slice(*entry["data_offsets"])], "<f8").reshape(entry["shape"])
               for name, entry in header.items()}
    return tensors, *(json.loads(metadata.get(part, "{}")) for part in ("spec", "scaling", "circuits"))

def entangle(kind, n, layer):
    """What a layer has beside its rotations."""
    ring = lambda n, step: [("CNOT", i, (i + step) % n) for i in range(n)] if step % n else []
    if kind == "chen2024":
        return [("CNOT", i, i + 1) for start in (0, 1) for i in range(start, n - 1, 2)]
    if kind == "strong":
        return ring(n, layer % (n - 1) + 1) if n > 1 else []
    return ring(n, 1)[:1 if kind == "basic" and n == 2 else n] + (ring(n, 2) if kind == "chen2020" else [])

def gates(layer, angles, x):
    """(gate, wire, angle of each sample) or ("CNOT", control, target), in the order in which they act."""
    if layer["type"] == "circuit":
        part = lambda a: angles[a["weight"]] if "weight" in a else ENCODE[a["encoder"]](x[:, a["feature"]]) if "feature" in a else 1
        yield from ((g["gate"].lstrip("R"), g["wires"][0], part(g) * g["scale"] if "scale" in g else g["wires"][-1]) for g in layer["gates"])
        return
    n, ansatz, axis, width = layer["n_qubits"], layer["ansatz"], layer["rotation"], x.shape[1]
    chen, encode = ansatz.startswith("chen"), ENCODE["x" if ansatz == "chen2024" else layer.get("encoder", "x")]
    if chen and layer["hadamard"]:
        yield from (("H", i, None) for i in range(width if ansatz == "chen2020" else n))
    for i in range(width if ansatz != "qdi" else 0):
        yield "Y" if chen else axis, i, np.arctan(x[:, i]) if ansatz == "chen2020" else encode(x[:, i])
        yield from [("Z", i, np.arctan(x[:, i] ** 2))] if ansatz == "chen2020" else []
    kind = layer["entangling"] if ansatz == "qdi" else ansatz
    axes = {"chen2024": "Y", "hardware_efficient": "YZ", "basic": "X" if ansatz == "qdi" else axis}.get(kind, "ZYZ")
    for b, block in enumerate(angles if ansatz == "qdi" else [angles]):
        yield from ((axis, i, encode(x[:, (b - 1) * n + i])) for i in range(n if b > 0 else 0))
        for number, turns in enumerate(block):
            rotations = [(a, i, t) for i in range(n) for a, t in zip(axes, np.atleast_1d(turns[i]))]
            others = entangle(kind, n, number)
            yield from others + rotations if chen else rotations + others

def circuit(layer, angles, x, wires=()):
    """Expectation values [sample][wire or observable]; wire 0 is the most significant bit of an amplitude's number."""
    n, numbers = layer["n_qubits"], np.arange(2 ** layer["n_qubits"])
    state = np.broadcast_to(numbers == 0, (len(x), 2**n)).astype(complex)

    def apply(wire, matrix, state):
        parts = state.reshape(len(x), 2**wire, 2, -1)
        return np.einsum("...ij,...ajb->...aib", np.broadcast_to(matrix, (len(x), 2, 2)), parts).reshape(state.shape)

    for gate, wire, other in gates(layer, angles, x):
        if gate == "CNOT":
            state = state[:, numbers ^ ((numbers >> (n - 1 - wire) & 1) << (n - 1 - other))]
        elif gate == "H":
            state = apply(wire, (PAULI["X"] + PAULI["Z"]) / 2**0.5, state)
        else:
            half = np.reshape(other, (-1, 1, 1)) / 2
            state = apply(wire, np.cos(half) * np.eye(2) - 1j * np.sin(half) * PAULI[gate], state)
    observed = lambda words: apply(int(words[0][1:]), PAULI[words[0][0]], observed(words[1:])) if words else state
    words = layer.get("observables") or [f"{layer['measure']}{wire}" for wire in wires]
    return np.stack([(state.conj() * observed(product.split())).sum(1).real for product in words], 1)

def cell(layer, t, xs):
    """A recurrent layer with the tensors t over the steps in their order: outputs of all steps."""
    kind, size, outputs, c = layer["variant" if layer["type"] == "qlstm" else "type"], layer["hidden_size"], [], 0
    h = np.zeros((len(xs[0]), size))
    affine = lambda name, v: v @ t[name].T + t[name.replace("weight", "bias")]
    plain = lambda k, v, count=layer.get("n_qubits"): circuit(layer, t["circuits"][k], v, range(count))
    hybrid = lambda k, v: affine("linear_out.weight", plain(k, affine("linear_in.weight", v)))
    for x in xs:
        hx, xh = np.hstack([h, x]), np.hstack([x, h])
        a, s = (affine("weight_ih", x), affine("weight_hh", h)) if "weight_ih" in t else (0, 0)
        if kind in ("gru", "qgru"):
            r, z = (sigmoid(v) for v in (np.split(a + s, 3, 1)[:2] if kind == "gru" else (hybrid(0, hx), hybrid(1, hx))))
            new = a[:, 2 * size:] + r * s[:, 2 * size:] if kind == "gru" else hybrid(2, np.hstack([r * h, x]))
            h = output = (1 - z) * np.tanh(new) + z * h
        elif kind == "rnn":
            h = output = np.tanh(a + s) if layer["nonlinearity"] == "tanh" else np.maximum(a + s, 0)
        else:
            parts = (np.split(a + s, 4, 1) if kind == "lstm" else [plain(k, xh, size) for k in range(4)] if kind == "chen2024"
                     else [plain(k, xh) if kind == "chen2020" else hybrid(k, hx) for k in range(4)])
            f, i, g, o = parts if kind not in ("lstm", "chen2024") else (parts[k] for k in (1, 0, 2, 3))
            c = sigmoid(f) * c + sigmoid(i) * np.tanh(g)
            h = output = sigmoid(o) * np.tanh(c)
            if kind == "chen2020":
                h, output = plain(4, h, size), plain(5, h)
        outputs.append(output)
    return outputs

def recurrent(layer, t, xs, last):
    """In one or two directions, aligned to input time; the last recurrent layer gives its final step alone."""
    back, turned = {name[8:]: value for name, value in t.items() if name.startswith("reverse.")}, layer["inversward"]
    ways = [cell(layer, t, xs[::-1] if turned else xs)] + ([cell(layer, back, xs[::-1])] if back else [])
    steps = [way[-1:] if last else way[::-1] if turned or k else way for k, way in enumerate(ways)]
    return [np.hstack(both) for both in zip(*steps)]

def pointwise(layer, t, x):
    """A layer on one step; dropout does nothing here."""
    n, low, high = layer.get("n_qubits"), np.minimum(x, 0), np.maximum(x, 0)
    kind = layer["function"] if layer["type"] == "activation" else layer["type"]
    norm = lambda mean, variance: t["weight"] * (x - mean) / np.sqrt(variance + layer["epsilon"]) + t["bias"]
    return {"dense": lambda: x @ t["weight"].T + t.get("bias", 0), "dropout": lambda: x, "identity": lambda: x,
            "embedding": lambda: t["weight"][x.astype(int)].reshape(len(x), -1),
            "batch_norm": lambda: norm(t["running_mean"], t["running_var"]),
            "layer_norm": lambda: norm(x.mean(1, keepdims=True), x.var(1, keepdims=True)),
            "quantum": lambda: circuit(layer, t["circuits"][0], x, {"all": range(n), "even": range(0, n, 2),
                                                                    "single": range(1)}[layer["measurement"]]),
            "circuit": lambda: circuit(layer, t["circuits"][0], x), "relu": lambda: high, "tanh": lambda: np.tanh(x),
            "leaky_relu": lambda: high + layer["negative_slope"] * low, "sigmoid": lambda: sigmoid(x),
            "elu": lambda: high + layer["alpha"] * np.expm1(low), "softplus": lambda: high + np.log1p(np.exp(-np.abs(x))),
            "gelu": lambda: x / 2 * np.vectorize(math.erfc, otypes=[float])(-x / 2**0.5)}[kind]()

def predict(path, raw):
    tensors, spec, scaling, circuits = load(path)
    layers, data = spec["model"]["layers"], spec["data"]
    offset, factor = ({side: np.array([column[part] for column in scaling[side]]) for side in ("inputs", "targets")}
                      for part in ("offset", "factor"))
    x = np.asarray(raw, float).reshape(len(raw), -1, len(data["inputs"]) // data.get("steps", 1))
    x = (x - offset["inputs"].reshape(-1, x.shape[2])) / factor["inputs"].reshape(-1, x.shape[2])
    xs, last = [x[:, t] for t in range(x.shape[1])], max((k for k, layer in enumerate(layers) if "hidden_size" in layer), default=-1)
    for k, layer in enumerate(layers):
        layer = {**layer, **circuits.get(str(k), {})}
        start = f"layers.{k}."
        t = {name[len(start):]: value for name, value in tensors.items() if name.startswith(start)}
        xs = recurrent(layer, t, xs, k == last) if "hidden_size" in layer else [pointwise(layer, t, x) for x in xs]
    if data["task"] == "classification":
        e = np.exp(xs[0] - xs[0].max(1, keepdims=True))
        return e / e.sum(1, keepdims=True)
    return xs[0] * factor["targets"] + offset["targets"]

if __name__ == "__main__":
    print(json.dumps(predict(sys.argv[1], json.loads(sys.argv[2])).tolist()))
