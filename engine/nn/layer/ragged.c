/* Samples of their own lengths. */
#include "engine/nn/layer/ragged.h"

#include <string.h>

void ragged_turn(const struct ragged *g, const double *from, size_t from_step, double *to, size_t to_step, bool add)
{
	for (size_t s = 0; s < g->steps; s++)
		for (size_t r = 0; r < g->rows; r++)
			for (size_t b = 0; b < g->batch; b++) {
				size_t length = (size_t)g->lengths[b], at = s < length ? length - 1 - s : s;
				double *out = to + s * to_step + r * g->batch + b;
				double value = from[at * from_step + r * g->batch + b];
				*out = add ? *out + value : value;
			}
}

void ragged_last(const struct ragged *g, const double *from, double *y)
{
	for (size_t r = 0; r < g->rows; r++)
		for (size_t b = 0; b < g->batch; b++)
			y[r * g->batch + b] = from[((size_t)(g->lengths[b] - 1) * g->rows + r) * g->batch + b];
}

void ragged_place(const struct ragged *g, const double *dy, double *to)
{
	memset(to, 0, g->steps * g->rows * g->batch * sizeof *to);
	for (size_t r = 0; r < g->rows; r++)
		for (size_t b = 0; b < g->batch; b++)
			to[((size_t)(g->lengths[b] - 1) * g->rows + r) * g->batch + b] = dy[r * g->batch + b];
}
