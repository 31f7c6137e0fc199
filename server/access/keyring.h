/* All keys of a data folder: DATA/keys.json, mode 0600.
 *
 * A file of its own and no table, because `qlstmd key` changes it while the daemon runs, and the database has one
 * writer (store/README.md). It is replaced as a whole, by temporary file, fsync and rename, under a lock on
 * DATA/keys.lock; whoever reads it sees one state or the next. Revoked and expired keys stay in it, so that their ids
 * in logs and lists keep a name. */
#ifndef QLSTM_ACCESS_KEYRING_H
#define QLSTM_ACCESS_KEYRING_H

#include <jansson.h>

#include "engine/error.h"
#include "server/access/key.h"

#define KEYRING_FILE "keys.json"

struct keyring {
	struct key *keys; /* owned; oldest first */
	int count;
	int file; /* what was read, held open: as long as it is, no other file has its inode number. -1: there is none
	           */
};

/* No file is no key. ERR_CORRUPT for a file that is not one of ours, ERR_IO. */
int keyring_read(const char *data_dir, struct keyring *out, struct qlstm_error *error);
void keyring_free(struct keyring *keyring);
/* Whether the file is another one than was read. */
bool keyring_changed(const char *data_dir, const struct keyring *keyring);
/* By id; NULL: none. */
const struct key *keyring_find(const struct keyring *keyring, const char *id);

/* Changes. Each is durable when it returns 0; `out` is the key as it then is, `text` what to show, once. */

/* Adds a key with the name, owner, scope and expiry of *key, whose other members are set. ERR_INVALID, ERR_CONFLICT for
 * a name that a key in force has. */
int keyring_add(const char *data_dir, struct key *key, char text[KEY_TEXT_SIZE], struct qlstm_error *error);
/* A new secret for the key in force of that id or name; the old one is void. ERR_NOT_FOUND. */
int keyring_rotate(const char *data_dir, const char *id_or_name, struct key *out, char text[KEY_TEXT_SIZE],
                   struct qlstm_error *error);
/* Ends it; one that was revoked before stays as it is. ERR_NOT_FOUND. */
int keyring_revoke(const char *data_dir, const char *id_or_name, struct key *out, struct qlstm_error *error);

/* One key as it is shown: without anything of its secret. `last_used_at` in ms, 0: unknown. New reference. */
json_t *key_json(const struct key *key, int64_t last_used_at);

#endif
