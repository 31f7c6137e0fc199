/* The LSTM's gate arithmetic, shared by the classical and the quantum cells (Hochreiter and Schmidhuber 1997, with the
 * forget gate of Gers et al. 2000), elementwise on n values:
 *
 *   f, i, o = sigmoid(pre),  g = tanh(pre),  c = f c_prev + i g,  m = o tanh(c) */
#ifndef QLSTM_NN_GATES_H
#define QLSTM_NN_GATES_H

#include <stddef.h>

/* Pre-activations go in, activations come out in place; backward needs them and tanh_c. Arrays of n values. */
struct gates {
	double *f, *i, *g, *o;
	double *tanh_c;
};

#define GATES_ARRAYS 5

/* Deals the five arrays of n values each out of one block of GATES_ARRAYS * n, in the order f, i, g, o, tanh_c. */
struct gates gates_at(double *block, size_t n);

void gates_forward(const struct gates *gates, const double *c_prev, size_t n, double *c, double *m);

/* dm: gradient on m. dc: in dL/dc from later steps, out dL/dc_prev. d_pre: gradients on the pre-activations, its tanh_c
 * unused; they may be those of `gates`. */
void gates_backward(const struct gates *gates, const double *c_prev, const double *dm, size_t n, double *dc,
                    const struct gates *d_pre);

#endif
