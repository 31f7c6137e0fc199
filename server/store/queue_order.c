/* The queue in memory. */
#include "server/store/queue_order.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "server/store/rows.h"

struct key {
	int64_t due;
	char id[RUN_ID_SIZE];
};

/* Sorted, with room in front of the first too: the front is where the queue gets shorter. */
struct queue_order {
	pthread_mutex_t lock; /* guards what follows */
	struct key *keys;
	size_t first, count, room;
	int64_t counts[STATUS_COUNT];
	bool counted;
};

int queue_order_new(struct queue_order **out, struct qlstm_error *error)
{
	struct queue_order *order = calloc(1, sizeof *order);
	if (order == NULL)
		return error_set(error, ERR_OUT_OF_MEMORY, NULL, "no memory for the queue's order");
	pthread_mutex_init(&order->lock, NULL);
	*out = order;
	return 0;
}

void queue_order_free(struct queue_order *order)
{
	if (order == NULL)
		return;
	pthread_mutex_destroy(&order->lock);
	free(order->keys);
	free(order);
}

/* How many keys are before this one. */
static size_t rank(const struct queue_order *order, int64_t due, const char *id)
{
	size_t low = 0, high = order->count;
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		const struct key *key = &order->keys[order->first + middle];
		if (key->due < due || (key->due == due && strcmp(key->id, id) < 0))
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/* Makes room for one more key behind the last. */
static int reserve(struct queue_order *order)
{
	if (order->first + order->count < order->room)
		return 0;
	if (order->first > order->room / 2) {
		memmove(order->keys, order->keys + order->first, order->count * sizeof *order->keys);
		order->first = 0;
		return 0;
	}
	size_t room = order->room == 0 ? 64 : 2 * order->room;
	struct key *grown = realloc(order->keys, room * sizeof *grown);
	if (grown == NULL)
		return ERR_OUT_OF_MEMORY;
	order->keys = grown;
	order->room = room;
	return 0;
}

/* A key that is there already stays one. */
static int join(struct queue_order *order, int64_t due, const char *id)
{
	if (reserve(order) != 0)
		return ERR_OUT_OF_MEMORY;
	size_t at = rank(order, due, id);
	struct key *key = &order->keys[order->first + at];
	if (at < order->count && key->due == due && strcmp(key->id, id) == 0)
		return 0;
	memmove(key + 1, key, (order->count - at) * sizeof *key);
	key->due = due;
	memccpy(key->id, id, '\0', sizeof key->id);
	order->count++;
	return 0;
}

static void leave(struct queue_order *order, int64_t due, const char *id)
{
	size_t at = rank(order, due, id);
	if (at == order->count)
		return;
	struct key *key = &order->keys[order->first + at];
	if (key->due != due || strcmp(key->id, id) != 0)
		return;
	order->count--;
	if (at == 0)
		order->first++;
	else
		memmove(key, key + 1, (order->count - at) * sizeof *key);
}

static bool is_queued(struct db *db, int column)
{
	enum run_status status;
	return !db_is_null(db, column) && status_from_name(db_text(db, column), &status) == 0 &&
	       status == STATUS_QUEUED;
}

/* Each change once more does no harm: a key joins once, and leaves once. */
static int follow_changes(struct queue_order *order, struct db *db, int64_t *last, struct qlstm_error *error)
{
	int rc = 0;
	db_query(db, "SELECT seq, id, from_status, from_due, to_status, to_due FROM status_change ORDER BY seq");
	while (rc == 0 && db_step(db) > 0) {
		char id[RUN_ID_SIZE];
		column_text(db, 1, id, sizeof id);
		if (is_queued(db, 2))
			leave(order, db_int(db, 3), id);
		if (is_queued(db, 4))
			rc = join(order, db_int(db, 5), id);
		*last = db_int(db, 0);
	}
	if (db_finish(db) != 0)
		return db_error(db, error);
	return rc == 0 ? 0 : error_set(error, rc, NULL, "no memory for the queue's order");
}

static int read_counts(struct db *db, int64_t counts[STATUS_COUNT], struct qlstm_error *error)
{
	memset(counts, 0, STATUS_COUNT * sizeof *counts);
	db_query(db, "SELECT status, n FROM status_tally");
	while (db_step(db) > 0) {
		enum run_status status;
		if (status_from_name(db_text(db, 0), &status) == 0)
			counts[status] = db_int(db, 1);
	}
	return db_finish(db) == 0 ? 0 : db_error(db, error);
}

int queue_order_follow(struct queue_order *order, struct db *db, struct qlstm_error *error)
{
	int64_t last = 0;
	pthread_mutex_lock(&order->lock);
	int rc = follow_changes(order, db, &last, error);
	if (rc == 0 && (last > 0 || !order->counted))
		rc = read_counts(db, order->counts, error);
	order->counted = rc == 0;
	pthread_mutex_unlock(&order->lock);
	if (rc != 0 || last == 0)
		return rc;
	db_query(db, "DELETE FROM status_change");
	return db_run(db) == 0 ? 0 : db_error(db, error);
}

int queue_order_waiting(struct db *db, int64_t *waiting, struct qlstm_error *error)
{
	db_query(db, "SELECT n FROM status_tally WHERE status = 'queued'");
	*waiting = db_step(db) > 0 ? db_int(db, 0) : 0;
	return db_finish(db) == 0 ? 0 : db_error(db, error);
}

int queue_order_place(struct queue_order *order, int64_t due, const char *id)
{
	pthread_mutex_lock(&order->lock);
	int place = (int)rank(order, due, id) + 1;
	pthread_mutex_unlock(&order->lock);
	return place;
}

void queue_order_counts(struct queue_order *order, int64_t counts[STATUS_COUNT])
{
	pthread_mutex_lock(&order->lock);
	memcpy(counts, order->counts, sizeof order->counts);
	pthread_mutex_unlock(&order->lock);
}
