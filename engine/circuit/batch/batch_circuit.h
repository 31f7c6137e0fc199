/* A program compiled for the batch plan. Internal to engine/circuit.
 *
 * Four facts shape it. Up to a global phase every gate is a product of Pauli rotations exp(-i t P / 2) and of Clifford
 * gates that send Pauli strings to Pauli strings: instead of applying those to amplitudes, the compiler rewrites the P
 * of every later rotation and observable. What acts on a wire before its first two-wire gate only prepares a product
 * state. Rotations that commute can share one pass over the amplitudes. And while only H, RY, CNOT, CZ, X and Z have
 * acted, all amplitudes are real.
 *
 * What remains is a product state (prefix), passes (steps), and Pauli strings to measure. Bits of x and z here are bits
 * of a basis index, not wires. */
#ifndef QLSTM_CIRCUIT_BATCH_CIRCUIT_H
#define QLSTM_CIRCUIT_BATCH_CIRCUIT_H

#include <stddef.h>

#include "engine/circuit/parity.h"
#include "engine/circuit/program.h"

/* Rotations in one pass at most. */
#define BATCH_BLOCK_GATES 6

/* Where basis state k stands in a state or in lambda. After every run of BATCH_RUN states a place is left out, and one
 * more after every 32 runs: states whose numbers differ by a high power of two would otherwise compete for the same few
 * ways of the cache. batch_place(2^n) places hold a state. */
#define BATCH_RUN 32u

static inline size_t batch_place(size_t k)
{
	return k + (k >> 5) + (k >> 10);
}

/* P|k> = i^odd (-1)^(negative + parity(k & z)) |k ^ x>; odd when parity(x & z) is, so that P is Hermitian. */
struct batch_string {
	uint32_t x, z;
	bool negative, odd;
};

/* exp(-i angle P / 2), the angle being that of a slot. */
struct batch_gate {
	struct batch_string string;
	int slot;
	int level; /* gates of one level commute */
};

/* STEP_DIAGONAL: Z-type gates with the same angle for all samples; STEP_DIAGONAL_LANES: with features, independent
 * strings; STEP_ROTATE_*: even and odd strings with x != 0. The order is the one inside a level. STEP_WIDEN only turns
 * real amplitudes into complex ones. */
enum batch_step_kind { STEP_DIAGONAL, STEP_DIAGONAL_LANES, STEP_ROTATE_X, STEP_ROTATE_Y, STEP_KINDS, STEP_WIDEN };

/* Work done in one pass over the amplitudes.
 *
 * A rotation is real on the vector of all real and imaginary parts: index 2k is the real, 2k + 1 the imaginary part of
 * amplitude k (index k alone while amplitudes are real). There it exchanges index j with j ^ offset and turns this
 * plane by t / 2. A block is the set of 2^n_gates indices that n_gates rotations exchange among themselves; rows[i][b]
 * is where one of them stands, in bytes: bit g of b tells whether rotation g's offset is in. Of the two that it
 * exchanges, it takes sin(t / 2) times the first to the second; the second is the one with bit g, for STEP_ROTATE_X
 * only where the other bits of b have even parity, else the one without. */
struct batch_step {
	enum batch_step_kind kind;
	const struct batch_gate *gates; /* circuit->gates + first_gate */
	int first_gate, n_gates;        /* in the circuit's gates */
	int parts_before, parts;        /* real numbers per amplitude */
	bool trainable, featured;       /* some angle is a weight, a feature */
	bool undone;                    /* backward, the state before it is made from the one after it */
	/* STEP_ROTATE_* */
	uint32_t *rows; /* [n_bases][2^n_gates] */
	size_t n_bases;
	uint32_t *signs; /* STEP_DIAGONAL_LANES: bit g of signs[k] is parity(k & z) of gate g */
	int diagonal;    /* STEP_DIAGONAL: counts those before it */
};

static inline bool batch_step_rotates(const struct batch_step *step)
{
	return step->kind == STEP_ROTATE_X || step->kind == STEP_ROTATE_Y;
}

/* The places of basis states that a string with x != 0 exchanges. Odd: P|zero> = i|one>, P|one> = -i|zero>. Even:
 * P|zero> = |one> in the first n_positive pairs, P|zero> = -|one> in the others. */
struct batch_pair {
	uint32_t zero, one;
};

struct batch_observable {
	struct batch_string string;
	int bit;                  /* x == 0: see batch_circuit.order */
	struct batch_pair *pairs; /* x != 0: 2^(n-1) of them */
	size_t n_positive;
};

struct batch_prefix {
	enum pauli axis;
	int slot, wire;
};

/* A slot's gradient is what adds up for it and, with this sign, row `row` of what adds up for rotations, or for
 * diagonals after its transform. Slots here count those that are not features. */
struct batch_slope {
	size_t row;
	int slot, sign;
};

/* A slot whose angle is a weight. */
struct batch_trained {
	bool used;
	int slot, weight;
};

struct batch_circuit {
	const struct circuit_program *program;
	int n_wires;
	int n_slots, n_prefix, n_gates, n_steps, n_observables, n_diagonal_observables;
	int n_feature_slots;         /* slots 0 .. n_feature_slots - 1: features, once per encoder */
	int n_diagonals;             /* steps of kind STEP_DIAGONAL */
	int prefix_parts;            /* 1: the product state is real, all its rotations are about Y */
	int parts;                   /* of the final state */
	bool prefix_shared;          /* no weight in the prefix */
	bool featured;               /* some step is */
	bool featured_turns;         /* some STEP_ROTATE_* is */
	bool joined;                 /* the first step is a diagonal on a real product state: done with it */
	struct angle *slots;         /* every angle that occurs */
	struct batch_prefix *prefix; /* by wire */
	int prefix_start[CIRCUIT_MAX_WIRES + 1]; /* wire w: prefix_start[w] .. prefix_start[w + 1] - 1 */
	int prefix_learned[CIRCUIT_MAX_WIRES];   /* its first one whose angle is no constant, or its end */
	/* Whether every wire begins with one rotation by a feature, of slot feature + wire, and one by another angle,
	 * of slot other + apart * wire: RY(x) and RY(w), for example. Such prefixes are done without a list. */
	struct batch_paired {
		bool all;
		int feature, other, apart;
	} paired;
	/* Whether every wire begins with a rotation about Y by the constant of slot constant + apart * wire, one about
	 * Y by the feature of slot y + wire and one about Z by that of slot z + wire: H, RY(x), RZ(x^2), as in
	 * chen2020. */
	struct batch_dressed {
		bool all;
		int constant, apart, y, z;
	} dressed;
	struct batch_gate *gates;
	struct batch_step *steps;
	struct batch_observable *observables;
	struct batch_slope *slopes; /* n_turn_slopes of rotations, then those of diagonals */
	int n_slopes, n_turn_slopes;
	struct batch_trained *trained; /* those whose gradient is not zero throughout */
	int n_trained;
	/* When the Z-type observables are independent, they are single bits in another numbering of the basis states,
	 * and cost one tree instead of a transform: order[k] is the new number of state k. NULL otherwise. */
	bool ordered;
	uint32_t *order;
};

/* Everything but the tables that steps and observables point to, whose memory the plan provides. NULL when out of
 * memory. */
struct batch_circuit *batch_circuit_new(const struct circuit_program *program);
void batch_circuit_free(struct batch_circuit *circuit);

/* Orders the gates into steps (batch_schedule.c). `numbers` holds STEP_KINDS * n_gates + 1, `gates` n_gates. */
void batch_schedule(struct batch_circuit *circuit, struct batch_gate *gates, int *numbers);
/* Makes the lists of slopes and of trained slots (batch_slopes.c); false: out of memory. */
bool batch_slopes_list(struct batch_circuit *circuit);
/* Fill the tables of a step and of an observable, given their memory. */
void batch_step_fill(struct batch_step *step, int n_wires, size_t row_bytes);
void batch_observable_fill(struct batch_observable *observable, int n_wires);
/* Gives the Z-type observables their bits and says whether they are independent; fills circuit->order unless NULL. */
bool batch_order_fill(struct batch_circuit *circuit);

static inline bool batch_anticommute(const struct batch_string *a, const struct batch_string *b)
{
	return parity(a->x & b->z) != parity(a->z & b->x);
}

#endif
