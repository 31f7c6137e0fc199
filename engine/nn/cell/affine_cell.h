/* Recurrent cells whose gates are two affine maps, of the input and of the state before, with PyTorch's tensors
 * (torch.nn.RNN, torch.nn.GRU), and which carry nothing but h:
 *
 *   a = W_ih x + b_ih,  s = W_hh h_prev + b_hh       [gates * n_hidden] rows each
 *   h = step(a, s, h_prev)
 *
 * gru.c and rnn.c say what a step is. */
#ifndef QLSTM_NN_CELL_AFFINE_CELL_H
#define QLSTM_NN_CELL_AFFINE_CELL_H

#include "engine/nn/cell.h"

struct affine_steps {
	int gates;
	/* a and s as above, each gate's n = n_hidden * batch values one behind the other; what backward needs stays in
	 * them. Writes h [n]. */
	void (*forward)(const struct cell *cell, double *a, double *s, const double *h_prev, size_t n, double *h);
	/* a and s as forward left them; out: the gradients on them. d_h: gradient on h; d_h_prev: what reaches h_prev
	 * otherwise than through s, overwritten. */
	void (*backward)(const struct cell *cell, double *a, double *s, const double *h_prev, const double *h,
	                 const double *d_h, size_t n, double *d_h_prev);
};

/* The tensors of the two maps: indices into params->items. */
struct affine_tensors {
	int weight_ih, weight_hh, bias_ih, bias_hh;
};

/* Declares prefix.weight_ih [gates * H][D], weight_hh [gates * H][H], bias_ih and bias_hh [gates * H]; initially
 * uniform in +-1/sqrt(H). */
int affine_declare(struct cell *cell, const char *prefix, int gates, struct affine_tensors *tensors,
                   struct qlstm_error *error);

/* For the rows of cell_ops. */
int affine_open(struct cell *cell, const char *prefix, const struct affine_steps *steps, struct qlstm_error *error);
void affine_lay_out(struct cell *cell, struct arena *arena, int steps, int batch);
void affine_forward_all(struct cell *cell, const struct cell_sequence *sequence);
void affine_backward_all(struct cell *cell, const struct cell_sequence *sequence,
                         const struct cell_sequence_gradient *gradient);

#endif
