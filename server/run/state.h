/* The life of an experiment: every transition between statuses (common/status.h). Nothing else changes a status.
 *
 *            claim                 succeed
 *   queued ---------> running ------------------> succeeded
 *     |  ^             |   |  \      fail
 *     |  |   requeue   |   |   `----------------> failed
 *     |  `-------------'   | cancel
 *     | cancel             v            stopped
 *     |               cancelling ---------------> cancelled
 *     `------------------------------------------> cancelled
 *
 *   queued, running -- pause --> paused -- resume --> queued         paused -- cancel --> cancelled
 *   failed, cancelled -- retry --> queued
 *
 * A queued one that is first and cannot run yet stays queued with the reason why (state_wait).
 *
 * A running one that is to pause stays `running` with the reason user_paused until its worker has written a checkpoint
 * and ended; resume before that takes the reason away, and the worker's end puts it back into the queue. Terminal are
 * succeeded, failed and cancelled: nothing leads out of them by itself, retry alone and by request out of the last two.
 *
 * The table of transitions in state.c is the whole truth; each function below is one SQL UPDATE guarded by the statuses
 * that the table allows and, where a worker speaks, by (id, attempt): exactly one caller sees it happen. */
#ifndef QLSTM_RUN_STATE_H
#define QLSTM_RUN_STATE_H

#include <stdint.h>

#include "engine/error.h"
#include "server/common/status.h"
#include "server/store/db.h"

#define STATE_LONGEST_BACKOFF_MS 30000

/* All below run on the store's writer thread (store_fn bodies call them) and take the time in ms. */

/* queued -> running, attempt + 1; which one is turn.h's to say. ERR_NOT_FOUND; ERR_CONFLICT in every other status. */
int state_claim(struct db *db, const char *id, int64_t now, struct run_token *claimed, struct qlstm_error *error);

/* A queued one stays so, and its row says what it waits for (REASON_WAITS_FOR_...) beside its turn; nothing happens
 * where it says so already. ERR_NOT_FOUND, ERR_CONFLICT. */
int state_wait(struct db *db, const char *id, enum run_reason reason, const char *message, int64_t now,
               struct qlstm_error *error);

/* running -> succeeded; from cancelling too: a result that arrived wins over a late cancel. ERR_CONFLICT when the token
 * is no longer current. */
int state_succeed(struct db *db, const struct run_token *token, int64_t now, struct qlstm_error *error);
/* The same with what people should know of the results; NULL: nothing. */
int state_succeed_with(struct db *db, const struct run_token *token, const char *warning, int64_t now,
                       struct qlstm_error *error);

/* The attempt ended without a result. From cancelling -> cancelled. From running, to be paused: -> paused, unless the
 * reason is one that is not taken up again. From running: a retried reason with attempts left
 * -> queued again (not_before = now + full-jitter back-off; none for shutdown and user_paused, which do not use up an
 * attempt either), with none left -> failed / too_many_attempts carrying the message, else -> failed. *now_status tells
 * which. */
int state_end(struct db *db, const struct run_token *token, enum run_reason reason, const char *message, int64_t now,
              enum run_status *now_status, struct qlstm_error *error);

/* queued -> cancelled, running -> cancelling; cancelling and cancelled: nothing to do, 0; other terminal states:
 * ERR_CONFLICT; ERR_NOT_FOUND. *now_status tells where it stands after the call. */
int state_cancel(struct db *db, const char *id, int64_t now, enum run_status *now_status, struct qlstm_error *error);

/* queued -> paused; a running one is to pause once its attempt has ended, whose worker the caller then tells
 * (scheduler_stop); one that is paused, or to be, already: nothing to do, 0; else ERR_CONFLICT. ERR_NOT_FOUND. */
int state_pause(struct db *db, const char *id, int64_t now, enum run_status *now_status, struct qlstm_error *error);

/* paused -> queued, at the end of the queue; one that is to pause is not any more; one that waits or runs: nothing to
 * do, 0; else ERR_CONFLICT. ERR_NOT_FOUND. */
int state_resume(struct db *db, const char *id, int64_t now, enum run_status *now_status, struct qlstm_error *error);

/* failed, cancelled -> queued with all its attempts; it goes on from its last checkpoint. Else ERR_CONFLICT.
 * ERR_NOT_FOUND. */
int state_retry(struct db *db, const char *id, int64_t now, struct qlstm_error *error);

/* At start-up, before listening: running -> queued with reason shutdown, or paused where it was to be; cancelling ->
 * cancelled. The daemon's death is
 * held against an attempt only if it had not done an epoch; after max_attempts + 5 such deaths and failures without an
 * epoch in between, the experiment is failed / too_many_attempts. */
int state_recover(struct db *db, int64_t now, int *requeued, int *cancelled, struct qlstm_error *error);

#endif
