/* Classical LSTM cell: its tensors and its memory. Its arithmetic is in lstm_pass.c. */
#include "engine/nn/lstm.h"
#include "engine/nn/gates.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

static int lstm_open(struct cell *cell, const char *prefix, struct qlstm_error *error)
{
	struct lstm *own = calloc(1, sizeof *own);
	if (own == NULL)
		return error_set(error, ERR_OUT_OF_MEMORY, "", "out of memory");
	cell->own = own;
	size_t h = (size_t)cell->config.recurrent.hidden_size, d = (size_t)cell->n_in;
	cell->n_hidden = cell->n_cell = cell->n_out = cell->config.recurrent.hidden_size;
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

static void lstm_lay_out(struct cell *cell, struct arena *arena, int steps, int batch)
{
	struct lstm *own = cell->own;
	size_t h = (size_t)cell->n_hidden, d = (size_t)cell->n_in, widest = h > d ? h : d;
	size_t samples = lstm_side_samples(steps, batch);
	own->bias = arena_take_numbers(arena, 4 * h);
	own->d_bias = arena_take_numbers(arena, 4 * h);
	own->transposed = arena_take_numbers(arena, 4 * h * widest);
	own->side_pre = arena_take_numbers(arena, samples * lstm_side_step(h));
	own->side_in = arena_take_numbers(arena, samples * widest);
}

const struct cell_ops lstm_ops = {
    .open = lstm_open,
    .lay_out = lstm_lay_out,
    .forward_all = lstm_forward_all,
    .backward_all = lstm_backward_all,
};
