/* Statuses of an experiment and reasons for them, by the names that the wire and the database use, and the token under
 * which a worker speaks. What leads from one status to another is run/state.h. */
#ifndef QLSTM_COMMON_STATUS_H
#define QLSTM_COMMON_STATUS_H

#include <stdbool.h>

#include "engine/error.h"

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
	X(REASON_WAITS_FOR_MEMORY, "waits_for_memory", false)                                                          \
	X(REASON_WAITS_FOR_QUOTA, "waits_for_quota", false)                                                            \
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

#define PRIORITY_MS 60000 /* by which one of priority 1 stands before one of priority 0 that came at the same time */

#define RUN_ID_SIZE 27 /* ULID and its NUL */

struct run_token {
	char id[RUN_ID_SIZE];
	int attempt;
};

#endif
