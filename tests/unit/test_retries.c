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
	const struct metric_row metric = {.epoch = 7, .seconds = 1, .metrics_json = METRICS_1};
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
		assert_int_equal(turn_claim(db, now += 60000, TURN_ANY_ROOM, &token, &next_due, NULL), 0);
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
		assert_int_equal(turn_claim(db, NOW, TURN_ANY_ROOM, &token, &next_due, NULL),
		                 0); /* and there is no back-off */
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
			int64_t wait = select_int(db, "SELECT not_before FROM experiment") - NOW;
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
		assert_int_equal(turn_claim(db, NOW, TURN_ANY_ROOM, &token, &next_due, NULL), 0);
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

/* Every reason: whether the experiment is taken up again, and what that costs it. */
static void test_every_reason(void **state)
{
	(void)state;
	static const struct {
		enum run_reason reason;
		bool again;
		int failures;
	} cases[] = {
	    {REASON_USER_CANCELLED, false, 0},  {REASON_USER_PAUSED, true, 0},
	    {REASON_TIMEOUT, false, 0},         {REASON_OUT_OF_MEMORY, false, 0},
	    {REASON_WORKER_CRASHED, true, 1},   {REASON_WORKER_HUNG, true, 1},
	    {REASON_LEASE_LOST, true, 1},       {REASON_INVALID_DATA, false, 0},
	    {REASON_NAN_LOSS, false, 0},        {REASON_DISK_FULL, true, 1},
	    {REASON_SHUTDOWN, true, 0},         {REASON_TOO_MANY_ATTEMPTS, false, 0},
	    {REASON_INTERNAL, false, 0},        {REASON_WAITS_FOR_MEMORY, false, 0},
	    {REASON_WAITS_FOR_QUOTA, false, 0},
	};
	assert_int_equal(sizeof cases / sizeof *cases, REASON_COUNT - 1);
	insert(ID);
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		int count = 0;
		put(STATUS_RUNNING, 1, 3);
		assert_int_equal(end(cases[i].reason), 0);
		assert_int_equal(get_status(), cases[i].again ? STATUS_QUEUED : STATUS_FAILED);
		assert_int_equal(select_int(db, "SELECT failures FROM experiment"), 1 + cases[i].failures);
		assert_int_equal(select_int(db, "SELECT daemon_failures FROM experiment"), 0);
		assert_int_equal(select_int(db, "SELECT attempt FROM experiment"), 4);
		int64_t not_before = select_int(db, "SELECT not_before FROM experiment");
		if (cases[i].failures > 0)
			assert_in_range(not_before, NOW, NOW + 1000);
		else
			assert_int_equal(not_before, 0);
		assert_int_equal(select_int(db, "SELECT run_at FROM experiment"), 1000); /* it keeps its place */
		struct transition_row last = last_transition(&count);
		assert_string_equal(last.reason, reason_name(cases[i].reason));
		assert_string_equal(last.message, "because");
		assert_int_equal(last.attempt, 4);
		struct experiment_row row;
		assert_int_equal(experiment_get(db, ID, &row, NULL), 0);
		assert_string_equal(row.reason, reason_name(cases[i].reason));
		assert_string_equal(row.reason_message, "because");
		experiment_row_free(&row);
	}
}

/* The last attempt that is granted, exactly. */
static void test_the_last_attempt(void **state)
{
	(void)state;
	insert(ID);
	for (int most = 1; most <= 10; most++)
		for (int failures = 0; failures < most; failures++) {
			put(STATUS_RUNNING, failures, most);
			assert_int_equal(end(REASON_WORKER_HUNG), 0);
			assert_int_equal(get_status(), failures + 1 < most ? STATUS_QUEUED : STATUS_FAILED);
			assert_int_equal(select_int(db, "SELECT failures FROM experiment"), failures + 1);
		}
	enum run_status status;
	struct experiment_row row;
	put(STATUS_RUNNING, 2, 3);
	assert_int_equal(state_end(db, &current, REASON_WORKER_HUNG, NULL, NOW, &status, NULL), 0);
	assert_int_equal(status, STATUS_FAILED);
	assert_int_equal(experiment_get(db, ID, &row, NULL), 0);
	assert_string_equal(row.reason_message, "worker_hung"); /* without a message of its own */
	assert_int_equal(row.finished_at, NOW);
	experiment_row_free(&row);
}

/* A cancelled attempt ends as such, whatever came of it. */
static void test_the_end_of_a_cancelled_attempt(void **state)
{
	(void)state;
	enum run_status status = STATUS_QUEUED;
	struct experiment_row row;
	insert(ID);
	put(STATUS_CANCELLING, 0, 1);
	assert_int_equal(state_end(db, &current, REASON_WORKER_CRASHED, "because", NOW, &status, NULL), 0);
	assert_int_equal(status, STATUS_CANCELLED);
	assert_int_equal(experiment_get(db, ID, &row, NULL), 0);
	assert_string_equal(row.reason, "user_cancelled");
	assert_null(row.reason_message);
	experiment_row_free(&row);
	assert_int_equal(select_int(db, "SELECT failures FROM experiment"), 0);
}

/* How recovery judges a run: what it had done before, what the daemon's death costs it, and the limit to that. */
static void test_recovery_judges(void **state)
{
	(void)state;
	static const struct {
		enum run_status status;
		int epochs, failures, deaths, most;
		enum run_status becomes;
		int deaths_after;
		const char *reason, *message;
	} cases[] = {
	    {STATUS_RUNNING, 1, 0, 0, 3, STATUS_QUEUED, 0, "shutdown",
	     "the daemon ended while the experiment was running"},
	    {STATUS_RUNNING, 0, 0, 0, 3, STATUS_QUEUED, 1, "shutdown",
	     "the daemon ended while the experiment was running"},
	    {STATUS_RUNNING, 9, 2, 90, 3, STATUS_QUEUED, 90, "shutdown", NULL},
	    {STATUS_RUNNING, 0, 0, 6, 3, STATUS_QUEUED, 7, "shutdown", NULL},
	    {STATUS_RUNNING, 0, 0, 7, 3, STATUS_FAILED, 8, "too_many_attempts",
	     "the daemon died too often before a first epoch was done"},
	    {STATUS_RUNNING, 0, 2, 4, 3, STATUS_QUEUED, 5, "shutdown", NULL},
	    {STATUS_RUNNING, 0, 2, 5, 3, STATUS_FAILED, 6, "too_many_attempts", NULL},
	    {STATUS_RUNNING, 0, 0, 4, 1, STATUS_QUEUED, 5, "shutdown", NULL},
	    {STATUS_RUNNING, 0, 0, 5, 1, STATUS_FAILED, 6, "too_many_attempts", NULL},
	    {STATUS_CANCELLING, 0, 0, 9, 1, STATUS_CANCELLED, 9, "user_cancelled", ""},
	};
	insert(ID);
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		int requeued = -1, cancelled = -1;
		struct experiment_row row;
		put(cases[i].status, cases[i].failures, cases[i].most);
		db_query(db,
		         "UPDATE experiment SET attempt_epochs = :epochs, daemon_failures = :deaths, worker_pid = 7,"
		         " heartbeat_at = 8");
		db_bind_int(db, ":epochs", cases[i].epochs);
		db_bind_int(db, ":deaths", cases[i].deaths);
		assert_int_equal(db_run(db), 0);
		recover(&requeued, &cancelled);
		assert_int_equal(get_status(), cases[i].becomes);
		assert_int_equal(requeued, cases[i].becomes == STATUS_QUEUED);
		assert_int_equal(cancelled, cases[i].becomes == STATUS_CANCELLED);
		assert_int_equal(select_int(db, "SELECT daemon_failures FROM experiment"), cases[i].deaths_after);
		assert_int_equal(select_int(db, "SELECT failures FROM experiment"), cases[i].failures);
		assert_int_equal(select_int(db, "SELECT run_at FROM experiment"), 1000); /* its place in the queue */
		assert_int_equal(select_int(db, "SELECT worker_pid IS NULL AND heartbeat_at IS NULL FROM experiment"),
		                 1);
		assert_int_equal(experiment_get(db, ID, &row, NULL), 0);
		assert_string_equal(row.reason, cases[i].reason);
		if (cases[i].message != NULL)
			assert_string_equal(row.reason_message != NULL ? row.reason_message : "", cases[i].message);
		experiment_row_free(&row);
	}
}

int main(void)
{
	if (sodium_init() < 0)
		return 1;
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
	    TEST(test_crash_loop_ends),
	    TEST(test_drains_do_not_use_up_attempts),
	    TEST(test_backoff_bounds),
	    TEST(test_recovery_leaves_nothing_running),
	    TEST(test_daemon_deaths),
	    TEST(test_long_messages_are_cut_on_a_character),
	    TEST(test_every_reason),
	    TEST(test_the_last_attempt),
	    TEST(test_the_end_of_a_cancelled_attempt),
	    TEST(test_recovery_judges),
	};
	return cmocka_run_group_tests_name("retries", tests, NULL, NULL);
}
