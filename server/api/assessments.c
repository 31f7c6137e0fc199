/* Kept assessments of models. */
#include "server/api/assessments.h"

#include <stdlib.h>
#include <string.h>
#include <uv.h>

#include "engine/text.h"

struct entry {
	char *key; /* NULL: free */
	uint64_t hash, used;
	struct assessment assessment;
};

struct assessments {
	uv_mutex_t lock;
	struct entry entries[ASSESSMENTS_MAX];
	uint64_t time; /* counts what was asked */
};

int assessments_open(struct assessments **out, struct qlstm_error *error)
{
	struct assessments *kept = calloc(1, sizeof *kept);
	if (kept == NULL || uv_mutex_init(&kept->lock) != 0) {
		free(kept);
		return error_set(error, ERR_OUT_OF_MEMORY, NULL, "no memory for the assessments of models");
	}
	*out = kept;
	return 0;
}

void assessments_close(struct assessments *kept)
{
	if (kept == NULL)
		return;
	for (int i = 0; i < ASSESSMENTS_MAX; i++)
		free(kept->entries[i].key);
	uv_mutex_destroy(&kept->lock);
	free(kept);
}

static int write_json(const char *bytes, size_t size, void *text)
{
	text_write(text, bytes, size);
	return 0;
}

char *assessments_key(const struct spec *spec, const json_t *resolved, int threads)
{
	struct text out = {0};
	char *key = NULL;
	size_t length = 0;
	int failed = json_dump_callback(json_object_get(resolved, "model"), write_json, &out, JSON_COMPACT);
	failed |= json_dump_callback(json_object_get(resolved, "simulation"), write_json, &out, JSON_COMPACT);
	text_print(&out, " %d %d %d %d %d", spec->model.n_inputs, spec->model.n_outputs, spec_steps(spec),
	           spec->training.batch_size, threads);
	if (text_take(&out, &key, &length) == 0 && failed == 0 && length <= ASSESSMENTS_MAX_KEY)
		return key;
	free(key);
	return NULL;
}

/* FNV-1a. */
static uint64_t hash_of(const char *key)
{
	uint64_t hash = UINT64_C(14695981039346656037);
	for (; *key != '\0'; key++)
		hash = (hash ^ (unsigned char)*key) * UINT64_C(1099511628211);
	return hash;
}

static struct entry *find(struct assessments *kept, const char *key, uint64_t hash)
{
	for (int i = 0; i < ASSESSMENTS_MAX; i++) {
		struct entry *entry = &kept->entries[i];
		if (entry->key != NULL && entry->hash == hash && strcmp(entry->key, key) == 0)
			return entry;
	}
	return NULL;
}

bool assessments_find(struct assessments *kept, const char *key, struct assessment *out)
{
	if (kept == NULL || key == NULL)
		return false;
	uint64_t hash = hash_of(key);
	uv_mutex_lock(&kept->lock);
	struct entry *entry = find(kept, key, hash);
	if (entry != NULL) {
		entry->used = ++kept->time;
		*out = entry->assessment;
	}
	uv_mutex_unlock(&kept->lock);
	return entry != NULL;
}

/* A free one, else that which was not asked for the longest. */
static struct entry *oldest(struct assessments *kept)
{
	struct entry *oldest = &kept->entries[0];
	for (int i = 1; i < ASSESSMENTS_MAX; i++)
		if (kept->entries[i].used < oldest->used)
			oldest = &kept->entries[i];
	return oldest;
}

void assessments_keep(struct assessments *kept, const char *key, const struct assessment *assessment)
{
	if (kept == NULL || key == NULL)
		return;
	uint64_t hash = hash_of(key);
	char *copy = strdup(key);
	uv_mutex_lock(&kept->lock);
	if (copy != NULL && find(kept, key, hash) == NULL) {
		struct entry *entry = oldest(kept);
		free(entry->key);
		*entry = (struct entry){.key = copy, .hash = hash, .used = ++kept->time, .assessment = *assessment};
		copy = NULL;
	}
	uv_mutex_unlock(&kept->lock);
	free(copy);
}
