/* The life of an experiment: every function in every status, tokens, recovery, back-off. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <sodium.h>

#include "schema/embed.h"
#include "server/run/attempt.h"
#include "tests/unit/experiment_fixture.h"

static struct db *db;

#define ID "01ARZ3NDEKTSV4RRFFQ69G5FAV"
static const struct run_token current = {ID, 4};

enum { NOW = 5000 };

static int setup(void **state)
{
	if (make_folder(state) != 0)
		return -1;
	struct qlstm_error error = {0};
	int rc = db_open(&db, database, DB_WRITER, schema_database_sql, &error);
	if (rc != 0)
		print_error("%s\n", error.message);
	return rc;
}

static int teardown(void **state)
{
	db_close(db);
	return drop_folder(state);
}

static void insert(const char *id)
{
	struct experiment_new new = new_experiment(id);
	assert_int_equal(experiment_insert(db, &new, 1000, NULL), 0);
}

/* Whatever happened before: attempt 4, as given. */
static void put(enum run_status status, int failures, int max_attempts)
{
	db_query(db, "UPDATE experiment SET status = :status, attempt = 4, failures = :failures, attempt_epochs = 1,"
	             " daemon_failures = 0, max_attempts = :max, run_at = 1000 WHERE id = '" ID "'");
	db_bind_text(db, ":status", status_name(status));
	db_bind_int(db, ":failures", failures);
	db_bind_int(db, ":max", max_attempts);
	assert_int_equal(db_run(db), 0);
}

static enum run_status get_status(void)
{
	struct experiment_row row;
	enum run_status status = STATUS_COUNT;
	assert_int_equal(experiment_get(db, ID, &row, NULL), 0);
	assert_int_equal(status_from_name(row.status, &status), 0);
	experiment_row_free(&row);
	return status;
}

static struct transition_row last_transition(int *count)
{
	struct transition_row *rows = NULL, last = {0};
	assert_int_equal(transition_list(db, ID, &rows, count, NULL), 0);
	if (*count > 0)
		last = rows[*count - 1];
	free(rows);
	return last;
}

static int do_claim(void)
{
	struct run_token token;
	int64_t next_due;
	return state_claim(db, NOW, &token, &next_due, NULL);
}

static int do_succeed(void)
{
	return state_succeed(db, &current, NOW, NULL);
}

static int end(enum run_reason reason)
{
	enum run_status status;
	return state_end(db, &current, reason, "because", NOW, &status, NULL);
}

static int do_end_retried(void)
{
	return end(REASON_WORKER_CRASHED);
}

static int do_end_last(void)
{
	put(get_status(), 2, 3);
	return end(REASON_WORKER_CRASHED);
}

static int do_end_shutdown(void)
{
	put(get_status(), 2, 3);
	return end(REASON_SHUTDOWN);
}

static int do_end_fatal(void)
{
	return end(REASON_NAN_LOSS);
}

static int do_cancel(void)
{
	enum run_status status;
	return state_cancel(db, ID, NOW, &status, NULL);
}

static int do_recover(void)
{
	int requeued, cancelled;
	return state_recover(db, NOW, &requeued, &cancelled, NULL);
}

/* What must come of each: the new status; NO: refused, nothing changes; SAME: allowed, nothing changes. */
enum { NO = -1, SAME = -2 };
static const struct {
	const char *name;
	int (*run)(void);
	int refusal;
	const char *reason; /* of the transition, from a status other than cancelling */
	int becomes[STATUS_COUNT];
} table[] = {
    /* queued, running, paused, cancelling, succeeded, failed, cancelled */
    {"claim", do_claim, ERR_NOT_FOUND, "", {STATUS_RUNNING, NO, NO, NO, NO, NO, NO}},
    {"succeed", do_succeed, ERR_CONFLICT, "", {NO, STATUS_SUCCEEDED, NO, STATUS_SUCCEEDED, NO, NO, NO}},
    {"end, retried",
     do_end_retried,
     ERR_CONFLICT,
     "worker_crashed",
     {NO, STATUS_QUEUED, NO, STATUS_CANCELLED, NO, NO, NO}},
    {"end, the last",
     do_end_last,
     ERR_CONFLICT,
     "too_many_attempts",
     {NO, STATUS_FAILED, NO, STATUS_CANCELLED, NO, NO, NO}},
    {"end, shutdown", do_end_shutdown, ERR_CONFLICT, "shutdown", {NO, STATUS_QUEUED, NO, STATUS_CANCELLED, NO, NO, NO}},
    {"end, fatal", do_end_fatal, ERR_CONFLICT, "nan_loss", {NO, STATUS_FAILED, NO, STATUS_CANCELLED, NO, NO, NO}},
    {"cancel",
     do_cancel,
     ERR_CONFLICT,
     "user_cancelled",
     {STATUS_CANCELLED, STATUS_CANCELLING, STATUS_CANCELLED, SAME, NO, NO, SAME}},
    {"recover", do_recover, ERR_CONFLICT, "shutdown", {SAME, STATUS_QUEUED, SAME, STATUS_CANCELLED, SAME, SAME, SAME}},
};

static void check_cell(size_t function, enum run_status from)
{
	put(from, 0, 3);
	int64_t version = select_int(db, "SELECT version FROM experiment");
	int before = 0, after = 0;
	last_transition(&before);
	int rc = table[function].run();
	struct transition_row last = last_transition(&after);
	enum run_status now = get_status();
	int expected = table[function].becomes[from];
	if (expected < 0) {
		assert_int_equal(rc, expected == NO ? table[function].refusal : 0);
		assert_int_equal(now, from);
		assert_int_equal(after, before);
		assert_int_equal(select_int(db, "SELECT version FROM experiment"), version);
		return;
	}
	assert_int_equal(rc, 0);
	assert_int_equal(now, expected);
	assert_int_equal(after, before + 1);
	assert_int_equal(select_int(db, "SELECT version FROM experiment"), version + 1);
	assert_string_equal(last.from_status, status_name(from));
	assert_string_equal(last.to_status, status_name(now));
	assert_int_equal(last.at, NOW);
	if (from != STATUS_CANCELLING)
		assert_string_equal(last.reason, table[function].reason);
	bool ended = select_int(db, "SELECT finished_at IS NOT NULL FROM experiment") == 1;
	assert_int_equal(ended, status_terminal(now));
}

static void test_every_function_in_every_status(void **state)
{
	(void)state;
	insert(ID);
	for (size_t function = 0; function < sizeof table / sizeof *table; function++)
		for (int from = 0; from < STATUS_COUNT; from++)
			check_cell(function, (enum run_status)from);
}

static void test_names(void **state)
{
	(void)state;
	for (int i = 0; i < STATUS_COUNT; i++) {
		enum run_status status;
		assert_int_equal(status_from_name(status_name((enum run_status)i), &status), 0);
		assert_int_equal(status, i);
	}
	for (int i = 0; i < REASON_COUNT; i++) {
		enum run_reason reason;
		assert_int_equal(reason_from_name(reason_name((enum run_reason)i), &reason), 0);
		assert_int_equal(reason, i);
	}
	enum run_status status;
	enum run_reason reason;
	assert_int_equal(status_from_name("Running", &status), ERR_NOT_FOUND);
	assert_int_equal(status_from_name(NULL, &status), ERR_NOT_FOUND);
	assert_int_equal(reason_from_name("because", &reason), ERR_NOT_FOUND);
}

/* Everything that is said in a worker's name. */
static int say_success(const struct run_token *token)
{
	return state_succeed(db, token, NOW, NULL);
}

static int say_end(const struct run_token *token)
{
	enum run_status status;
	return state_end(db, token, REASON_WORKER_CRASHED, NULL, NOW, &status, NULL);
}

static int say_hello(const struct run_token *token)
{
	return progress_hello(db, token, 123, NOW, NULL);
}

static int say_epoch(const struct run_token *token)
{
	const struct metric_row metric = {.epoch = 7, .train_loss = 1, .test_loss = 1, .seconds = 1};
	return progress_epoch(db, token, &metric, NOW, NULL);
}

static int say_checkpoint(const struct run_token *token)
{
	return progress_checkpoint(db, token, 7, "file", "hash", NOW, NULL);
}

static int (*const sayings[])(const struct run_token *) = {say_success, say_end, say_hello, say_epoch, say_checkpoint};

/* All that could have changed, as one number. */
static int64_t count_changes(void)
{
	return select_int(db, "SELECT version + epoch + (SELECT count(*) FROM transition) + (SELECT count(*) FROM "
	                      "epoch_metric) + (SELECT count(*) FROM checkpoint) FROM experiment");
}

static void assert_refused(const struct run_token *token)
{
	int64_t before = count_changes();
	for (size_t i = 0; i < sizeof sayings / sizeof *sayings; i++)
		assert_int_equal(sayings[i](token), ERR_CONFLICT);
	assert_int_equal(count_changes(), before);
}

static void test_stale_tokens_change_nothing(void **state)
{
	(void)state;
	insert(ID);
	static const int stale[] = {3, 5, 0, -1};
	for (int status = 0; status < STATUS_COUNT; status++) {
		bool speaks = status == STATUS_RUNNING || status == STATUS_CANCELLING;
		put((enum run_status)status, 0, 3);
		for (size_t i = 0; i < sizeof stale / sizeof *stale; i++)
			assert_refused(&(struct run_token){ID, stale[i]});
		if (!speaks)
			assert_refused(&current); /* nor does the current one, once the attempt is over */
		else
			assert_int_equal(say_epoch(&current), 0);
	}
}

static void test_claims_are_distinct_and_in_order(void **state)
{
	(void)state;
	enum { COUNT = 50 };
	struct run_token token;
	int64_t next_due = -1;
	for (int i = COUNT - 1; i >= 0; i--)
		insert(numbered_id(i));
	for (int i = 0; i < COUNT; i++) {
		assert_int_equal(state_claim(db, NOW, &token, &next_due, NULL), 0);
		assert_string_equal(token.id, numbered_id(i));
		assert_int_equal(token.attempt, 1);
	}
	assert_int_equal(state_claim(db, NOW, &token, &next_due, NULL), ERR_NOT_FOUND);
	assert_int_equal(next_due, 0);
}

static void test_claim_waits_for_what_is_due(void **state)
{
	(void)state;
	struct run_token token;
	int64_t next_due = -1;
	insert(ID);
	assert_int_equal(db_script(db, "UPDATE experiment SET run_at = 20000"), 0);
	assert_int_equal(state_claim(db, 19999, &token, &next_due, NULL), ERR_NOT_FOUND);
	assert_int_equal(next_due, 20000);
	assert_int_equal(state_claim(db, 20000, &token, &next_due, NULL), 0);
}

static void test_clock_put_back_does_not_hold_the_queue(void **state)
{
	(void)state;
	struct run_token token;
	int64_t next_due = -1;
	insert(ID);
	assert_int_equal(db_script(db, "UPDATE experiment SET run_at = 100000000"), 0);
	assert_int_equal(state_claim(db, NOW, &token, &next_due, NULL), 0);
}

static void test_claim_reads_the_attempt(void **state)
{
	(void)state;
	insert(ID);
	struct attempt_claim claim;
	assert_int_equal(attempt_claim(db, &claim, NULL), 0);
	assert_string_equal(claim.attempt.token.id, ID);
	assert_int_equal(claim.attempt.token.attempt, 1);
	assert_string_equal(claim.attempt.spec_json, "{\"seed\":1}");
	assert_string_equal(claim.attempt.dataset_sha256, "");
	assert_int_equal(claim.attempt.n_checkpoints, 0);
	assert_true(claim.attempt.max_seconds == 600);
	attempt_free(&claim.attempt);
	assert_int_equal(attempt_claim(db, &claim, NULL), ERR_NOT_FOUND);
}

static void test_cancel_and_completion_do_not_both_win(void **state)
{
	(void)state;
	insert(ID);
	put(STATUS_RUNNING, 0, 3);
	assert_int_equal(do_cancel(), 0); /* asked first: the results come in time nonetheless */
	assert_int_equal(do_succeed(), 0);
	assert_int_equal(get_status(), STATUS_SUCCEEDED);
	assert_int_equal(do_cancel(), ERR_CONFLICT);
	put(STATUS_RUNNING, 0, 3);
	assert_int_equal(do_succeed(), 0); /* done first */
	assert_int_equal(do_cancel(), ERR_CONFLICT);
	assert_int_equal(get_status(), STATUS_SUCCEEDED);
	put(STATUS_RUNNING, 0, 3);
	assert_int_equal(do_cancel(), 0);
	assert_int_equal(do_end_fatal(), 0);
	assert_int_equal(get_status(), STATUS_CANCELLED);
	assert_int_equal(do_succeed(), ERR_CONFLICT);
	assert_int_equal(get_status(), STATUS_CANCELLED);
}

static void test_cancel_of_nothing(void **state)
{
	(void)state;
	enum run_status status;
	assert_int_equal(state_cancel(db, "nobody", NOW, &status, NULL), ERR_NOT_FOUND);
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
			assert_int_equal(say_epoch(&token), 0);
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
	    TEST(test_every_function_in_every_status),
	    cmocka_unit_test(test_names),
	    TEST(test_stale_tokens_change_nothing),
	    TEST(test_claims_are_distinct_and_in_order),
	    TEST(test_claim_waits_for_what_is_due),
	    TEST(test_clock_put_back_does_not_hold_the_queue),
	    TEST(test_claim_reads_the_attempt),
	    TEST(test_cancel_and_completion_do_not_both_win),
	    TEST(test_cancel_of_nothing),
	    TEST(test_crash_loop_ends),
	    TEST(test_drains_do_not_use_up_attempts),
	    TEST(test_backoff_bounds),
	    TEST(test_recovery_leaves_nothing_running),
	    TEST(test_daemon_deaths),
	    TEST(test_long_messages_are_cut_on_a_character),
	};
	return cmocka_run_group_tests_name("state", tests, NULL, NULL);
}
