/* Brings what one worker reports into the store: in order, nothing left out, at most one write under way. What the
 * store refuses for now (a full disk) is tried again before anything later. Loop thread. */
#ifndef QLSTM_RUN_RECORDER_H
#define QLSTM_RUN_RECORDER_H

#include <uv.h>

#include "server/run/message.h"
#include "server/store/store.h"

struct recorder;

/* Called on the loop thread; none may close the recorder but the one given to recorder_finish. */
struct recorder_events {
	void (*stored)(void *context, const struct message *message); /* it is committed; once for each, in order */
	void (*moved)(void *context);                                 /* the queue became shorter */
	void (*stopping)(void *context, enum run_reason reason);      /* the row says that the attempt is to end */
	void (*fenced)(void *context); /* the token is no longer current: everything queued was dropped */
};

/* `token` and `events` are borrowed. */
int recorder_open(struct recorder **out, uv_loop_t *loop, struct store *store, const struct run_token *token,
                  const struct recorder_events *events, void *context, struct qlstm_error *error);
/* With nothing under way: after recorder_finish has called back, or without any recorder_add. */
void recorder_close(struct recorder *recorder);

/* Takes the message (malloc) over. */
void recorder_add(struct recorder *recorder, struct message *message);
int recorder_length(const struct recorder *recorder);

/* One last write, behind all messages. `done` gets the result: 0, or ERR_CONFLICT; other errors are retried for ever,
 * but for an impatient recorder. May be called again from within `done`. */
void recorder_finish(struct recorder *recorder, store_fn fn, void *argument, void (*done)(void *context, int code));

/* From now on a write that fails is dropped: the daemon is going, and recovery does the rest at the next start. */
void recorder_hurry(struct recorder *recorder);

#endif
