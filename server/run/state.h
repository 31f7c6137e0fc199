/* The life of an experiment: statuses, reasons, and every transition between them. Nothing else changes a status.
 *
 *            claim                 succeed
 *   queued ---------> running ------------------> succeeded
 *     |  ^             |   |  \      fail
 *     |  |   requeue   |   |   `----------------> failed
 *     |  `-------------'   | cancel
 *     | cancel             v            cancelled
 *     |               cancelling ---------------> cancelled
 *     `------------------------------------------> cancelled
 *
 * paused -> cancelled is allowed too; nothing leads to paused yet.
 *
 * The table of transitions in state.c is the whole truth; each function below is one SQL UPDATE guarded by the statuses
 * that the table allows and, where a worker speaks, by (id, attempt): exactly one caller sees it happen. */
#ifndef QLSTM_RUN_STATE_H
#define QLSTM_RUN_STATE_H

#include <stdbool.h>
#include <stdint.h>

#include "engine/error.h"
#include "server/store/db.h"

/* X(enumerator, name, terminal) */
#define RUN_STATUSES(X)                                                                                                \
	X(STATUS_QUEUED, "queued", false)                                                                              \
	X(STATUS_RUNNING, "running", false)                                                                            \
	X(STATUS_PAUSED, "paused", false)                                                                              \
	X(STATUS_CANCELLING, "cancelling", false)                                                                      \
	X(STATUS_SUCCEEDED, "succeeded", true)                                                                         \
	X(STATUS_FAILED, "failed", true)                                                                               \
	X(STATUS_CANCELLED, "cancelled", true)

enum run_status {
#define X(id, name, terminal) id,
	RUN_STATUSES(X)
#undef X
	    STATUS_COUNT
};

/* X(enumerator, name, taken up again while attempts are left) */
#define RUN_REASONS(X)                                                                                                 \
	X(REASON_NONE, "", false)                                                                                      \
	X(REASON_USER_CANCELLED, "user_cancelled", false)                                                              \
	X(REASON_USER_PAUSED, "user_paused", false)                                                                    \
	X(REASON_TIMEOUT, "timeout", false)                                                                            \
	X(REASON_OUT_OF_MEMORY, "out_of_memory", false)                                                                \
	X(REASON_WORKER_CRASHED, "worker_crashed", true)                                                               \
	X(REASON_WORKER_HUNG, "worker_hung", true)                                                                     \
	X(REASON_LEASE_LOST, "lease_lost", true)                                                                       \
	X(REASON_INVALID_DATA, "invalid_data", false)                                                                  \
	X(REASON_NAN_LOSS, "nan_loss", false)                                                                          \
	X(REASON_DISK_FULL, "disk_full", true)                                                                         \
	X(REASON_SHUTDOWN, "shutdown", true)                                                                           \
	X(REASON_TOO_MANY_ATTEMPTS, "too_many_attempts", false)                                                        \
	X(REASON_INTERNAL, "internal", false)

enum run_reason {
#define X(id, name, retry) id,
	RUN_REASONS(X)
#undef X
	    REASON_COUNT
};

const char *status_name(enum run_status status);
int status_from_name(const char *name, enum run_status *status); /* 0, or ERR_NOT_FOUND */
bool status_terminal(enum run_status status);
const char *reason_name(enum run_reason reason);
int reason_from_name(const char *name, enum run_reason *reason); /* 0, or ERR_NOT_FOUND */
bool reason_retried(enum run_reason reason);

#define RUN_ID_SIZE 27 /* ULID and its NUL */

struct run_token {
	char id[RUN_ID_SIZE];
	int attempt;
};

/* All below run on the store's writer thread (store_fn bodies call them) and take the time in ms. */

/* The oldest due queued experiment becomes running, attempt + 1. ERR_NOT_FOUND when none is due; *next_due (ms, 0:
 * none) then says when the next queued one will be. */
int state_claim(struct db *db, int64_t now, struct run_token *claimed, int64_t *next_due, struct qlstm_error *error);

/* running -> succeeded; from cancelling too: a result that arrived wins over a late cancel. ERR_CONFLICT when the token
 * is no longer current. */
int state_succeed(struct db *db, const struct run_token *token, int64_t now, struct qlstm_error *error);

/* The attempt ended without a result. From cancelling -> cancelled. From running: a retried reason with attempts left
 * -> queued again (run_at = now + full-jitter back-off; none for shutdown, which does not use up an attempt either),
 * with none left -> failed / too_many_attempts carrying the message, else -> failed. *now_status tells which. */
int state_end(struct db *db, const struct run_token *token, enum run_reason reason, const char *message, int64_t now,
              enum run_status *now_status, struct qlstm_error *error);

/* queued -> cancelled, running -> cancelling; cancelling and cancelled: nothing to do, 0; other terminal states:
 * ERR_CONFLICT; ERR_NOT_FOUND. *now_status tells where it stands after the call. */
int state_cancel(struct db *db, const char *id, int64_t now, enum run_status *now_status, struct qlstm_error *error);

/* At start-up, before listening: running -> queued with reason shutdown, cancelling -> cancelled. The daemon's death is
 * held against an attempt only if it had not done an epoch; after max_attempts + 5 such deaths and failures without an
 * epoch in between, the experiment is failed / too_many_attempts. */
int state_recover(struct db *db, int64_t now, int *requeued, int *cancelled, struct qlstm_error *error);

#endif
