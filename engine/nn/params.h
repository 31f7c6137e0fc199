/* Parameters: the named tensors of a model in one flat block, so that optimiser, clipping and checkpoints are flat
 * loops. Gradients live in a second block of the same layout. Everything is float64, row-major. */
#ifndef QLSTM_NN_PARAMS_H
#define QLSTM_NN_PARAMS_H

#include <stdbool.h>
#include <stdint.h>

#include "engine/error.h"

#define PARAM_MAX_RANK  6
#define PARAM_NAME_SIZE 96

/* PARAM_STATE: saved with the others, but without a gradient, so that no optimiser touches it (layer.h). */
enum param_kind { PARAM_CLASSICAL, PARAM_QUANTUM, PARAM_STATE };
/* INIT_UNIFORM draws from [-scale, scale), INIT_ANGLE from [0, scale), INIT_NORMAL from scale * N(0, 1); INIT_CONSTANT
 * is scale. */
enum param_init { INIT_ZERO, INIT_UNIFORM, INIT_ANGLE, INIT_NORMAL, INIT_CONSTANT };

struct param {
	char name[PARAM_NAME_SIZE]; /* "layers.0.circuits" */
	enum param_kind kind;
	enum param_init init;
	double scale;
	int rank;
	size_t dims[PARAM_MAX_RANK];
	size_t offset, size; /* into values and gradients, in elements; known once they are allocated */
};

struct params {
	struct param *items;
	int count, capacity;
	size_t size;                /* elements with a gradient: the first ones of both blocks */
	size_t state_size;          /* elements of state, which stand behind them */
	double *values, *gradients; /* [size + state_size]; of a state the second has the sums of a batch (layer.h) */
	double *own_gradients;      /* what params_allocate made; `gradients` unless params_set_gradients was called */
	bool borrows_values;
};

/* Declares a tensor and returns its index, or ERR_OUT_OF_MEMORY. Values exist after params_allocate. */
int params_add(struct params *params, const char *name, enum param_kind kind, enum param_init init, double scale,
               int rank, const size_t *dims);
int params_allocate(struct params *params, struct qlstm_error *error);
/* From now on `params` has the values of `from` (same tensors; borrowed, it outlives `params`); gradients stay its own.
 */
void params_share_values(struct params *params, const struct params *from);
/* Another block in the place of its own gradients, of params_elements numbers, borrowed; NULL: its own again. */
void params_set_gradients(struct params *params, double *block);
void params_free(struct params *params);

/* Draws every tensor from its own stream of the generator: (seed, PHILOX_INIT, tensor index). */
void params_initialise(struct params *params, uint64_t seed);
/* Also the sums for the state. */
void params_zero_gradients(struct params *params);
/* Elements of either block. */
size_t params_elements(const struct params *params);
/* NULL when there is no tensor of that name. */
const struct param *params_find(const struct params *params, const char *name);
size_t params_count(const struct params *params, enum param_kind kind);

#endif
