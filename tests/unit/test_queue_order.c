/* The queue in memory follows the database: places and counts are those that a query would find, whatever changed and
 * whatever was undone. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>

#include "schema/embed.h"
#include "server/store/experiments.h"
#include "server/store/queue_order.h"
#include "tests/unit/experiment_fixture.h"

static struct db *db;
static struct queue_order *order;

static int setup(void **state)
{
	if (make_folder(state) != 0 || db_open(&db, database, DB_WRITER, schema_database_sql, NULL) != 0)
		return -1;
	return queue_order_new(&order, NULL);
}

static int teardown(void **state)
{
	queue_order_free(order);
	db_close(db);
	return drop_folder(state);
}

static void insert(int number)
{
	struct experiment_new new = new_experiment(numbered_id(number));
	assert_int_equal(experiment_insert(db, &new, 1000, NULL), 0);
}

static void run(const char *script)
{
	assert_int_equal(db_script(db, script), 0);
}

static int64_t count(const char *status)
{
	db_query(db, "SELECT count(*) FROM experiment WHERE status = :status");
	db_bind_text(db, ":status", status);
	int64_t n = db_step(db) > 0 ? db_int(db, 0) : -1;
	assert_int_equal(db_finish(db), 0);
	return n;
}

/* Every place and every count, against SQL. */
static void assert_follows(void)
{
	int64_t counts[STATUS_COUNT];
	assert_int_equal(queue_order_follow(order, db, NULL), 0);
	queue_order_counts(order, counts);
	for (int i = 0; i < STATUS_COUNT; i++)
		assert_int_equal(counts[i], count(status_name((enum run_status)i)));
	int place = 0;
	db_query(db, "SELECT run_at, id FROM experiment WHERE status = 'queued' ORDER BY run_at, id");
	while (db_step(db) > 0)
		assert_int_equal(queue_order_place(order, db_int(db, 0), db_text(db, 1)), ++place);
	assert_int_equal(db_finish(db), 0);
	assert_int_equal(place, counts[STATUS_QUEUED]);
	assert_int_equal(queue_order_place(order, INT64_MAX, "~"), place + 1); /* nobody who has left is still there */
}

static void an_empty_database(void **state)
{
	(void)state;
	assert_follows();
	assert_int_equal(queue_order_place(order, 5, numbered_id(1)), 1);
}

static void what_was_there_before(void **state)
{
	(void)state;
	for (int i = 0; i < 5; i++)
		insert(i);
	run("UPDATE experiment SET status = 'failed' WHERE id LIKE '%2'");
	db_close(db);
	db = NULL;
	assert_int_equal(db_open(&db, database, DB_WRITER, schema_database_sql, NULL), 0);
	assert_follows();
}

/* Nothing is queued, so there is nothing to read but the counts. */
static void only_ended_ones_before(void **state)
{
	(void)state;
	insert(1);
	run("UPDATE experiment SET status = 'failed'");
	db_close(db);
	db = NULL;
	assert_int_equal(db_open(&db, database, DB_WRITER, schema_database_sql, NULL), 0);
	assert_follows();
}

static void what_is_undone_is_not_followed(void **state)
{
	(void)state;
	insert(1);
	assert_int_equal(db_begin(db), 0);
	insert(2);
	assert_int_equal(db_savepoint(db), 0);
	insert(3);
	run("UPDATE experiment SET status = 'running' WHERE id LIKE '%1'");
	db_rollback_to(db);
	insert(4);
	assert_int_equal(db_commit(db), 0);
	assert_follows();
	assert_int_equal(db_begin(db), 0);
	run("UPDATE experiment SET status = 'cancelled'");
	db_rollback(db);
	assert_follows();
}

/* The limit of the queue counts what is inserted in the same transaction, and not what was undone in it. */
static void the_limit_within_a_transaction(void **state)
{
	(void)state;
	struct qlstm_error error = {0};
	static const struct {
		int rc;
		bool kept;
	} cases[] = {{0, true}, {0, false}, {0, true}, {ERR_UNAVAILABLE, false}};
	assert_int_equal(db_begin(db), 0);
	for (int i = 0; i < 4; i++) {
		struct experiment_new new = new_experiment(numbered_id(i));
		assert_int_equal(db_savepoint(db), 0);
		assert_int_equal(experiment_insert(db, &new, 2, &error), cases[i].rc);
		if (cases[i].kept)
			db_release(db);
		else
			db_rollback_to(db);
	}
	assert_int_equal(db_commit(db), 0);
	assert_follows();
}

static void changes_of_every_kind(void **state)
{
	(void)state;
	static const char *const statuses[] = {"queued", "running", "paused", "succeeded", "cancelled"};
	unsigned seed = 7;
	char script[200];
	for (int i = 0; i < 400; i++) {
		int number = rand_r(&seed) % 90;
		unsigned what = (unsigned)rand_r(&seed) % 4;
		if (i < 90)
			insert(i);
		else if (what == 0)
			snprintf(script, sizeof script, "DELETE FROM experiment WHERE id = '%s'", numbered_id(number));
		else
			snprintf(script, sizeof script,
			         "UPDATE experiment SET status = '%s', run_at = %d WHERE id = '%s'",
			         statuses[what == 1 ? 0 : rand_r(&seed) % 5], rand_r(&seed) % 50, numbered_id(number));
		if (i >= 90)
			run(script);
		if (i % 7 == 0)
			assert_follows();
	}
	assert_follows();
	run("UPDATE experiment SET status = 'running'");
	assert_follows();
}

/* Claimed from the front while others join behind, for longer than any room that was made. */
static void a_queue_that_moves_on(void **state)
{
	(void)state;
	char script[200];
	run("BEGIN");
	for (int i = 0; i < 700; i++) {
		insert(i);
		snprintf(script, sizeof script, "UPDATE experiment SET run_at = %d WHERE id = '%s'", i, numbered_id(i));
		run(script);
		if (i >= 40) {
			snprintf(script, sizeof script, "UPDATE experiment SET status = 'running' WHERE id = '%s'",
			         numbered_id(i - 40));
			run(script);
		}
		if (i % 50 == 0) {
			run("COMMIT");
			assert_follows();
			run("BEGIN");
		}
	}
	run("COMMIT");
	assert_follows();
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(an_empty_database),
	    TEST(what_was_there_before),
	    TEST(only_ended_ones_before),
	    TEST(what_is_undone_is_not_followed),
	    TEST(the_limit_within_a_transaction),
	    TEST(changes_of_every_kind),
	    TEST(a_queue_that_moves_on),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
