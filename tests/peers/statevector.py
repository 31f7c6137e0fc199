"""V(n, L) as a good engineer would write it for an array library with gradients: a product state for the encoding, one
phase table for all RZ of a layer, one permutation for the ring, one matrix of signs for the readout."""
import numpy as np


def ring_permutation(n):
    """new[k] = old[p[k]] after CNOT(0, 1), CNOT(1, 2), ..., CNOT(n-1, 0); wire 0 is the most significant bit."""
    index = np.arange(2**n)
    for q in reversed(range(n)):
        control, target = n - 1 - q, n - 1 - (q + 1) % n
        index = index ^ (((index >> control) & 1) << target)
    return index


def signs(n):
    """[2^n][n]: the sign of Z of every wire in every basis state."""
    index = np.arange(2**n)[:, None]
    return 1.0 - 2.0 * ((index >> (n - 1 - np.arange(n))[None, :]) & 1)


def expectations(lib, features, weights, tables):
    """[batch][n] from features [batch][n] and weights [L][n][2]. `lib` has the array functions of numpy."""
    permutation, sign = tables
    n = features.shape[1]
    state = lib.ones_like(features[:, :1])
    for q in range(n):  # the first layer's RY joins the encoding
        half = (features[:, q] + weights[0, q, 0]) / 2
        wire = lib.stack([lib.cos(half), lib.sin(half)], 1)
        state = (state[:, :, None] * wire[:, None, :]).reshape(state.shape[0], -1)
    for layer in range(weights.shape[0]):
        if layer > 0:
            state = rotate_all(lib, state, weights[layer, :, 0])
        if layer + 1 < weights.shape[0]:  # phases before a readout of Z are not seen
            phases = -(sign @ weights[layer, :, 1]) / 2
            state = state * (lib.cos(phases) + 1j * lib.sin(phases))[None, :]
        state = state[:, permutation]
    probabilities = lib.real(state) ** 2 + lib.imag(state) ** 2
    return probabilities @ sign


def rotate_all(lib, state, angles):
    """RY on every wire."""
    batch, n = state.shape[0], angles.shape[0]
    for q in range(n):
        c, s = lib.cos(angles[q] / 2), lib.sin(angles[q] / 2)
        halves = state.reshape(batch, 2**q, 2, -1)
        low, high = halves[:, :, 0], halves[:, :, 1]
        state = lib.stack([c * low - s * high, s * low + c * high], 2).reshape(batch, -1)
    return state
