/* Brings what one worker reports into the store. */
#include "server/run/recorder.h"

#include <stdlib.h>

enum { MAX_BATCH = 64, RETRY_MS = 1000 };

struct recorder {
	struct store *store;
	const struct run_token *token;
	const struct recorder_events *events;
	void *context;
	uv_timer_t *retry;            /* freed by its close callback */
	struct message *first, **end; /* waiting; the first n_batch of them are under way */
	int length, n_batch;
	bool busy, hurried;
	enum run_reason stopping; /* written by the writer thread while busy; REASON_NONE: it goes on */
	store_fn last_fn;
	void *last_argument;
	void (*last_done)(void *context, int code);
};

static void advance(struct recorder *recorder);

static void free_handle(uv_handle_t *handle)
{
	free(handle);
}

static void on_retry(uv_timer_t *timer)
{
	advance(timer->data);
}

int recorder_open(struct recorder **out, uv_loop_t *loop, struct store *store, const struct run_token *token,
                  const struct recorder_events *events, void *context, struct qlstm_error *error)
{
	struct recorder *recorder = calloc(1, sizeof *recorder);
	uv_timer_t *retry = malloc(sizeof *retry);
	if (recorder == NULL || retry == NULL) {
		free(retry);
		free(recorder);
		return error_set(error, ERR_OUT_OF_MEMORY, NULL, "no memory for a recorder");
	}
	*recorder =
	    (struct recorder){.store = store, .token = token, .events = events, .context = context, .retry = retry};
	recorder->end = &recorder->first;
	uv_timer_init(loop, retry);
	retry->data = recorder;
	*out = recorder;
	return 0;
}

/* Frees the first `count` messages. */
static void drop(struct recorder *recorder, int count)
{
	for (int i = 0; i < count; i++) {
		struct message *message = recorder->first;
		recorder->first = message->next;
		free(message);
	}
	recorder->length -= count;
	if (recorder->first == NULL)
		recorder->end = &recorder->first;
}

void recorder_close(struct recorder *recorder)
{
	if (recorder == NULL)
		return;
	drop(recorder, recorder->length);
	uv_close((uv_handle_t *)recorder->retry, free_handle);
	free(recorder);
}

/* Why the attempt is to end, by its row. */
static enum run_reason read_stopping(struct db *db, const struct run_token *token)
{
	enum run_reason reason = REASON_NONE;
	db_query(db, "SELECT reason FROM experiment WHERE id = :id AND attempt = :attempt"
	             " AND (status = 'cancelling' OR (status = 'running' AND reason = 'user_paused'))");
	db_bind_text(db, ":id", token->id);
	db_bind_int(db, ":attempt", token->attempt);
	if (db_step(db) > 0 && reason_from_name(db_text(db, 0), &reason) != 0)
		reason = REASON_USER_CANCELLED;
	return db_finish(db) == 0 ? reason : REASON_NONE;
}

/* Writer thread. Reports that are under way do not change, but for the last one's `next`, which is not looked at. */
static int store_batch(struct db *db, void *argument, struct qlstm_error *error)
{
	struct recorder *recorder = argument;
	const struct message *message = recorder->first;
	recorder->stopping = read_stopping(db, recorder->token);
	if (db_frugal(db) && recorder->stopping != REASON_USER_CANCELLED)
		return error_set(error, ERR_DISK_FULL, NULL, "the disk is full: what a run reports waits");
	for (int stored = 0; stored < recorder->n_batch; message = message->next) {
		int rc = message_store(db, recorder->token, message, error);
		if (rc != 0)
			return rc;
		if (++stored == recorder->n_batch)
			break;
	}
	return 0;
}

/* True when the write is to be tried again, later. */
static bool try_again(struct recorder *recorder, int code)
{
	if (code == 0 || code == ERR_CONFLICT || recorder->hurried)
		return false;
	uv_timer_start(recorder->retry, on_retry, RETRY_MS, 0);
	return true;
}

static void tell_stored(struct recorder *recorder)
{
	const struct message *message = recorder->first;
	for (int i = 0; i < recorder->n_batch; i++, message = message->next)
		recorder->events->stored(recorder->context, message);
}

static void on_batch_stored(void *argument, const struct qlstm_error *error)
{
	struct recorder *recorder = argument;
	recorder->busy = false;
	if (try_again(recorder, error->code))
		return;
	if (error->code == 0)
		tell_stored(recorder);
	drop(recorder, error->code == ERR_CONFLICT ? recorder->length : recorder->n_batch);
	recorder->n_batch = 0;
	if (error->code == ERR_CONFLICT)
		recorder->events->fenced(recorder->context);
	else if (recorder->stopping != REASON_NONE)
		recorder->events->stopping(recorder->context, recorder->stopping);
	recorder->events->moved(recorder->context);
	advance(recorder);
}

static void on_last_stored(void *argument, const struct qlstm_error *error)
{
	struct recorder *recorder = argument;
	recorder->busy = false;
	if (try_again(recorder, error->code))
		return;
	void (*done)(void *context, int code) = recorder->last_done;
	recorder->last_done = NULL;
	done(recorder->context, error->code);
}

static int run_last(struct db *db, void *argument, struct qlstm_error *error)
{
	struct recorder *recorder = argument;
	return recorder->last_fn(db, recorder->last_argument, error);
}

/* Starts the next write, if there is one and none is under way. */
static void advance(struct recorder *recorder)
{
	if (recorder->busy || uv_is_active((uv_handle_t *)recorder->retry))
		return;
	int rc = 0;
	recorder->n_batch = recorder->length < MAX_BATCH ? recorder->length : MAX_BATCH;
	if (recorder->n_batch > 0)
		rc = store_submit(recorder->store, store_batch, on_batch_stored, recorder);
	else if (recorder->last_done != NULL)
		rc = store_submit(recorder->store, run_last, on_last_stored, recorder);
	else
		return;
	recorder->busy = rc == 0;
	if (rc != 0)
		uv_timer_start(recorder->retry, on_retry, RETRY_MS, 0);
}

void recorder_add(struct recorder *recorder, struct message *message)
{
	message->next = NULL;
	*recorder->end = message;
	recorder->end = &message->next;
	recorder->length++;
	advance(recorder);
}

int recorder_length(const struct recorder *recorder)
{
	return recorder->length;
}

void recorder_finish(struct recorder *recorder, store_fn fn, void *argument, void (*done)(void *context, int code))
{
	recorder->last_fn = fn;
	recorder->last_argument = argument;
	recorder->last_done = done;
	advance(recorder);
}

void recorder_hurry(struct recorder *recorder)
{
	recorder->hurried = true;
	uv_timer_stop(recorder->retry);
	advance(recorder);
}
