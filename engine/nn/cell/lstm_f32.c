/* The classical LSTM cell (lstm_pass.c) in float32: gates, products and the gradients that go back through the steps.
 * Parameters, their gradients, x, h and c stay float64 outside; h and c are float32 numbers.
 *
 * A step's x and h_prev are one array `in` of D + H rows, and so are the weights of both. Saved, of all steps: first
 * the gates, which backward turns into their gradients where they are, then tanh(c). Gradients of weights are products
 * with `in` transposed and a column of ones, for the biases: at most SIDE samples are added up in float32, of one step
 * or, where the batch is too small to fill the tiles of a product, of several side by side; then they are added to
 * float64. */
#include "engine/nn/cell/affine_cell.h"
#include "engine/nn/kernel/gates_kernel_f32.h"
#include "engine/nn/kernel/gemm_kernel.h"
#include "engine/vector/isa.h"

#include <stdlib.h>
#include <string.h>

/* Batches below this put steps side by side. */
enum { GATHER_BELOW = 24, SIDE = 256 };
/* Elements of a cache line; arrays of gates and tanh(c). */
enum { LINE = ARENA_ALIGN / sizeof(float), GATES = 4, SAVED = 5 };

struct lstm_f32 {
	struct affine_tensors tensors; /* rows i, f, g, o */
	float *bias;                   /* [4H], of both bias tensors */
	float *in;                     /* [D + H][batch]: x and h_prev of a step, or the gradients on them */
	float *weights;                /* [4H][D + H]; in backward [4H][side_width]: what a product adds to gradients */
	float *transposed;             /* [D + H][side_step]: the weights, rows as long as those of side_pre */
	float *side_pre;               /* [samples][side_step] */
	float *side_in;                /* [samples][side_width]: x, h_prev, 1, zeros */
};

/* A call: the sequence, and what all steps share. */
struct run {
	const struct cell *cell;
	const struct lstm_f32 *own;
	const struct gemm_kernels_f32 *gemm;
	const struct gates_kernels_f32 *gates;
	const struct cell_sequence *q;
	size_t steps, batch, hidden, inputs;
	float *pre; /* [steps][4H][batch] */
};

static struct run run_of(const struct cell *cell, const struct cell_sequence *q)
{
	return (struct run){.cell = cell,
	                    .own = cell->own,
	                    .gemm = isa_pick()->gemm_f32,
	                    .gates = isa_pick()->gates_f32,
	                    .q = q,
	                    .steps = (size_t)q->steps,
	                    .batch = (size_t)q->batch,
	                    .hidden = (size_t)cell->n_hidden,
	                    .inputs = (size_t)cell->n_in,
	                    .pre = (float *)q->saved};
}

static size_t smaller(size_t a, size_t b)
{
	return a < b ? a : b;
}

/* With the ones, a multiple of 8. */
static size_t side_width(size_t inputs, size_t hidden)
{
	return (inputs + hidden + 1 + 7) / 8 * 8;
}

/* 4H alone is a power of two as often as not, and a column would fall into few sets of a cache. */
static size_t side_step(size_t hidden)
{
	return GATES * hidden + LINE;
}

static size_t run_width(const struct run *run)
{
	return run->inputs + run->hidden;
}

static double *run_values(const struct run *run, int index)
{
	return run->cell->params->values + run->cell->params->items[index].offset;
}

static double *run_gradients(const struct run *run, int index)
{
	return run->cell->params->gradients + run->cell->params->items[index].offset;
}

static float *run_pre(const struct run *run, size_t s)
{
	return run->pre + s * GATES * run->hidden * run->batch;
}

static struct gates_f32 run_gates(const struct run *run, size_t s)
{
	size_t n = run->hidden * run->batch;
	float *pre = run_pre(run, s);
	return (struct gates_f32){
	    .i = pre, .f = pre + n, .g = pre + 2 * n, .o = pre + 3 * n, .tanh_c = run_pre(run, run->steps) + s * n};
}

/* x, and with `h` h_prev, of step s to `in`. */
static void read_step(const struct run *run, size_t s, bool h)
{
	size_t x = run->inputs * run->batch, n = run->hidden * run->batch;
	run->gates->narrow(run->q->x + (ptrdiff_t)s * run->q->x_step, x, run->own->in);
	if (h)
		run->gates->narrow(run->q->h + s * n, n, run->own->in + x);
}

static void read_weights(const struct run *run)
{
	const struct lstm_f32 *own = run->own;
	const double *ih = run_values(run, own->tensors.weight_ih), *hh = run_values(run, own->tensors.weight_hh);
	size_t width = run_width(run);
	for (size_t r = 0; r < GATES * run->hidden; r++) {
		float *to = own->weights + r * width;
		run->gates->narrow(ih + r * run->inputs, run->inputs, to);
		run->gates->narrow(hh + r * run->hidden, run->hidden, to + run->inputs);
	}
}

static void lstm_f32_forward(struct cell *cell, const struct cell_sequence *q)
{
	struct run run = run_of(cell, q);
	const struct lstm_f32 *own = run.own;
	size_t n = run.hidden * run.batch, rows = GATES * run.hidden;
	const double *b_ih = run_values(&run, own->tensors.bias_ih), *b_hh = run_values(&run, own->tensors.bias_hh);
	for (size_t k = 0; k < rows; k++)
		own->bias[k] = (float)(b_ih[k] + b_hh[k]);
	read_weights(&run);
	for (size_t s = 0; s < run.steps; s++) {
		/* h is zero before the first step, unless it is carried; behind it the gates leave it there. */
		read_step(&run, s, s == 0 && q->carried);
		const struct product_f32 product = {.a = own->weights,
		                                    .row_step = run_width(&run),
		                                    .step = 1,
		                                    .x = own->in,
		                                    .x_step = (ptrdiff_t)run.batch,
		                                    .terms = s > 0 || q->carried ? run_width(&run) : run.inputs};
		run.gemm->sum(&product, 1, (struct gemm_start_f32){.bias = own->bias}, rows, run.batch,
		              run_pre(&run, s));
		struct gates_f32 gates = run_gates(&run, s);
		run.gates->forward(&gates, q->c + s * n, n, q->c + (s + 1) * n, q->h + (s + 1) * n,
		                   own->in + run.inputs * run.batch);
		if (watch_tick(q->watch))
			return;
	}
}

/* What the last product gave, to the gradients of weights and biases. */
static void spread_gradients(const struct run *run)
{
	const struct affine_tensors *t = &run->own->tensors;
	double *ih = run_gradients(run, t->weight_ih), *hh = run_gradients(run, t->weight_hh);
	double *b_ih = run_gradients(run, t->bias_ih), *b_hh = run_gradients(run, t->bias_hh);
	size_t width = side_width(run->inputs, run->hidden);
	for (size_t r = 0; r < GATES * run->hidden; r++) {
		const float *from = run->own->weights + r * width;
		run->gates->add(from, run->inputs, ih + r * run->inputs);
		run->gates->add(from + run->inputs, run->hidden, hh + r * run->hidden);
		b_ih[r] += (double)from[run_width(run)];
		b_hh[r] += (double)from[run_width(run)];
	}
}

/* `samples` rows of side_in times what `a` has of them. */
static void weigh(const struct run *run, const float *a, size_t row_step, size_t step, size_t first, size_t samples)
{
	size_t width = side_width(run->inputs, run->hidden);
	const struct product_f32 product = {.a = a,
	                                    .row_step = row_step,
	                                    .step = step,
	                                    .x = run->own->side_in + first * width,
	                                    .x_step = (ptrdiff_t)width,
	                                    .terms = samples};
	run->gemm->sum(&product, 1, (struct gemm_start_f32){0}, GATES * run->hidden, width, run->own->weights);
	spread_gradients(run);
}

/* The gradients of the parameters from `count` steps, of which there is one where the batch is large. */
static void weigh_steps(const struct run *run, size_t first, size_t count)
{
	const struct lstm_f32 *own = run->own;
	size_t n = run->batch, rows = GATES * run->hidden, step = side_step(run->hidden);
	size_t width = side_width(run->inputs, run->hidden);
	for (size_t s = 0; s < count; s++) {
		read_step(run, first + s, true);
		run->gemm->transpose(own->in, run_width(run), n, own->side_in + s * n * width, width);
	}
	if (n >= GATHER_BELOW) {
		for (size_t from = 0; from < n; from += SIDE)
			weigh(run, run_pre(run, first) + from, n, 1, from, smaller(SIDE, n - from));
		return;
	}
	for (size_t s = 0; s < count; s++)
		run->gemm->transpose(run_pre(run, first + s), rows, n, own->side_pre + s * n * step, step);
	weigh(run, own->side_pre, 1, step, 0, count * n);
}

/* The gradients on x and h_prev of a step to `in`, those on x added to d_x. With d_x NULL those on h_prev alone. */
static void send_back(const struct run *run, size_t s, double *d_x)
{
	const struct lstm_f32 *own = run->own;
	size_t rows = GATES * run->hidden, step = side_step(run->hidden), first = d_x != NULL ? 0 : run->inputs;
	const struct product_f32 product = {.a = own->transposed + first * step,
	                                    .row_step = step,
	                                    .step = 1,
	                                    .x = run_pre(run, s),
	                                    .x_step = (ptrdiff_t)run->batch,
	                                    .terms = rows};
	run->gemm->sum(&product, 1, (struct gemm_start_f32){0}, run_width(run) - first, run->batch,
	               own->in + first * run->batch);
	if (d_x != NULL)
		run->gates->add(own->in, run->inputs * run->batch, d_x + (ptrdiff_t)s * run->q->x_step);
}

/* d_h of step s: what comes from above and, where there is one, from the step after it. */
static void gather_d_h(const struct run *run, const struct cell_sequence_gradient *gradient, size_t s)
{
	size_t n = run->hidden * run->batch;
	if (s >= (size_t)gradient->first_out)
		memcpy(gradient->d_h, gradient->d_out + (ptrdiff_t)s * gradient->d_out_step, n * sizeof(double));
	else
		memset(gradient->d_h, 0, n * sizeof(double));
	if (s + 1 < run->steps)
		run->gates->add(run->own->in + run->inputs * run->batch, n, gradient->d_h);
	if (gradient->ends == NULL)
		return;
	cell_ends_add(gradient->ends, s, run->steps, gradient->ends->d_h, run->hidden, run->batch, gradient->d_h);
	cell_ends_add(gradient->ends, s, run->steps, gradient->ends->d_c, run->hidden, run->batch, gradient->d_c);
}

/* Ones behind x and h_prev, and zeros up to the next row. */
static void prepare_side(const struct run *run, size_t samples)
{
	size_t width = side_width(run->inputs, run->hidden), from = run_width(run);
	for (size_t k = 0; k < samples; k++) {
		float *row = run->own->side_in + k * width;
		memset(row + from, 0, (width - from) * sizeof *row);
		row[from] = 1;
	}
}

static void lstm_f32_backward(struct cell *cell, const struct cell_sequence *q,
                              const struct cell_sequence_gradient *gradient)
{
	struct run run = run_of(cell, q);
	const struct lstm_f32 *own = run.own;
	size_t n = run.hidden * run.batch, pending = 0;
	size_t chunk = run.batch < GATHER_BELOW ? smaller(run.steps, SIDE / run.batch) : 1;
	read_weights(&run);
	run.gemm->transpose(own->weights, GATES * run.hidden, run_width(&run), own->transposed, side_step(run.hidden));
	prepare_side(&run, chunk * run.batch);
	for (size_t s = run.steps; s-- > 0;) {
		gather_d_h(&run, gradient, s);
		struct gates_f32 gates = run_gates(&run, s);
		run.gates->backward(&gates, q->c + s * n, gradient->d_h, n, gradient->d_c);
		if (++pending == chunk || s == 0) {
			weigh_steps(&run, s, pending);
			pending = 0;
		}
		if (s > 0 || gradient->d_x != NULL || gradient->d_start != NULL)
			send_back(&run, s, gradient->d_x);
		if (watch_tick(q->watch))
			return;
	}
	if (gradient->d_start == NULL)
		return;
	memset(gradient->d_start, 0, n * sizeof(double));
	run.gates->add(own->in + run.inputs * run.batch, n, gradient->d_start);
}

static int lstm_f32_open(struct cell *cell, const char *prefix, struct qlstm_error *error)
{
	struct lstm_f32 *own = calloc(1, sizeof *own);
	if (own == NULL)
		return error_set(error, ERR_OUT_OF_MEMORY, "", "out of memory");
	cell->own = own;
	cell->n_hidden = cell->n_cell = cell->n_out = cell->config.recurrent.hidden_size;
	cell->n_saved = (SAVED * cell->n_hidden + 1) / 2; /* two in the place of a double */
	cell->out_is_h = true;
	return affine_declare(cell, prefix, GATES, &own->tensors, error);
}

static float *take(struct arena *arena, size_t count)
{
	return arena_take(arena, count * sizeof(float));
}

static void lstm_f32_lay_out(struct cell *cell, struct arena *arena, int steps, int batch)
{
	struct lstm_f32 *own = cell->own;
	size_t h = (size_t)cell->n_hidden, d = (size_t)cell->n_in, n = (size_t)batch;
	size_t side = smaller(SIDE, (size_t)steps * smaller(GATHER_BELOW, n));
	own->bias = take(arena, GATES * h);
	own->in = take(arena, (d + h) * n);
	own->weights = take(arena, GATES * h * side_width(d, h));
	own->transposed = take(arena, (d + h) * side_step(h));
	own->side_pre = take(arena, side * side_step(h));
	own->side_in = take(arena, (side > n ? side : n) * side_width(d, h));
}

const struct cell_ops lstm_f32_ops = {
    .open = lstm_f32_open,
    .lay_out = lstm_f32_lay_out,
    .forward_all = lstm_f32_forward,
    .backward_all = lstm_f32_backward,
};
