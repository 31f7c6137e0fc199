/* A register: the quantum states of a batch of samples, which stay from one call to the next.
 *
 * A plan (plan.h) starts every circuit in |0...0> and ends it with expectations. A register keeps its states, as a
 * recurrent cell needs it: evolve them by a sequence of operations, read expectations or probabilities without
 * disturbing them, project wires on a measured word, and go on at the next time step. For example, a step of a cell
 * whose in/out wires are 0 and 1 (bits set: 0x3) and that is trained on known words:
 *
 *     register_evolve(reg, step, &inputs, true, error);                   the step's gates, input bits written first
 *     register_probabilities(reg, 0x3, p, error);                         what the loss reads
 *     register_project(reg, 0x3, words, true, NULL, NULL, error);         postselect wires 0 and 1 on the known word
 *
 * Every X has an X_backward: called in the reverse order of the calls, they carry the gradient back in time.
 *
 * Conventions: as in program.h; wire 0 is the most significant bit of a basis index. A set of wires is a bit mask: bit
 * w is wire w, so {1, 3} is 0xa. The word of a set is the number that its wires' bits make, lowest wire first: in the
 * set {1, 3}, wire 1 at 1 and wire 3 at 0 are word 2. Arrays hold float64 with the samples innermost: number f of
 * sample b is features[f * samples + b].
 *
 * Samples never meet: a result of sample b is the same to the bit whatever the other samples are and however many there
 * are (as long as all angles are below 1e5), so a batch can be cut into slices with a register each. Sums over samples
 * (shared numbers' gradients) add one sample after the other in ascending order.
 *
 * Functions return 0 or a negative code and fill `error` (NULL is allowed); a call that fails has changed nothing.
 * Memory is allocated by register_open and register_prepare only. A register serves one thread at a time. */
#ifndef QLSTM_CIRCUIT_REGISTER_H
#define QLSTM_CIRCUIT_REGISTER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/circuit/plan.h"

struct register_state;
struct register_sequence;

/* ---- Opening ---- */

struct register_shape {
	int n_wires;              /* 1 .. CIRCUIT_MAX_WIRES */
	size_t samples;           /* 1 or more */
	enum precision precision; /* of amplitudes; a sum over samples is float64 */
	bool gradients;           /* with a cotangent, which every X_backward needs */
	int n_checkpoints;        /* slots of register_save */
	int n_kept;               /* states that evolve and project can keep at a time */
};

/* The states are |0...0>, the cotangent is 0. `kind` names the implementation: "cpu", or NULL for the first that there
 * is. ERR_NOT_FOUND for an unknown kind, ERR_OUT_OF_RANGE, ERR_TOO_LARGE, ERR_OUT_OF_MEMORY. */
int register_open(struct register_state **out, const char *kind, const struct register_shape *shape,
                  struct qlstm_error *error);
void register_close(struct register_state *reg);
const struct register_shape *register_shape_of(const struct register_state *reg);
/* The i-th implementation's name, NULL past the last one. */
const char *register_kind_name(int index);
/* What register_open allocates for a shape that it takes: (1 + gradients + n_checkpoints + n_kept) states of 2^n
 * amplitudes a sample, of 16 bytes (float32: 8), the samples rounded up to a multiple of up to 16. SIZE_MAX when no
 * memory is large enough, 0 for an unknown kind. */
size_t register_bytes(const char *kind, const struct register_shape *shape);

/* ---- Operations ---- */

/* X(enumerator, name, numbers in an entry of its table) */
#define REGISTER_OPS(X)                                                                                                \
	X(REGISTER_GATE, "gate", 0)         /* a gate of program.h, with its angle if it takes one */                  \
	X(REGISTER_MATRIX, "matrix", 8)     /* any 2x2 matrix on wires[0]; numbers [row][column][re, im] */            \
	X(REGISTER_PLANE, "plane", 2)       /* [[c, -s], [s, c]] on wires[0], c and s any real numbers; c, s */        \
	X(REGISTER_DIAGONAL, "diagonal", 2) /* a complex factor for each word of the selectors; re, im */              \
	X(REGISTER_FLIP, "flip", 0)         /* X on the wires of `flipped` where the sample's word has a 1 */          \
	X(REGISTER_PERMUTE, "permute", 0)   /* basis state k becomes map[k] */

enum register_op_kind {
#define X(id, name, numbers) id,
	REGISTER_OPS(X)
#undef X
	    REGISTER_OP_COUNT
};

/* Entries of a matrix, plane or diagonal: one for each word of the selectors, in ascending order. For example, a neuron
 * on wire 1 of 3 is a plane with selectors {0, 2}: entry 0 acts where both are 0, entry 1 where wire 2 is 1, and so on.
 * They are read from inputs.weights (ANGLE_WEIGHT: shared by all samples) or from rows of inputs.features
 * (ANGLE_FEATURE: each sample its own), starting at number `first`, entry after entry. */
struct register_table {
	enum angle_source source;
	int first;
	uint32_t selectors; /* a set of wires */
	/* Promised: every entry is unitary. It is then undone by its conjugate transpose and no state is kept. */
	bool unitary;
};

/* One operation. It acts on the basis states in which the wires of `controls` are 1 and those of `open_controls` are 0,
 * and leaves the others alone: RY on wire 2 with controls {0, 1} is a doubly controlled RY. Fields that the kind does
 * not name are ignored. */
struct register_op {
	enum register_op_kind kind;
	enum gate gate; /* gate */
	int wires[2];   /* gate: as in program.h, but wires[1] is ignored for one-wire gates; matrix, plane: wires[0] */
	struct angle angle; /* gate: of RX, RY, RZ; a weight is shared by all samples, a feature is the sample's own */
	uint32_t controls, open_controls; /* all but permute */
	struct register_table table;      /* matrix, plane, diagonal */
	uint32_t flipped;                 /* flip: a set of wires ... */
	int row;             /* ... and the row of inputs.words with their words; higher bits are ignored */
	const uint32_t *map; /* permute: [2^n], each basis index once; borrowed during register_prepare */
};

/* The operation of a program as an operation of a register. */
struct register_op register_op_of(const struct circuit_op *op);

/* ---- Sequences ---- */

/* A sequence of operations, checked and prepared for one register. It is freed before the register is closed, and holds
 * no states: one sequence serves any number of time steps. The error's pointer names the operation: "/gates/3/wires/0".
 * Permutations cost 8 bytes x 2^n each, weights 64 bytes each. */
int register_prepare(struct register_sequence **out, struct register_state *reg, const struct register_op *ops,
                     int n_ops, struct qlstm_error *error);
/* The same for the gates of a program, as an ansatz builder writes it; its observables are not looked at. */
int register_prepare_program(struct register_sequence **out, struct register_state *reg,
                             const struct circuit_program *program, struct qlstm_error *error);
void register_sequence_free(struct register_sequence *sequence);

/* What a sequence reads, each 1 + the largest index, and the operations that are not unitary (tables without the
 * promise), before each of which `keep` keeps a state. */
struct register_needs {
	int n_features, n_weights, n_words, n_kept;
};
struct register_needs register_sequence_needs(const struct register_sequence *sequence);

struct register_inputs {
	const double *features; /* [n_features][samples]: the sample's own angles (before the encoder) and tables */
	const double *weights;  /* [n_weights]: shared angles and tables */
	const uint32_t *words;  /* [n_words][samples] */
};

/* Added to; NULL: not wanted. */
struct register_gradients {
	double *d_features; /* [n_features][samples] */
	double *d_weights;  /* [n_weights]: summed over the samples */
};

/* ---- States ---- */

/* Start anew: |0...0> for every sample. States kept so far are dropped. */
void register_reset(struct register_state *reg);
/* Start anew from amplitudes [2^n][re, im][samples], or [2^n][re, im] `shared` by all samples (a learned start). They
 * need not be normalised. States kept so far are dropped. */
void register_load(struct register_state *reg, const double *amplitudes, bool shared);
/* d_amplitudes, of the same shape, += the cotangent; summed over the samples when shared. */
int register_load_backward(struct register_state *reg, bool shared, double *d_amplitudes, struct qlstm_error *error);

/* Reads the state: amplitudes [2^n][re, im][samples]. */
void register_store(const struct register_state *reg, double *amplitudes);
/* The cotangent += d_amplitudes [2^n][re, im][samples]. */
int register_store_backward(struct register_state *reg, const double *d_amplitudes, struct qlstm_error *error);

/* The state to a checkpoint, 0 .. n_checkpoints - 1, and back; `which` [samples] says for which samples, NULL: all. So
 * the states of sequences of unlike length are collected: save sample b at its own last step. The cotangent and the
 * states kept are left alone. */
int register_save(struct register_state *reg, int checkpoint, const bool *which, struct qlstm_error *error);
int register_restore(struct register_state *reg, int checkpoint, const bool *which, struct qlstm_error *error);

/* ---- Evolving ---- */

/* state := the sequence's operations, in order, on the state. `keep`: also keeps the state before each operation that
 * is not unitary, for the backward pass; ERR_TOO_LARGE when there is no room for them. Cost: per amplitude and sample
 * about 4 multiplications a rotation or plane, 8 a matrix, 4 a diagonal, none a gate that only moves amplitudes. */
int register_evolve(struct register_state *reg, const struct register_sequence *sequence,
                    const struct register_inputs *inputs, bool keep, struct qlstm_error *error);

/* ---- Measuring: the state is not disturbed ---- */

/* outputs[o][b] = <psi|P_o|psi> of sample b, for Pauli strings as in program.h. Not divided by <psi|psi>. Cost: one
 * pass over the state for each string. */
int register_expect(const struct register_state *reg, const struct pauli_string *strings, int n_strings,
                    double *outputs, struct qlstm_error *error);
/* The cotangent += sum_o d_outputs[o] d<P_o>/dpsi. */
int register_expect_backward(struct register_state *reg, const struct pauli_string *strings, int n_strings,
                             const double *d_outputs, struct qlstm_error *error);

/* probabilities[w][b] = the sum of |psi|^2 over the basis states in which `wires` carry word w: the distribution over
 * words, [2^k][samples] for k wires. Not divided by <psi|psi>, which is what the empty set gives, [1][samples]. */
int register_probabilities(const struct register_state *reg, uint32_t wires, double *probabilities,
                           struct qlstm_error *error);
int register_probabilities_backward(struct register_state *reg, uint32_t wires, const double *d_probabilities,
                                    struct qlstm_error *error);

/* Draws words from probabilities [n_words][samples], which need not add up to 1: the first word at which the running
 * sum exceeds uniforms[b] (0 <= u <= 1) times the whole sum. Words of probability 0 are never drawn. The same numbers
 * give the same words. */
void register_draw(const double *probabilities, size_t n_words, size_t samples, const double *uniforms,
                   uint32_t *words);

/* ---- Projecting ---- */

/* Below this a projection is not renormalised to 1, since it would blow up rounding errors. */
#define REGISTER_PROBABILITY_FLOOR 1e-30

/* Projects `wires` on words[b] and renormalises: with z = the part of psi in which they carry the word, and p = <z|z>,
 *
 *     state := z / sqrt(max(p, REGISTER_PROBABILITY_FLOOR)),     probabilities[b] = p (NULL: not wanted).
 *
 * p is the word's probability when the state was normalised. The empty set (words NULL) normalises and does nothing
 * else. *n_floored is the number of samples below the floor (NULL: not wanted): what remains of
 * those is noise. A flip
 * by the same word afterwards resets the wires to 0, one by (word xor next word) writes the next. `keep`: keeps the
 * state before, for the backward pass; ERR_TOO_LARGE when there is no room. */
int register_project(struct register_state *reg, uint32_t wires, const uint32_t *words, bool keep,
                     double *probabilities, size_t *n_floored, struct qlstm_error *error);

/* ---- The adjoint ----
 *
 * The cotangent holds dL/dre and dL/dim of every amplitude of the present state, for a real loss L. X_backward finds
 * state and cotangent as they are after X and leaves them as they were before X; measuring adds to the cotangent and
 * leaves the state. The state before X comes from one of two sources:
 *
 *   un-application   Unitary operations are undone by their conjugate transpose. Costs no memory, and as much time as
 *                    evolving; the error grows by about 1e-16 (float32: 1e-7) an operation.
 *   kept states      Of operations that are not unitary, and of projections, the state before is taken from those that
 *                    `keep` kept, the last first. A state costs 16 x 2^n bytes a sample.
 *
 * So either keep in the forward pass all that T steps need, T x (needs.n_kept + projections); or keep nothing, save a
 * checkpoint every k steps, and in the backward pass restore one and run its k steps again with `keep`: T / k
 * checkpoints and k steps' worth of kept states, for one more forward pass. A call that did not keep cannot be undone:
 * its X_backward would take the state that another call kept, which only a tape run empty gives away (ERR_CONFLICT).
 *
 * Cost of a backward pass, by count of multiplications: about three times the forward pass. */

/* The cotangent becomes 0. */
int register_cotangent_clear(struct register_state *reg, struct qlstm_error *error);

/* Adds dL/dfeature and dL/dweight, through encoders. Inputs as in the forward call. ERR_CONFLICT when fewer states are
 * kept than the sequence needs. */
int register_evolve_backward(struct register_state *reg, const struct register_sequence *sequence,
                             const struct register_inputs *inputs, const struct register_gradients *gradients,
                             struct qlstm_error *error);

/* With psi' = z / ||z||, d* = dL/d* and dp = d_probabilities[b] (NULL: 0):
 *     dz = (dpsi' - psi' Re<psi'|dpsi'>) / ||z|| + 2 z dp,   0 outside the word;
 * below the floor the middle term is absent and ||z|| is sqrt(floor), as in the forward formula. */
int register_project_backward(struct register_state *reg, uint32_t wires, const uint32_t *words,
                              const double *d_probabilities, struct qlstm_error *error);

/* States kept at present. */
int register_kept(const struct register_state *reg);
/* Drops them, after a backward pass that was left half-way. */
void register_forget(struct register_state *reg);

#endif
