/* Classical LSTM cell, PyTorch's equations and weight layout (torch.nn.LSTM):
 *
 *   pre = W_ih x + b_ih + W_hh h_prev + b_hh      rows in the order i, f, g, o
 *   c = f c_prev + i g,  h = o tanh(c)
 *
 * Saved, of all steps: first the gates, which backward turns into their gradients where they are, then tanh(c). Where
 * the batch is too small to fill the tiles of a product (gemm_kernel.h), the samples of several steps are put side by
 * side: for W_ih x, which does not wait for the step before, and for the gradients of the weights. */
#include "engine/vector/isa.h"
#include "engine/nn/kernel/gates.h"
#include "engine/nn/kernel/gemm_kernel.h"
#include "engine/nn/cell/lstm.h"

#include <string.h>

/* Batches below these put steps side by side: for W_ih x, for the gradients of the weights. So many samples at a time.
 */
enum { PROJECT_BELOW = 4, GATHER_BELOW = 24, SIDE = 256 };

static size_t smaller(size_t a, size_t b)
{
	return a < b ? a : b;
}

/* Elements of a cache line. */
enum { LSTM_SIDE_GAP = ARENA_ALIGN / sizeof(double) };

/* Between rows of pre-activations side by side, and of weights transposed: 4H alone is a power of two as often as not,
 * and a column of them would fall into few sets of a cache. */
size_t lstm_side_step(size_t hidden)
{
	return 4 * hidden + LSTM_SIDE_GAP;
}

size_t lstm_side_samples(int steps, int batch)
{
	return smaller(SIDE, (size_t)steps * smaller(GATHER_BELOW, (size_t)batch));
}

/* A call: the sequence, and what all steps share. */
struct lstm_run {
	const struct cell *cell;
	const struct lstm *own;
	const struct gemm_kernels *gemm;
	const struct cell_sequence *q;
	size_t steps, batch, hidden, inputs;
	double *values, *gradients; /* of the parameters */
	double *pre;                /* [steps][4H][batch] */
};

static struct lstm_run lstm_run_of(const struct cell *cell, const struct cell_sequence *q)
{
	return (struct lstm_run){.cell = cell,
	                         .own = cell->own,
	                         .gemm = isa_pick()->gemm,
	                         .q = q,
	                         .steps = (size_t)q->steps,
	                         .batch = (size_t)q->batch,
	                         .hidden = (size_t)cell->n_hidden,
	                         .inputs = (size_t)cell->n_in,
	                         .values = cell->params->values,
	                         .gradients = cell->params->gradients,
	                         .pre = q->saved};
}

static size_t lstm_offset(const struct lstm_run *run, int index)
{
	return run->cell->params->items[index].offset;
}

static const double *lstm_x(const struct lstm_run *run, size_t s)
{
	return run->q->x + (ptrdiff_t)s * run->q->x_step;
}

static const double *lstm_h(const struct lstm_run *run, size_t s)
{
	return run->q->h + s * run->hidden * run->batch;
}

static double *lstm_pre(const struct lstm_run *run, size_t s)
{
	return run->pre + s * 4 * run->hidden * run->batch;
}

static struct gates lstm_gates(const struct lstm_run *run, size_t s)
{
	size_t n = run->hidden * run->batch;
	double *pre = lstm_pre(run, s);
	return (struct gates){
	    .i = pre, .f = pre + n, .g = pre + 2 * n, .o = pre + 3 * n, .tanh_c = lstm_pre(run, run->steps) + s * n};
}

/* How many of the steps that are left are put side by side. */
static size_t lstm_chunk(const struct lstm_run *run, size_t left, size_t below)
{
	return run->batch < below ? smaller(left, SIDE / run->batch) : 1;
}

/* Weights times the rows of one step's x or h. */
static struct product lstm_product(const struct lstm_run *run, int weight, const double *x, size_t terms)
{
	return (struct product){.a = run->values + lstm_offset(run, weight),
	                        .row_step = terms,
	                        .step = 1,
	                        .x = x,
	                        .x_step = (ptrdiff_t)run->batch,
	                        .terms = terms};
}

/* pre = W_ih x + both biases, of `count` steps from `first` on. */
static void lstm_project(const struct lstm_run *run, size_t first, size_t count)
{
	const struct lstm *own = run->own;
	size_t n = run->batch, side = count * n, rows = 4 * run->hidden;
	for (size_t s = 0; s < count; s++)
		for (size_t k = 0; k < run->inputs; k++)
			for (size_t b = 0; b < n; b++)
				own->side_in[k * side + s * n + b] = lstm_x(run, first + s)[k * n + b];
	struct product product = lstm_product(run, own->tensors.weight_ih, own->side_in, run->inputs);
	product.x_step = (ptrdiff_t)side;
	run->gemm->sum(&product, 1, (struct gemm_start){.bias = own->bias}, rows, side, own->side_pre);
	for (size_t s = 0; s < count; s++)
		for (size_t k = 0; k < rows; k++)
			for (size_t b = 0; b < n; b++)
				lstm_pre(run, first + s)[k * n + b] = own->side_pre[k * side + s * n + b];
}

void lstm_forward_all(struct cell *cell, const struct cell_sequence *q)
{
	struct lstm_run run = lstm_run_of(cell, q);
	const struct lstm *own = run.own;
	size_t n = run.hidden * run.batch, ready = 0; /* steps that are projected */
	const double *b_ih = run.values + lstm_offset(&run, own->tensors.bias_ih);
	const double *b_hh = run.values + lstm_offset(&run, own->tensors.bias_hh);
	for (size_t k = 0; k < 4 * run.hidden; k++)
		own->bias[k] = b_ih[k] + b_hh[k];
	for (size_t s = 0; s < run.steps; s++) {
		if (s == ready && run.batch < PROJECT_BELOW) {
			size_t count = lstm_chunk(&run, run.steps - s, PROJECT_BELOW);
			lstm_project(&run, s, count);
			ready += count;
		}
		bool add = s < ready;
		const struct product products[GEMM_PRODUCTS] = {
		    lstm_product(&run, own->tensors.weight_ih, lstm_x(&run, s), run.inputs),
		    lstm_product(&run, own->tensors.weight_hh, lstm_h(&run, s), run.hidden)};
		/* h is zero before the first step, unless it is carried. */
		int count = (add ? 0 : 1) + (s > 0 || q->carried ? 1 : 0);
		if (count > 0)
			run.gemm->sum(products + (add ? 1 : 0), count, (struct gemm_start){add, own->bias},
			              4 * run.hidden, run.batch, lstm_pre(&run, s));
		struct gates gates = lstm_gates(&run, s);
		gates_forward(&gates, q->c + s * n, n, q->c + (s + 1) * n, q->h + (s + 1) * n);
		if (watch_tick(q->watch))
			return;
	}
}

/* d_W_ih, d_W_hh and d_bias of one step. */
static void lstm_weigh_step(const struct lstm_run *run, size_t s)
{
	const struct lstm *own = run->own;
	const double *d_pre = lstm_pre(run, s);
	size_t rows = 4 * run->hidden;
	run->gemm->outer(d_pre, rows, lstm_x(run, s), run->inputs, 1, run->batch,
	                 run->gradients + lstm_offset(run, own->tensors.weight_ih));
	if (s > 0 || run->q->carried)
		run->gemm->outer(d_pre, rows, lstm_h(run, s), run->hidden, 1, run->batch,
		                 run->gradients + lstm_offset(run, own->tensors.weight_hh));
	run->gemm->totals(d_pre, rows, 1, run->batch, own->d_bias);
}

/* d += sum over samples q of side_pre[q] (times side_in[q]^T), from sample q on. */
static void lstm_weigh_side(const struct lstm_run *run, size_t from, size_t samples, size_t width, int weight)
{
	const struct lstm *own = run->own;
	size_t step = lstm_side_step(run->hidden);
	struct product product = {.a = own->side_pre + from * step,
	                          .row_step = 1,
	                          .step = step,
	                          .x = own->side_in + from * width,
	                          .x_step = (ptrdiff_t)width,
	                          .terms = samples - from};
	if (product.terms > 0)
		run->gemm->sum(&product, 1, (struct gemm_start){.add = true}, 4 * run->hidden, width,
		               run->gradients + lstm_offset(run, weight));
}

/* d_W_ih, d_W_hh and d_bias of `count` steps from `first` on. */
static void lstm_weigh(const struct lstm_run *run, size_t first, size_t count)
{
	if (run->batch >= GATHER_BELOW) {
		lstm_weigh_step(run, first);
		return;
	}
	const struct lstm *own = run->own;
	const struct gemm_kernels *gemm = run->gemm;
	size_t n = run->batch, rows = 4 * run->hidden, step = lstm_side_step(run->hidden), samples = count * n;
	for (size_t s = 0; s < count; s++) {
		gemm->transpose(lstm_pre(run, first + s), rows, n, own->side_pre + s * n * step, step);
		gemm->transpose(lstm_x(run, first + s), run->inputs, n, own->side_in + s * n * run->inputs,
		                run->inputs);
	}
	lstm_weigh_side(run, 0, samples, run->inputs, own->tensors.weight_ih);
	for (size_t s = 0; s < count; s++)
		gemm->transpose(lstm_h(run, first + s), run->hidden, n, own->side_in + s * n * run->hidden,
		                run->hidden);
	lstm_weigh_side(run, first == 0 && !run->q->carried ? n : 0, samples, run->hidden, own->tensors.weight_hh);
	const double one = 1.0;
	struct product ones = {.a = &one, .x = own->side_pre, .x_step = (ptrdiff_t)step, .terms = samples};
	gemm->sum(&ones, 1, (struct gemm_start){.add = true}, 1, rows, own->d_bias);
}

/* The rows of `transposed` times one step's gradient on the pre-activations. */
static struct product lstm_back_product(const struct lstm_run *run, size_t s)
{
	return (struct product){.a = run->own->transposed,
	                        .row_step = lstm_side_step(run->hidden),
	                        .step = 1,
	                        .x = lstm_pre(run, s),
	                        .x_step = (ptrdiff_t)run->batch,
	                        .terms = 4 * run->hidden};
}

/* d_h of step s: what comes from above and, with `later`, from the step after it. */
static void lstm_gather_d_h(const struct lstm_run *run, const struct cell_sequence_gradient *gradient, size_t s,
                            bool later)
{
	size_t n = run->hidden * run->batch;
	bool above = s >= (size_t)gradient->first_out;
	if (above)
		memcpy(gradient->d_h, gradient->d_out + (ptrdiff_t)s * gradient->d_out_step, n * sizeof(double));
	else if (!later)
		memset(gradient->d_h, 0, n * sizeof(double));
	struct product product = lstm_back_product(run, s + 1);
	if (later)
		run->gemm->sum(&product, 1, (struct gemm_start){.add = above}, run->hidden, run->batch, gradient->d_h);
}

static void lstm_backward_inputs(const struct lstm_run *run, double *d_x)
{
	const struct lstm *own = run->own;
	run->gemm->transpose(run->values + lstm_offset(run, own->tensors.weight_ih), 4 * run->hidden, run->inputs,
	                     own->transposed, lstm_side_step(run->hidden));
	for (size_t s = 0; s < run->steps; s++) {
		struct product product = lstm_back_product(run, s);
		run->gemm->sum(&product, 1, (struct gemm_start){.add = true}, run->inputs, run->batch,
		               d_x + (ptrdiff_t)s * run->q->x_step);
		if (watch_tick(run->q->watch))
			return;
	}
}

void lstm_backward_all(struct cell *cell, const struct cell_sequence *q, const struct cell_sequence_gradient *gradient)
{
	struct lstm_run run = lstm_run_of(cell, q);
	const struct lstm *own = run.own;
	size_t n = run.hidden * run.batch, rows = 4 * run.hidden, pending = 0;
	memset(own->d_bias, 0, rows * sizeof(double));
	run.gemm->transpose(run.values + lstm_offset(&run, own->tensors.weight_hh), rows, run.hidden, own->transposed,
	                    lstm_side_step(run.hidden));
	for (size_t s = run.steps; s-- > 0;) {
		lstm_gather_d_h(&run, gradient, s, s + 1 < run.steps);
		if (gradient->ends != NULL) {
			cell_ends_add(gradient->ends, s, run.steps, gradient->ends->d_h, run.hidden, run.batch,
			              gradient->d_h);
			cell_ends_add(gradient->ends, s, run.steps, gradient->ends->d_c, run.hidden, run.batch,
			              gradient->d_c);
		}
		struct gates gates = lstm_gates(&run, s);
		gates_backward(&gates, q->c + s * n, gradient->d_h, n, gradient->d_c, &gates);
		pending++;
		if (s == 0 || pending == lstm_chunk(&run, run.steps, GATHER_BELOW)) {
			lstm_weigh(&run, s, pending);
			pending = 0;
		}
		if (watch_tick(q->watch))
			return;
	}
	struct product product = lstm_back_product(&run, 0);
	if (gradient->d_start != NULL)
		run.gemm->sum(&product, 1, (struct gemm_start){0}, run.hidden, run.batch, gradient->d_start);
	double *d_ih = run.gradients + lstm_offset(&run, own->tensors.bias_ih);
	double *d_hh = run.gradients + lstm_offset(&run, own->tensors.bias_hh);
	for (size_t k = 0; k < rows; k++) {
		d_ih[k] += own->d_bias[k];
		d_hh[k] += own->d_bias[k];
	}
	if (gradient->d_x != NULL)
		lstm_backward_inputs(&run, gradient->d_x);
}
