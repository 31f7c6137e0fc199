"""The training step of the hybrid network (layer hqrnn, engine/README.md): 100 steps of a state of 8 qubits that is kept,
whose angles a controller makes for each sample: forward, mean squared error, gradient. Peers are as in cells.py; they run
10 of the steps, on which they agree with ours, and their time is multiplied by ten."""
import numpy as np

import cells
import peers
import statevector

STEPS, BATCH, WIRES, LAYERS, HIDDEN = 10, 64, 8, 2, 26
OURS = 100  # steps of hqrnn-8 in server/worker/bench/bench_cases.c
READOUTS, ANGLES = 3 * WIRES, 3 * WIRES * LAYERS
LAYER = {"type": "hqrnn", "n_qubits": WIRES, "depth": LAYERS, "hidden_size": HIDDEN, "controller": "glu"}


def make_hqrnn():
    rng = np.random.default_rng(WIRES)
    shapes = {
        "layers.0.linear_in.weight": (2 * HIDDEN, READOUTS + 1), "layers.0.linear_in.bias": (2 * HIDDEN,),
        "layers.0.linear_out.weight": (ANGLES, HIDDEN), "layers.0.linear_out.bias": (ANGLES,),
        "layers.1.weight": (1, READOUTS), "layers.1.bias": (1,),
    }  # fmt: skip
    return {
        "name": "hqrnn-8",
        "spec": {"model": {"layers": [LAYER, {"type": "dense", "units": 1}]}},
        "batch": BATCH,
        "part": STEPS / OURS,
        "weights": {key: rng.uniform(-0.3, 0.3, size=shape).tolist() for key, shape in shapes.items()},
        "inputs": rng.uniform(-1, 1, size=(BATCH, STEPS, 1)).tolist(),
        "targets": rng.uniform(-1, 1, size=(BATCH, 1)).tolist(),
    }


def by_layer(angles):
    """angles [batch][layer, qubit, rotation] as [layer][batch][qubit][rotation]."""
    return angles.reshape(-1, LAYERS, WIRES, 3).swapaxes(0, 1)


def turn(lib, state, angles, before):
    """state [batch][2^n] by one layer's angles [batch][qubit][rotation]: RX, RY and RZ of a qubit as one matrix."""
    batch = state.shape[0]
    cos, sin = lib.cos(angles / 2), lib.sin(angles / 2)
    for q in range(WIRES):
        (cx, cy, cz), (sx, sy, sz) = ([of[:, q, k, None, None] for k in range(3)] for of in (cos, sin))
        down, up = cz - 1j * sz, cz + 1j * sz
        pair = state.reshape(batch, 1 << q, 2, -1)
        zero, one = pair[:, :, 0], pair[:, :, 1]
        first = down * ((cy * cx + 1j * sy * sx) * zero - (sy * cx + 1j * cy * sx) * one)
        second = up * ((sy * cx - 1j * cy * sx) * zero + (cy * cx - 1j * sy * sx) * one)
        state = lib.stack([first, second], 2).reshape(batch, -1)
    return state[:, before]


def read(lib, state):
    """[batch][qubit, X Y Z]"""
    batch, found = state.shape[0], []
    for q in range(WIRES):
        pair = state.reshape(batch, 1 << q, 2, -1)
        zero, one = pair[:, :, 0].reshape(batch, -1), pair[:, :, 1].reshape(batch, -1)
        both = (zero.conj() * one).sum(1)
        sizes = [(part.real**2 + part.imag**2).sum(1) for part in (zero, one)]
        found += [2 * both.real, 2 * both.imag, sizes[0] - sizes[1]]
    return lib.stack(found, 1)


def control(lib, weights, z, x):
    a = lib.concatenate([z, x], 1) @ weights["layers.0.linear_in.weight"].T + weights["layers.0.linear_in.bias"]
    h = a[:, :HIDDEN] / (1 + lib.exp(-a[:, HIDDEN:]))
    return h @ weights["layers.0.linear_out.weight"].T + weights["layers.0.linear_out.bias"]


def start(kind):
    """The state |0..0> and its readouts."""
    state, z = np.zeros((BATCH, 1 << WIRES), kind), np.zeros((BATCH, READOUTS), np.zeros(1, kind).real.dtype)
    state[:, 0], z[:, 2::3] = 1, 1
    return state, z


def complex_of(precision):
    return np.complex128 if precision == "float64" else np.complex64


def _jax_step(case, precision, turn_layer):
    """turn_layer(state, angles of the layer) -> state. Steps and layers are loops of the compiled program: what it takes
    to compile does not grow with them."""
    jax = peers._jax(precision)
    jnp = jax.numpy
    weights, inputs, targets = (jax.tree.map(jnp.asarray, part) for part in cells._reals(case, precision))
    first = tuple(jnp.asarray(part) for part in start(complex_of(precision)))

    def loss(weights):
        def step(carry, x):
            state, z = carry
            angles = by_layer(control(jnp, weights, z, x))
            state, _ = jax.lax.scan(lambda state, layer: (turn_layer(state, layer), None), state, angles)
            return (state, read(jnp, state)), None

        (_, z), _ = jax.lax.scan(step, first, inputs.swapaxes(0, 1))
        return jnp.mean((z @ weights["layers.1.weight"].T + weights["layers.1.bias"] - targets) ** 2)

    both = jax.jit(jax.value_and_grad(loss))
    return lambda: jax.block_until_ready(both(weights))


def jax_by_hand(case, precision, threads):
    jnp, before = peers._jax(precision).numpy, statevector.ring_permutation(WIRES)

    return _jax_step(case, precision, lambda state, angles: turn(jnp, state, angles, before))


def pennylane_jax(case, precision, threads):
    peers._jax(precision)
    import pennylane as qml

    @qml.qnode(qml.device("default.qubit", wires=WIRES), diff_method="backprop")
    def node(state, angles):
        qml.StatePrep(state, wires=range(WIRES), validate_norm=False)
        for q in range(WIRES):
            for k, gate in enumerate((qml.RX, qml.RY, qml.RZ)):
                gate(angles[:, q, k], wires=q)
        for q in range(WIRES):
            qml.CNOT(wires=[q, (q + 1) % WIRES])
        return [qml.state()]

    return _jax_step(case, precision, lambda state, angles: node(state, angles)[0].astype(state.dtype))


def torch_by_hand(case, precision, threads):
    torch = peers._torch(threads)
    weights, inputs, targets = cells._torch_case(torch, case, precision)
    before = torch.tensor(statevector.ring_permutation(WIRES))
    first = [torch.tensor(part) for part in start(complex_of(precision))]

    class Lib:
        cos, sin, exp, stack, concatenate = torch.cos, torch.sin, torch.exp, torch.stack, torch.cat

    def call():
        state, z = first
        for x in inputs.unbind(1):
            for angles in by_layer(control(Lib, weights, z, x)):
                state = turn(Lib, state, angles, before)
            z = read(Lib, state)
        y = z @ weights["layers.1.weight"].T + weights["layers.1.bias"]
        return cells._torch_gradients(torch, torch.mean((y - targets) ** 2), weights)

    return call


PEERS = {"JAX, by hand": jax_by_hand, "PennyLane + JAX": pennylane_jax, "torch, by hand": torch_by_hand}
