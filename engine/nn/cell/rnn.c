/* The plain recurrent cell (Elman 1990) with PyTorch's equations (torch.nn.RNN):
 *
 *   h = f(a + s),  f = tanh or relu */
#include "engine/nn/activation.h"
#include "engine/nn/cell/affine_cell.h"

#include <string.h>

static const char *const names[] = {[RNN_TANH] = "tanh", [RNN_RELU] = "relu"};

static const struct activation *rnn_activation(const struct cell *cell)
{
	return activation_find(names[cell->config.rnn.nonlinearity]);
}

/* s becomes a + s, which relu's slope is a function of. */
static void rnn_forward(const struct cell *cell, double *a, double *s, const double *h_prev, size_t n, double *h)
{
	(void)h_prev;
	for (size_t k = 0; k < n; k++)
		s[k] += a[k];
	rnn_activation(cell)->forward(NULL, s, n, h);
}

static void rnn_backward(const struct cell *cell, double *a, double *s, const double *h_prev, const double *h,
                         const double *d_h, size_t n, double *d_h_prev)
{
	(void)h_prev;
	rnn_activation(cell)->backward(NULL, s, h, d_h, n, a);
	memcpy(s, a, n * sizeof(double));
	memset(d_h_prev, 0, n * sizeof(double));
}

static const struct affine_steps rnn_steps = {.gates = 1, .forward = rnn_forward, .backward = rnn_backward};

static int rnn_open(struct cell *cell, const char *prefix, struct qlstm_error *error)
{
	return affine_open(cell, prefix, &rnn_steps, error);
}

const struct cell_ops rnn_ops = {
    .open = rnn_open,
    .lay_out = affine_lay_out,
    .forward_all = affine_forward_all,
    .backward_all = affine_backward_all,
};
