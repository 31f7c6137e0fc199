/* The inner loops of the classical layers, compiled once per instruction set from nn_kernel.c. Contracts in gates.h and
 * linear.h. An element's result does not depend on its place in the batch. */
#ifndef QLSTM_NN_NN_KERNEL_H
#define QLSTM_NN_NN_KERNEL_H

#include "engine/nn/gates.h"
#include "engine/nn/linear.h"

struct nn_kernels {
	void (*gates_forward)(const struct gates *gates, const double *c_prev, size_t n, double *c, double *m);
	void (*gates_backward)(const struct gates *gates, const double *c_prev, const double *dm, size_t n, double *dc,
	                       const struct gates *d_pre);
	void (*linear_forward)(const struct linear *linear, const double *x, size_t batch, double *y);
	void (*linear_backward)(const struct linear *linear, const double *x, const double *dy, size_t batch,
	                        double *dx);
};

#endif
