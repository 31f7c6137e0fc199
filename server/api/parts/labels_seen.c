/* Columns of classes that were found good. */
#include "server/api/parts/labels_seen.h"

#include <stdlib.h>
#include <string.h>
#include <uv.h>

struct labels_seen {
	uv_mutex_t lock;
	uv_cond_t changed;
	int reading;
	struct {
		struct labels_key key;
		struct cost_windows counted;
	} rows[LABELS_SEEN];
	unsigned count; /* that were ever put in; row i is at i % LABELS_SEEN */
};

int labels_seen_open(struct labels_seen **out, struct qlstm_error *error)
{
	struct labels_seen *seen = calloc(1, sizeof *seen);
	if (seen == NULL || uv_mutex_init(&seen->lock) != 0 || uv_cond_init(&seen->changed) != 0) {
		free(seen);
		return error_set(error, ERR_OUT_OF_MEMORY, NULL, "no memory for the checks of labels");
	}
	*out = seen;
	return 0;
}

void labels_seen_close(struct labels_seen *seen)
{
	if (seen == NULL)
		return;
	uv_cond_destroy(&seen->changed);
	uv_mutex_destroy(&seen->lock);
	free(seen);
}

static bool is_same(const struct labels_key *a, const struct labels_key *b)
{
	return a->column == b->column && a->classes == b->classes && a->n_train == b->n_train &&
	       a->n_validation == b->n_validation && a->missing == b->missing && a->input == b->input &&
	       a->scored == b->scored && memcmp(a->texts, b->texts, sizeof a->texts) == 0 &&
	       strcmp(a->dataset, b->dataset) == 0;
}

static bool find(const struct labels_seen *seen, const struct labels_key *key, struct cost_windows *counted)
{
	for (unsigned i = 0; i < LABELS_SEEN && i < seen->count; i++)
		if (is_same(&seen->rows[i].key, key)) {
			*counted = seen->rows[i].counted;
			return true;
		}
	return false;
}

/* Who waits looks again after each reading: it may have been of the same column. */
bool labels_seen_begin(struct labels_seen *seen, const struct labels_key *key, struct cost_windows *counted)
{
	uv_mutex_lock(&seen->lock);
	bool known = find(seen, key, counted);
	while (!known && seen->reading >= LABELS_READING) {
		uv_cond_wait(&seen->changed, &seen->lock);
		known = find(seen, key, counted);
	}
	if (!known)
		seen->reading++;
	uv_mutex_unlock(&seen->lock);
	return known;
}

void labels_seen_end(struct labels_seen *seen, const struct labels_key *key, const struct cost_windows *counted)
{
	struct cost_windows before;
	uv_mutex_lock(&seen->lock);
	seen->reading--;
	if (counted != NULL && !find(seen, key, &before)) {
		unsigned at = seen->count++ % LABELS_SEEN;
		seen->rows[at].key = *key;
		seen->rows[at].counted = *counted;
	}
	uv_cond_broadcast(&seen->changed);
	uv_mutex_unlock(&seen->lock);
}
