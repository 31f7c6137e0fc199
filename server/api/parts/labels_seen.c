/* Columns of classes that were found good. */
#include "server/api/parts/labels_seen.h"

#include <stdlib.h>
#include <string.h>
#include <uv.h>

struct labels_seen {
	uv_mutex_t lock;
	uv_cond_t changed;
	int reading;
	struct labels_key keys[LABELS_SEEN];
	unsigned count; /* that were ever put in; key i is at i % LABELS_SEEN */
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

static bool is_in(const struct labels_seen *seen, const struct labels_key *key)
{
	for (unsigned i = 0; i < LABELS_SEEN && i < seen->count; i++) {
		const struct labels_key *other = &seen->keys[i];
		if (other->column == key->column && other->classes == key->classes && other->n_train == key->n_train &&
		    other->missing == key->missing && other->input == key->input && other->scored == key->scored &&
		    strcmp(other->dataset, key->dataset) == 0)
			return true;
	}
	return false;
}

/* Who waits looks again after each reading: it may have been of the same column. */
bool labels_seen_begin(struct labels_seen *seen, const struct labels_key *key)
{
	uv_mutex_lock(&seen->lock);
	bool known = is_in(seen, key);
	while (!known && seen->reading >= LABELS_READING) {
		uv_cond_wait(&seen->changed, &seen->lock);
		known = is_in(seen, key);
	}
	if (!known)
		seen->reading++;
	uv_mutex_unlock(&seen->lock);
	return known;
}

void labels_seen_end(struct labels_seen *seen, const struct labels_key *key, bool good)
{
	uv_mutex_lock(&seen->lock);
	seen->reading--;
	if (good && !is_in(seen, key))
		seen->keys[seen->count++ % LABELS_SEEN] = *key;
	uv_cond_broadcast(&seen->changed);
	uv_mutex_unlock(&seen->lock);
}
