/* What a plan kind provides. Internal to engine/circuit: to add one, define a plan_kind and add it to the table in
 * plan.c. Contracts as in plan.h. */
#ifndef QLSTM_CIRCUIT_PLAN_KIND_H
#define QLSTM_CIRCUIT_PLAN_KIND_H

#include <stddef.h>

#include "engine/circuit/program.h"

struct plan_kind {
	const char *name;
	/* Bytes that create takes; SIZE_MAX when that cannot be told (out of memory). */
	size_t (*bytes)(const struct circuit_program *program);
	/* All the memory that forward and backward need; NULL when it cannot be had. The program is checked. */
	void *(*create)(const struct circuit_program *program);
	/* The same for float32 arithmetic. NULL: this kind computes in float64 whatever is asked for. */
	size_t (*bytes_float32)(const struct circuit_program *program);
	void *(*create_float32)(const struct circuit_program *program);
	void (*destroy)(void *state);
	void (*forward)(void *state, const double *features, const double *weights, size_t batch, double *outputs);
	void (*backward)(void *state, const double *features, const double *weights, size_t batch,
	                 const double *d_outputs, double *d_features, double *d_weights);
	/* For the planner: bytes, and the operations that a sample takes forward and backward, in a unit of the kind's
	 * own (planner.c has their price). False when the plan does not apply, `refusal` being the reason. Both are
	 * NULL for a kind that takes every program and whose work planner.c counts. */
	bool (*work)(const struct circuit_program *program, size_t *bytes, double *operations);
	const char *refusal;
	/* Several sets of weights in one call. NULL: plan.c makes one call for each. */
	void (*forward_many)(void *state, const double *features, const double *weights, int sets, size_t batch,
	                     double *outputs);
	void (*backward_many)(void *state, const double *features, const double *weights, int sets, size_t batch,
	                      const double *d_outputs, double *d_features, double *d_weights);
};

extern const struct plan_kind plan_reference, plan_batch, plan_local, plan_wide;

#endif
