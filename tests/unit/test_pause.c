/* Pause, resume and retry: in every status, and what becomes of a run that is to pause. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "tests/unit/state_fixture.h"

static int do_pause(void)
{
	enum run_status status;
	return state_pause(db, ID, NOW, &status, NULL);
}

static int do_resume(void)
{
	enum run_status status;
	return state_resume(db, ID, NOW, &status, NULL);
}

static int do_retry(void)
{
	return state_retry(db, ID, NOW, NULL);
}

/* Two more columns than there are statuses: running and to be paused. */
enum { PAUSING = STATUS_COUNT, COLUMNS, NO = -1, SAME = -2 };

static void put_any(int from)
{
	put(from == PAUSING ? STATUS_RUNNING : (enum run_status)from, 2, 3);
	assert_int_equal(db_script(db, "UPDATE experiment SET reason = NULL, daemon_failures = 4, finished_at ="
	                               " iif(status IN ('succeeded', 'failed', 'cancelled'), 9, NULL)"),
	                 0);
	if (from == PAUSING)
		assert_int_equal(db_script(db, "UPDATE experiment SET reason = 'user_paused'"), 0);
}

static bool is_pausing(void)
{
	return select_int(db, "SELECT status = 'running' AND reason IS 'user_paused' FROM experiment") == 1;
}

static void test_in_every_status(void **state)
{
	(void)state;
	static const struct {
		int (*run)(void);
		const char *reason;
		int becomes[COLUMNS];
	} table[] = {
	    /* queued, running, paused, cancelling, succeeded, failed, cancelled, pausing */
	    {do_pause, "user_paused", {STATUS_PAUSED, PAUSING, SAME, NO, NO, NO, NO, SAME}},
	    {do_resume, "", {SAME, SAME, STATUS_QUEUED, NO, NO, NO, NO, STATUS_RUNNING}},
	    {do_retry, "", {NO, NO, NO, NO, NO, STATUS_QUEUED, STATUS_QUEUED, NO}},
	};
	insert(ID);
	for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
		for (int from = 0; from < COLUMNS; from++) {
			int before = 0, after = 0, to = table[i].becomes[from];
			put_any(from);
			int64_t version = select_int(db, "SELECT version FROM experiment");
			last_transition(&before);
			assert_int_equal(table[i].run(), to == NO ? ERR_CONFLICT : 0);
			struct transition_row last = last_transition(&after);
			int now = is_pausing() ? PAUSING : (int)get_status();
			assert_int_equal(now, to < 0 ? from : to);
			assert_int_equal(after, before + (to >= 0));
			assert_int_equal(select_int(db, "SELECT version FROM experiment"), version + (to >= 0));
			if (to >= 0)
				assert_string_equal(last.reason, table[i].reason);
			assert_int_equal(select_int(db, "SELECT finished_at IS NOT NULL FROM experiment"),
			                 status_terminal(get_status()));
		}
	}
}

static void test_of_nothing(void **state)
{
	(void)state;
	enum run_status status;
	assert_int_equal(state_pause(db, "nobody", NOW, &status, NULL), ERR_NOT_FOUND);
	assert_int_equal(state_resume(db, "nobody", NOW, &status, NULL), ERR_NOT_FOUND);
	assert_int_equal(state_retry(db, "nobody", NOW, NULL), ERR_NOT_FOUND);
}

/* A retry begins with all attempts, at the end of the queue; a resume costs and gives nothing. */
static void test_what_they_change(void **state)
{
	(void)state;
	insert(ID);
	put_any(STATUS_FAILED);
	assert_int_equal(do_retry(), 0);
	assert_int_equal(select_int(db, "SELECT failures = 0 AND daemon_failures = 0 AND run_at = 5000 AND attempt = 4"
	                                " FROM experiment"),
	                 1);
	put_any(STATUS_PAUSED);
	assert_int_equal(do_resume(), 0);
	assert_int_equal(
	    select_int(db, "SELECT failures = 2 AND daemon_failures = 4 AND run_at = 5000 FROM experiment"), 1);
	put_any(STATUS_RUNNING);
	assert_int_equal(db_script(db, "UPDATE experiment SET worker_pid = 3, heartbeat_at = 4"), 0);
	assert_int_equal(do_pause(), 0);
	assert_int_equal(select_int(db, "SELECT worker_pid = 3 AND heartbeat_at = 4 AND attempt = 4 FROM experiment"),
	                 1);
	assert_int_equal(end(REASON_USER_PAUSED), 0);
	assert_int_equal(select_int(db, "SELECT worker_pid IS NULL AND failures = 2 FROM experiment"), 1);
}

/* A resume and a retry are ordered as a POST of now would be. */
static void test_priority_stays(void **state)
{
	(void)state;
	insert(ID);
	assert_int_equal(db_script(db, "UPDATE experiment SET spec_json = '{\"priority\":2}'"), 0);
	put_any(STATUS_PAUSED);
	assert_int_equal(do_resume(), 0);
	assert_int_equal(select_int(db, "SELECT run_at FROM experiment"), NOW - 2 * PRIORITY_MS);
	put_any(STATUS_CANCELLED);
	assert_int_equal(do_retry(), 0);
	assert_int_equal(select_int(db, "SELECT run_at FROM experiment"), NOW - 2 * PRIORITY_MS);
}

/* How the attempt of a run that is to pause ends. */
static void test_the_end_of_a_pausing_attempt(void **state)
{
	(void)state;
	static const struct {
		enum run_reason reason;
		enum run_status becomes;
	} cases[] = {
	    {REASON_USER_PAUSED, STATUS_PAUSED}, {REASON_WORKER_CRASHED, STATUS_PAUSED},
	    {REASON_SHUTDOWN, STATUS_PAUSED},    {REASON_NAN_LOSS, STATUS_FAILED},
	    {REASON_TIMEOUT, STATUS_FAILED},
	};
	insert(ID);
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		put_any(PAUSING);
		assert_int_equal(end(cases[i].reason), 0);
		assert_int_equal(get_status(), cases[i].becomes);
		assert_int_equal(select_int(db, "SELECT failures FROM experiment"), 2);
	}
	put_any(PAUSING);
	assert_int_equal(state_succeed(db, &current, NOW, NULL), 0); /* results win */
	assert_int_equal(get_status(), STATUS_SUCCEEDED);
	put_any(PAUSING); /* taken back: the worker ends all the same, and it costs nothing */
	assert_int_equal(do_resume(), 0);
	assert_int_equal(end(REASON_USER_PAUSED), 0);
	assert_int_equal(get_status(), STATUS_QUEUED);
	assert_int_equal(select_int(db, "SELECT failures = 2 AND run_at = 1000 FROM experiment"), 1);
	put_any(PAUSING); /* a cancel goes before a pause */
	enum run_status status;
	assert_int_equal(state_cancel(db, ID, NOW, &status, NULL), 0);
	assert_int_equal(do_pause(), ERR_CONFLICT);
	assert_int_equal(end(REASON_USER_PAUSED), 0);
	assert_int_equal(get_status(), STATUS_CANCELLED);
}

/* The daemon died: what was to be paused is. */
static void test_recovery(void **state)
{
	(void)state;
	int requeued = 0, cancelled = 0;
	insert(ID);
	put_any(PAUSING);
	assert_int_equal(db_script(db, "UPDATE experiment SET attempt_epochs = 0"), 0);
	assert_int_equal(state_recover(db, NOW, &requeued, &cancelled, NULL), 0);
	assert_int_equal(get_status(), STATUS_PAUSED);
	assert_int_equal(requeued + cancelled, 0);
	assert_int_equal(select_int(db, "SELECT daemon_failures FROM experiment"), 4);
	int64_t next_due;
	struct run_token token;
	assert_int_equal(turn_claim(db, NOW, TURN_ANY_ROOM, &token, &next_due, NULL), ERR_NOT_FOUND);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
	    TEST(test_in_every_status),
	    TEST(test_of_nothing),
	    TEST(test_what_they_change),
	    TEST(test_priority_stays),
	    TEST(test_the_end_of_a_pausing_attempt),
	    TEST(test_recovery),
	};
	return cmocka_run_group_tests_name("pause", tests, NULL, NULL);
}
