/* All keys of a data folder. */
#include "server/access/keyring.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "server/common/clock.h"
#include "server/common/file.h"

#define MAX_KEYS  10000
#define MAX_BYTES ((size_t)16 << 20)

static int path_of(const char *data_dir, const char *name, char path[PATH_MAX], struct qlstm_error *error)
{
	int length = snprintf(path, PATH_MAX, "%s/%s", data_dir, name);
	if (length > 0 && length < PATH_MAX)
		return 0;
	return error_set(error, ERR_IO, NULL, "the path of the data folder is too long");
}

static int out_of_memory(struct qlstm_error *error)
{
	return error_set(error, ERR_OUT_OF_MEMORY, NULL, "no memory for the keys");
}

/* The member as text that fits; false where it does not. */
static bool read_text(const json_t *item, const char *name, char *out, size_t size)
{
	const char *text = json_string_value(json_object_get(item, name));
	return text != NULL && (size_t)snprintf(out, size, "%s", text) < size;
}

static bool read_key(const json_t *item, struct key *key)
{
	char scope[16];
	*key = (struct key){.created_at = json_integer_value(json_object_get(item, "created_at")),
	                    .expires_at = json_integer_value(json_object_get(item, "expires_at")),
	                    .revoked_at = json_integer_value(json_object_get(item, "revoked_at")),
	                    .quota = {json_integer_value(json_object_get(item, "max_queued")),
	                              json_integer_value(json_object_get(item, "max_running")),
	                              json_integer_value(json_object_get(item, "max_bytes"))},
	                    .rate = json_number_value(json_object_get(item, "rate"))};
	if (!read_text(item, "id", key->id, sizeof key->id) ||
	    !read_text(item, "sha256", key->sha256, sizeof key->sha256) ||
	    !read_text(item, "name", key->name, sizeof key->name) ||
	    !read_text(item, "owner", key->owner, sizeof key->owner) || !read_text(item, "scope", scope, sizeof scope))
		return false;
	key->scope = scope_from_name(scope);
	return key->rate >= 0 && key->quota.queued >= 0 && key->quota.running >= 0 && key->quota.bytes >= 0 &&
	       key->scope != SCOPE_NONE && key->scope != SCOPE_COUNT && ulid_valid(key->id) &&
	       strlen(key->sha256) == 64 && key_name_valid(key->name) && key_name_valid(key->owner);
}

/* What the file holds of a key. */
static json_t *write_key(const struct key *key)
{
	return json_pack("{ss, ss, ss, ss, ss, sI, sI, sI, sI, sI, sI, sf}", "id", key->id, "name", key->name, "owner",
	                 key->owner, "scope", scope_name(key->scope), "sha256", key->sha256, "created_at",
	                 (json_int_t)key->created_at, "expires_at", (json_int_t)key->expires_at, "revoked_at",
	                 (json_int_t)key->revoked_at, "max_queued", (json_int_t)key->quota.queued, "max_running",
	                 (json_int_t)key->quota.running, "max_bytes", (json_int_t)key->quota.bytes, "rate", key->rate);
}

static int parse(const json_t *root, struct keyring *out, struct qlstm_error *error)
{
	const json_t *items = json_object_get(root, "keys"), *item;
	size_t i, count = json_array_size(items);
	if (!json_is_array(items) || count > MAX_KEYS)
		return error_set(error, ERR_CORRUPT, NULL, KEYRING_FILE " is damaged: it has no list of keys");
	out->keys = calloc(count > 0 ? count : 1, sizeof *out->keys);
	if (out->keys == NULL)
		return out_of_memory(error);
	json_array_foreach(items, i, item)
	{
		if (!read_key(item, &out->keys[out->count]))
			return error_set(error, ERR_CORRUPT, NULL, KEYRING_FILE " is damaged: key %zu cannot be read",
			                 i + 1);
		out->count++;
	}
	return 0;
}

int keyring_read(const char *data_dir, struct keyring *out, struct qlstm_error *error)
{
	char path[PATH_MAX];
	*out = (struct keyring){.file = -1};
	int rc = path_of(data_dir, KEYRING_FILE, path, error);
	if (rc != 0)
		return rc;
	out->file = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (out->file < 0 && errno == ENOENT)
		return 0;
	if (out->file < 0)
		return error_set(error, file_error_code(errno), NULL, "cannot open %s: %s", path, strerror(errno));
	unsigned char *text = NULL;
	size_t length = 0;
	rc = file_read_open(out->file, path, MAX_BYTES, &text, &length, error);
	if (rc == ERR_OUT_OF_MEMORY)
		return rc;
	if (rc != 0)
		return error_set(error, ERR_CORRUPT, NULL, "%s is no file of keys", path);
	json_error_t where;
	json_t *root = json_loadb((const char *)text, length, 0, &where);
	free(text);
	if (root != NULL)
		rc = parse(root, out, error);
	else if (json_error_code(&where) == json_error_out_of_memory)
		rc = out_of_memory(error);
	else
		rc = error_set(error, ERR_CORRUPT, NULL, "%s is damaged: %s", path, where.text);
	json_decref(root);
	return rc;
}

void keyring_free(struct keyring *keyring)
{
	free(keyring->keys);
	if (keyring->file >= 0)
		close(keyring->file);
	*keyring = (struct keyring){.file = -1};
}

bool keyring_changed(const char *data_dir, const struct keyring *keyring)
{
	char path[PATH_MAX];
	struct stat on_disk, held;
	if (path_of(data_dir, KEYRING_FILE, path, NULL) != 0 || lstat(path, &on_disk) != 0)
		return keyring->file >= 0;
	return keyring->file < 0 || fstat(keyring->file, &held) != 0 || held.st_ino != on_disk.st_ino ||
	       held.st_dev != on_disk.st_dev;
}

const struct key *keyring_find(const struct keyring *keyring, const char *id)
{
	for (int i = 0; i < keyring->count; i++)
		if (strcmp(keyring->keys[i].id, id) == 0)
			return &keyring->keys[i];
	return NULL;
}

static int write_ring(const char *data_dir, const struct keyring *ring, struct qlstm_error *error)
{
	json_t *items = json_array();
	int rc = 0;
	for (int i = 0; rc == 0 && i < ring->count; i++)
		rc = json_array_append_new(items, write_key(&ring->keys[i]));
	json_t *root = json_pack("{so}", "keys", items);
	char *text = rc == 0 && root != NULL ? json_dumps(root, JSON_INDENT(1)) : NULL;
	json_decref(root);
	if (text == NULL)
		return out_of_memory(error);
	rc = file_write_atomic(data_dir, KEYRING_FILE, text, strlen(text), error);
	free(text);
	return rc;
}

/* Held while the file is read, changed and written; a file beside it, for the file itself is replaced. */
static int lock(const char *data_dir, int *out, struct qlstm_error *error)
{
	char path[PATH_MAX];
	int rc = path_of(data_dir, "keys.lock", path, error);
	if (rc != 0)
		return rc;
	*out = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (*out < 0)
		return error_set(error, file_error_code(errno), NULL, "cannot open %s: %s", path, strerror(errno));
	while (flock(*out, LOCK_EX) != 0)
		if (errno != EINTR) {
			close(*out);
			return error_set(error, ERR_IO, NULL, "cannot lock %s: %s", path, strerror(errno));
		}
	return 0;
}

/* A change of the keys read, 0 to write them. */
typedef int (*change_fn)(struct keyring *ring, void *argument, struct qlstm_error *error);

static int change(const char *data_dir, change_fn fn, void *argument, struct qlstm_error *error)
{
	struct keyring ring;
	int held, rc = lock(data_dir, &held, error);
	if (rc != 0)
		return rc;
	rc = keyring_read(data_dir, &ring, error);
	if (rc == 0)
		rc = fn(&ring, argument, error);
	if (rc == 0)
		rc = write_ring(data_dir, &ring, error);
	keyring_free(&ring);
	close(held);
	return rc;
}

/* In force, by id or name. */
static struct key *find_live(struct keyring *ring, const char *id_or_name)
{
	int64_t now = clock_now_ms();
	for (int i = 0; i < ring->count; i++)
		if (key_in_force(&ring->keys[i], now) &&
		    (strcmp(ring->keys[i].id, id_or_name) == 0 || strcmp(ring->keys[i].name, id_or_name) == 0))
			return &ring->keys[i];
	return NULL;
}

struct edit {
	const char *id_or_name;
	struct key *key;
	char *text;
};

static int change_add(struct keyring *ring, void *argument, struct qlstm_error *error)
{
	struct edit *edit = argument;
	struct key *key = edit->key;
	if (ring->count >= MAX_KEYS)
		return error_set(error, ERR_CONFLICT, NULL, "there are %d keys; no more are kept", MAX_KEYS);
	if (find_live(ring, key->name) != NULL)
		return error_set(error, ERR_CONFLICT, "/name",
		                 "a key in force has the name '%s'; revoke or rotate it, or take another", key->name);
	struct key *longer = realloc(ring->keys, ((size_t)ring->count + 1) * sizeof *longer);
	if (longer == NULL)
		return out_of_memory(error);
	ulid_make(key->id);
	key->created_at = clock_now_ms();
	key->revoked_at = 0;
	key_secret_make(key->id, edit->text, key->sha256);
	ring->keys = longer;
	ring->keys[ring->count++] = *key;
	return 0;
}

int keyring_add(const char *data_dir, struct key *key, char text[KEY_TEXT_SIZE], struct qlstm_error *error)
{
	if (!key_name_valid(key->name) || !key_name_valid(key->owner))
		return error_set(
		    error, ERR_INVALID, key_name_valid(key->name) ? "/owner" : "/name",
		    "a name or owner of a key has 1 to %d letters, digits, '.', '_', '@' or '-', and begins "
		    "with a letter or a digit",
		    KEY_NAME_SIZE - 1);
	if (key->scope <= SCOPE_NONE || key->scope >= SCOPE_COUNT)
		return error_set(error, ERR_INVALID, "/scope", "the scope of a key is read, submit or admin");
	if (!(key->rate >= 0 && key->rate <= KEY_MAX_RATE) || key->quota.queued < 0 || key->quota.running < 0 ||
	    key->quota.bytes < 0)
		return error_set(error, ERR_OUT_OF_RANGE, NULL,
		                 "a key's limits are 0 (none) or more, its rate up to %g a second", KEY_MAX_RATE);
	if (key->expires_at != 0 && key->expires_at <= clock_now_ms())
		return error_set(error, ERR_OUT_OF_RANGE, "/expires_at", "a key cannot expire before it is made");
	return change(data_dir, change_add, &(struct edit){NULL, key, text}, error);
}

static int not_found(const char *id_or_name, struct qlstm_error *error)
{
	return error_set(error, ERR_NOT_FOUND, NULL, "no key in force has the id or name '%.100s'", id_or_name);
}

static int change_rotate(struct keyring *ring, void *argument, struct qlstm_error *error)
{
	struct edit *edit = argument;
	struct key *key = find_live(ring, edit->id_or_name);
	if (key == NULL)
		return not_found(edit->id_or_name, error);
	key_secret_make(key->id, edit->text, key->sha256);
	*edit->key = *key;
	return 0;
}

int keyring_rotate(const char *data_dir, const char *id_or_name, struct key *out, char text[KEY_TEXT_SIZE],
                   struct qlstm_error *error)
{
	return change(data_dir, change_rotate, &(struct edit){id_or_name, out, text}, error);
}

static int change_revoke(struct keyring *ring, void *argument, struct qlstm_error *error)
{
	struct edit *edit = argument;
	struct key *key = find_live(ring, edit->id_or_name);
	for (int i = 0; key == NULL && i < ring->count; i++) /* by id also one that is over */
		if (strcmp(ring->keys[i].id, edit->id_or_name) == 0)
			key = &ring->keys[i];
	if (key == NULL)
		return not_found(edit->id_or_name, error);
	if (key->revoked_at == 0)
		key->revoked_at = clock_now_ms();
	*edit->key = *key;
	return 0;
}

int keyring_revoke(const char *data_dir, const char *id_or_name, struct key *out, struct qlstm_error *error)
{
	return change(data_dir, change_revoke, &(struct edit){id_or_name, out, NULL}, error);
}

static json_t *time_json(int64_t ms)
{
	char text[25];
	clock_iso8601(ms, text);
	return ms != 0 ? json_string(text) : json_null();
}

static json_t *limit_json(double limit)
{
	return limit == 0                        ? json_null()
	       : limit == (double)(int64_t)limit ? json_integer((json_int_t)limit)
	                                         : json_real(limit);
}

json_t *key_json(const struct key *key, int64_t last_used_at)
{
	return json_pack("{ss, ss, ss, ss, so, so, so, so, so, so, so, so}", "id", key->id, "name", key->name, "owner",
	                 key->owner, "scope", scope_name(key->scope), "created_at", time_json(key->created_at),
	                 "expires_at", time_json(key->expires_at), "revoked_at", time_json(key->revoked_at),
	                 "last_used_at", time_json(last_used_at), "max_queued", limit_json((double)key->quota.queued),
	                 "max_running", limit_json((double)key->quota.running), "max_bytes",
	                 limit_json((double)key->quota.bytes), "rate", limit_json(key->rate));
}
