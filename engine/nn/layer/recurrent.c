/* A recurrent layer: a cell carried through time, in one direction or in two.
 *
 * Reading order: step s of a direction is time s, or T-1-s where it reads inversward. h and c start at zero. The output
 * at time t is the direction's output of the step that read time t; a bidirectional layer concatenates the rows of both
 * directions. Of samples with lengths of their own step s of an inversward direction is time length - 1 - s of each.
 * Where states are carried, h and c start with those. Behind a decoder they may be those that a layer before it hands
 * over (source.h): each sample's at its own end. Back-propagation goes through all steps (no truncation); per step
 * only what the cell cannot recompute is kept: its saved rows, h and c. */
#include "engine/nn/cell.h"
#include "engine/nn/layer.h"
#include "engine/nn/layer/ragged.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { HIDDEN_MOST = 1 << 20 };

struct direction {
	struct cell cell;
	bool inversward;
	double *h, *c;                      /* [steps + 1][rows][batch], by reading step */
	double *out;                        /* [steps][n_out][batch], by reading step; only where out is not h */
	double *saved;                      /* [steps][n_saved][batch] */
	double *d_h, *d_h_prev, *d_c, *d_x; /* one step */
	double *turned_x, *turned_dx;       /* ragged, inversward: [steps][n_in][batch] by reading step */
	double *d_outs;                     /* ragged: [steps][n_out][batch] by reading step */
};

struct recurrent {
	struct direction directions[2];
	int n_directions;
	int steps, batch; /* of the last forward */
	bool ragged;      /* it had lengths */
};

/* Whether the layer returns the final step alone. */
static bool final_only(const struct layer *layer)
{
	return layer->out.form == SHAPE_VECTOR;
}

/* Whether that is the last one for all samples. */
static bool last_alone(const struct layer *layer)
{
	return final_only(layer) && !((const struct recurrent *)layer->own)->ragged;
}

/* Whether its steps are taken one by one. */
static bool by_steps(const struct layer *layer, const struct direction *d)
{
	return d->cell.ops->forward != NULL || layer->asks != NULL;
}

/* Whether its cell computes in float32. */
static bool in_float32(const struct layer *layer, const struct cell_ops *ops)
{
	return layer->precision == PRECISION_FLOAT32 && ops != NULL && ops->in_float32 != NULL;
}

/* In float32 it takes half: two numbers in the place of one. */
static double recurrent_cost(const struct layer *layer, const struct layer_work *work)
{
	double ns = layer_cost_products(layer, work);
	return in_float32(layer, layer->type->cell) ? 0.5 * ns : ns;
}

static int recurrent_check(const struct layer_config *config, struct shape in, struct shape *out,
                           struct qlstm_error *error)
{
	const struct recurrent_config *recurrent = &config->recurrent;
	const struct cell_ops *ops = NULL;
	int rc = cell_find(config, &ops, error);
	if (rc != 0)
		return rc;
	if (recurrent->inversward && recurrent->bidirectional)
		return error_set(
		    error, ERR_INVALID, "/bidirectional",
		    "bidirectional and inversward exclude each other: a bidirectional layer reads both ways");
	if (recurrent->hidden_size < 1 || recurrent->hidden_size > HIDDEN_MOST)
		return error_set(error, ERR_OUT_OF_RANGE, "/hidden_size", "hidden_size is %d; allowed are 1 to %d",
		                 recurrent->hidden_size, HIDDEN_MOST);
	*out = (struct shape){SHAPE_REALS, SHAPE_SEQUENCE, recurrent->hidden_size};
	rc = ops->check != NULL ? ops->check(config, in.width, &out->width, error) : 0;
	if (recurrent->bidirectional)
		out->width *= 2;
	return rc;
}

static int recurrent_open(struct layer *layer, struct qlstm_error *error)
{
	struct recurrent *own = calloc(1, sizeof *own);
	if (own == NULL)
		return error_set(error, ERR_OUT_OF_MEMORY, "", "out of memory");
	layer->own = own;
	own->n_directions = layer->config.recurrent.bidirectional ? 2 : 1;
	const struct cell_ops *ops = NULL;
	int rc = cell_find(&layer->config, &ops, error);
	if (rc == 0 && in_float32(layer, ops))
		ops = ops->in_float32;
	for (int k = 0; rc == 0 && k < own->n_directions; k++) {
		struct direction *direction = &own->directions[k];
		direction->inversward = layer->config.recurrent.inversward || k == 1;
		direction->cell = (struct cell){.ops = ops,
		                                .config = layer->config,
		                                .params = layer->params,
		                                .circuits = &layer->circuits,
		                                .n_in = layer->in.width};
		char prefix[PARAM_NAME_SIZE];
		snprintf(prefix, sizeof prefix, "%s%s", layer->name, k == 1 ? ".reverse" : "");
		rc = ops->open(&direction->cell, prefix, error);
	}
	return rc;
}

static void recurrent_lay_out(struct layer *layer, struct arena *arena, int steps, int batch)
{
	struct recurrent *own = layer->own;
	size_t t = (size_t)steps, n = (size_t)batch;
	for (int k = 0; k < own->n_directions; k++) {
		struct direction *d = &own->directions[k];
		struct cell *cell = &d->cell;
		d->h = arena_take_numbers(arena, (t + 1) * (size_t)cell->n_hidden * n);
		d->c = arena_take_numbers(arena, (t + 1) * (size_t)cell->n_cell * n);
		d->out = cell->out_is_h ? NULL : arena_take_numbers(arena, t * (size_t)cell->n_out * n);
		d->saved = arena_take_numbers(arena, t * (size_t)cell->n_saved * n);
		d->d_h = arena_take_numbers(arena, (size_t)cell->n_hidden * n);
		d->d_c = arena_take_numbers(arena, (size_t)cell->n_cell * n);
		if (by_steps(layer, d)) {
			d->d_h_prev = arena_take_numbers(arena, (size_t)cell->n_hidden * n);
			d->d_x = arena_take_numbers(arena, (size_t)cell->n_in * n);
		}
		if (cell->ops->lay_out != NULL)
			cell->ops->lay_out(cell, arena, steps, batch);
		if (layer->ragged)
			d->d_outs = arena_take_numbers(arena, t * (size_t)cell->n_out * n);
		if (layer->ragged && d->inversward) {
			d->turned_x = arena_take_numbers(arena, t * (size_t)cell->n_in * n);
			d->turned_dx = arena_take_numbers(arena, t * (size_t)cell->n_in * n);
		}
	}
}

/* Inputs that are turned already are read from the first. */
static bool reads_back(const struct recurrent *own, const struct direction *direction)
{
	return direction->inversward && !own->ragged;
}

static size_t direction_time(const struct recurrent *own, const struct direction *direction, size_t step)
{
	return reads_back(own, direction) ? (size_t)own->steps - 1 - step : step;
}

/* The step's arrays; what the model does not need is NULL. */
static struct cell_step direction_step(const struct layer *layer, struct direction *d, const double *x, size_t s)
{
	const struct recurrent *own = layer->own;
	const struct cell *cell = &d->cell;
	size_t n = (size_t)own->batch;
	size_t h = (size_t)cell->n_hidden * n, c = (size_t)cell->n_cell * n;
	bool last = s + 1 == (size_t)own->steps;
	struct cell_step step = {.number = (int)s,
	                         .batch = own->batch,
	                         .x = x + direction_time(own, d, s) * (size_t)cell->n_in * n,
	                         .h_prev = d->h + s * h,
	                         .c_prev = d->c + s * c,
	                         .h = d->h + (s + 1) * h,
	                         .c = d->c + (s + 1) * c,
	                         .saved = d->saved + s * (size_t)cell->n_saved * n};
	if (!cell->out_is_h) {
		step.out = !last_alone(layer) || last ? d->out + s * (size_t)cell->n_out * n : NULL;
		if (last && *layer->carry == NULL && layer->hands_over == NULL)
			step.h = NULL;
	}
	return step;
}

/* All steps of a direction, for a cell that takes them together. */
static struct cell_sequence direction_sequence(const struct layer *layer, const struct direction *d, const double *x)
{
	const struct recurrent *own = layer->own;
	ptrdiff_t in = (ptrdiff_t)d->cell.n_in * own->batch;
	return (struct cell_sequence){.steps = own->steps,
	                              .batch = own->batch,
	                              .x = x + (ptrdiff_t)direction_time(own, d, 0) * in,
	                              .x_step = reads_back(own, d) ? -in : in,
	                              .h = d->h,
	                              .c = d->c,
	                              .carried = *layer->carry != NULL,
	                              .saved = d->saved,
	                              .watch = layer->watch};
}

/* h or c of one step from or to the states that are carried, from row `row` on. */
static void carry_rows(const struct carry *carry, size_t row, double *state, size_t rows, size_t n, bool out)
{
	for (size_t r = 0; r < rows; r++) {
		double *kept = carry->states + (row + r) * carry->streams + carry->first;
		memcpy(out ? kept : state + r * n, out ? state + r * n : kept, n * sizeof(double));
	}
}

static void carry_state(const struct layer *layer, const struct direction *d, size_t step, bool out)
{
	const struct recurrent *own = layer->own;
	size_t n = (size_t)own->batch, h = (size_t)d->cell.n_hidden, c = (size_t)d->cell.n_cell;
	carry_rows(*layer->carry, layer->carried, d->h + step * h * n, h, n, out);
	carry_rows(*layer->carry, layer->carried + h, d->c + step * c * n, c, n, out);
}

static size_t recurrent_carries(const struct layer *layer)
{
	const struct recurrent *own = layer->own;
	return (size_t)own->directions[0].cell.n_hidden + (size_t)own->directions[0].cell.n_cell;
}

/* h and c behind each sample's own last step. */
static void recurrent_last_state(const struct layer *layer, double *rows)
{
	const struct recurrent *own = layer->own;
	const struct direction *d = &own->directions[0];
	size_t n = (size_t)own->batch, h = (size_t)d->cell.n_hidden, c = (size_t)d->cell.n_cell;
	for (size_t b = 0; b < n; b++) {
		size_t end = (size_t)(own->ragged ? (*layer->lengths)[b] : own->steps);
		for (size_t r = 0; r < h; r++)
			rows[r * n + b] = d->h[(end * h + r) * n + b];
		for (size_t r = 0; r < c; r++)
			rows[(h + r) * n + b] = d->c[(end * c + r) * n + b];
	}
}

static void direction_forward(struct layer *layer, struct direction *d, const double *x)
{
	const struct recurrent *own = layer->own;
	size_t n = (size_t)own->batch;
	memset(d->h, 0, (size_t)d->cell.n_hidden * n * sizeof(double));
	memset(d->c, 0, (size_t)d->cell.n_cell * n * sizeof(double));
	if (*layer->carry != NULL)
		carry_state(layer, d, 0, false);
	if (!by_steps(layer, d)) {
		struct cell_sequence sequence = direction_sequence(layer, d, x);
		d->cell.ops->forward_all(&d->cell, &sequence);
		return;
	}
	for (size_t s = 0; s < (size_t)own->steps; s++) {
		struct cell_step step = direction_step(layer, d, x, s);
		if (layer->asks != NULL)
			attention_asking.ask(layer->asks, s, step.h_prev);
		cell_step_forward(&d->cell, &step);
		if (watch_tick(layer->watch))
			return;
	}
}

/* The direction's rows of the output, from its outputs by reading step. */
static void put_outputs(const struct layer *layer, const struct direction *d, const double *from, double *y)
{
	const struct recurrent *own = layer->own;
	size_t n = (size_t)own->batch, steps = (size_t)own->steps;
	size_t out = (size_t)d->cell.n_out * n, width = (size_t)layer->out.width * n;
	const struct ragged ragged = {*layer->lengths, steps, (size_t)d->cell.n_out, n};
	if (own->ragged && final_only(layer)) {
		ragged_last(&ragged, from, y);
		return;
	}
	if (own->ragged && d->inversward) {
		ragged_turn(&ragged, from, out, y, width, false);
		return;
	}
	for (size_t s = final_only(layer) ? steps - 1 : 0; s < steps; s++) {
		size_t frame = final_only(layer) ? 0 : direction_time(own, d, s);
		memcpy(y + frame * width, from + s * out, out * sizeof(double));
	}
}

/* x as the direction reads it. */
static const double *direction_inputs(const struct layer *layer, struct direction *d, const double *x)
{
	const struct recurrent *own = layer->own;
	size_t n = (size_t)own->batch, in = (size_t)d->cell.n_in;
	const struct ragged ragged = {*layer->lengths, (size_t)own->steps, in, n};
	if (!own->ragged || !d->inversward)
		return x;
	ragged_turn(&ragged, x, in * n, d->turned_x, in * n, false);
	return d->turned_x;
}

static void recurrent_forward(struct layer *layer, const struct training_context *training, const double *x, int steps,
                              int batch, double *y)
{
	(void)training;
	struct recurrent *own = layer->own;
	own->steps = steps;
	own->batch = batch;
	own->ragged = layer->ragged && *layer->lengths != NULL;
	for (int k = 0; k < own->n_directions && !layer->watch->abandoned; k++) {
		struct direction *d = &own->directions[k];
		size_t out = (size_t)d->cell.n_out * (size_t)batch;
		direction_forward(layer, d, direction_inputs(layer, d, x));
		put_outputs(layer, d, d->cell.out_is_h ? d->h + out : d->out, y + (size_t)k * out);
		if (*layer->carry != NULL)
			carry_state(layer, d, (size_t)steps, true);
	}
}

/* The gradient that reaches one step: d_out from above (NULL: none) and d_h from the step after it. */
static void step_backward(struct layer *layer, struct direction *d, size_t s, const double *x, const double *d_out,
                          double *d_x)
{
	struct recurrent *own = layer->own;
	struct cell *cell = &d->cell;
	size_t h = (size_t)cell->n_hidden * (size_t)own->batch, in = (size_t)cell->n_in * (size_t)own->batch;
	struct cell_step step = direction_step(layer, d, x, s);
	struct cell_gradient gradient = {.d_out = step.out != NULL ? d_out : NULL,
	                                 .d_h = step.h != NULL ? d->d_h : NULL,
	                                 .d_c = d->d_c,
	                                 .d_x = d_x != NULL ? d->d_x : NULL,
	                                 .d_h_prev = d->d_h_prev};
	if (cell->out_is_h && d_out != NULL)
		for (size_t k = 0; k < h; k++)
			d->d_h[k] += d_out[k];
	cell_step_backward(cell, &step, &gradient);
	for (size_t j = 0; d_x != NULL && j < in; j++)
		d_x[j] += d->d_x[j];
	double *swap = d->d_h;
	d->d_h = d->d_h_prev;
	d->d_h_prev = swap;
	if (layer->asks != NULL)
		attention_asking.ask_back(layer->asks, s, d->d_x, d->d_h);
}

/* What the layer that goes on with the last states hands back. */
static struct cell_ends direction_ends(const struct layer *layer, const struct direction *d)
{
	const struct recurrent *own = layer->own;
	const double *gradient = layer->hands_over->gradient;
	return (struct cell_ends){.lengths = own->ragged ? *layer->lengths : NULL,
	                          .d_h = gradient,
	                          .d_c = gradient + (size_t)d->cell.n_hidden * (size_t)own->batch};
}

/* d_h, NULL where it stands there already, and d_c to the layer whose last state this one began with. */
static void hand_back(const struct layer *layer, const struct direction *d, const double *d_h)
{
	const struct recurrent *own = layer->own;
	size_t n = (size_t)own->batch, h = (size_t)d->cell.n_hidden * n;
	if (layer->takes_over == NULL)
		return;
	if (d_h != NULL)
		memcpy(layer->takes_over->gradient, d_h, h * sizeof *d_h);
	memcpy(layer->takes_over->gradient + h, d->d_c, (size_t)d->cell.n_cell * n * sizeof *d_h);
}

/* All steps of a cell that takes them together; as direction_backward. */
static void sequence_backward(struct layer *layer, struct direction *d, const double *x, const double *dy, size_t width,
                              double *dx)
{
	const struct recurrent *own = layer->own;
	size_t start = direction_time(own, d, 0), in = (size_t)layer->in.width * (size_t)own->batch;
	const struct cell_ends ends = layer->hands_over != NULL ? direction_ends(layer, d) : (struct cell_ends){0};
	struct cell_sequence sequence = direction_sequence(layer, d, x);
	struct cell_sequence_gradient gradient = {.d_out = dy + (last_alone(layer) ? 0 : start * width),
	                                          .d_out_step = last_alone(layer)    ? 0
	                                                        : reads_back(own, d) ? -(ptrdiff_t)width
	                                                                             : (ptrdiff_t)width,
	                                          .first_out = last_alone(layer) ? own->steps - 1 : 0,
	                                          .ends = layer->hands_over != NULL ? &ends : NULL,
	                                          .d_h = d->d_h,
	                                          .d_c = d->d_c,
	                                          .d_start =
	                                              layer->takes_over != NULL ? layer->takes_over->gradient : NULL,
	                                          .d_x = dx != NULL ? dx + start * in : NULL};
	d->cell.ops->backward_all(&d->cell, &sequence, &gradient);
	hand_back(layer, d, NULL);
}

/* dy: the direction's rows of time 0, a step `width` numbers behind the one before; dx is added to, NULL: not wanted.
 */
static void direction_backward(struct layer *layer, struct direction *d, const double *x, const double *dy,
                               size_t width, double *dx)
{
	struct recurrent *own = layer->own;
	size_t n = (size_t)own->batch, steps = (size_t)own->steps, in = (size_t)layer->in.width * n;
	memset(d->d_c, 0, (size_t)d->cell.n_cell * n * sizeof(double));
	if (!by_steps(layer, d)) {
		sequence_backward(layer, d, x, dy, width, dx);
		return;
	}
	const struct cell_ends ends = layer->hands_over != NULL ? direction_ends(layer, d) : (struct cell_ends){0};
	size_t hidden = (size_t)d->cell.n_hidden, cells = (size_t)d->cell.n_cell;
	memset(d->d_h, 0, hidden * n * sizeof(double));
	for (size_t s = steps; s-- > 0;) {
		size_t time = direction_time(own, d, s);
		const double *d_out = last_alone(layer) ? dy : dy + time * width;
		if (layer->hands_over != NULL) {
			cell_ends_add(&ends, s, steps, ends.d_h, hidden, n, d->d_h);
			cell_ends_add(&ends, s, steps, ends.d_c, cells, n, d->d_c);
		}
		step_backward(layer, d, s, x, last_alone(layer) && s + 1 < steps ? NULL : d_out,
		              dx != NULL ? dx + time * in : NULL);
		if (watch_tick(layer->watch))
			return;
	}
	hand_back(layer, d, d->d_h);
}

/* Of samples with lengths of their own: everything by reading step, where the padding stands at the end. */
static void ragged_backward(struct layer *layer, struct direction *d, const double *x, const double *dy, double *dx)
{
	const struct recurrent *own = layer->own;
	size_t n = (size_t)own->batch, steps = (size_t)own->steps, in = (size_t)d->cell.n_in * n,
	       out = (size_t)d->cell.n_out * n, width = (size_t)layer->out.width * n;
	const struct ragged of_out = {*layer->lengths, steps, (size_t)d->cell.n_out, n},
	                    of_in = {*layer->lengths, steps, (size_t)d->cell.n_in, n};
	if (final_only(layer))
		ragged_place(&of_out, dy, d->d_outs);
	else if (d->inversward)
		ragged_turn(&of_out, dy, width, d->d_outs, out, false);
	bool moved = final_only(layer) || d->inversward;
	double *d_x = dx != NULL && d->inversward ? d->turned_dx : dx;
	if (dx != NULL && d->inversward)
		memset(d_x, 0, steps * in * sizeof(double));
	direction_backward(layer, d, d->inversward ? d->turned_x : x, moved ? d->d_outs : dy, moved ? out : width, d_x);
	if (dx != NULL && d->inversward)
		ragged_turn(&of_in, d_x, in, dx, in, true);
}

static void recurrent_backward(struct layer *layer, const double *x, const double *dy, double *dx)
{
	struct recurrent *own = layer->own;
	size_t n = (size_t)own->batch, width = (size_t)layer->out.width * n;
	if (dx != NULL)
		memset(dx, 0, (size_t)own->steps * (size_t)layer->in.width * n * sizeof(double));
	for (int k = 0; k < own->n_directions && !layer->watch->abandoned; k++) {
		struct direction *d = &own->directions[k];
		const double *of_direction = dy + (size_t)k * (size_t)d->cell.n_out * n;
		if (own->ragged)
			ragged_backward(layer, d, x, of_direction, dx);
		else
			direction_backward(layer, d, x, of_direction, width, dx);
	}
}

static void recurrent_close(struct layer *layer)
{
	struct recurrent *own = layer->own;
	if (own == NULL)
		return;
	for (int k = 0; k < own->n_directions; k++) {
		struct cell *cell = &own->directions[k].cell;
		if (cell->ops != NULL && cell->ops->close != NULL)
			cell->ops->close(cell);
		else
			free(cell->own);
	}
	free(own);
}

const struct layer_ops recurrent_ops = {
    .check = recurrent_check,
    .open = recurrent_open,
    .lay_out = recurrent_lay_out,
    .cost = recurrent_cost,
    .forward = recurrent_forward,
    .backward = recurrent_backward,
    .carries = recurrent_carries,
    .last_state = recurrent_last_state,
    .close = recurrent_close,
};
