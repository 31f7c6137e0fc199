/* The life of an experiment. */
#include "server/run/state.h"

#include <sodium.h>
#include <stdio.h>
#include <string.h>

#include "engine/utf8.h"
#include "server/store/rows.h"
#include "server/store/transitions.h"

/* Between the end of one attempt and the next: uniform between 0 and the base doubled for each failure, capped. */
enum { BACKOFF_BASE_MS = 500, BACKOFF_CAP_MS = STATE_LONGEST_BACKOFF_MS };

/* How many more times than max_attempts an experiment may be running, without one epoch done, when the daemon dies:
 * enough that nobody loses an accepted one by restarting, and an end for one that takes the machine down. */
enum { DAEMON_DEATHS_GRANTED = 5 };

/* All that can happen to an experiment... */
enum event {
	EVENT_CLAIM,   /* the scheduler takes it */
	EVENT_WAIT,    /* it is first in the queue, and the scheduler cannot take it yet */
	EVENT_SUCCEED, /* its results are verified */
	EVENT_REQUEUE, /* the attempt ended and another one follows */
	EVENT_FAIL,    /* the attempt ended and was the last */
	EVENT_CANCEL,  /* somebody asked for it */
	EVENT_STOPPED, /* the cancelled attempt ended */
	EVENT_PAUSE,   /* somebody asked for it; of a running one it is remembered as its reason, user_paused */
	EVENT_PAUSED,  /* the attempt that was to pause ended */
	EVENT_RESUME,  /* somebody asked for it: a paused one waits again, one that is to pause goes on */
	EVENT_RETRY,   /* somebody asked for it: the only way out of a terminal status */
};

/* ...and when it may. What is not here is forbidden. */
static const struct {
	enum event event;
	enum run_status from, to;
} transitions[] = {
    {EVENT_CLAIM, STATUS_QUEUED, STATUS_RUNNING},      {EVENT_WAIT, STATUS_QUEUED, STATUS_QUEUED},
    {EVENT_SUCCEED, STATUS_RUNNING, STATUS_SUCCEEDED}, {EVENT_SUCCEED, STATUS_CANCELLING, STATUS_SUCCEEDED},
    {EVENT_REQUEUE, STATUS_RUNNING, STATUS_QUEUED},    {EVENT_FAIL, STATUS_RUNNING, STATUS_FAILED},
    {EVENT_CANCEL, STATUS_QUEUED, STATUS_CANCELLED},   {EVENT_CANCEL, STATUS_PAUSED, STATUS_CANCELLED},
    {EVENT_CANCEL, STATUS_RUNNING, STATUS_CANCELLING}, {EVENT_STOPPED, STATUS_CANCELLING, STATUS_CANCELLED},
    {EVENT_PAUSE, STATUS_QUEUED, STATUS_PAUSED},       {EVENT_PAUSE, STATUS_RUNNING, STATUS_RUNNING},
    {EVENT_PAUSED, STATUS_RUNNING, STATUS_PAUSED},     {EVENT_RESUME, STATUS_PAUSED, STATUS_QUEUED},
    {EVENT_RESUME, STATUS_RUNNING, STATUS_RUNNING},    {EVENT_RETRY, STATUS_FAILED, STATUS_QUEUED},
    {EVENT_RETRY, STATUS_CANCELLED, STATUS_QUEUED},
};

/* One change of one row. */
struct change {
	enum event event;
	enum run_reason reason;
	const char *message;           /* NULL: none */
	int64_t now, not_before;       /* not_before 0: it waits for nothing but its turn */
	bool again;                    /* it waits as if it were posted now; else its place in the queue stays */
	int failures, daemon_failures; /* added to the columns */
};

/* What of a row decides about its next change. */
struct standing {
	struct run_token token;
	enum run_status status;
	enum run_reason reason;
	bool pausing; /* running, and to be paused at the end of the attempt */
	int max_attempts, attempt_epochs, failures, daemon_failures;
};

static int find_transition(enum event event, enum run_status from, enum run_status *to)
{
	for (size_t i = 0; i < sizeof transitions / sizeof *transitions; i++) {
		if (transitions[i].event == event && transitions[i].from == from) {
			*to = transitions[i].to;
			return 0;
		}
	}
	return ERR_CONFLICT;
}

static int stale(const struct run_token *token, struct qlstm_error *error)
{
	return error_set(error, ERR_CONFLICT, NULL, "attempt %d of %s is no longer current", token->attempt, token->id);
}

#define SELECT_STANDING                                                                                                \
	"SELECT id, attempt, status, max_attempts, attempt_epochs, failures, daemon_failures,"                         \
	" reason FROM experiment "

/* Reads the row of the query at hand, which starts with SELECT_STANDING, and finishes it. */
static int read_standing(struct db *db, struct standing *out, struct qlstm_error *error)
{
	bool found = db_step(db) > 0;
	int rc = 0;
	if (found) {
		column_text(db, 0, out->token.id, sizeof out->token.id);
		out->token.attempt = (int)db_int(db, 1);
		rc = status_from_name(db_text(db, 2), &out->status);
		out->max_attempts = (int)db_int(db, 3);
		out->attempt_epochs = (int)db_int(db, 4);
		out->failures = (int)db_int(db, 5);
		out->daemon_failures = (int)db_int(db, 6);
		if (db_is_null(db, 7) || reason_from_name(db_text(db, 7), &out->reason) != 0)
			out->reason = REASON_NONE;
		out->pausing = out->status == STATUS_RUNNING && out->reason == REASON_USER_PAUSED;
	}
	if (db_finish(db) != 0)
		return db_error(db, error);
	if (rc != 0)
		return error_set(error, ERR_CORRUPT, NULL, "experiment %s has an unknown status", out->token.id);
	return found ? 0 : ERR_NOT_FOUND;
}

static int find_standing(struct db *db, const char *id, struct standing *out, struct qlstm_error *error)
{
	db_query(db, SELECT_STANDING "WHERE id = :id");
	db_bind_text(db, ":id", id);
	int rc = read_standing(db, out, error);
	return rc == ERR_NOT_FOUND ? error_set(error, rc, NULL, "there is no experiment '%s'", id) : rc;
}

/* The one UPDATE of a status: guarded by what the caller saw, so that a row that moved on does not change. */
static int update_row(struct db *db, const struct standing *standing, enum run_status to, const struct change *change,
                      struct qlstm_error *error)
{
	db_query(db, "UPDATE experiment SET status = :to, reason = :reason, reason_message = :message,"
	             " version = version + 1,"
	             " run_at = iif(:again, :now - :priority_ms * coalesce(json_extract(spec_json, '$.priority'), 0),"
	             "              run_at), not_before = :not_before,"
	             " failures = iif(:retry, 0, failures + :failures),"
	             " daemon_failures = iif(:retry, 0, daemon_failures + :daemon_failures),"
	             " attempt = attempt + :claimed,"
	             " attempt_epochs = iif(:claimed, 0, attempt_epochs),"
	             " started_at = iif(:claimed, coalesce(started_at, :now), started_at),"
	             " attempt_started_at = iif(:claimed, :now, attempt_started_at),"
	             " worker_pid = iif(:works, worker_pid, NULL), heartbeat_at = iif(:works, heartbeat_at, NULL),"
	             " finished_at = iif(:terminal, :now, NULL)"
	             " WHERE id = :id AND attempt = :attempt AND status = :from");
	db_bind_text(db, ":to", status_name(to));
	db_bind_text(db, ":reason", change->reason == REASON_NONE ? NULL : reason_name(change->reason));
	db_bind_text(db, ":message", change->message);
	db_bind_int(db, ":not_before", change->not_before);
	db_bind_int(db, ":again", change->again);
	db_bind_int(db, ":priority_ms", PRIORITY_MS);
	db_bind_int(db, ":failures", change->failures);
	db_bind_int(db, ":daemon_failures", change->daemon_failures);
	db_bind_int(db, ":claimed", change->event == EVENT_CLAIM);
	db_bind_int(db, ":retry", change->event == EVENT_RETRY);
	db_bind_int(db, ":works",
	            standing->status == STATUS_RUNNING && (to == STATUS_RUNNING || to == STATUS_CANCELLING));
	db_bind_int(db, ":terminal", status_terminal(to));
	db_bind_int(db, ":now", change->now);
	db_bind_text(db, ":id", standing->token.id);
	db_bind_int(db, ":attempt", standing->token.attempt);
	db_bind_text(db, ":from", status_name(standing->status));
	if (db_run(db) != 0)
		return db_error(db, error);
	return db_changes(db) == 1 ? 0 : stale(&standing->token, error);
}

/* Makes the event happen to the row: status, version, history. `standing` follows. */
static int apply(struct db *db, struct standing *standing, const struct change *change, struct qlstm_error *error)
{
	enum run_status to = standing->status;
	if (find_transition(change->event, standing->status, &to) != 0)
		return error_set(error, ERR_CONFLICT, NULL, "the experiment is %s", status_name(standing->status));
	int rc = update_row(db, standing, to, change, error);
	if (rc != 0)
		return rc;
	if (change->event == EVENT_CLAIM)
		standing->token.attempt++;
	struct transition_row row = {.at = change->now, .attempt = standing->token.attempt};
	snprintf(row.from_status, sizeof row.from_status, "%s", status_name(standing->status));
	snprintf(row.to_status, sizeof row.to_status, "%s", status_name(to));
	snprintf(row.reason, sizeof row.reason, "%s", reason_name(change->reason));
	if (change->message != NULL)
		memcpy(row.message, change->message, utf8_cut(change->message, sizeof row.message - 1));
	standing->status = to;
	return transition_insert(db, standing->token.id, &row, error);
}

int state_claim(struct db *db, const char *id, int64_t now, struct run_token *claimed, struct qlstm_error *error)
{
	struct standing standing = {0};
	int rc = find_standing(db, id, &standing, error);
	if (rc == 0)
		rc = apply(db, &standing, &(struct change){.event = EVENT_CLAIM, .now = now}, error);
	*claimed = standing.token;
	return rc;
}

int state_wait(struct db *db, const char *id, enum run_reason reason, const char *message, int64_t now,
               struct qlstm_error *error)
{
	struct standing standing = {0};
	int rc = find_standing(db, id, &standing, error);
	if (rc != 0 || standing.reason == reason)
		return rc;
	return apply(db, &standing,
	             &(struct change){.event = EVENT_WAIT, .reason = reason, .message = message, .now = now}, error);
}

/* The row, if the token is still its. */
static int find_current(struct db *db, const struct run_token *token, struct standing *out, struct qlstm_error *error)
{
	int rc = find_standing(db, token->id, out, error);
	if (rc == 0 && out->token.attempt != token->attempt)
		rc = stale(token, error);
	return rc;
}

int state_succeed(struct db *db, const struct run_token *token, int64_t now, struct qlstm_error *error)
{
	return state_succeed_with(db, token, NULL, now, error);
}

int state_succeed_with(struct db *db, const struct run_token *token, const char *warning, int64_t now,
                       struct qlstm_error *error)
{
	struct standing standing = {0};
	const struct change change = {.event = EVENT_SUCCEED, .message = warning, .now = now};
	int rc = find_current(db, token, &standing, error);
	return rc != 0 ? rc : apply(db, &standing, &change, error);
}

/* Full jitter: uniform between 0 and the whole back-off, so that runs that failed together do not return together. */
static int64_t backoff_ms(int failures)
{
	int64_t bound = BACKOFF_BASE_MS;
	for (int i = 1; i < failures && bound < BACKOFF_CAP_MS; i++)
		bound *= 2;
	if (bound > BACKOFF_CAP_MS)
		bound = BACKOFF_CAP_MS;
	return (int64_t)randombytes_uniform((uint32_t)bound + 1);
}

int state_end(struct db *db, const struct run_token *token, enum run_reason reason, const char *message, int64_t now,
              enum run_status *now_status, struct qlstm_error *error)
{
	struct standing standing = {0};
	int rc = find_current(db, token, &standing, error);
	if (rc != 0)
		return rc;
	struct change change = {.event = EVENT_FAIL, .reason = reason, .message = message, .now = now};
	char last_words[sizeof((struct qlstm_error *)0)->message];
	bool passes = reason == REASON_SHUTDOWN || reason == REASON_USER_PAUSED;
	if (standing.status == STATUS_CANCELLING) {
		change.event = EVENT_STOPPED;
		change.reason = REASON_USER_CANCELLED;
		change.message = NULL;
	} else if (standing.pausing && (passes || reason_retried(reason))) {
		change.event = EVENT_PAUSED;
		change.reason = REASON_USER_PAUSED;
		change.message = passes ? NULL : message;
	} else if (passes) {
		change.event = EVENT_REQUEUE;
	} else if (reason_retried(reason)) {
		change.failures = 1;
		if (standing.failures + 1 < standing.max_attempts) {
			change.event = EVENT_REQUEUE;
			change.not_before = now + backoff_ms(standing.failures + 1);
		} else {
			snprintf(last_words, sizeof last_words, "%s%s%s", reason_name(reason),
			         message != NULL ? ": " : "", message != NULL ? message : "");
			last_words[utf8_cut(last_words, sizeof last_words - 2)] = '\0';
			change.reason = REASON_TOO_MANY_ATTEMPTS;
			change.message = last_words;
		}
	}
	rc = apply(db, &standing, &change, error);
	*now_status = standing.status;
	return rc;
}

int state_cancel(struct db *db, const char *id, int64_t now, enum run_status *now_status, struct qlstm_error *error)
{
	struct standing standing = {0};
	int rc = find_standing(db, id, &standing, error);
	if (rc != 0)
		return rc;
	struct change change = {.event = EVENT_CANCEL, .reason = REASON_USER_CANCELLED, .now = now};
	bool asked_before = standing.status == STATUS_CANCELLING || standing.status == STATUS_CANCELLED;
	if (!asked_before)
		rc = apply(db, &standing, &change, error);
	*now_status = standing.status;
	return rc;
}

int state_pause(struct db *db, const char *id, int64_t now, enum run_status *now_status, struct qlstm_error *error)
{
	struct standing standing = {0};
	int rc = find_standing(db, id, &standing, error);
	if (rc != 0)
		return rc;
	if (standing.status != STATUS_PAUSED && !standing.pausing)
		rc = apply(db, &standing,
		           &(struct change){.event = EVENT_PAUSE, .reason = REASON_USER_PAUSED, .now = now}, error);
	*now_status = standing.status;
	return rc;
}

int state_resume(struct db *db, const char *id, int64_t now, enum run_status *now_status, struct qlstm_error *error)
{
	struct standing standing = {0};
	int rc = find_standing(db, id, &standing, error);
	if (rc != 0)
		return rc;
	struct change change = {.event = EVENT_RESUME, .now = now};
	bool waits = standing.status == STATUS_QUEUED, goes_on = standing.status == STATUS_RUNNING && !standing.pausing;
	change.again = standing.status == STATUS_PAUSED;
	if (!waits && !goes_on)
		rc = apply(db, &standing, &change, error);
	*now_status = standing.status;
	return rc;
}

int state_retry(struct db *db, const char *id, int64_t now, struct qlstm_error *error)
{
	struct standing standing = {0};
	int rc = find_standing(db, id, &standing, error);
	return rc != 0 ? rc
	               : apply(db, &standing, &(struct change){.event = EVENT_RETRY, .now = now, .again = true}, error);
}

/* What becomes of a run whose daemon died. Only one that had not done an epoch is under suspicion. */
static struct change judge_orphan(const struct standing *standing, int64_t now)
{
	struct change change = {.event = EVENT_REQUEUE,
	                        .reason = REASON_SHUTDOWN,
	                        .message = "the daemon ended while the experiment was running",
	                        .now = now};
	if (standing->status == STATUS_CANCELLING) {
		change.event = EVENT_STOPPED;
		change.reason = REASON_USER_CANCELLED;
		change.message = NULL;
	} else if (standing->pausing) {
		change.event = EVENT_PAUSED;
		change.reason = REASON_USER_PAUSED;
		change.message = NULL;
	} else if (standing->attempt_epochs == 0) {
		change.daemon_failures = 1;
		int deaths = standing->failures + standing->daemon_failures + 1;
		if (deaths >= standing->max_attempts + DAEMON_DEATHS_GRANTED) {
			change.event = EVENT_FAIL;
			change.reason = REASON_TOO_MANY_ATTEMPTS;
			change.message = "the daemon died too often before a first epoch was done";
		}
	}
	return change;
}

int state_recover(struct db *db, int64_t now, int *requeued, int *cancelled, struct qlstm_error *error)
{
	*requeued = *cancelled = 0;
	for (;;) {
		struct standing standing = {0};
		db_query(db, SELECT_STANDING
		         "INDEXED BY experiment_live WHERE status IN ('running', 'cancelling') LIMIT 1");
		int rc = read_standing(db, &standing, error);
		if (rc == ERR_NOT_FOUND)
			return 0;
		struct change change = judge_orphan(&standing, now);
		if (rc == 0)
			rc = apply(db, &standing, &change, error);
		if (rc != 0)
			return rc;
		*requeued += standing.status == STATUS_QUEUED;
		*cancelled += standing.status == STATUS_CANCELLED;
	}
}
