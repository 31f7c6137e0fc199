/* From reports to the store: in order, nothing left out, again after a failure, dropped when fenced or in a hurry. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <pthread.h>
#include <signal.h>
#include <sys/resource.h>

#include "server/run/recorder.h"
#include "server/store/store.h"
#include "tests/unit/worker_fixture.h"

static struct store *store;
static struct recorder *recorder;
static struct run_token token;
static struct rlimit limit_before;

static struct {
	enum run_reason reason;
	int moved, stopping, fenced, finished, code, stored;
	int64_t epochs_at_the_end;
} heard;

/* Each report once, in the order in which they were added. */
static void on_stored(void *context, const struct message *report)
{
	assert_ptr_equal(context, &heard);
	heard.stored++;
	if (report->kind == MESSAGE_EPOCH)
		assert_int_equal(report->is.metrics.epoch, heard.stored);
}

static void on_moved(void *context)
{
	assert_ptr_equal(context, &heard);
	heard.moved++;
}

static void on_stopping(void *context, enum run_reason reason)
{
	assert_ptr_equal(context, &heard);
	heard.reason = reason;
	heard.stopping++;
}

static void on_fenced(void *context)
{
	assert_ptr_equal(context, &heard);
	assert_int_equal(recorder_length(recorder), 0); /* everything queued was dropped */
	heard.fenced++;
}

static const struct recorder_events events = {on_stored, on_moved, on_stopping, on_fenced};

static int insert_and_claim(struct db *db, void *argument, struct qlstm_error *error)
{
	(void)argument;
	int64_t next_due;
	struct experiment_new new = new_experiment(numbered_id(1));
	int rc = experiment_insert(db, &new, 10, error);
	return rc == 0 ? turn_claim(db, 2000, TURN_ANY_ROOM, &token, &next_due, error) : rc;
}

static int setup(void **state)
{
	memset(&heard, 0, sizeof heard);
	signal(SIGXFSZ, SIG_IGN);
	if (make_folder(state) != 0 || open_loop() != 0 || getrlimit(RLIMIT_FSIZE, &limit_before) != 0 ||
	    store_open(&store, database, &loop, NULL) != 0 || store_write(store, insert_and_claim, NULL, NULL) != 0)
		return -1;
	return recorder_open(&recorder, &loop, store, &token, &events, &heard, NULL);
}

static int teardown(void **state)
{
	setrlimit(RLIMIT_FSIZE, &limit_before);
	recorder_close(recorder);
	store_close(store);
	return close_loop() != 0 ? -1 : drop_folder(state);
}

/* From here on no file can grow: the store refuses every write. */
static void fill_the_disk(void)
{
	struct rlimit small = limit_before;
	small.rlim_cur = 4096;
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
}

static void add_epoch(int epoch)
{
	struct message *report = calloc(1, sizeof *report);
	assert_non_null(report);
	report->kind = MESSAGE_EPOCH;
	report->at = 3000 + epoch;
	report->is.metrics.epoch = epoch;
	report->is.metrics.seconds = 1;
	strcpy(report->is.metrics.metrics_json, METRICS_1);
	recorder_add(recorder, report);
}

static int run_sql(struct db *db, void *argument, struct qlstm_error *error)
{
	return db_script(db, argument) == 0 ? 0 : db_error(db, error);
}

static void change(const char *sql)
{
	assert_int_equal(store_write(store, run_sql, (void *)(uintptr_t)sql, NULL), 0);
}

struct question {
	const char *sql;
	int64_t answer;
};

static int ask(struct db *db, void *argument, struct qlstm_error *error)
{
	(void)error;
	struct question *question = argument;
	question->answer = select_int(db, question->sql);
	return 0;
}

static int64_t stored(const char *sql)
{
	struct question question = {sql, -1};
	assert_int_equal(store_read(store, ask, &question, NULL), 0);
	return question.answer;
}

#define COUNT_EPOCHS "SELECT count(*) FROM epoch_metric"

static bool is_empty(void *context)
{
	(void)context;
	return recorder_length(recorder) == 0;
}

static bool is_finished(void *context)
{
	(void)context;
	return heard.finished > 0;
}

static int count_at_the_end(struct db *db, void *argument, struct qlstm_error *error)
{
	(void)error;
	*(int64_t *)argument = select_int(db, COUNT_EPOCHS);
	return 0;
}

static void on_finished(void *context, int code)
{
	assert_ptr_equal(context, &heard);
	heard.finished++;
	heard.code = code;
}

static void finish(void)
{
	recorder_finish(recorder, count_at_the_end, &heard.epochs_at_the_end, on_finished);
	assert_true(turn_until(is_finished, NULL, PATIENCE_MS));
	assert_int_equal(heard.finished, 1);
}

static void test_all_are_stored_in_order(void **state)
{
	(void)state;
	uint64_t commits, before, after;
	store_counters(store, &commits, &before);
	for (int epoch = 1; epoch <= 200; epoch++) {
		add_epoch(epoch);
		assert_int_equal(recorder_length(recorder), epoch);
	}
	finish();
	assert_int_equal(heard.code, 0);
	assert_int_equal(heard.epochs_at_the_end, 200); /* the last write is behind all reports */
	assert_int_equal(recorder_length(recorder), 0);
	assert_int_equal(heard.moved, 5); /* the first at once, the others 64 at a time */
	store_counters(store, &commits, &after);
	assert_int_equal(after - before, 5 + 1);
	assert_int_equal(stored("SELECT epoch FROM experiment"), 200);
	assert_int_equal(stored("SELECT heartbeat_at FROM experiment"), 3200);
	assert_int_equal(stored("SELECT version FROM experiment"), 2 + 200);
	assert_int_equal(heard.stopping + heard.fenced, 0);
}

static void test_nothing_to_store(void **state)
{
	(void)state;
	finish();
	assert_int_equal(heard.code, 0);
	assert_int_equal(heard.moved, 0);
}

static void test_a_cancel_and_a_pause_are_seen(void **state)
{
	(void)state;
	add_epoch(1);
	assert_true(turn_until(is_empty, NULL, PATIENCE_MS));
	assert_int_equal(heard.stopping, 0);
	change("UPDATE experiment SET status = 'cancelling'");
	add_epoch(2);
	assert_true(turn_until(is_empty, NULL, PATIENCE_MS));
	assert_int_equal(heard.stopping, 1);
	assert_int_equal(heard.reason, REASON_USER_CANCELLED);
	assert_int_equal(stored(COUNT_EPOCHS), 2); /* it is stored all the same */
	change("UPDATE experiment SET status = 'running', reason = 'user_paused'");
	add_epoch(3);
	assert_true(turn_until(is_empty, NULL, PATIENCE_MS));
	assert_int_equal(heard.stopping, 2);
	assert_int_equal(heard.reason, REASON_USER_PAUSED);
	change("UPDATE experiment SET reason = NULL");
	add_epoch(4);
	assert_true(turn_until(is_empty, NULL, PATIENCE_MS));
	assert_int_equal(heard.stopping, 2);
	finish();
	assert_int_equal(heard.fenced, 0);
}

static bool is_fenced(void *context)
{
	(void)context;
	return heard.fenced > 0;
}

static void test_a_stale_token(void **state)
{
	(void)state;
	change("UPDATE experiment SET attempt = attempt + 1, status = 'cancelling'");
	for (int epoch = 1; epoch <= 5; epoch++)
		add_epoch(epoch);
	assert_true(turn_until(is_fenced, NULL, PATIENCE_MS));
	assert_int_equal(heard.fenced, 1);
	assert_int_equal(heard.moved, 1);
	assert_int_equal(heard.stopping, 0); /* it is another attempt that is being cancelled */
	finish();
	assert_int_equal(heard.epochs_at_the_end, 0);
	assert_int_equal(stored("SELECT version FROM experiment"), 2);
}

/* Another attempt's cancel is none of ours. */
static void test_only_our_attempt_is_cancelled(void **state)
{
	(void)state;
	add_epoch(1);
	assert_true(turn_until(is_empty, NULL, PATIENCE_MS));
	assert_int_equal(heard.stopping, 0);
	finish();
}

static bool is_unhealthy(void *context)
{
	(void)context;
	return !store_healthy(store);
}

static void test_a_full_disk_is_waited_for(void **state)
{
	(void)state;
	fill_the_disk();
	add_epoch(1);
	assert_true(turn_until(is_unhealthy, NULL, PATIENCE_MS));
	for (int epoch = 2; epoch <= 10; epoch++)
		add_epoch(epoch);
	recorder_finish(recorder, count_at_the_end, &heard.epochs_at_the_end, on_finished);
	for (int i = 0; i < 20; i++)
		uv_run(&loop, UV_RUN_NOWAIT);
	assert_int_equal(recorder_length(recorder), 10);
	assert_int_equal(heard.moved + heard.finished, 0);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit_before), 0);
	assert_true(turn_until(is_finished, NULL, PATIENCE_MS));
	assert_int_equal(heard.code, 0);
	assert_int_equal(heard.epochs_at_the_end, 10);
	assert_int_equal(stored("SELECT epoch FROM experiment"), 10);
	assert_int_equal(stored("SELECT version FROM experiment"), 12); /* each once */
}

static void test_in_a_hurry_it_is_dropped(void **state)
{
	(void)state;
	fill_the_disk();
	static char last[] = "UPDATE experiment SET epoch = 99";
	add_epoch(1);
	recorder_finish(recorder, run_sql, last, on_finished);
	assert_true(turn_until(is_unhealthy, NULL, PATIENCE_MS));
	recorder_hurry(recorder);
	assert_true(turn_until(is_finished, NULL, PATIENCE_MS));
	assert_int_equal(recorder_length(recorder), 0);
	assert_int_equal(heard.code, ERR_DISK_FULL);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit_before), 0);
	assert_int_equal(stored(COUNT_EPOCHS), 0);
}

/* The next try is not a second away. */
static void test_a_hurry_does_not_wait_for_the_next_try(void **state)
{
	(void)state;
	fill_the_disk();
	add_epoch(1);
	assert_true(turn_until(is_unhealthy, NULL, PATIENCE_MS));
	for (int i = 0; i < 50; i++)
		uv_run(&loop, UV_RUN_NOWAIT);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit_before), 0);
	recorder_hurry(recorder);
	assert_true(turn_until(is_empty, NULL, PATIENCE_MS));
	assert_int_equal(stored(COUNT_EPOCHS), 1);
	finish();
}

static int tries;

static int fail_twice(struct db *db, void *argument, struct qlstm_error *error)
{
	(void)db, (void)argument;
	return ++tries < 3 ? error_set(error, ERR_IO, NULL, "not now") : 0;
}

static int refuse(struct db *db, void *argument, struct qlstm_error *error)
{
	(void)db, (void)argument;
	tries++;
	return error_set(error, ERR_CONFLICT, NULL, "never");
}

static void test_the_last_write_is_repeated(void **state)
{
	(void)state;
	tries = 0;
	uint64_t start = uv_hrtime();
	recorder_finish(recorder, fail_twice, NULL, on_finished);
	assert_true(turn_until(is_finished, NULL, PATIENCE_MS));
	assert_int_equal(heard.code, 0);
	assert_int_equal(tries, 3);
	assert_true(uv_hrtime() - start >= 1900 * UINT64_C(1000000)); /* not as fast as it can */
}

static void again(void *context, int code)
{
	on_finished(context, code);
	if (heard.finished == 1)
		recorder_finish(recorder, count_at_the_end, &heard.epochs_at_the_end, again);
}

static bool is_finished_twice(void *context)
{
	(void)context;
	return heard.finished == 2;
}

static void test_a_conflict_is_final(void **state)
{
	(void)state;
	tries = 0;
	recorder_finish(recorder, refuse, NULL, again);
	assert_true(turn_until(is_finished, NULL, PATIENCE_MS));
	assert_int_equal(heard.code, ERR_CONFLICT);
	assert_int_equal(tries, 1);
	assert_true(turn_until(is_finished_twice, NULL, PATIENCE_MS)); /* and from within it there can be another */
	assert_int_equal(heard.code, 0);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
	    TEST(test_all_are_stored_in_order),       TEST(test_nothing_to_store),
	    TEST(test_a_cancel_and_a_pause_are_seen), TEST(test_a_stale_token),
	    TEST(test_only_our_attempt_is_cancelled), TEST(test_a_full_disk_is_waited_for),
	    TEST(test_in_a_hurry_it_is_dropped),      TEST(test_a_hurry_does_not_wait_for_the_next_try),
	    TEST(test_the_last_write_is_repeated),    TEST(test_a_conflict_is_final),
	};
	return cmocka_run_group_tests_name("recorder", tests, NULL, NULL);
}
