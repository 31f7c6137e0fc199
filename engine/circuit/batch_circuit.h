/* A program compiled for the batch plan. Internal to engine/circuit.
 *
 * Three facts shape it. Up to a global phase every gate is a product of Pauli rotations exp(-i t P / 2), of CNOT, SWAP
 * and X. The latter only relabel basis states, and a relabelling that is affine over GF(2) sends Pauli strings to Pauli
 * strings: instead of moving amplitudes, the compiler rewrites the P of every later gate and observable. And what acts
 * on a wire before its first two-wire gate only prepares a product state.
 *
 * What remains is a product state (prefix), Pauli rotations (steps), and Pauli strings to measure. Bits of x and z here
 * are bits of a basis index, not wires. */
#ifndef QLSTM_CIRCUIT_BATCH_CIRCUIT_H
#define QLSTM_CIRCUIT_BATCH_CIRCUIT_H

#include <stddef.h>

#include "engine/circuit/program.h"

/* P|k> = i^odd (-1)^(negative + parity(k & z)) |k ^ x>; odd when parity(x & z) is, so that P is Hermitian. */
struct batch_string {
	uint32_t x, z;
	bool negative, odd;
};

/* Basis states that a string with x != 0 exchanges. Odd: P|zero> = i|one>, P|one> = -i|zero>. Even: P|zero> = |one> in
 * the first n_positive pairs, P|zero> = -|one> in the others. */
struct batch_pair {
	uint32_t zero, one;
};

struct batch_pairs {
	struct batch_pair *items;
	size_t count, n_positive;
};

/* exp(-i angle P / 2), the angle being that of a slot. */
struct batch_gate {
	struct batch_string string;
	int slot;
	int level; /* gates of one level commute */
};

/* The order is the one inside a level. */
enum batch_step_kind { STEP_DIAGONAL, STEP_DIAGONAL_LANES, STEP_ROTATE_X, STEP_ROTATE_Y, STEP_KINDS };

/* Work done in one pass over the amplitudes. */
struct batch_step {
	enum batch_step_kind kind;
	const struct batch_gate *gates; /* any number of Z-type gates, or one rotation */
	int n_gates;
	struct batch_pairs pairs; /* STEP_ROTATE_* */
	double *phases;           /* STEP_DIAGONAL: [re, im][2^n], of the weights of this call */
};

struct batch_observable {
	struct batch_string string;
	struct batch_pairs pairs; /* x != 0 */
};

struct batch_prefix {
	enum pauli axis;
	int slot, wire;
};

struct batch_circuit {
	const struct circuit_program *program;
	int n_wires;
	int n_slots, n_prefix, n_gates, n_steps, n_observables, n_diagonal_observables;
	struct angle *slots;                     /* every angle that occurs; features once per encoder */
	struct batch_prefix *prefix;             /* by wire */
	int prefix_start[CIRCUIT_MAX_WIRES + 1]; /* wire w: prefix_start[w] .. prefix_start[w + 1] - 1 */
	struct batch_gate *gates;
	struct batch_step *steps;
	struct batch_observable *observables;
};

/* Everything but pairs[].items and phases, whose memory the plan provides. NULL when out of memory. */
struct batch_circuit *batch_circuit_new(const struct circuit_program *program);
void batch_circuit_free(struct batch_circuit *circuit);

/* Writes the 2^(n-1) pairs of a string with x != 0 to pairs->items. */
void batch_pairs_fill(struct batch_pairs *pairs, const struct batch_string *string, int n_wires);

#endif
