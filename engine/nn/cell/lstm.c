/* Classical LSTM cell: its tensors and its memory. Its arithmetic is in lstm_pass.c. */
#include "engine/nn/cell/lstm.h"
#include "engine/nn/kernel/gates.h"

#include <stdlib.h>

static int lstm_open(struct cell *cell, const char *prefix, struct qlstm_error *error)
{
	struct lstm *own = calloc(1, sizeof *own);
	if (own == NULL)
		return error_set(error, ERR_OUT_OF_MEMORY, "", "out of memory");
	cell->own = own;
	cell->n_hidden = cell->n_cell = cell->n_out = cell->config.recurrent.hidden_size;
	cell->n_saved = GATES_ARRAYS * cell->n_hidden;
	cell->out_is_h = true;
	return affine_declare(cell, prefix, 4, &own->tensors, error);
}

static void lstm_lay_out(struct cell *cell, struct arena *arena, int steps, int batch)
{
	struct lstm *own = cell->own;
	size_t h = (size_t)cell->n_hidden, d = (size_t)cell->n_in, widest = h > d ? h : d;
	size_t samples = lstm_side_samples(steps, batch);
	own->bias = arena_take_numbers(arena, 4 * h);
	own->d_bias = arena_take_numbers(arena, 4 * h);
	own->transposed = arena_take_numbers(arena, widest * lstm_side_step(h));
	own->side_pre = arena_take_numbers(arena, samples * lstm_side_step(h));
	own->side_in = arena_take_numbers(arena, samples * widest);
}

const struct cell_ops lstm_ops = {
    .open = lstm_open,
    .lay_out = lstm_lay_out,
    .forward_all = lstm_forward_all,
    .backward_all = lstm_backward_all,
    .in_float32 = &lstm_f32_ops,
};
