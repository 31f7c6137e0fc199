/* Whose turn it is: memory, quotas, back-offs, and what those that wait are told. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <sodium.h>

#include "tests/unit/state_fixture.h"

static struct run_token token;
static int64_t next_due;
static int64_t most = INT64_MAX; /* that all may take */

static void post(int number, const char *owner, int max_running, int bytes)
{
	char engine[64];
	struct experiment_new new = new_experiment(numbered_id(number));
	snprintf(engine, sizeof engine, "{\"estimated_bytes\":%d}", bytes);
	new.now = 1000 + number;
	new.owner = owner;
	new.max_running = max_running;
	new.engine_json = engine;
	assert_int_equal(experiment_insert(db, &new, 1000, NULL), 0);
}

/* The number of the one whose turn it is; -1: nobody's. */
static int claim(int64_t room)
{
	next_due = -1;
	int rc = turn_claim(db, NOW, (struct turn_room){room, most}, &token, &next_due, NULL);
	assert_true(rc == 0 || rc == ERR_NOT_FOUND);
	return rc == 0 ? atoi(token.id + 18) : -1;
}

static void finish(int number)
{
	struct run_token done = {.attempt = 1};
	memcpy(done.id, numbered_id(number), sizeof done.id);
	assert_int_equal(state_succeed(db, &done, NOW, NULL), 0);
}

/* What the row says it waits for; "" for nothing but its turn. Valid until the next call. */
static const char *waits_for(int number)
{
	static char text[256];
	struct experiment_row row;
	assert_int_equal(experiment_get(db, numbered_id(number), &row, NULL), 0);
	assert_string_equal(row.status, "queued");
	snprintf(text, sizeof text, "%s%s%s", row.reason != NULL ? row.reason : "", row.reason != NULL ? ": " : "",
	         row.reason_message != NULL ? row.reason_message : "");
	experiment_row_free(&row);
	return text;
}

static void test_memory(void **state)
{
	(void)state;
	post(1, NULL, 0, 3 << 20);
	post(2, NULL, 0, 1);
	assert_int_equal(claim((3 << 20) - 1), -1); /* nor is it the turn of the small one behind it */
	assert_int_equal(next_due, 0);
	assert_string_equal(waits_for(1),
	                    "waits_for_memory: it will take 3.0 MiB, and beside what runs there is room for 3.0");
	assert_string_equal(waits_for(2), "");
	int64_t version = select_int(db, "SELECT max(version) FROM experiment");
	assert_int_equal(version, 2);
	assert_int_equal(claim(1 << 20), -1);
	assert_int_equal(select_int(db, "SELECT max(version) FROM experiment"), version); /* said once */
	assert_int_equal(claim(3 << 20), 1);
	assert_int_equal(select_int(db, "SELECT reason IS NULL AND reason_message IS NULL FROM experiment"
	                                " WHERE status = 'running'"),
	                 1);
	assert_int_equal(claim(0), -1);
	assert_int_equal(claim(1), 2);
}

/* What can never run does not keep others out: it is claimed, to be told so. */
static void test_more_than_there_is(void **state)
{
	(void)state;
	post(1, NULL, 0, 8);
	post(2, NULL, 0, 9);
	post(3, NULL, 0, 1);
	most = 8;
	assert_int_equal(claim(7), -1);
	assert_int_equal(claim(8), 1);
	assert_int_equal(claim(0), 2);
	assert_int_equal(claim(0), -1);
	assert_int_equal(claim(1), 3);
	most = INT64_MAX;
}

/* What old versions have queued, and a damaged row, say nothing of memory. */
static void test_memory_that_is_not_known(void **state)
{
	(void)state;
	static const char *const engines[] = {"{}", "", "{\"estimated_bytes\":", "[]"};
	for (int i = 0; i < 4; i++) {
		struct experiment_new new = new_experiment(numbered_id(i));
		new.engine_json = engines[i];
		assert_int_equal(experiment_insert(db, &new, 1000, NULL), 0);
		assert_int_equal(claim(0), i);
	}
}

/* Past its quota an owner is overtaken by others, and keeps its own order. */
static void test_quota(void **state)
{
	(void)state;
	post(1, "alice", 1, 0);
	post(2, "alice", 1, 0);
	post(3, "alice", 0, 0); /* by another key of hers */
	post(4, "bob", 2, 0);
	post(5, NULL, 0, 0);
	post(6, "carol", 1, 0);
	post(7, "bob", 2, 0);
	post(8, "bob", 2, 0);
	static const int order[] = {1, 4, 5, 6, 7};
	for (int i = 0; i < 5; i++)
		assert_int_equal(claim(0), order[i]);
	assert_int_equal(claim(0), -1);
	assert_string_equal(waits_for(2),
	                    "waits_for_quota: 1 experiments of 'alice' run already; the key it was made with allows 1");
	assert_string_equal(waits_for(3), "");
	assert_string_equal(waits_for(8),
	                    "waits_for_quota: 2 experiments of 'bob' run already; the key it was made with allows 2");
	finish(4);
	assert_int_equal(claim(0), 8);
	enum run_status now;
	assert_int_equal(state_cancel(db, numbered_id(1), NOW, &now, NULL), 0);
	assert_int_equal(claim(0), -1); /* it is being cancelled, and has its worker yet */
	finish(1);
	assert_int_equal(claim(0), 2);
	assert_int_equal(claim(0), 3);
}

/* Memory is asked of whoever is first after the quotas. */
static void test_quota_and_memory(void **state)
{
	(void)state;
	post(1, "alice", 1, 0);
	post(2, "alice", 1, 5);
	post(3, "bob", 0, 9);
	post(4, NULL, 0, 1);
	assert_int_equal(claim(0), 1);
	assert_int_equal(claim(5), -1);
	assert_memory_equal(waits_for(2), "waits_for_quota", 15);
	assert_memory_equal(waits_for(3), "waits_for_memory", 16);
	assert_string_equal(waits_for(4), "");
	finish(1);
	assert_int_equal(claim(5), 2);
}

/* In a back-off it is passed over; after it, it has the place that it had. */
static void test_a_backoff_costs_no_place(void **state)
{
	(void)state;
	post(1, NULL, 0, 0);
	assert_int_equal(claim(0), 1);
	post(2, NULL, 0, 0);
	enum run_status now;
	assert_int_equal(state_end(db, &token, REASON_WORKER_CRASHED, "m", NOW, &now, NULL), 0);
	assert_int_equal(db_script(db, "UPDATE experiment SET not_before = 5001 WHERE id LIKE '%1'"), 0);
	assert_int_equal(select_int(db, "SELECT run_at FROM experiment WHERE id LIKE '%1'"), 1001);
	assert_int_equal(claim(0), 2);
	assert_int_equal(claim(0), -1);
	assert_int_equal(next_due, 5001);
	post(0, NULL, 0, 0);
	post(3, NULL, 0, 0);
	assert_int_equal(db_script(db, "UPDATE experiment SET not_before = 5000 WHERE id LIKE '%1'"), 0);
	static const int order[] = {0, 1, 3};
	for (int i = 0; i < 3; i++)
		assert_int_equal(claim(0), order[i]);
}

/* Two were posted by a clock that was hours ahead: they are overtaken by nobody who comes after it was put back, and
 * keep their order and their priority. A damaged row holds nobody up. */
static void test_a_clock_that_was_put_back(void **state)
{
	(void)state;
	for (int i = 1; i <= 4; i++)
		post(i, i == 2 ? "alice" : NULL, 0, 0);
	assert_int_equal(db_script(db, "UPDATE experiment SET run_at = 90000000 WHERE id LIKE '%1';"
	                               "UPDATE experiment SET run_at = 80000000 WHERE id LIKE '%2';"
	                               "UPDATE experiment SET run_at = 70000000, spec_json = '{' WHERE id LIKE '%3'"),
	                 0);
	assert_int_equal(claim(0), 4); /* it was posted before all that */
	assert_int_equal(select_int(db, "SELECT count(*) FROM experiment WHERE run_at = 5000"), 3);
	post(5, NULL, 0, 0);
	assert_int_equal(db_script(db, "UPDATE experiment SET run_at = 5000 WHERE id LIKE '%5'"), 0);
	post(6, NULL, 0, 0);
	assert_int_equal(db_script(db, "UPDATE experiment SET run_at = 60000000, spec_json = '{\"priority\":1}'"
	                               " WHERE id LIKE '%6'"),
	                 0);
	static const int order[] = {6, 1, 2, 3, 5};
	for (int i = 0; i < 5; i++)
		assert_int_equal(claim(0), order[i]);
	assert_int_equal(select_int(db, "SELECT run_at FROM experiment WHERE id LIKE '%6'"), 5000 - PRIORITY_MS);
}

/* Cancelled, paused or retried in its back-off: none is left of it. */
static void test_a_backoff_ends_with_what_it_was_for(void **state)
{
	(void)state;
	enum run_status now;
	post(1, NULL, 0, 0);
	assert_int_equal(db_script(db, "UPDATE experiment SET not_before = 20000"), 0);
	assert_int_equal(state_pause(db, numbered_id(1), NOW, &now, NULL), 0);
	assert_int_equal(state_resume(db, numbered_id(1), NOW, &now, NULL), 0);
	assert_int_equal(claim(0), 1);
}

int main(void)
{
	if (sodium_init() < 0)
		return 1;
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
	    TEST(test_memory),
	    TEST(test_more_than_there_is),
	    TEST(test_memory_that_is_not_known),
	    TEST(test_quota),
	    TEST(test_quota_and_memory),
	    TEST(test_a_backoff_costs_no_place),
	    TEST(test_a_backoff_ends_with_what_it_was_for),
	    TEST(test_a_clock_that_was_put_back),
	};
	return cmocka_run_group_tests_name("turn", tests, NULL, NULL);
}
