/* A sequence as implementations see it: operations checked, wires turned into bits of basis indices. Internal to
 * engine/circuit. */
#ifndef QLSTM_CIRCUIT_REGISTER_SEQUENCE_H
#define QLSTM_CIRCUIT_REGISTER_SEQUENCE_H

#include "engine/circuit/register/register.h"

enum register_step_kind {
	REGISTER_STEP_TURN,     /* RX, RY, RZ */
	REGISTER_STEP_MATRIX,   /* a table of 2x2 matrices; fixed gates are one with constant numbers */
	REGISTER_STEP_PLANE,    /* a table of [[c, -s], [s, c]] */
	REGISTER_STEP_SCALE,    /* a table of complex factors */
	REGISTER_STEP_EXCHANGE, /* the two amplitudes of every pair change places */
	REGISTER_STEP_FLIP,     /* the same where the sample's word has a 1 */
	REGISTER_STEP_PERMUTE,  /* a list of exchanges, in order */
	REGISTER_STEP_COUNT
};

/* A step acts on pairs of amplitudes, k | first and k | second, for all k = ones | s | f: s a subset of selectors,
 * which chooses the table's entry, f a subset of free. A scale acts on single amplitudes: first and second are 0. */
struct register_step {
	enum register_step_kind kind;
	size_t first, second, ones, selectors, free;
	struct angle angle; /* turn */
	enum pauli axis;
	enum angle_source source; /* matrix, plane, scale: where the table stands; ANGLE_CONSTANT: it is `constant` */
	int number;               /* the table's first number */
	double constant[8];
	bool unitary, kept;   /* kept: a table that is not unitary */
	int row, shift;       /* flip: bit `shift` of the word in this row */
	uint32_t (*swaps)[2]; /* permute; owned by the sequence */
	size_t n_swaps;
};

struct register_sequence {
	int n_wires;
	struct register_needs needs;
	int first_weight; /* the smallest index read; needs.n_weights when none is */
	int n_steps;
	struct register_step *steps;
	const struct register_ops *ops; /* that prepared it, and what it made of it */
	void *prepared;
};

/* A Pauli string on basis indices: P|k> = i^n_y (-1)^parity(k & z) |k ^ x>. */
struct register_pauli {
	size_t x, z;
	int n_y;
};

struct register_pauli register_pauli_of(int n_wires, const struct pauli_string *string);

/* The basis index bits of a set of wires. */
size_t register_bits(int n_wires, uint32_t wires);

/* Checks and lowers; `ops` and `prepared` are left to the caller. */
int register_sequence_new(struct register_sequence **out, int n_wires, const struct register_op *ops, int n_ops,
                          struct qlstm_error *error);

/* The smallest subset of `mask` above *k, which is one: to loop over all of them, start at 0. False when there is none;
 * *k is then 0 again. */
static inline bool next_subset(size_t *k, size_t mask)
{
	*k = (*k - mask) & mask;
	return *k != 0;
}

#endif
