/* The keeper. */
#include "server/access/keeper.h"

#include <limits.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "server/common/clock.h"
#include "server/common/file.h"
#include "server/http/log.h"

#define USE_FILE     "keys.used.json"
#define USE_WRITE_MS 60000 /* how far that file may lag behind */

struct keeper {
	char data_dir[PATH_MAX];
	bool required;
	pthread_mutex_t lock; /* of all below */
	struct keyring ring;
	bool broken;       /* the file cannot be read: nobody gets in by a key */
	bool lacking;      /* for want of a descriptor: it may be later */
	bool unlooked;     /* read anew since keeper_look */
	int64_t looked_at; /* ms, of keeper_look */
	struct buckets *buckets;
	json_t *used; /* {id: ms} */
	int64_t written_at;
	bool unwritten;
};

const char keeper_cannot_look[] = "too many files are open for the keys to be looked at";

static void read_ring(struct keeper *keeper)
{
	struct qlstm_error error = {0};
	keyring_free(&keeper->ring);
	bool was_broken = keeper->broken;
	int rc = keyring_read(keeper->data_dir, &keeper->ring, &error);
	if (rc == ERR_CORRUPT) { /* to the parser a lack of memory may look so: damaged is what is so twice */
		keyring_free(&keeper->ring);
		error_clear(&error);
		rc = keyring_read(keeper->data_dir, &keeper->ring, &error);
	}
	if (rc == ERR_OUT_OF_MEMORY)
		keyring_free(&keeper->ring); /* the next request reads it */
	keeper->broken = rc != 0;
	keeper->lacking = error.code == ERR_UNAVAILABLE;
	keeper->unlooked = true;
	if (keeper->broken && !was_broken)
		log_message("error", "keys: %s", error.message);
}

json_t *keeper_last_used(const char *data_dir)
{
	char path[PATH_MAX];
	int length = snprintf(path, sizeof path, "%s/" USE_FILE, data_dir);
	json_t *used = length > 0 && (size_t)length < sizeof path ? json_load_file(path, 0, NULL) : NULL;
	if (json_is_object(used))
		return used;
	json_decref(used);
	return json_object();
}

int keeper_open(struct keeper **out, const char *data_dir, bool required, struct qlstm_error *error)
{
	struct keeper *keeper = calloc(1, sizeof *keeper);
	if (keeper == NULL || pthread_mutex_init(&keeper->lock, NULL) != 0) {
		free(keeper);
		return error_set(error, ERR_OUT_OF_MEMORY, NULL, "no memory for the keys");
	}
	snprintf(keeper->data_dir, sizeof keeper->data_dir, "%s", data_dir);
	keeper->required = required;
	keeper->buckets = buckets_new();
	keeper->used = keeper_last_used(data_dir);
	keeper->written_at = clock_now_ms();
	int rc = keyring_read(data_dir, &keeper->ring, error);
	if (rc == 0)
		*out = keeper;
	else
		keeper_close(keeper);
	return rc;
}

/* Under the lock; what it returns (malloc) is written without it, for the loop thread waits for nobody's disk. */
static char *take_used(struct keeper *keeper)
{
	keeper->unwritten = false;
	keeper->written_at = clock_now_ms();
	return json_dumps(keeper->used, JSON_COMPACT);
}

/* Frees `text`, NULL: nothing is due. A lost write costs the time of a last use, no more; so a failure is not said. */
static void write_used(const struct keeper *keeper, char *text)
{
	if (text != NULL)
		file_write_atomic(keeper->data_dir, USE_FILE, text, strlen(text), NULL);
	free(text);
}

void keeper_close(struct keeper *keeper)
{
	if (keeper == NULL)
		return;
	if (keeper->unwritten)
		write_used(keeper, take_used(keeper));
	json_decref(keeper->used);
	buckets_free(keeper->buckets);
	keyring_free(&keeper->ring);
	pthread_mutex_destroy(&keeper->lock);
	free(keeper);
}

/* What stands behind "Bearer", or NULL. */
static const char *bearer(const char *authorization)
{
	static const char scheme[] = "Bearer";
	size_t length = sizeof scheme - 1;
	if (strncasecmp(authorization, scheme, length) != 0 || authorization[length] != ' ')
		return NULL;
	return authorization + length + strspn(authorization + length, " ");
}

/* Under the lock. */
static const char *find(const struct keeper *keeper, const char *authorization, const struct key **out)
{
	const char *text = bearer(authorization);
	char id[KEY_ID_SIZE];
	if (text == NULL || !key_text_id(text, id))
		return "the Authorization header does not hold a key: it is to be 'Bearer qlstmd_...'";
	if (keeper->lacking)
		return keeper_cannot_look;
	if (keeper->broken)
		return "the keys cannot be read; the service's log says why";
	const struct key *key = keyring_find(&keeper->ring, id);
	if (key == NULL || !key_matches(key, text))
		return "this is no key of this service, or it was rotated";
	if (key->revoked_at != 0)
		return "the key was revoked";
	if (!key_in_force(key, clock_now_ms()))
		return "the key has expired";
	*out = key;
	return NULL;
}

/* What is to be written, if it is time. */
static char *note_use(struct keeper *keeper, const struct key *key)
{
	int64_t now = clock_now_ms();
	json_object_set_new(keeper->used, key->id, json_integer(now));
	keeper->unwritten = true;
	bool due = now - keeper->written_at >= USE_WRITE_MS || now < keeper->written_at;
	return due ? take_used(keeper) : NULL;
}

static const char *admit_everybody(const struct keeper *keeper, struct caller *out)
{
	if (keeper->required)
		return "this needs a key: Authorization: Bearer KEY";
	*out = (struct caller){.principal = {.name = "everybody",
	                                     .scopes = 1U << SCOPE_READ | 1U << SCOPE_SUBMIT | 1U << SCOPE_ADMIN,
	                                     .viewer = {"", true}}};
	return NULL;
}

const char *keeper_admit(struct keeper *keeper, const char *authorization, struct caller *out)
{
	if (authorization == NULL)
		return admit_everybody(keeper, out);
	const struct key *key = NULL;
	char *used = NULL;
	pthread_mutex_lock(&keeper->lock);
	if (keyring_changed(keeper->data_dir, &keeper->ring))
		read_ring(keeper);
	const char *refusal = find(keeper, authorization, &key);
	if (refusal == NULL) {
		used = note_use(keeper, key);
		*out = (struct caller){.key = *key};
		if (key->rate > 0 && keeper->buckets != NULL)
			out->rate = bucket_take(keeper->buckets, key->id, key->rate, clock_monotonic());
		out->principal = key_principal(&out->key);
	}
	pthread_mutex_unlock(&keeper->lock);
	write_used(keeper, used);
	return refusal;
}

/* Keys that have changed are not read here: then the body is, and keeper_admit decides. */
bool keeper_may(struct keeper *keeper, const char *authorization)
{
	const struct key *key = NULL;
	if (authorization == NULL)
		return !keeper->required;
	pthread_mutex_lock(&keeper->lock);
	bool may = keyring_changed(keeper->data_dir, &keeper->ring) || find(keeper, authorization, &key) == NULL;
	pthread_mutex_unlock(&keeper->lock);
	return may;
}

bool keeper_look(struct keeper *keeper)
{
	int64_t now = clock_now_ms();
	pthread_mutex_lock(&keeper->lock);
	if (keyring_changed(keeper->data_dir, &keeper->ring))
		read_ring(keeper);
	bool changed = keeper->unlooked && !keeper->lacking; /* what cannot be read is no reason to end a stream */
	for (int i = 0; i < keeper->ring.count && !changed; i++) {
		int64_t end = keeper->ring.keys[i].expires_at;
		changed = end != 0 && end <= now && end > keeper->looked_at;
	}
	keeper->unlooked = keeper->lacking;
	keeper->looked_at = now;
	pthread_mutex_unlock(&keeper->lock);
	return changed;
}

bool keeper_holds(struct keeper *keeper, const char *mark)
{
	int64_t now = clock_now_ms();
	bool holds = false;
	pthread_mutex_lock(&keeper->lock);
	for (int i = 0; i < keeper->ring.count && !holds; i++)
		holds = strcmp(keeper->ring.keys[i].sha256, mark) == 0 && key_in_force(&keeper->ring.keys[i], now);
	pthread_mutex_unlock(&keeper->lock);
	return holds;
}

bool keeper_has_keys(struct keeper *keeper)
{
	bool found = false;
	pthread_mutex_lock(&keeper->lock);
	for (int i = 0; i < keeper->ring.count; i++)
		found = found || key_in_force(&keeper->ring.keys[i], clock_now_ms());
	pthread_mutex_unlock(&keeper->lock);
	return found;
}

json_t *keeper_list(struct keeper *keeper)
{
	json_t *items = json_array();
	pthread_mutex_lock(&keeper->lock);
	if (keyring_changed(keeper->data_dir, &keeper->ring))
		read_ring(keeper);
	for (int i = keeper->ring.count - 1; i >= 0; i--) {
		const struct key *key = &keeper->ring.keys[i];
		json_array_append_new(items, key_json(key, json_integer_value(json_object_get(keeper->used, key->id))));
	}
	pthread_mutex_unlock(&keeper->lock);
	return items;
}
