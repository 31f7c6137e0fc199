/* The keeper: who a request comes from, by its Authorization header.
 *
 * The keys are in memory; before each decision the file is looked at (one stat), so that a key revoked by
 * `qlstmd key revoke` opens nothing from the next request on. Thread-safe. */
#ifndef QLSTM_ACCESS_KEEPER_H
#define QLSTM_ACCESS_KEEPER_H

#include "server/access/bucket.h"
#include "server/access/keyring.h"

struct keeper;

/* `required`: without a key a request comes from nobody; else from everybody, who has every scope. A header that is no
 * key in force is nobody's in any case. ERR_CORRUPT, ERR_IO when the keys cannot be read. */
int keeper_open(struct keeper **out, const char *data_dir, bool required, struct qlstm_error *error);
/* Writes when keys were used last. NULL is fine. */
void keeper_close(struct keeper *keeper);

struct caller {
	struct principal principal; /* points into `key`, or to static storage */
	struct key key;             /* id "": everybody */
	struct bucket_state rate;   /* limit 0: none. Empty: the request is not to be served */
};
/* `authorization`: the header's value or NULL. NULL when *out says who it is, else why it is nobody: one sentence of
 * static storage. */
const char *keeper_admit(struct keeper *keeper, const char *authorization, struct caller *out);
/* The same from memory, for the loop thread: whether a body is worth reading. */
bool keeper_may(struct keeper *keeper, const char *authorization);

/* For what goes on after a request was let in, such as a stream: takes up what has changed on disk (it reads: for pool
 * threads). Whether a key may be void since the last look; then keeper_holds says, from memory, whether the secret with
 * this mark (struct principal) is in force. */
bool keeper_look(struct keeper *keeper);
bool keeper_holds(struct keeper *keeper, const char *mark);

/* What keeper_admit returns when it cannot tell now, for want of a descriptor. */
extern const char keeper_cannot_look[];

/* Whether any key is in force. */
bool keeper_has_keys(struct keeper *keeper);
/* All keys, newest first, as key_json shows them. New reference; NULL when out of memory. */
json_t *keeper_list(struct keeper *keeper);

/* When the keys of a folder were used last, as the daemon there last wrote it: {id: ms}. New reference, empty where
 * there is nothing to read. */
json_t *keeper_last_used(const char *data_dir);

#endif
