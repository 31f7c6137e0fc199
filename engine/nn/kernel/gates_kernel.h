/* The loops of the gate arithmetic, compiled once per instruction set from gates_kernel.c. Contracts in gates.h. An
 * element's result does not depend on its place in the arrays. */
#ifndef QLSTM_NN_GATES_KERNEL_H
#define QLSTM_NN_GATES_KERNEL_H

#include "engine/nn/kernel/gates.h"

struct gates_kernels {
	void (*forward)(const struct gates *gates, const double *c_prev, size_t n, double *c, double *m);
	void (*backward)(const struct gates *gates, const double *c_prev, const double *dm, size_t n, double *dc,
	                 const struct gates *d_pre);
	/* A step of cell/gru.c. a, s [3][n] as in cell/affine_cell.h, gates r, z, n. */
	void (*gru_forward)(double *a, const double *s, const double *h_prev, size_t n, double *h);
	void (*gru_backward)(double *a, double *s, const double *h_prev, const double *d_h, size_t n, double *d_h_prev);
	void (*sigmoid_in_place)(double *x, size_t n);
	void (*tanh_in_place)(double *x, size_t n);
	/* Of a softmax, k a class and the next: most = max(most, x), of which no number is left out; y = exp(x - less),
	 * the bits of elementary_exp; x = scale (x / sum). */
	void (*keep_most)(const double *x, size_t n, double *most);
	void (*exp_less)(const double *x, const double *less, size_t n, double *y);
	void (*scale_quotients)(double *x, const double *sum, const double *scale, size_t n);
};

#endif
