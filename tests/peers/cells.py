"""The training step of a QLSTM whose four circuits are V(4,2), and of a classical LSTM: forward, mean squared error,
gradient. A peer here is a function of (case, precision, threads) that returns a callable, which computes
(loss, {tensor name: gradient})."""
import numpy as np

import peers
import statevector

STEPS, BATCH, HIDDEN, WIRES, LAYERS = 8, 256, 3, 4, 2
QLSTM = {
    "type": "qlstm", "variant": "chen2024", "ansatz": "hardware_efficient", "rotation": "Y", "hidden_size": HIDDEN,
    "n_qubits": WIRES, "depth": LAYERS,
}  # fmt: skip


def _make(name, layer, shapes):
    rng = np.random.default_rng(len(name))
    return {
        "name": name,
        "spec": {"model": {"layers": [layer, {"type": "dense", "units": 1}]}},
        "batch": BATCH,
        "weights": {key: rng.uniform(-1, 1, size=shape).tolist() for key, shape in shapes.items()},
        "inputs": rng.uniform(-1, 1, size=(BATCH, STEPS, 1)).tolist(),
        "targets": rng.uniform(-1, 1, size=(BATCH, 1)).tolist(),
    }


def make_qlstm():
    shapes = {"layers.0.circuits": (4, LAYERS, WIRES, 2), "layers.1.weight": (1, HIDDEN), "layers.1.bias": (1,)}
    return _make("qlstm-v42", QLSTM, shapes)


def make_lstm(hidden):
    shapes = {
        "layers.0.weight_ih": (4 * hidden, 1), "layers.0.weight_hh": (4 * hidden, hidden),
        "layers.0.bias_ih": (4 * hidden,), "layers.0.bias_hh": (4 * hidden,),
        "layers.1.weight": (1, hidden), "layers.1.bias": (1,),
    }  # fmt: skip
    return _make(f"lstm-{hidden}", {"type": "lstm", "hidden_size": hidden}, shapes)


def _reals(case, precision):
    kind = np.float64 if precision == "float64" else np.float32
    weights = {key: np.asarray(value, kind) for key, value in case["weights"].items()}
    return weights, np.asarray(case["inputs"], kind), np.asarray(case["targets"], kind)


def _qlstm_jax(case, precision, four_circuits):
    """four_circuits(v [batch][wire], weights [4][L][n][2]) -> [4][batch][wire]; order input, forget, cell, output."""
    jax = peers._jax(precision)
    jnp = jax.numpy
    weights, inputs, targets = (jax.tree.map(jnp.asarray, part) for part in _reals(case, precision))

    def loss(weights):
        def step(carry, x):
            h, c = carry
            gates = four_circuits(jnp.concatenate([x, h], axis=1), weights["layers.0.circuits"])[:, :, :HIDDEN]
            i, f, o = jax.nn.sigmoid(gates[0]), jax.nn.sigmoid(gates[1]), jax.nn.sigmoid(gates[3])
            c = f * c + i * jnp.tanh(gates[2])
            return (o * jnp.tanh(c), c), None

        zero = jnp.zeros((BATCH, HIDDEN), inputs.dtype)
        (h, _), _ = jax.lax.scan(step, (zero, zero), inputs.swapaxes(0, 1))
        return jnp.mean((h @ weights["layers.1.weight"].T + weights["layers.1.bias"] - targets) ** 2)

    both = jax.jit(jax.value_and_grad(loss))
    return lambda: jax.block_until_ready(both(weights))


def qlstm_jax_by_hand(case, precision, threads):
    jax = peers._jax(precision)
    real = np.float64 if precision == "float64" else np.float32
    tables = statevector.ring_permutation(WIRES), statevector.signs(WIRES).astype(real)
    four = jax.vmap(lambda v, w: statevector.expectations(jax.numpy, v, w, tables), in_axes=(None, 0))
    return _qlstm_jax(case, precision, four)


def qlstm_pennylane_jax(case, precision, threads):
    jax = peers._jax(precision)
    import pennylane as qml

    circuit = peers._pennylane_circuit(qml, {"n": WIRES, "layers": LAYERS})
    node = qml.QNode(circuit, qml.device("default.qubit", wires=WIRES), diff_method="backprop")
    stack = jax.numpy.stack
    return _qlstm_jax(case, precision, lambda v, w: stack([stack(node(v, one), axis=-1) for one in w]))


def _torch_case(torch, case, precision):
    weights, inputs, targets = _reals(case, precision)
    weights = {key: torch.tensor(value, requires_grad=True) for key, value in weights.items()}
    return weights, torch.tensor(inputs), torch.tensor(targets)


def _torch_gradients(torch, loss, weights):
    return loss.detach(), dict(zip(weights, torch.autograd.grad(loss, list(weights.values()))))


def qlstm_pennylane_torch(case, precision, threads):
    torch = peers._torch(threads)
    import pennylane as qml

    circuit = peers._pennylane_circuit(qml, {"n": WIRES, "layers": LAYERS})
    node = qml.QNode(circuit, qml.device("default.qubit", wires=WIRES), diff_method="backprop")
    weights, inputs, targets = _torch_case(torch, case, precision)

    def call():
        h = c = torch.zeros(BATCH, HIDDEN, dtype=inputs.dtype)
        for x in inputs.unbind(1):
            v = torch.cat([x, h], 1)
            i, f, g, o = (torch.stack(node(v, w), -1)[:, :HIDDEN].to(v.dtype) for w in weights["layers.0.circuits"])
            c = torch.sigmoid(f) * c + torch.sigmoid(i) * torch.tanh(g)
            h = torch.sigmoid(o) * torch.tanh(c)
        y = h @ weights["layers.1.weight"].T + weights["layers.1.bias"]
        return _torch_gradients(torch, torch.mean((y - targets) ** 2), weights)

    return call


def lstm_torch(case, precision, threads):
    """torch.nn.LSTM."""
    torch = peers._torch(threads)
    weights, inputs, targets = _torch_case(torch, case, precision)
    hidden = weights["layers.0.weight_hh"].shape[1]
    lstm, dense = torch.nn.LSTM(1, hidden, dtype=inputs.dtype), torch.nn.Linear(hidden, 1, dtype=inputs.dtype)
    names = {"weight_ih_l0": "weight_ih", "weight_hh_l0": "weight_hh", "bias_ih_l0": "bias_ih", "bias_hh_l0": "bias_hh"}
    with torch.no_grad():
        for theirs, ours in names.items():
            getattr(lstm, theirs).copy_(weights["layers.0." + ours])
        dense.weight.copy_(weights["layers.1.weight"])
        dense.bias.copy_(weights["layers.1.bias"])
    parameters = {"layers.0." + ours: getattr(lstm, theirs) for theirs, ours in names.items()}
    parameters |= {"layers.1.weight": dense.weight, "layers.1.bias": dense.bias}
    sequence = inputs.transpose(0, 1).contiguous()

    def call():
        outputs, _ = lstm(sequence)
        return _torch_gradients(torch, torch.mean((dense(outputs[-1]) - targets) ** 2), parameters)

    return call


QLSTM_PEERS = {
    "JAX, by hand": qlstm_jax_by_hand,
    "PennyLane + JAX": qlstm_pennylane_jax,
    "PennyLane + torch": qlstm_pennylane_torch,
}
LSTM_PEERS = {"torch.nn.LSTM": lstm_torch}
