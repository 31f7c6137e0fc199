/* A key: what a client shows to say who it is.
 *
 * As text, "qlstmd_" and its id (a ULID), "_" and 43 letters that stand for 32 random bytes:
 *
 *     qlstmd_01M8G944P28EEAZZGJ2V4G326H_8nYB1ypAy3JKYqPVSxZ9v2Cdkpn1v9MWrH0bs2DjWqQ
 *
 * The text is shown once, when it is made. What is kept is its SHA-256: 256 random bits cannot be guessed from it, so
 * there is no need for a slow hash. The id is no secret; logs and lists name a key by it. */
#ifndef QLSTM_ACCESS_KEY_H
#define QLSTM_ACCESS_KEY_H

#include <stdbool.h>
#include <stdint.h>

#include "server/http/scope.h"

#define KEY_ID_SIZE   27
#define KEY_TEXT_SIZE 78
#define KEY_NAME_SIZE 65  /* of names and owners */
#define KEY_MAX_RATE  1e6 /* requests a second */

struct key {
	char id[KEY_ID_SIZE], sha256[65];
	char name[KEY_NAME_SIZE];  /* for people; of keys in force no two have the same */
	char owner[KEY_NAME_SIZE]; /* whom the rows belong to that it makes; keys may share one */
	enum scope scope;          /* the highest it has: each includes those below */
	struct quota quota;
	double rate;        /* requests a second; 0: as many as it likes */
	int64_t created_at; /* ms */
	int64_t expires_at; /* ms; 0: never */
	int64_t revoked_at; /* ms; 0: not */
};

/* Makes the text of a new secret for this id, and what is kept of it. Needs sodium_init. */
void key_secret_make(const char *id, char text[KEY_TEXT_SIZE], char sha256[65]);
/* The id in a text that has the form of a key. */
bool key_text_id(const char *text, char id[KEY_ID_SIZE]);
/* Whether the text is this key's, in a time that does not depend on where they differ. */
bool key_matches(const struct key *key, const char *text);
/* Neither revoked nor expired at this time. */
bool key_in_force(const struct key *key, int64_t now);

/* A name or an owner: 1 to 64 letters, digits, '.', '_', '@' or '-', the first a letter or digit. */
bool key_name_valid(const char *name);

/* Whom it stands for; the principal points into the key. */
struct principal key_principal(const struct key *key);

#endif
