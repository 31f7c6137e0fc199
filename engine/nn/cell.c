/* Which cell a recurrent layer carries through time; one step of any. */
#include "engine/nn/cell.h"

#include <string.h>

#include "engine/nn/layer.h"

int cell_find(const struct layer_config *config, const struct cell_ops **ops, struct qlstm_error *error)
{
	const struct layer_type *type;
	int rc = layer_type_of(config, &type, error);
	if (rc != 0)
		return rc;
	*ops = type->cell;
	if (*ops == NULL && type->choose_cell != NULL)
		return type->choose_cell(config, ops, error);
	return *ops != NULL ? 0 : error_set(error, ERR_NOT_FOUND, "/type", "type '%s' has no cell", type->name);
}

/* h, and where there is one c, stand behind those of the step before. */
static struct cell_sequence sequence_of_one(const struct cell *cell, const struct cell_step *step, struct watch *watch)
{
	size_t n = (size_t)step->batch;
	return (struct cell_sequence){.steps = 1,
	                              .batch = step->batch,
	                              .x = step->x,
	                              .x_step = (ptrdiff_t)cell->n_in * step->batch,
	                              .h = step->h - (size_t)cell->n_hidden * n,
	                              .c = step->c - (size_t)cell->n_cell * n,
	                              .carried = true,
	                              .saved = step->saved,
	                              .watch = watch};
}

void cell_step_forward(struct cell *cell, const struct cell_step *step)
{
	if (cell->ops->forward != NULL) {
		cell->ops->forward(cell, step);
		return;
	}
	struct watch none = {0};
	const struct cell_sequence sequence = sequence_of_one(cell, step, &none);
	cell->ops->forward_all(cell, &sequence);
}

void cell_step_backward(struct cell *cell, const struct cell_step *step, const struct cell_gradient *gradient)
{
	if (cell->ops->backward != NULL) {
		cell->ops->backward(cell, step, gradient);
		return;
	}
	struct watch none = {0};
	const struct cell_sequence sequence = sequence_of_one(cell, step, &none);
	const struct cell_sequence_gradient of_one = {.d_out = gradient->d_h,
	                                              .d_h = gradient->d_h_prev, /* scratch until it is written */
	                                              .d_c = gradient->d_c,
	                                              .d_start = gradient->d_h_prev,
	                                              .d_x = gradient->d_x};
	if (gradient->d_x != NULL)
		memset(gradient->d_x, 0, (size_t)cell->n_in * (size_t)step->batch * sizeof *gradient->d_x);
	cell->ops->backward_all(cell, &sequence, &of_one);
}
