/* A program as the local plan sees it: the Heisenberg picture of its observables, as far back as that stays simple.
 * Internal to engine/circuit.
 *
 * Walking back from the measurement, Clifford gates turn each Pauli string into one Pauli string and a rotation turns
 * the strings that anticommute with it into two. What would make too many strings is kept as a gate, and so is
 * everything before it on its wires. A SWAP only renames wires. */
#ifndef QLSTM_CIRCUIT_LOCAL_CIRCUIT_H
#define QLSTM_CIRCUIT_LOCAL_CIRCUIT_H

#include "engine/circuit/local/local_graph.h"
#include "engine/circuit/program.h"

/* A letter on a wire: bit 0 is x, bit 1 is z, as in pauli_string. */
enum local_letter { LETTER_I, LETTER_X, LETTER_Z, LETTER_Y, LETTERS };

/* exp(-i t P / 2) mixes the two letters that anticommute with P: going forward in time, the component of `first`
 * becomes cos t first - sin t second, that of `second` sin t first + cos t second. Backward in time t changes its sign.
 */
extern const struct local_mix {
	enum local_letter first, second;
} local_mixes[3];

/* One side of a controlled Pauli gate. With the Pauli strings as bits, each side keeps one bit (its probe) and has the
 * other flipped when the far side's probe is set: CNOT's control and both sides of CZ flip z, CNOT's target flips x. */
struct local_side {
	int wire;
	enum local_letter flip, probe; /* LETTER_X or LETTER_Z: a bit */
};

/* What is kept. Its sign when both probes are set: (-1)^(flip bit of one + flip bit of the other + differs). */
struct local_gate {
	bool bond; /* a controlled gate with two sides; else a rotation on sides[0].wire */
	struct local_side sides[2];
	bool differs; /* the sides flip different bits */
	enum pauli axis;
	local_ref cosine, sine;
};

/* coefficient * letters contributes to an observable. */
struct local_string {
	struct pauli_string letters;
	local_ref coefficient;
	int observable;
};

/* An angle whose cosine and sine are leaves. Two rotations about one axis in a row, by a feature and by a weight, are
 * one: by `angle` plus that weight. */
struct local_slot {
	struct angle angle;
	int weight; /* -1: none */
};

struct local_circuit {
	const struct circuit_program *program;
	struct local_graph *graph;
	struct local_slot *slots; /* every angle in use once; constants as often as they occur */
	struct local_gate *gates; /* in time order */
	struct local_string *strings;
	int n_slots, n_gates, n_strings, n_wires;
	int *slot_of; /* [n_weights], then [n_features][ENCODER_COUNT]; -1: none yet */
};

/* At most `max_strings` strings, or one per observable where that is more. NULL when out of memory. The graph must
 * outlive it. */
struct local_circuit *local_circuit_new(const struct circuit_program *program, struct local_graph *graph,
                                        int max_strings);
void local_circuit_free(struct local_circuit *circuit);

#endif
