/* For tests of rows: a database with its queue's order, and what a run does to it. Include behind cmocka.h. */
#ifndef QLSTM_TESTS_ROWS_FIXTURE_H
#define QLSTM_TESTS_ROWS_FIXTURE_H

#include <math.h>

#include "schema/embed.h"
#include "server/store/queue_order.h"
#include "tests/unit/experiment_fixture.h"

static struct db *db;
static struct queue_order *queue;

enum { NOW = 5000, DAY_MS = 24 * 60 * 60 * 1000 };

static inline int setup(void **state)
{
	if (make_folder(state) != 0 || db_open(&db, database, DB_WRITER, schema_database_sql, NULL) != 0)
		return -1;
	int rc = queue_order_new(&queue, NULL);
	db_set_queue_order(db, queue);
	return rc;
}

static inline int teardown(void **state)
{
	db_close(db);
	queue_order_free(queue);
	return drop_folder(state);
}

static inline void insert(int number)
{
	struct experiment_new new = new_experiment(numbered_id(number));
	assert_int_equal(experiment_insert(db, &new, 1000, NULL), 0);
}

static inline struct run_token claim(void)
{
	struct run_token token;
	int64_t next_due;
	assert_int_equal(turn_claim(db, NOW, TURN_ANY_ROOM, &token, &next_due, NULL), 0);
	return token;
}

static inline struct experiment_row get(const char *id)
{
	struct experiment_row row;
	assert_int_equal(queue_order_follow(queue, db, NULL), 0);
	assert_int_equal(experiment_get(db, id, &row, NULL), 0);
	return row;
}

static inline void report_epoch(const struct run_token *token, int epoch, double test_loss)
{
	char metrics[100], number[32] = "null";
	if (!isnan(test_loss))
		snprintf(number, sizeof number, "%g", test_loss);
	snprintf(metrics, sizeof metrics, "{\"train_loss\":%d,\"test_loss\":%s}", epoch, number);
	const struct metric_row metric = {.epoch = epoch, .seconds = 2, .metrics_json = metrics};
	assert_int_equal(progress_epoch(db, token, &metric, NOW + epoch, NULL), 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

#endif
