/* Classical LSTM cell, PyTorch's equations and weight layout (torch.nn.LSTM):
 *
 *   pre = W_ih x + b_ih + W_hh h_prev + b_hh      rows in the order i, f, g, o
 *   c = f c_prev + i g,  h = o tanh(c) */
#include "engine/nn/cell.h"
#include "engine/nn/gates.h"
#include "engine/nn/linear.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct lstm {
	int weight_ih, weight_hh, bias_ih, bias_hh; /* parameter indices */
	double *pre, *d_pre, *d_m;
};

static int lstm_check(const struct layer_config *config, int n_in, int *n_out, struct qlstm_error *error)
{
	(void)n_in;
	if (config->hidden_size < 1)
		return error_set(error, ERR_OUT_OF_RANGE, "/hidden_size", "hidden_size is %d; it must be at least 1",
		                 config->hidden_size);
	*n_out = config->hidden_size;
	return 0;
}

static int lstm_open(struct cell *cell, const char *prefix, struct qlstm_error *error)
{
	struct lstm *own = calloc(1, sizeof *own);
	if (own == NULL)
		return error_set(error, ERR_OUT_OF_MEMORY, "", "out of memory");
	cell->own = own;
	size_t h = (size_t)cell->config.hidden_size, d = (size_t)cell->n_in;
	cell->n_hidden = cell->n_cell = cell->n_out = cell->config.hidden_size;
	cell->n_saved = GATES_ARRAYS * cell->n_hidden;
	cell->out_is_h = true;
	const struct {
		const char *name;
		int *index;
		int rank;
		size_t dims[2];
	} tensors[] = {
	    {"weight_ih", &own->weight_ih, 2, {4 * h, d}},
	    {"weight_hh", &own->weight_hh, 2, {4 * h, h}},
	    {"bias_ih", &own->bias_ih, 1, {4 * h, 0}},
	    {"bias_hh", &own->bias_hh, 1, {4 * h, 0}},
	};
	double scale = 1.0 / sqrt((double)h);
	for (size_t k = 0; k < sizeof tensors / sizeof tensors[0]; k++) {
		char name[PARAM_NAME_SIZE];
		snprintf(name, sizeof name, "%s.%s", prefix, tensors[k].name);
		*tensors[k].index = params_add(cell->params, name, PARAM_CLASSICAL, INIT_UNIFORM, scale,
		                               tensors[k].rank, tensors[k].dims);
		if (*tensors[k].index < 0)
			return error_set(error, ERR_OUT_OF_MEMORY, "", "out of memory");
	}
	return 0;
}

static int lstm_prepare(struct cell *cell, const char *plan, struct qlstm_error *error)
{
	(void)cell, (void)plan, (void)error;
	return 0;
}

static void lstm_deal(struct cell *cell, struct block *block, int batch)
{
	struct lstm *own = cell->own;
	size_t n = (size_t)cell->n_hidden * (size_t)batch;
	own->pre = block_take(block, 4 * n);
	own->d_pre = block_take(block, 4 * n);
	own->d_m = block_take(block, n);
}

static struct linear lstm_map(const struct cell *cell, int weight, int bias, int n_in)
{
	const struct params *p = cell->params;
	size_t w = p->items[weight].offset, b = p->items[bias].offset;
	return (struct linear){.n_in = n_in,
	                       .n_out = 4 * cell->n_hidden,
	                       .weight = p->values + w,
	                       .bias = p->values + b,
	                       .d_weight = p->gradients + w,
	                       .d_bias = p->gradients + b};
}

/* PyTorch's rows i, f, g, o seen as gates. */
static struct gates lstm_rows(double *pre, size_t n)
{
	return (struct gates){.i = pre, .f = pre + n, .g = pre + 2 * n, .o = pre + 3 * n};
}

static void lstm_forward(struct cell *cell, const struct cell_step *step)
{
	struct lstm *own = cell->own;
	size_t n = (size_t)cell->n_hidden * (size_t)step->batch;
	struct gates gates = lstm_rows(step->saved, n);
	gates.tanh_c = step->saved + 4 * n;
	struct linear ih = lstm_map(cell, own->weight_ih, own->bias_ih, cell->n_in);
	struct linear hh = lstm_map(cell, own->weight_hh, own->bias_hh, cell->n_hidden);
	linear_forward(&ih, step->x, step->batch, step->saved);
	linear_forward(&hh, step->h_prev, step->batch, own->pre);
	for (size_t k = 0; k < 4 * n; k++)
		step->saved[k] += own->pre[k];
	gates_forward(&gates, step->c_prev, n, step->c, step->h);
}

static void lstm_backward(struct cell *cell, const struct cell_step *step, const struct cell_gradient *gradient)
{
	struct lstm *own = cell->own;
	size_t n = (size_t)cell->n_hidden * (size_t)step->batch;
	struct gates gates = lstm_rows(step->saved, n);
	gates.tanh_c = step->saved + 4 * n;
	struct gates d_pre = lstm_rows(own->d_pre, n);
	gates_backward(&gates, step->c_prev, gradient->d_h, n, gradient->d_c, &d_pre);
	struct linear ih = lstm_map(cell, own->weight_ih, own->bias_ih, cell->n_in);
	struct linear hh = lstm_map(cell, own->weight_hh, own->bias_hh, cell->n_hidden);
	memset(gradient->d_x, 0, (size_t)cell->n_in * (size_t)step->batch * sizeof(double));
	memset(gradient->d_h_prev, 0, n * sizeof(double));
	linear_backward(&ih, step->x, own->d_pre, step->batch, gradient->d_x);
	linear_backward(&hh, step->h_prev, own->d_pre, step->batch, gradient->d_h_prev);
}

static void lstm_close(struct cell *cell)
{
	free(cell->own);
}

const struct cell_ops lstm_ops = {
    .check = lstm_check,
    .open = lstm_open,
    .prepare = lstm_prepare,
    .deal = lstm_deal,
    .forward = lstm_forward,
    .backward = lstm_backward,
    .close = lstm_close,
};
