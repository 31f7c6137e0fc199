/* Kept assessments. */
#include "server/api/parts/assessments.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <uv.h>

struct entry {
	char *key; /* NULL: free */
	uint64_t hash, used;
	struct assessment assessment;
};

struct assessments {
	uv_mutex_t lock; /* guards what follows */
	struct entry entries[ASSESSMENTS_MAX];
	uint64_t time; /* counts what was asked */
};

void assessment_free(struct assessment *assessment)
{
	free(assessment->rest_json);
	free(assessment->model_json);
	free(assessment->data_json);
	free(assessment->engine_json);
	free(assessment->dataset);
	*assessment = (struct assessment){0};
}

/* False without memory; then *out is empty. */
static bool copy(const struct assessment *from, struct assessment *out)
{
	*out = *from;
	out->rest_json = strdup(from->rest_json);
	out->model_json = strdup(from->model_json);
	out->data_json = strdup(from->data_json);
	out->engine_json = strdup(from->engine_json);
	out->dataset = strdup(from->dataset);
	if (out->rest_json != NULL && out->model_json != NULL && out->data_json != NULL && out->engine_json != NULL &&
	    out->dataset != NULL)
		return true;
	assessment_free(out);
	return false;
}

static size_t bytes_of(const struct assessment *assessment)
{
	return strlen(assessment->rest_json) + strlen(assessment->model_json) + strlen(assessment->data_json) +
	       strlen(assessment->engine_json) + strlen(assessment->dataset);
}

int assessments_open(struct assessments **out, struct qlstm_error *error)
{
	struct assessments *known = calloc(1, sizeof *known);
	if (known == NULL || uv_mutex_init(&known->lock) != 0) {
		free(known);
		return error_set(error, ERR_OUT_OF_MEMORY, NULL, "no memory for what is found of specs");
	}
	*out = known;
	return 0;
}

static void clear(struct entry *entry)
{
	free(entry->key);
	assessment_free(&entry->assessment);
	*entry = (struct entry){0};
}

void assessments_close(struct assessments *known)
{
	if (known == NULL)
		return;
	for (int i = 0; i < ASSESSMENTS_MAX; i++)
		clear(&known->entries[i]);
	uv_mutex_destroy(&known->lock);
	free(known);
}

/* FNV-1a. */
static uint64_t hash_of(const char *key)
{
	uint64_t hash = UINT64_C(14695981039346656037);
	for (; *key != '\0'; key++)
		hash = (hash ^ (unsigned char)*key) * UINT64_C(1099511628211);
	return hash;
}

static struct entry *find(struct assessments *known, const char *key, uint64_t hash)
{
	for (int i = 0; i < ASSESSMENTS_MAX; i++) {
		struct entry *entry = &known->entries[i];
		if (entry->key != NULL && entry->hash == hash && strcmp(entry->key, key) == 0)
			return entry;
	}
	return NULL;
}

bool assessments_find(struct assessments *known, const char *key, struct assessment *out)
{
	if (known == NULL || key == NULL)
		return false;
	uint64_t hash = hash_of(key);
	uv_mutex_lock(&known->lock);
	struct entry *entry = find(known, key, hash);
	if (entry != NULL)
		entry->used = ++known->time;
	bool found = entry != NULL && copy(&entry->assessment, out);
	uv_mutex_unlock(&known->lock);
	return found;
}

/* The one of this key, else a free one, else that which was not asked for the longest. */
static struct entry *place_for(struct assessments *known, const char *key, uint64_t hash)
{
	struct entry *place = find(known, key, hash);
	for (int i = 0; place == NULL && i < ASSESSMENTS_MAX; i++)
		if (known->entries[i].key == NULL)
			place = &known->entries[i];
	if (place != NULL)
		return place;
	place = &known->entries[0];
	for (int i = 1; i < ASSESSMENTS_MAX; i++)
		if (known->entries[i].used < place->used)
			place = &known->entries[i];
	return place;
}

void assessments_keep(struct assessments *known, const char *key, const struct assessment *assessment)
{
	struct entry made = {0};
	if (known == NULL || key == NULL || strlen(key) + bytes_of(assessment) > ASSESSMENTS_MAX_BYTES)
		return;
	made.key = strdup(key);
	made.hash = hash_of(key);
	if (made.key == NULL || !copy(assessment, &made.assessment)) {
		free(made.key);
		return;
	}
	uv_mutex_lock(&known->lock);
	struct entry *place = place_for(known, key, made.hash);
	struct entry old = *place;
	made.used = ++known->time;
	*place = made;
	uv_mutex_unlock(&known->lock);
	clear(&old);
}
