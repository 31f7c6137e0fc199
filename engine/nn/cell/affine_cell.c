/* What cells of two affine maps share (affine_cell.h): their tensors, and the way over all steps. Kept for the backward
 * pass are, for all steps, first a = W_ih x + b_ih in order of time, computed at once, then s = W_hh h + b_hh in
 * reading order, beside the states h. */
#include "engine/nn/cell/affine_cell.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/nn/linear.h"

struct affine {
	const struct affine_steps *steps;
	struct affine_tensors tensors;
	double *d_h_prev; /* [n_hidden][batch] */
};

int affine_declare(struct cell *cell, const char *prefix, int gates, struct affine_tensors *tensors,
                   struct qlstm_error *error)
{
	size_t h = (size_t)cell->config.recurrent.hidden_size, d = (size_t)cell->n_in, rows = (size_t)gates * h;
	const struct {
		const char *name;
		int *index;
		int rank;
		size_t dims[2];
	} rows_of[] = {
	    {"weight_ih", &tensors->weight_ih, 2, {rows, d}},
	    {"weight_hh", &tensors->weight_hh, 2, {rows, h}},
	    {"bias_ih", &tensors->bias_ih, 1, {rows, 0}},
	    {"bias_hh", &tensors->bias_hh, 1, {rows, 0}},
	};
	double scale = 1.0 / sqrt((double)h);
	for (size_t k = 0; k < sizeof rows_of / sizeof rows_of[0]; k++) {
		char name[PARAM_NAME_SIZE];
		snprintf(name, sizeof name, "%s.%s", prefix, rows_of[k].name);
		*rows_of[k].index = params_add(cell->params, name, PARAM_CLASSICAL, INIT_UNIFORM, scale,
		                               rows_of[k].rank, rows_of[k].dims);
		if (*rows_of[k].index < 0)
			return error_set(error, ERR_OUT_OF_MEMORY, "", "out of memory");
	}
	return 0;
}

int affine_open(struct cell *cell, const char *prefix, const struct affine_steps *steps, struct qlstm_error *error)
{
	struct affine *own = calloc(1, sizeof *own);
	if (own == NULL)
		return error_set(error, ERR_OUT_OF_MEMORY, "", "out of memory");
	cell->own = own;
	own->steps = steps;
	cell->n_hidden = cell->n_out = cell->config.recurrent.hidden_size;
	cell->n_saved = 2 * steps->gates * cell->n_hidden;
	cell->out_is_h = true;
	return affine_declare(cell, prefix, steps->gates, &own->tensors, error);
}

void affine_lay_out(struct cell *cell, struct arena *arena, int steps, int batch)
{
	(void)steps;
	struct affine *own = cell->own;
	own->d_h_prev = arena_take_numbers(arena, (size_t)cell->n_hidden * (size_t)batch);
}

static struct linear affine_map(const struct cell *cell, int weight, int bias, int n_in)
{
	const struct affine *own = cell->own;
	const struct params *p = cell->params;
	size_t w = p->items[weight].offset, b = p->items[bias].offset;
	return (struct linear){.n_in = n_in,
	                       .n_out = own->steps->gates * cell->n_hidden,
	                       .weight = p->values + w,
	                       .bias = p->values + b,
	                       .d_weight = p->gradients + w,
	                       .d_bias = p->gradients + b};
}

/* A sequence, and where its steps are. */
struct affine_run {
	const struct cell_sequence *q;
	struct linear ih, hh;
	size_t n, gates;      /* values of h and of all gates, of a step */
	bool inversward;      /* step s reads time steps - 1 - s */
	ptrdiff_t first_time; /* elements from step 0 of x, and of d_x, to time 0 */
};

static struct affine_run affine_run_of(const struct cell *cell, const struct cell_sequence *q)
{
	const struct affine *own = cell->own;
	const struct affine_tensors *t = &own->tensors;
	size_t n = (size_t)cell->n_hidden * (size_t)q->batch;
	bool inversward = q->x_step < 0;
	return (struct affine_run){.q = q,
	                           .ih = affine_map(cell, t->weight_ih, t->bias_ih, cell->n_in),
	                           .hh = affine_map(cell, t->weight_hh, t->bias_hh, cell->n_hidden),
	                           .n = n,
	                           .gates = (size_t)own->steps->gates * n,
	                           .inversward = inversward,
	                           .first_time = inversward ? (q->steps - 1) * q->x_step : 0};
}

static double *affine_a(const struct affine_run *run, size_t s)
{
	size_t time = run->inversward ? (size_t)run->q->steps - 1 - s : s;
	return run->q->saved + time * run->gates;
}

static double *affine_s(const struct affine_run *run, size_t s)
{
	return run->q->saved + ((size_t)run->q->steps + s) * run->gates;
}

void affine_forward_all(struct cell *cell, const struct cell_sequence *q)
{
	const struct affine *own = cell->own;
	const struct affine_run run = affine_run_of(cell, q);
	linear_forward(&run.ih, q->x + run.first_time, q->steps, q->batch, q->saved);
	for (size_t s = 0; s < (size_t)q->steps; s++) {
		const double *h_prev = q->h + s * run.n;
		linear_forward(&run.hh, h_prev, 1, q->batch, affine_s(&run, s));
		own->steps->forward(cell, affine_a(&run, s), affine_s(&run, s), h_prev, run.n, q->h + (s + 1) * run.n);
		if (watch_tick(q->watch))
			return;
	}
}

void affine_backward_all(struct cell *cell, const struct cell_sequence *q,
                         const struct cell_sequence_gradient *gradient)
{
	const struct affine *own = cell->own;
	const struct affine_run run = affine_run_of(cell, q);
	double *d_h = gradient->d_h, *d_h_prev = own->d_h_prev;
	memset(d_h, 0, run.n * sizeof(double));
	for (size_t s = (size_t)q->steps; s-- > 0;) {
		const double *d_out = gradient->d_out + (ptrdiff_t)s * gradient->d_out_step;
		for (size_t k = 0; s >= (size_t)gradient->first_out && k < run.n; k++)
			d_h[k] += d_out[k];
		if (gradient->ends != NULL)
			cell_ends_add(gradient->ends, s, (size_t)q->steps, gradient->ends->d_h, (size_t)cell->n_hidden,
			              (size_t)q->batch, d_h);
		own->steps->backward(cell, affine_a(&run, s), affine_s(&run, s), q->h + s * run.n,
		                     q->h + (s + 1) * run.n, d_h, run.n, d_h_prev);
		linear_add_input(&run.hh, affine_s(&run, s), 1, q->batch, d_h_prev);
		double *swap = d_h;
		d_h = d_h_prev;
		d_h_prev = swap;
		if (watch_tick(q->watch))
			return;
	}
	if (gradient->d_start != NULL)
		memcpy(gradient->d_start, d_h, run.n * sizeof *d_h);
	linear_backward_weights(&run.hh, q->h, affine_s(&run, 0), q->steps, q->batch);
	linear_backward_weights(&run.ih, q->x + run.first_time, q->saved, q->steps, q->batch);
	if (gradient->d_x != NULL)
		linear_add_input(&run.ih, q->saved, q->steps, q->batch, gradient->d_x + run.first_time);
}
