"""The simulators we are compared with, each in the fastest configuration that we know.

A peer is a function of (case, precision, threads) that returns a callable without arguments. A call of that computes
(outputs [batch][wire], d_features [batch][wire], d_weights [layer][wire][2]) of V(n, L) for the case's cotangents, and does
not return before it has them. Imports stand inside, so that a process loads only the peer it is asked for."""
import sys
import types

import numpy as np

import statevector


def _reals(case, precision):
    kind = np.float64 if precision == "float64" else np.float32
    return [np.asarray(case[key], dtype=kind) for key in ("features", "weights", "cotangents")]


def _jax(precision):
    import jax

    jax.config.update("jax_enable_x64", precision == "float64")
    return jax


def _jax_call(jax, function, arrays):
    """One compiled function for outputs and vector-Jacobian product."""

    @jax.jit
    def compiled(features, weights, cotangents):
        outputs, backward = jax.vjp(function, features, weights)
        return (outputs, *backward(cotangents))

    arrays = [jax.numpy.asarray(array) for array in arrays]
    return lambda: jax.block_until_ready(compiled(*arrays))


def jax_by_hand(case, precision, threads):
    jax = _jax(precision)
    jnp = jax.numpy
    features, weights, cotangents = _reals(case, precision)
    tables = statevector.ring_permutation(case["n"]), jnp.asarray(statevector.signs(case["n"]), features.dtype)
    return _jax_call(jax, lambda x, w: statevector.expectations(jnp, x, w, tables), (features, weights, cotangents))


def _torch(threads):
    import torch

    torch.set_num_threads(threads)
    return torch


def _torch_call(torch, function, arrays):
    features, weights, cotangents = (torch.tensor(array) for array in arrays)
    features.requires_grad_()
    weights.requires_grad_()

    def call():
        outputs = function(features, weights)
        return (outputs.detach(), *torch.autograd.grad(outputs, (features, weights), cotangents))

    return call


def torch_by_hand(case, precision, threads):
    torch = _torch(threads)
    features, weights, cotangents = _reals(case, precision)
    permutation = torch.tensor(statevector.ring_permutation(case["n"]))
    sign = torch.tensor(statevector.signs(case["n"]).astype(features.dtype))

    class Lib:
        cos, sin, stack, ones_like, real = torch.cos, torch.sin, torch.stack, torch.ones_like, torch.real

        @staticmethod
        def imag(state):
            return state.imag if state.is_complex() else torch.zeros_like(state)

    return _torch_call(
        torch,
        lambda x, w: statevector.expectations(Lib, x, w, (permutation, sign)),
        (features, weights, cotangents),
    )


def _pennylane_circuit(qml, case):
    n, layers = case["n"], case["layers"]

    def circuit(features, weights):
        for q in range(n):
            qml.RY(features[..., q], wires=q)
        for layer in range(layers):
            for q in range(n):
                qml.RY(weights[layer, q, 0], wires=q)
                qml.RZ(weights[layer, q, 1], wires=q)
            for q in range(n):
                qml.CNOT(wires=[q, (q + 1) % n])
        return [qml.expval(qml.PauliZ(q)) for q in range(n)]

    return circuit


def pennylane_jax(case, precision, threads):
    """default.qubit, broadcasting, one jit."""
    jax = _jax(precision)
    import pennylane as qml

    node = qml.QNode(_pennylane_circuit(qml, case), qml.device("default.qubit", wires=case["n"]), diff_method="backprop")
    return _jax_call(jax, lambda x, w: jax.numpy.stack(node(x, w), axis=-1), _reals(case, precision))


def pennylane_torch(case, precision, threads):
    """default.qubit, broadcasting, back-propagation."""
    torch = _torch(threads)
    import pennylane as qml

    node = qml.QNode(_pennylane_circuit(qml, case), qml.device("default.qubit", wires=case["n"]), diff_method="backprop")
    return _torch_call(torch, lambda x, w: torch.stack(node(x, w), dim=-1), _reals(case, precision))


def pennylane_lightning(case, precision, threads):
    """lightning.qubit, adjoint vector-Jacobian product in C++, without a QNode around it; one sample at a time."""
    import pennylane as qml

    device = qml.device(
        "lightning.qubit", wires=case["n"], c_dtype=np.complex128 if precision == "float64" else np.complex64
    )
    config = qml.devices.ExecutionConfig(
        gradient_method="adjoint", use_device_gradient=True, use_device_jacobian_product=True
    )
    config = device.setup_execution_config(config)
    circuit, (features, weights, cotangents) = _pennylane_circuit(qml, case), _reals(case, precision)
    n = case["n"]

    def call():
        tapes = [qml.tape.make_qscript(circuit)(sample, weights) for sample in features]
        outputs, gradients = device.execute_and_compute_vjp(tapes, [tuple(row) for row in cotangents], config)
        gradients = np.array(gradients)
        return np.array(outputs), gradients[:, :n], gradients[:, n:].sum(axis=0).reshape(weights.shape)

    return call


def tensorcircuit(case, precision, threads):
    """On JAX; vectorized_value_and_grad, which gives the contracted value in place of the outputs."""
    _jax(precision)
    import tensorcircuit as tc

    backend = tc.set_backend("jax")
    tc.set_dtype("complex128" if precision == "float64" else "complex64")
    n, layers = case["n"], case["layers"]

    def contracted(features, cotangents, weights):
        circuit = tc.Circuit(n)
        for q in range(n):
            circuit.ry(q, theta=features[q])
        for layer in range(layers):
            for q in range(n):
                circuit.ry(q, theta=weights[layer, q, 0])
                circuit.rz(q, theta=weights[layer, q, 1])
            for q in range(n):
                circuit.cnot(q, (q + 1) % n)
        outputs = [backend.real(circuit.expectation_ps(z=[q])) for q in range(n)]
        return backend.sum(backend.stack(outputs) * cotangents)

    both = backend.jit(backend.vectorized_value_and_grad(contracted, argnums=(0, 2), vectorized_argnums=(0, 1)))
    features, weights, cotangents = (backend.convert_to_tensor(array) for array in _reals(case, precision))

    def call():
        import jax

        value, (d_features, d_weights) = jax.block_until_ready(both(features, cotangents, weights))
        return value, d_features, d_weights

    return call


def _without_qiskit_aer():
    """TorchQuantum imports it for an export that is not used here; today's Qiskit has it elsewhere."""

    class Empty(types.ModuleType):
        def __getattr__(self, name):
            if name.startswith("__"):
                raise AttributeError(name)
            return type(name, (), {})

    base = "qiskit.providers.aer"
    for name in (base, f"{base}.noise", f"{base}.noise.device", f"{base}.noise.device.parameters"):
        sys.modules[name] = Empty(name)


def torchquantum(case, precision, threads):
    """A device of `batch` states. It computes in complex64 only."""
    if precision == "float64":
        raise NotImplementedError("complex64 only")
    torch = _torch(threads)
    _without_qiskit_aer()
    import torchquantum as tq

    n, layers, batch = case["n"], case["layers"], case["batch"]

    def run(features, weights):
        device = tq.QuantumDevice(n_wires=n, bsz=batch)
        for q in range(n):
            device.ry(wires=q, params=features[:, q])
        for layer in range(layers):
            for q in range(n):
                device.ry(wires=q, params=weights[layer, q, 0].expand(batch))
                device.rz(wires=q, params=weights[layer, q, 1].expand(batch))
            for q in range(n):
                device.cnot(wires=[q, (q + 1) % n])
        return tq.MeasureAll(tq.PauliZ)(device)

    return _torch_call(torch, run, _reals(case, precision))


def qulacs(case, precision, threads):
    """Adjoint gradients in C++ of the contracted observable, one sample at a time; complex128 only."""
    if precision == "float32":
        raise NotImplementedError("complex128 only")
    import qulacs as q

    n, layers = case["n"], case["layers"]
    features, weights, cotangents = _reals(case, precision)
    circuit = q.ParametricQuantumCircuit(n)
    for w in range(n):
        circuit.add_parametric_RY_gate(w, 0.0)
    for _ in range(layers):
        for w in range(n):
            circuit.add_parametric_RY_gate(w, 0.0)
            circuit.add_parametric_RZ_gate(w, 0.0)
        for w in range(n):
            circuit.add_CNOT_gate(w, (w + 1) % n)
    readouts = [q.Observable(n) for _ in range(n)]
    for w, readout in enumerate(readouts):
        readout.add_operator(1.0, f"Z {w}")

    def one(sample, cotangent):
        for k, value in enumerate(sample):  # its rotations turn the other way
            circuit.set_parameter(k, -value)
        state = q.QuantumState(n)
        circuit.update_quantum_state(state)
        outputs = [readout.get_expectation_value(state) for readout in readouts]
        contracted = q.Observable(n)
        for w, value in enumerate(cotangent):
            contracted.add_operator(value, f"Z {w}")
        return outputs, circuit.backprop(contracted)

    def call():
        for k, value in enumerate(weights.ravel()):
            circuit.set_parameter(n + k, -value)
        rows = [one(sample, cotangent) for sample, cotangent in zip(features, cotangents)]
        gradient = -np.array([row[1] for row in rows])
        return np.array([row[0] for row in rows]), gradient[:, :n], gradient[:, n:].sum(axis=0).reshape(weights.shape)

    return call


def mindquantum(case, precision, threads):
    """get_expectation_with_grad: the derivative of every output, contracted afterwards."""
    import mindquantum as mq
    from mindquantum.core.circuit import Circuit
    from mindquantum.core.operators import Hamiltonian, QubitOperator
    from mindquantum.simulator import Simulator

    n, layers = case["n"], case["layers"]
    features, weights, cotangents = _reals(case, precision)
    encoder, ansatz = Circuit(), Circuit()
    for w in range(n):
        encoder.ry(f"x{w}", w)
    for layer in range(layers):
        for w in range(n):
            ansatz.ry(f"a{layer}_{w}", w)
            ansatz.rz(f"b{layer}_{w}", w)
        for w in range(n):
            ansatz.x((w + 1) % n, w)
    kind = mq.complex128 if precision == "float64" else mq.complex64
    simulator = Simulator("mqvector", n, dtype=kind)
    readouts = [Hamiltonian(QubitOperator(f"Z{w}")).astype(kind) for w in range(n)]
    both = simulator.get_expectation_with_grad(
        readouts, encoder.as_encoder() + ansatz.as_ansatz(), parallel_worker=threads
    )

    def call():
        outputs, d_features, d_weights = (np.real(array) for array in both(features, weights.ravel()))
        return (
            outputs,
            np.einsum("bo,bof->bf", cotangents, d_features),
            np.einsum("bo,bow->w", cotangents, d_weights).reshape(weights.shape),
        )

    return call


PEERS = {
    "JAX, by hand": jax_by_hand,
    "torch, by hand": torch_by_hand,
    "TensorCircuit-NG": tensorcircuit,
    "PennyLane + JAX": pennylane_jax,
    "PennyLane + torch": pennylane_torch,
    "PennyLane lightning": pennylane_lightning,
    "TorchQuantum": torchquantum,
    "MindQuantum": mindquantum,
    "Qulacs": qulacs,
}

# They go through the samples one by one: a few tell the time of a sample.
ONE_BY_ONE = {"PennyLane lightning", "MindQuantum", "Qulacs"}
FEW = 16
