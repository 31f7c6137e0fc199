/* The classical LSTM cell between its two files: lstm.c (tensors, memory) and lstm_pass.c (arithmetic). */
#ifndef QLSTM_NN_CELL_LSTM_H
#define QLSTM_NN_CELL_LSTM_H

#include "engine/nn/cell/affine_cell.h"

struct lstm {
	struct affine_tensors tensors; /* rows i, f, g, o */
	double *bias, *d_bias;         /* [4H], of both bias tensors */
	double *transposed;            /* [D or H][lstm_side_step], the weights of one kind */
	double *side_pre;              /* lstm_side_samples rows, lstm_side_step apart */
	double *side_in;               /* as many rows of D or H */
};

/* How many samples of several steps are at most put side by side, and how far apart their 4H pre-activations are. */
size_t lstm_side_samples(int steps, int batch);
size_t lstm_side_step(size_t hidden);

void lstm_forward_all(struct cell *cell, const struct cell_sequence *sequence);
void lstm_backward_all(struct cell *cell, const struct cell_sequence *sequence,
                       const struct cell_sequence_gradient *gradient);

#endif
