/* The store: one writer thread with group commit, and read-only connections for everybody else.
 *
 * The writer takes all queued writes, runs each under a savepoint inside one BEGIN IMMEDIATE, commits once under
 * synchronous=FULL, then completes all of them: durability costs one fsync a group, not one a write. No other thread
 * ever writes or checkpoints (SQLite's WAL-reset bug before 3.51.3 needs two that do). */
#ifndef QLSTM_STORE_STORE_H
#define QLSTM_STORE_STORE_H

#include <uv.h>

#include "engine/error.h"
#include "server/common/status.h"
#include "server/store/db.h"
#include "server/store/outbox.h"

struct store;

/* Runs on the writer thread inside the group's transaction. 0 keeps its changes, a negative code undoes them alone. */
typedef int (*store_fn)(struct db *db, void *argument, struct qlstm_error *error);

/* Runs on the loop thread after the commit (or the failure). `error` is borrowed; its code is the result. */
typedef void (*store_done_fn)(void *argument, const struct qlstm_error *error);

/* Opens DATA/qlstmd.db, creates or migrates it, starts the writer. `loop` receives completions. ERR_CONFLICT when
 * another process uses the directory, which is locked as long as the store is open (lock.h). */
int store_open(struct store **out, const char *path, uv_loop_t *loop, struct qlstm_error *error);
/* What opening did that people should know of (a migration, say), in one sentence; "" where it was nothing. */
const char *store_remark(const struct store *store);
/* Finishes what is queued, checkpoints, stops the writer. Completions not yet delivered are delivered first.
 * Call on the loop thread, with no other thread using the store, and not from a completion. The loop has a handle to
 * close afterwards: run it once more. */
void store_close(struct store *store);

/* Queues and waits for the commit: for pool threads and start-up, never for the loop thread. */
int store_write(struct store *store, store_fn fn, void *argument, struct qlstm_error *error);

/* Queues and returns; `done` (may be NULL) is called on the loop thread. Both own `argument` in turn: fn uses it, then
 * done, which frees it. ERR_OUT_OF_MEMORY (ERR_UNAVAILABLE while closing) when it could not be queued: done is not
 * called then. */
int store_submit(struct store *store, store_fn fn, store_done_fn done, void *argument);

/* Runs fn on a read-only connection in the calling (pool) thread, in one read transaction. Waits for a free
 * connection. */
int store_read(struct store *store, store_fn fn, void *argument, struct qlstm_error *error);

/* Whether db_frugal is true for the writes to come: set while the disk has its last room. Any thread. */
void store_set_frugal(struct store *store, bool frugal);

/* Hands over events after their commit, in the order of their ids, on the loop thread; fn takes what it wants out of
 * `events`, the rest is freed. Set it before anything is written. NULL: nobody. */
typedef void (*store_events_fn)(void *context, struct outbox *events);
void store_on_events(struct store *store, store_events_fn fn, void *context);

/* Whether the last group commit succeeded; for /readyz. After a failure the writer tries again by itself each second.
 */
int store_healthy(struct store *store);

/* How many experiments have each status, in the order of run_status. Costs the same whatever there is. */
void store_status_counts(struct store *store, int64_t counts[STATUS_COUNT]);

/* From 1: the place in the queue of what is queued with this time and id. */
int store_queue_place(struct store *store, int64_t due, const char *id);

/* Counters for /metrics: commits (groups) and writes since start. */
void store_counters(struct store *store, uint64_t *commits, uint64_t *writes);

#endif
