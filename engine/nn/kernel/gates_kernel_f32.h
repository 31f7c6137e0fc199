/* The arithmetic of an LSTM's gates in float32 (gates.h, in float64), compiled once per instruction set from
 * gates_kernel_f32.c. States and their gradients stay float64 arrays: c and h, which are float32 numbers, lose nothing.
 * An element's result does not depend on its place in the arrays. */
#ifndef QLSTM_NN_GATES_KERNEL_F32_H
#define QLSTM_NN_GATES_KERNEL_F32_H

#include <stddef.h>

struct gates_f32 {
	float *f, *i, *g, *o;
	float *tanh_c;
};

struct gates_kernels_f32 {
	/* As gates_forward; m32: m once more, for products. */
	void (*forward)(const struct gates_f32 *gates, const double *c_prev, size_t n, double *c, double *m,
	                float *m32);
	/* As gates_backward, with the gradients on the pre-activations where the gates are. */
	void (*backward)(const struct gates_f32 *gates, const double *c_prev, const double *dm, size_t n, double *dc);
	/* to = from, rounded; to += from */
	void (*narrow)(const double *from, size_t n, float *to);
	void (*add)(const float *from, size_t n, double *to);
};

#endif
