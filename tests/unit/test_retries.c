/* What comes after a failure: back-off, the end of crash loops, recovery after the daemon's death. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <sodium.h>

#include "tests/unit/state_fixture.h"

static int do_epoch(const struct run_token *token)
{
	const struct metric_row metric = {.epoch = 7, .train_loss = 1, .test_loss = 1, .seconds = 1};
	return progress_epoch(db, token, &metric, NOW, NULL);
}

/* An experiment that crashes each time ends after max_attempts, whatever else interrupts it. */
static void test_crash_loop_ends(void **state)
{
	(void)state;
	struct run_token token;
	int64_t next_due, now = NOW;
	enum run_status status = STATUS_QUEUED;
	insert(ID);
	int crashes = 0;
	for (int attempt = 1; status == STATUS_QUEUED; attempt++) {
		assert_int_equal(state_claim(db, now += 60000, &token, &next_due, NULL), 0);
		assert_int_equal(token.attempt, attempt);
		bool drained = attempt % 2 == 0;
		enum run_reason reason = drained ? REASON_SHUTDOWN : REASON_DISK_FULL;
		assert_int_equal(state_end(db, &token, reason, "no room", now, &status, NULL), 0);
		crashes += !drained;
	}
	assert_int_equal(crashes, 3);
	assert_int_equal(status, STATUS_FAILED);
	struct experiment_row row;
	assert_int_equal(experiment_get(db, ID, &row, NULL), 0);
	assert_string_equal(row.reason, "too_many_attempts");
	assert_string_equal(row.reason_message, "disk_full: no room");
	experiment_row_free(&row);
}

static void test_drains_do_not_use_up_attempts(void **state)
{
	(void)state;
	struct run_token token;
	int64_t next_due;
	enum run_status status;
	insert(ID);
	for (int i = 0; i < 20; i++) {
		assert_int_equal(state_claim(db, NOW, &token, &next_due, NULL), 0); /* and there is no back-off */
		assert_int_equal(state_end(db, &token, REASON_SHUTDOWN, NULL, NOW, &status, NULL), 0);
		assert_int_equal(status, STATUS_QUEUED);
	}
}

static void test_backoff_bounds(void **state)
{
	(void)state;
	insert(ID);
	int64_t bound = 500;
	for (int failure = 1; failure <= 10; failure++) {
		int64_t longest = 0;
		for (int sample = 0; sample < 60; sample++) {
			put(STATUS_RUNNING, failure - 1, 100);
			assert_int_equal(end(REASON_WORKER_CRASHED), 0);
			int64_t wait = select_int(db, "SELECT run_at FROM experiment") - NOW;
			assert_in_range(wait, 0, bound);
			longest = wait > longest ? wait : longest;
		}
		assert_in_range(longest, bound / 2 + 1, bound); /* wrong once in 2^60 */
		bound = bound * 2 < 30000 ? bound * 2 : 30000;
	}
}

static void recover(int *requeued, int *cancelled)
{
	assert_int_equal(state_recover(db, NOW, requeued, cancelled, NULL), 0);
}

static void test_recovery_leaves_nothing_running(void **state)
{
	(void)state;
	int requeued, cancelled;
	for (int i = 0; i < 9; i++)
		insert(numbered_id(i));
	assert_int_equal(db_script(db, "UPDATE experiment SET attempt = 1, attempt_epochs = 1, status = 'running'"
	                               " WHERE id < '01ARZ3NDEKTSV4RRFF00000005';"
	                               "UPDATE experiment SET attempt = 1, status = 'cancelling'"
	                               " WHERE id IN ('01ARZ3NDEKTSV4RRFF00000005', '01ARZ3NDEKTSV4RRFF00000006');"),
	                 0);
	recover(&requeued, &cancelled);
	assert_int_equal(requeued, 5);
	assert_int_equal(cancelled, 2);
	assert_int_equal(select_int(db, "SELECT count(*) FROM experiment WHERE status = 'queued'"), 7);
	assert_int_equal(select_int(db, "SELECT count(*) FROM experiment WHERE status = 'cancelled'"), 2);
	recover(&requeued, &cancelled);
	assert_int_equal(requeued + cancelled, 0);
	/* The dead daemon's workers cannot speak any more, not even before the next claim. */
	struct run_token old = {"01ARZ3NDEKTSV4RRFF00000000", 1};
	assert_int_equal(state_succeed(db, &old, NOW, NULL), ERR_CONFLICT);
}

/* How often the daemon can die under an experiment; `progress`: each attempt gets an epoch done before. */
static int deaths_survived(bool progress, int limit)
{
	int requeued, cancelled;
	for (int deaths = 0; deaths < limit; deaths++) {
		struct run_token token;
		int64_t next_due;
		assert_int_equal(state_claim(db, NOW, &token, &next_due, NULL), 0);
		if (progress)
			assert_int_equal(do_epoch(&token), 0);
		recover(&requeued, &cancelled);
		if (requeued == 0)
			return deaths;
	}
	return limit;
}

static void test_daemon_deaths(void **state)
{
	(void)state;
	insert(ID);
	assert_int_equal(deaths_survived(true, 100), 100); /* it gets on: it is not to blame */
	assert_int_equal(deaths_survived(false, 6), 6);
	assert_int_equal(deaths_survived(true, 1), 1); /* an epoch clears it of the suspicion */
	assert_int_equal(deaths_survived(false, 100), 3 + 5 - 1);
	struct experiment_row row;
	assert_int_equal(experiment_get(db, ID, &row, NULL), 0);
	assert_string_equal(row.status, "failed");
	assert_string_equal(row.reason, "too_many_attempts");
	experiment_row_free(&row);
}

static void test_long_messages_are_cut_on_a_character(void **state)
{
	(void)state;
	char message[600];
	for (int i = 0; i < 299; i++)
		memcpy(message + 2 * i, "\xc3\xa9", 2);
	message[598] = '\0';
	enum run_status status;
	int count = 0;
	insert(ID);
	put(STATUS_RUNNING, 2, 3);
	assert_int_equal(state_end(db, &current, REASON_WORKER_CRASHED, message, NOW, &status, NULL), 0);
	struct transition_row last = last_transition(&count);
	assert_true(strlen(last.message) > 200);
	assert_int_equal((unsigned char)last.message[strlen(last.message) - 1], 0xa9);
}

int main(void)
{
	if (sodium_init() < 0)
		return 1;
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
	    TEST(test_crash_loop_ends), TEST(test_drains_do_not_use_up_attempts),
	    TEST(test_backoff_bounds),  TEST(test_recovery_leaves_nothing_running),
	    TEST(test_daemon_deaths),   TEST(test_long_messages_are_cut_on_a_character),
	};
	return cmocka_run_group_tests_name("retries", tests, NULL, NULL);
}
