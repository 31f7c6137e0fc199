/* Tensors of expressions, for contracting a circuit wire by wire. Internal to engine/circuit.
 *
 * A density matrix of n wires is 2^-n sum_P w_P P; rotations and controlled Pauli gates act linearly on the real
 * numbers w_P. What a wire needs to know of the far side of a controlled gate is one bond of 4 values: the probe bits
 * of both sides (local_circuit.h). So the wires done so far are a tensor with one index of 4 for every gate that
 * reaches a wire not yet done. */
#ifndef QLSTM_CIRCUIT_LOCAL_TENSOR_H
#define QLSTM_CIRCUIT_LOCAL_TENSOR_H

#include <stddef.h>

#include "engine/circuit/local/local_circuit.h"

/* A tensor with more bonds is refused. */
#define LOCAL_BONDS_MAX 9

/* values[letter << 2 n_bonds | digits]; the digit of bonds[k] stands at bits 2k. n_letters is 1 or LETTERS. */
struct local_tensor {
	int n_letters, n_bonds;
	int bonds[LOCAL_BONDS_MAX]; /* gates, ascending */
	local_ref *values;
};

static inline size_t local_tensor_size(int n_letters, int n_bonds)
{
	return (size_t)n_letters << (2 * n_bonds);
}

/* Time runs backward for a wire that is met from its measurement. */
enum local_time { TIME_FORWARD, TIME_BACKWARD };

/* In place. */
void local_tensor_rotate(struct local_graph *graph, struct local_tensor *tensor, const struct local_gate *gate,
                         enum local_time time);
/* `out` gets room for the result from the caller and may not overlap. `bond` is the gate's index, `side` the side that
 * the tensor's wire is on. */
void local_tensor_open(struct local_tensor *out, const struct local_tensor *tensor, const struct local_gate *gate,
                       int bond, int side, enum local_time time);
void local_tensor_close(struct local_graph *graph, struct local_tensor *out, const struct local_tensor *tensor,
                        const struct local_gate *gate, int bond, int side, enum local_time time);
/* The product of two tensors without a bond in common; `other` has one letter. */
void local_tensor_join(struct local_graph *graph, struct local_tensor *out, const struct local_tensor *tensor,
                       const struct local_tensor *other);
/* The sum over the letters, weighted. */
void local_tensor_fold(struct local_graph *graph, struct local_tensor *out, const struct local_tensor *tensor,
                       const local_ref weights[LETTERS]);
/* The sum of the products of all elements; both have one letter and the same bonds. */
local_ref local_tensor_dot(struct local_graph *graph, const struct local_tensor *a, const struct local_tensor *b);

#endif
