/* The loops of the gate arithmetic, compiled once per instruction set from gates_kernel.c. Contracts in gates.h. An
 * element's result does not depend on its place in the arrays. */
#ifndef QLSTM_NN_GATES_KERNEL_H
#define QLSTM_NN_GATES_KERNEL_H

#include "engine/nn/gates.h"

struct gates_kernels {
	void (*forward)(const struct gates *gates, const double *c_prev, size_t n, double *c, double *m);
	void (*backward)(const struct gates *gates, const double *c_prev, const double *dm, size_t n, double *dc,
	                 const struct gates *d_pre);
};

#endif
