/* The life of an experiment: every function in every status, tokens, claims. What comes after a failure is in
 * test_retries.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <sodium.h>

#include "server/run/attempt.h"
#include "server/store/datasets.h"
#include "tests/unit/state_fixture.h"

static int do_claim(void)
{
	struct run_token token;
	int64_t next_due;
	return turn_claim(db, NOW, TURN_ANY_ROOM, &token, &next_due, NULL);
}

static int do_succeed(void)
{
	return state_succeed(db, &current, NOW, NULL);
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

static int do_wait(void)
{
	return state_wait(db, ID, REASON_WAITS_FOR_MEMORY, "how much", NOW, NULL);
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
    {"wait", do_wait, ERR_CONFLICT, "waits_for_memory", {STATUS_QUEUED, NO, NO, NO, NO, NO, NO}},
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
	const struct metric_row metric = {.epoch = 7, .seconds = 1, .metrics_json = METRICS_1};
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
		assert_int_equal(turn_claim(db, NOW, TURN_ANY_ROOM, &token, &next_due, NULL), 0);
		assert_string_equal(token.id, numbered_id(i));
		assert_int_equal(token.attempt, 1);
	}
	assert_int_equal(turn_claim(db, NOW, TURN_ANY_ROOM, &token, &next_due, NULL), ERR_NOT_FOUND);
	assert_int_equal(next_due, 0);
}

static void test_claim_waits_for_what_is_due(void **state)
{
	(void)state;
	struct run_token token;
	int64_t next_due = -1;
	insert(ID);
	assert_int_equal(db_script(db, "UPDATE experiment SET not_before = 20000"), 0);
	assert_int_equal(turn_claim(db, 19999, TURN_ANY_ROOM, &token, &next_due, NULL), ERR_NOT_FOUND);
	assert_int_equal(next_due, 20000);
	assert_int_equal(turn_claim(db, 20000, TURN_ANY_ROOM, &token, &next_due, NULL), 0);
}

static void test_clock_put_back_does_not_hold_the_queue(void **state)
{
	(void)state;
	struct run_token token;
	int64_t next_due = -1;
	insert(ID);
	assert_int_equal(db_script(db, "UPDATE experiment SET not_before = 100000000"), 0);
	assert_int_equal(turn_claim(db, NOW, TURN_ANY_ROOM, &token, &next_due, NULL), 0);
}

static void test_claim_reads_the_attempt(void **state)
{
	(void)state;
	insert(ID);
	struct attempt_claim claim;
	assert_int_equal(attempt_claim(db, TURN_ANY_ROOM, &claim, NULL), 0);
	assert_string_equal(claim.attempt.token.id, ID);
	assert_int_equal(claim.attempt.token.attempt, 1);
	assert_string_equal(claim.attempt.spec_json, "{\"seed\":1}");
	assert_string_equal(claim.attempt.dataset_sha256, "");
	assert_int_equal(claim.attempt.n_checkpoints, 0);
	assert_true(claim.attempt.max_seconds == 600);
	attempt_free(&claim.attempt);
	assert_int_equal(attempt_claim(db, TURN_ANY_ROOM, &claim, NULL), ERR_NOT_FOUND);
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

/* What a claim sets, and what it leaves. */
static void test_what_a_claim_changes(void **state)
{
	(void)state;
	struct run_token token;
	int64_t next_due = -1;
	struct experiment_row row;
	insert(ID);
	assert_int_equal(turn_claim(db, 2000, TURN_ANY_ROOM, &token, &next_due, NULL), 0);
	assert_string_equal(token.id, ID);
	assert_int_equal(token.attempt, 1);
	assert_int_equal(next_due, 0);
	assert_int_equal(experiment_get(db, ID, &row, NULL), 0);
	assert_true(row.started_at == 2000 && row.attempt_started_at == 2000 && row.finished_at == 0);
	experiment_row_free(&row);
	assert_int_equal(db_script(db,
	                           "UPDATE experiment SET status = 'queued', attempt_epochs = 5, reason = 'shutdown',"
	                           " reason_message = 'm', failures = 1, daemon_failures = 2, worker_pid = 3,"
	                           " heartbeat_at = 4"),
	                 0);
	assert_int_equal(turn_claim(db, 3000, TURN_ANY_ROOM, &token, &next_due, NULL), 0);
	assert_int_equal(token.attempt, 2);
	assert_int_equal(experiment_get(db, ID, &row, NULL), 0);
	assert_true(row.started_at == 2000 && row.attempt_started_at == 3000 && row.attempt == 2);
	assert_true(row.reason == NULL && row.reason_message == NULL);
	experiment_row_free(&row);
	assert_int_equal(select_int(db, "SELECT attempt_epochs = 0 AND failures = 1 AND daemon_failures = 2"
	                                " AND worker_pid IS NULL AND heartbeat_at IS NULL AND run_at = 1000"
	                                " FROM experiment"),
	                 1);
	int count = 0;
	struct transition_row last = last_transition(&count);
	assert_int_equal(last.attempt, 2); /* the attempt that begins */
}

/* A cancel leaves the worker's pid for whoever is to end it, until it is gone. */
static void test_what_a_cancel_changes(void **state)
{
	(void)state;
	enum run_status status = STATUS_QUEUED;
	insert(ID);
	put(STATUS_RUNNING, 0, 3);
	assert_int_equal(db_script(db, "UPDATE experiment SET worker_pid = 3, heartbeat_at = 4"), 0);
	assert_int_equal(state_cancel(db, ID, NOW, &status, NULL), 0);
	assert_int_equal(status, STATUS_CANCELLING);
	assert_int_equal(select_int(db, "SELECT worker_pid = 3 AND heartbeat_at = 4 AND finished_at IS NULL"
	                                " AND attempt = 4 AND attempt_epochs = 1 FROM experiment"),
	                 1);
	assert_int_equal(state_cancel(db, ID, NOW, &status, NULL), 0);
	assert_int_equal(status, STATUS_CANCELLING);
	assert_int_equal(do_succeed(), 0);
	assert_int_equal(select_int(db, "SELECT worker_pid IS NULL AND heartbeat_at IS NULL AND reason IS NULL"
	                                " AND finished_at = 5000 FROM experiment"),
	                 1);
	assert_int_equal(state_cancel(db, ID, NOW, &status, NULL), ERR_CONFLICT);
	assert_int_equal(status, STATUS_SUCCEEDED);
	struct qlstm_error error = {0};
	state_cancel(db, ID, NOW, &status, &error);
	assert_string_equal(error.message, "the experiment is succeeded");
}

/* By what is due first, then by id; a time that no back-off reaches does not count. */
static void test_the_order_of_the_queue(void **state)
{
	(void)state;
	static const int run_at[] = {4000, 3000, 3000, 5000}, order[] = {1, 2, 0, 3};
	struct run_token token;
	int64_t next_due = -1;
	for (int i = 3; i >= 0; i--) {
		struct experiment_new new = new_experiment(numbered_id(i));
		new.now = run_at[i];
		assert_int_equal(experiment_insert(db, &new, 10, NULL), 0);
	}
	for (int i = 0; i < 4; i++) {
		assert_int_equal(turn_claim(db, NOW, TURN_ANY_ROOM, &token, &next_due, NULL), 0);
		assert_string_equal(token.id, numbered_id(order[i]));
	}
	static const struct {
		int64_t in;
		bool waits;
	} cases[] = {{1, true}, {30000, true}, {30001, false}, {0, false}, {-1, false}};
	for (int i = 0; i < 5; i++) {
		insert(numbered_id(10 + i));
		db_query(db, "UPDATE experiment SET not_before = :due WHERE status = 'queued'");
		db_bind_int(db, ":due", NOW + cases[i].in);
		assert_int_equal(db_run(db), 0);
		int rc = turn_claim(db, NOW, TURN_ANY_ROOM, &token, &next_due, NULL);
		assert_int_equal(rc, cases[i].waits ? ERR_NOT_FOUND : 0);
		assert_int_equal(next_due, cases[i].waits ? NOW + cases[i].in : 0);
		assert_int_equal(db_script(db, "UPDATE experiment SET status = 'failed'"), 0);
	}
}

/* A minute for each point: whoever came long enough before is not overtaken. */
static void test_priorities(void **state)
{
	(void)state;
	static const struct {
		int priority, at;
	} rows[] = {{0, 100000}, {1, 160001}, {1, 160000}, {2, 160000}, {0, 99999}};
	static const int order[] = {3, 4, 0, 2, 1};
	struct run_token token;
	int64_t next_due = -1;
	for (int i = 0; i < 5; i++) {
		struct experiment_new new = new_experiment(numbered_id(i));
		new.now = rows[i].at;
		new.priority = rows[i].priority;
		assert_int_equal(experiment_insert(db, &new, 10, NULL), 0);
	}
	for (int i = 0; i < 5; i++) {
		assert_int_equal(turn_claim(db, 200000, TURN_ANY_ROOM, &token, &next_due, NULL), 0);
		assert_string_equal(token.id, numbered_id(order[i]));
	}
}

/* A claim reads the data set, the two newest checkpoints, newest first, and how many wait. */
static void test_a_claim_reads_all_that_belongs_to_it(void **state)
{
	(void)state;
	bool existed;
	struct dataset_row data = {.name = (char[]){"d"},
	                           .file = (char[]){"data.csv"},
	                           .kind = (char[]){"csv"},
	                           .columns_json = (char[]){"[]"},
	                           .description_json = (char[]){"{}"},
	                           .sha256 = "data hash"};
	memcpy(data.id, numbered_id(90), sizeof data.id);
	assert_int_equal(dataset_insert(db, &data, &existed, NULL), 0);
	struct experiment_new new = new_experiment(ID);
	new.dataset_id = data.id, new.max_seconds = 7.5;
	assert_int_equal(experiment_insert(db, &new, 10, NULL), 0);
	for (int i = 0; i < 3; i++)
		insert(numbered_id(i));
	put(STATUS_RUNNING, 0, 3);
	for (int epoch = 1; epoch <= 3; epoch++)
		assert_int_equal(progress_checkpoint(db, &current, epoch, "file", "hash", NOW, NULL), 0);
	assert_int_equal(end(REASON_SHUTDOWN), 0);
	assert_int_equal(db_script(db, "UPDATE experiment SET run_at = 10 WHERE id = '" ID "'"), 0);
	struct attempt_claim claim;
	assert_int_equal(attempt_claim(db, TURN_ANY_ROOM, &claim, NULL), 0);
	assert_string_equal(claim.attempt.token.id, ID);
	assert_int_equal(claim.attempt.token.attempt, 5);
	assert_string_equal(claim.attempt.dataset_sha256, "data hash");
	assert_string_equal(claim.attempt.dataset_file, "data.csv");
	assert_true(claim.attempt.max_seconds == 7.5);
	assert_int_equal(claim.attempt.n_checkpoints, 2);
	assert_int_equal(claim.attempt.checkpoints[0].epoch, 3);
	assert_int_equal(claim.attempt.checkpoints[1].epoch, 2);
	assert_int_equal(claim.attempt.checkpoints[0].attempt, 4);
	assert_string_equal(claim.attempt.checkpoints[0].file, "file");
	assert_string_equal(claim.attempt.checkpoints[0].sha256, "hash");
	assert_int_equal(claim.waiting, 3);
	attempt_free(&claim.attempt);
}

static void test_paths(void **state)
{
	(void)state;
	char path[ATTEMPT_PATH_SIZE];
	attempt_folder("/data", &current, path);
	assert_string_equal(path, "/data/runs/" ID "/attempt-4");
	attempt_file("/data", &current, "spec.json", path);
	assert_string_equal(path, "/data/runs/" ID "/attempt-4/spec.json");
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
	    TEST(test_what_a_claim_changes),
	    TEST(test_what_a_cancel_changes),
	    TEST(test_the_order_of_the_queue),
	    TEST(test_priorities),
	    TEST(test_a_claim_reads_all_that_belongs_to_it),
	    cmocka_unit_test(test_paths),
	};
	return cmocka_run_group_tests_name("state", tests, NULL, NULL);
}
