/* Order of instructions and assignment of rows; see local_schedule.h. */
#include "engine/circuit/local/local_schedule.h"

#include <stdlib.h>
#include <string.h>

/* Steps looked at together. */
enum { WINDOW = 64 };

struct window {
	struct local_step *steps;
	uint32_t count;
	uint8_t *pending; /* by node: a step of the window that is not placed yet makes it */
	bool placed[WINDOW];
};

static bool is_ready(const struct window *w, uint32_t i)
{
	const uint32_t *in = w->steps[i].in;
	return (w->pending[in[0]] | w->pending[in[1]] | w->pending[in[2]] | w->pending[in[3]]) == 0;
}

/* Places all steps of one operation that can be, which may make more of them ready; appends them to `out` unless that
 * is NULL. Returns how many. */
static uint32_t place(struct window *w, uint32_t operation, struct local_step *out)
{
	uint32_t found[WINDOW], n = 0;
	for (uint32_t i = 0; i < w->count; i++)
		if (!w->placed[i] && w->steps[i].operation == operation && is_ready(w, i)) {
			w->pending[w->steps[i].out] = 0;
			found[n++] = i;
		}
	for (uint32_t k = 0; k < n; k++) {
		if (out != NULL) {
			out[k] = w->steps[found[k]];
			w->placed[found[k]] = true;
		} else {
			w->pending[w->steps[found[k]].out] = 1;
		}
	}
	return n;
}

/* The longest run that is possible, again and again. */
static void order_window(struct window *w)
{
	struct local_step ordered[WINDOW];
	uint32_t done = 0;
	for (uint32_t i = 0; i < w->count; i++)
		w->pending[w->steps[i].out] = 1;
	while (done < w->count) {
		uint32_t best = 0, most = 0;
		for (uint32_t operation = 0; operation < LOCAL_OPERATION_COUNT; operation++) {
			uint32_t n = place(w, operation, NULL);
			if (n > most) {
				most = n;
				best = operation;
			}
		}
		done += place(w, best, ordered + done);
	}
	memcpy(w->steps, ordered, w->count * sizeof *ordered);
}

void local_schedule_order(struct local_step *steps, uint32_t count, uint8_t *pending)
{
	for (uint32_t first = 0; first < count; first += WINDOW) {
		struct window w = {.steps = steps + first,
		                   .count = count - first < WINDOW ? count - first : WINDOW,
		                   .pending = pending};
		order_window(&w);
	}
}

uint32_t local_schedule_rows(const struct local_step *steps, uint32_t count, const bool *kept, uint32_t n_nodes,
                             uint32_t *rows, uint32_t next)
{
	uint32_t *last_use = calloc(n_nodes, sizeof *last_use);
	uint32_t *free_rows = malloc(((size_t)count * LOCAL_OPERANDS + 1) * sizeof *free_rows);
	uint32_t n_free = 0;
	for (uint32_t i = 0; i < count && last_use != NULL; i++)
		for (int k = 0; k < LOCAL_OPERANDS; k++)
			last_use[steps[i].in[k]] = i + 1;
	for (uint32_t i = 0; i < count && last_use != NULL && free_rows != NULL; i++) {
		for (int k = 0; k < LOCAL_OPERANDS; k++) {
			uint32_t node = steps[i].in[k];
			if (last_use[node] == i + 1 && !kept[node])
				free_rows[n_free++] = rows[node];
			/* Once, also where it is an operand twice. */
			if (last_use[node] == i + 1)
				last_use[node] = 0;
		}
		uint32_t *out = &rows[steps[i].out];
		if (*out == LOCAL_ROW_NONE)
			*out = n_free > 0 ? free_rows[--n_free] : next++;
	}
	bool done = last_use != NULL && free_rows != NULL;
	free(last_use);
	free(free_rows);
	return done ? next : UINT32_MAX;
}
