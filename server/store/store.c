/* The writer thread and its group commit. */
#include "server/store/store.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "schema/embed.h"
#include "server/store/group.h"
#include "server/store/lock.h"
#include "server/store/queue_order.h"
#include "server/store/readers.h"

/* The log is copied into the database after this many pages, and emptied after this time without a write. */
enum { CHECKPOINT_PAGES = 1000, IDLE_MS = 1000 };

struct queue {
	struct write *first, **end;
};

struct store {
	struct db *db; /* the writer thread's after store_open */
	struct readers *readers;
	struct queue_order *queue_order;
	int lock_file;
	uv_async_t *completed_async;
	pthread_t writer;
	pthread_mutex_t lock; /* guards what follows */
	pthread_cond_t work;
	struct queue queued, completed;
	struct outbox published; /* committed, not yet handed over */
	bool closing;
	struct outbox outbox;      /* the writer's */
	store_events_fn on_events; /* the loop thread's */
	void *events_context;
	/* Without the lock. */
	atomic_bool healthy, frugal;
	atomic_uint_least64_t commits, writes;
	int64_t checkpoint_at; /* pages; the writer's */
};

static void queue_init(struct queue *queue)
{
	queue->first = NULL;
	queue->end = &queue->first;
}

static void queue_push(struct queue *queue, struct write *write)
{
	write->next = NULL;
	*queue->end = write;
	queue->end = &write->next;
}

static struct write *queue_take_all(struct queue *queue)
{
	struct write *first = queue->first;
	queue_init(queue);
	return first;
}

/* One that is woken up takes no lock: it would find it held for as long as others are. */
static void wake_waiters(struct write *first)
{
	for (struct write *write = first, *next; write != NULL; write = next) {
		next = write->next; /* it is gone once its waiter sees it finished */
		sem_post(&write->finished);
	}
}

/* Hands the writes before `end` back to those who wait for them, and their events to the loop. */
static void complete_writes(struct store *store, struct write *first, const struct write *end)
{
	bool wake_loop = store->outbox.first != NULL;
	struct queue waited_for;
	queue_init(&waited_for);
	pthread_mutex_lock(&store->lock);
	outbox_move(&store->published, &store->outbox);
	for (struct write *write = first, *next; write != end; write = next) {
		next = write->next;
		atomic_fetch_add(&store->writes, 1);
		wake_loop = wake_loop || !write->waited_for;
		queue_push(write->waited_for ? &waited_for : &store->completed, write);
	}
	pthread_mutex_unlock(&store->lock);
	wake_waiters(waited_for.first);
	if (wake_loop)
		uv_async_send(store->completed_async);
}

static void keep_log_short(struct store *store)
{
	int64_t pages = db_log_pages(store->db);
	if (atomic_load(&store->frugal))
		db_checkpoint(store->db, false); /* the log begins again in the room that it has */
	else if (pages < CHECKPOINT_PAGES)
		store->checkpoint_at = CHECKPOINT_PAGES;
	else if (pages >= store->checkpoint_at && db_checkpoint(store->db, false) == 0)
		store->checkpoint_at = db_log_pages(store->db) + CHECKPOINT_PAGES;
}

static void when_idle(struct store *store)
{
	if (!atomic_load(&store->healthy))
		atomic_store(&store->healthy, group_probe(store->db));
	else
		db_checkpoint(store->db, true); /* readers in the way: the next idle second tries again */
}

/* Waits for writes; NULL after an idle second while there is something to tidy, and when closing. */
static struct write *wait_for_writes(struct store *store, bool *closing)
{
	struct timespec until;
	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec += IDLE_MS / 1000;
	bool untidy = db_log_pages(store->db) > 0 || !atomic_load(&store->healthy);
	pthread_mutex_lock(&store->lock);
	int rc = 0;
	while (store->queued.first == NULL && !store->closing && rc != ETIMEDOUT)
		rc = untidy ? pthread_cond_timedwait(&store->work, &store->lock, &until)
		            : pthread_cond_wait(&store->work, &store->lock);
	struct write *first = queue_take_all(&store->queued);
	*closing = store->closing && first == NULL;
	pthread_mutex_unlock(&store->lock);
	return first;
}

static void *writer_main(void *argument)
{
	struct store *store = argument;
	for (;;) {
		bool closing = false;
		struct write *first = wait_for_writes(store, &closing);
		if (closing)
			break;
		if (first == NULL)
			when_idle(store);
		while (first != NULL) {
			bool committed = false;
			db_set_frugal(store->db, atomic_load(&store->frugal));
			struct write *rest = group_run(store->db, first, &committed);
			atomic_store(&store->healthy, committed);
			if (committed) {
				atomic_fetch_add(&store->commits, 1);
				queue_order_follow(store->queue_order, store->db, NULL); /* else with the next commit */
			}
			complete_writes(store, first, rest);
			first = rest;
		}
		keep_log_short(store);
	}
	db_checkpoint(store->db, true);
	return NULL;
}

/* On the loop thread. */
static void deliver_completions(struct store *store)
{
	pthread_mutex_lock(&store->lock);
	struct write *first = queue_take_all(&store->completed);
	struct outbox events;
	outbox_init(&events);
	outbox_move(&events, &store->published);
	pthread_mutex_unlock(&store->lock);
	if (store->on_events != NULL)
		store->on_events(store->events_context, &events);
	outbox_free(&events);
	for (struct write *write = first, *next; write != NULL; write = next) {
		next = write->next;
		if (write->done != NULL)
			write->done(write->argument, &write->error);
		free(write);
	}
}

static void on_completed(uv_async_t *async)
{
	deliver_completions(async->data);
}

static void free_handle(uv_handle_t *handle)
{
	free(handle);
}

static int start_writer(struct store *store, uv_loop_t *loop, struct qlstm_error *error)
{
	pthread_condattr_t monotonic;
	pthread_condattr_init(&monotonic);
	pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
	pthread_mutex_init(&store->lock, NULL);
	pthread_cond_init(&store->work, &monotonic);
	pthread_condattr_destroy(&monotonic);
	store->completed_async = malloc(sizeof *store->completed_async);
	if (store->completed_async == NULL)
		return error_set(error, ERR_OUT_OF_MEMORY, NULL, "no memory for the store");
	int rc = uv_async_init(loop, store->completed_async, on_completed);
	if (rc != 0) {
		free(store->completed_async);
		return error_set(error, ERR_IO, NULL, "cannot watch the store: %s", uv_strerror(rc));
	}
	store->completed_async->data = store;
	rc = pthread_create(&store->writer, NULL, writer_main, store);
	if (rc != 0) {
		uv_close((uv_handle_t *)store->completed_async, free_handle);
		return error_set(error, ERR_OUT_OF_MEMORY, NULL, "cannot start the writer thread: %s", strerror(rc));
	}
	return 0;
}

static int open_order(struct store *store, struct qlstm_error *error)
{
	int rc = queue_order_new(&store->queue_order, error);
	if (rc == 0)
		rc = queue_order_follow(store->queue_order, store->db, error);
	if (rc != 0)
		queue_order_free(store->queue_order);
	else
		db_set_queue_order(store->db, store->queue_order);
	return rc;
}

int store_open(struct store **out, const char *path, uv_loop_t *loop, struct qlstm_error *error)
{
	struct store *store = calloc(1, sizeof *store);
	if (store == NULL)
		return error_set(error, ERR_OUT_OF_MEMORY, NULL, "no memory for the store");
	queue_init(&store->queued);
	queue_init(&store->completed);
	outbox_init(&store->outbox);
	outbox_init(&store->published);
	store->checkpoint_at = CHECKPOINT_PAGES;
	atomic_store(&store->healthy, true);
	int rc = lock_take(path, &store->lock_file, error);
	if (rc != 0)
		goto fail_lock;
	rc = db_open(&store->db, path, DB_WRITER, schema_database_sql, error);
	if (rc != 0)
		goto fail_db;
	db_set_outbox(store->db, &store->outbox);
	rc = open_order(store, error);
	if (rc != 0)
		goto fail_order;
	rc = readers_open(&store->readers, path, store->queue_order, error);
	if (rc != 0)
		goto fail_readers;
	rc = start_writer(store, loop, error);
	if (rc != 0)
		goto fail_writer;
	*out = store;
	return 0;
fail_writer:
	readers_close(store->readers);
fail_readers:
	queue_order_free(store->queue_order);
fail_order:
	db_close(store->db);
fail_db:
	close(store->lock_file);
fail_lock:
	free(store);
	return rc;
}

void store_set_frugal(struct store *store, bool frugal)
{
	atomic_store(&store->frugal, frugal);
}

const char *store_remark(const struct store *store)
{
	return db_remark(store->db); /* which nobody changes any more */
}

void store_close(struct store *store)
{
	if (store == NULL)
		return;
	readers_close(store->readers); /* first: the last checkpoint empties the log only when nobody reads it */
	pthread_mutex_lock(&store->lock);
	store->closing = true;
	pthread_cond_signal(&store->work);
	pthread_mutex_unlock(&store->lock);
	pthread_join(store->writer, NULL);
	deliver_completions(store);
	uv_close((uv_handle_t *)store->completed_async, free_handle);
	queue_order_free(store->queue_order);
	db_close(store->db);
	close(store->lock_file);
	pthread_cond_destroy(&store->work);
	pthread_mutex_destroy(&store->lock);
	free(store);
}

/* False when the store is closing. */
static bool enqueue(struct store *store, struct write *write)
{
	pthread_mutex_lock(&store->lock);
	bool open = !store->closing;
	if (open)
		queue_push(&store->queued, write);
	pthread_mutex_unlock(&store->lock);
	if (open)
		pthread_cond_signal(&store->work);
	return open;
}

int store_write(struct store *store, store_fn fn, void *argument, struct qlstm_error *error)
{
	struct write write = {.fn = fn, .argument = argument, .waited_for = true};
	sem_init(&write.finished, 0, 0);
	int rc = 0;
	if (enqueue(store, &write)) {
		while (sem_wait(&write.finished) != 0)
			; /* a signal */
		rc = write.error.code;
		if (rc != 0 && error != NULL && error->code == 0)
			*error = write.error;
	} else {
		rc = error_set(error, ERR_UNAVAILABLE, NULL, "the store is closing");
	}
	sem_destroy(&write.finished);
	return rc;
}

int store_submit(struct store *store, store_fn fn, store_done_fn done, void *argument)
{
	struct write *write = calloc(1, sizeof *write);
	if (write == NULL)
		return ERR_OUT_OF_MEMORY;
	*write = (struct write){.fn = fn, .done = done, .argument = argument};
	if (enqueue(store, write))
		return 0;
	free(write);
	return ERR_UNAVAILABLE;
}

int store_read(struct store *store, store_fn fn, void *argument, struct qlstm_error *error)
{
	return readers_run(store->readers, fn, argument, error);
}

void store_on_events(struct store *store, store_events_fn fn, void *context)
{
	store->on_events = fn;
	store->events_context = context;
}

int store_healthy(struct store *store)
{
	return atomic_load(&store->healthy);
}

void store_counters(struct store *store, uint64_t *commits, uint64_t *writes)
{
	*commits = atomic_load(&store->commits);
	*writes = atomic_load(&store->writes);
}

void store_status_counts(struct store *store, int64_t counts[STATUS_COUNT])
{
	queue_order_counts(store->queue_order, counts);
}

int store_queue_place(struct store *store, int64_t due, const char *id)
{
	return queue_order_place(store->queue_order, due, id);
}
