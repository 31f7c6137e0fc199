/* What an implementation of registers provides: to add one, define a struct register_ops and a row in `kinds`
 * (register.c). Internal to engine/circuit.
 *
 * register.c checks every call, numbers the states and keeps the tape; an implementation holds numbered states and does
 * arithmetic on them. What a function computes stands in register.h; `memory` is what open returned. Sets of wires
 * arrive as bits of basis indices (wire 0 is the highest); arrays are those of the caller, in host memory. */
#ifndef QLSTM_CIRCUIT_REGISTER_OPS_H
#define QLSTM_CIRCUIT_REGISTER_OPS_H

#include "engine/circuit/register/register.h"
#include "engine/circuit/register/sequence.h"

/* The numbers of the states. Checkpoint i is at (gradients ? 2 : 1) + i; the kept states follow the checkpoints. */
enum { REGISTER_PSI = 0, REGISTER_COTANGENT = 1 };

/* How many states a shape has. */
static inline size_t register_states(const struct register_shape *shape)
{
	return 1 + (size_t)shape->gradients + (size_t)shape->n_checkpoints + (size_t)shape->n_kept;
}

struct register_ops {
	const char *name;
	/* Of all states; SIZE_MAX when that is no size. */
	size_t (*bytes)(const struct register_shape *shape);
	/* register_states(shape) states, all zero. NULL: out of memory. */
	void *(*open)(const struct register_shape *shape);
	void (*close)(void *memory);
	/* Whatever the implementation wants beside a sequence: tables on a device, scratch memory. evolve finds it in
	 * sequence->prepared. NULL: out of memory. */
	void *(*prepare)(void *memory, const struct register_sequence *sequence);
	void (*unprepare)(void *prepared);

	/* One state := 0, |0...0>, another one (for the samples of `which`, NULL: all). */
	void (*clear)(void *memory, size_t state);
	void (*reset)(void *memory, size_t state);
	void (*copy)(void *memory, size_t to, size_t from, const bool *which);
	/* The state += amplitudes; amplitudes += the state, summed over samples in ascending order when shared. */
	void (*add)(void *memory, size_t state, const double *amplitudes, bool shared);
	void (*gather)(const void *memory, size_t state, double *amplitudes, bool shared);

	/* `kept` is the number of the state that belongs to the sequence's first step that is not unitary; those of the
	 * others follow it. evolve fills them, backward reads them. 0: evolve fills none. */
	void (*evolve)(void *memory, const struct register_sequence *sequence, const struct register_inputs *inputs,
	               size_t kept);
	void (*evolve_backward)(void *memory, const struct register_sequence *sequence,
	                        const struct register_inputs *inputs, const struct register_gradients *gradients,
	                        size_t kept);
	void (*expect)(const void *memory, const struct pauli_string *strings, int n_strings, double *outputs);
	void (*expect_backward)(void *memory, const struct pauli_string *strings, int n_strings,
	                        const double *d_outputs);
	void (*probabilities)(const void *memory, size_t wires, double *probabilities);
	void (*probabilities_backward)(void *memory, size_t wires, const double *d_probabilities);
	/* Returns the samples below the floor. `words` is NULL for the empty set. */
	size_t (*project)(void *memory, size_t wires, const uint32_t *words, double *probabilities);
	/* The state is the one before the projection. */
	void (*project_backward)(void *memory, size_t wires, const uint32_t *words, const double *d_probabilities);
};

#endif
