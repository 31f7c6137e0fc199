/* The queue in memory: in which order experiments are claimed, so that the place of one costs a binary search and not
 * a count of all that are before it; and how many experiments have each status. It follows the database: the writer
 * lets it read, after each commit, what changed (schema/session.sql).
 *
 * The order is (due, id), as that of the index experiment_queue. */
#ifndef QLSTM_STORE_QUEUE_ORDER_H
#define QLSTM_STORE_QUEUE_ORDER_H

#include <stdint.h>

#include "engine/error.h"
#include "server/common/status.h"
#include "server/store/db.h"

struct queue_order;

/* Empty: queue_order_follow brings it up to date. */
int queue_order_new(struct queue_order **out, struct qlstm_error *error);
void queue_order_free(struct queue_order *order); /* NULL is allowed */

/* Takes up what was committed on this connection, a DB_WRITER's, since the last call. Outside of a transaction, on the
 * thread that writes. After an error the order stays behind, and the next call takes up all the same. */
int queue_order_follow(struct queue_order *order, struct db *db, struct qlstm_error *error);

/* How many are queued, with what the transaction at hand has done so far. On the thread that writes. */
int queue_order_waiting(struct db *db, int64_t *waiting, struct qlstm_error *error);

/* From 1: the place of what is queued with this key. A row that a reader still sees as queued while it has been claimed
 * has the place that it would have. Any thread; O(log n). */
int queue_order_place(struct queue_order *order, int64_t due, const char *id);

/* How many experiments have each status, in the order of run_status. Any thread. */
void queue_order_counts(struct queue_order *order, int64_t counts[STATUS_COUNT]);

#endif
