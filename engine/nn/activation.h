/* Activations: elementwise functions by name, PyTorch's definitions, on n values. */
#ifndef QLSTM_NN_ACTIVATION_H
#define QLSTM_NN_ACTIVATION_H

#include <stddef.h>

#include "engine/nn/layer_config.h"

struct activation {
	const char *name;
	/* y = f(x); y may be x. */
	void (*forward)(const struct activation_config *config, const double *x, size_t n, double *y);
	/* dx = dy f'(x), where y = f(x); dx may be dy. */
	void (*backward)(const struct activation_config *config, const double *x, const double *y, const double *dy,
	                 size_t n, double *dx);
	double ns; /* of forward and backward of a value, on the machine that engine/circuit/planner.c names */
};

const struct activation *activation_find(const char *name); /* NULL when unknown */
const struct activation *activation_at(int index);          /* NULL past the end */

#endif
