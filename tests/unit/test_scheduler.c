/* The scheduler: slots, order, threads, counters, what is due later, draining. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <signal.h>
#include <sodium.h>
#include <sys/resource.h>

#include "server/common/clock.h"
#include "server/run/attempt.h"
#include "tests/unit/scheduler_fixture.h"

static bool store_is_sick(void *context)
{
	(void)context;
	return !store_healthy(store);
}

static bool is_running(const struct experiment_row *row)
{
	return strcmp(row->status, "running") == 0;
}

/* Lets go of the run: each waits for a file of its number. */
static void let_go(int number)
{
	char name[32];
	snprintf(name, sizeof name, "go-%d", number);
	assert_int_equal(file_write_atomic(folder, name, "", 0, NULL), 0);
}

/* Two at a time, the oldest first, whichever of the two ends: a run starts when another one's end made room for it. */
static void test_slots_and_order(void **state)
{
	(void)state;
	enum { RUNS = 7 };
	static const int order[RUNS] = {1, 0, 2, 4, 3, 6, 5};
	char script[200];
	for (int i = 0; i < RUNS; i++) {
		snprintf(script, sizeof script, "hello; epoch 1; until [ -e ../../../go-%d ]; do beat; done; finish",
		         i);
		submit(i, script, 1, 1000);
	}
	for (int i = 0; i < RUNS; i++) {
		int newest = i + SLOTS - 1 < RUNS ? i + SLOTS - 1 : RUNS - 1;
		for (int j = 0; j <= newest; j++)
			wait_until(has_an_epoch, j); /* both slots are in use, by the two that are oldest */
		struct scheduler_counters expected = {
		    .slots = SLOTS, .busy = newest - i + 1, .started = (uint64_t)newest + 1, .succeeded = (uint64_t)i};
		assert_true(turn_until(counters_say, &expected, PATIENCE_MS));
		for (int j = newest + 1; j < RUNS; j++)
			assert_end(j, "queued", "", NULL);
		wait_until(is_running, order[i]);
		let_go(order[i]);
		wait_until(has_ended, order[i]);
	}
	struct scheduler_counters expected = {.slots = SLOTS, .started = RUNS, .succeeded = RUNS};
	assert_true(turn_until(counters_say, &expected, PATIENCE_MS));
}

/* How each attempt ended is counted once. */
static void test_counters(void **state)
{
	(void)state;
	char id[RUN_ID_SIZE];
	submit(1, "finish", 1, 60);
	submit(2, "error nan_loss", 1, 60);
	submit(3, "if first; then error disk_full; fi; error nan_loss", 3, 60);
	for (int i = 1; i <= 3; i++)
		wait_until(has_ended, i);
	submit(4, "epoch 1; exec sleep 100", 1, 60);
	wait_until(has_an_epoch, 4);
	snprintf(id, sizeof id, "%s", numbered_id(4));
	assert_int_equal(store_write(store, cancel, id, NULL), 0);
	scheduler_stop(scheduler, "nobody", REASON_USER_CANCELLED);
	scheduler_stop(scheduler, id, REASON_USER_CANCELLED);
	wait_until(has_ended, 4);
	struct scheduler_counters expected = {
	    .slots = SLOTS, .started = 5, .succeeded = 1, .failed = 2, .cancelled = 1, .requeued = 1};
	assert_true(turn_until(counters_say, &expected, PATIENCE_MS));
}

/* An equal share of all threads for the workers there is work for, at least one each. */
static void test_threads_are_dealt_out(void **state)
{
	(void)state;
	static const char script[] = "printf '%s' \"$all\" > arguments; epoch 1\n"
	                             "until [ -e ../../../go-9 ]; do beat; done; finish";
	static const char *const shares[] = {"--threads 7", "--threads 3"};
	submit(0, script, 1, 1000);
	wait_until(has_an_epoch, 0); /* alone on the machine */
	submit(1, script, 1, 1000);
	submit(2, script, 1, 1000); /* waits */
	wait_until(has_an_epoch, 1);
	let_go(9);
	for (int i = 0; i < 2; i++) {
		char name[100];
		wait_until(has_ended, i);
		snprintf(name, sizeof name, "runs/%s/attempt-1/arguments", numbered_id(i));
		assert_non_null(strstr(read_text(name), shares[i]));
	}
	wait_until(has_ended, 2);
}

/* A claim that fails is tried again, without anybody's asking. */
static void test_a_claim_that_fails(void **state)
{
	(void)state;
	struct rlimit before, small;
	signal(SIGXFSZ, SIG_IGN);
	struct experiment_new new = new_experiment(numbered_id(1));
	new.spec_json = "finish";
	assert_int_equal(store_write(store, insert_new, &new, NULL), 0);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
	small = before;
	small.rlim_cur = 4096;
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
	scheduler_notify(scheduler);
	bool failed = turn_until(store_is_sick, NULL, PATIENCE_MS);
	for (int i = 0; i < 10; i++)
		uv_run(&loop, UV_RUN_NOWAIT);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
	assert_true(failed);
	wait_until(has_ended, 1);
	assert_end(1, "succeeded", "", NULL);
}

static int hold_back(struct db *db, void *argument, struct qlstm_error *error)
{
	const int64_t *due = argument;
	db_query(db, "UPDATE experiment SET not_before = :due");
	db_bind_int(db, ":due", *due);
	return db_run(db) == 0 ? 0 : db_error(db, error);
}

/* A back-off ends by itself. */
static void test_what_is_due_later_is_waited_for(void **state)
{
	(void)state;
	struct experiment_new new = new_experiment(numbered_id(1));
	new.spec_json = "finish";
	int64_t due = clock_now_ms() + 400;
	assert_int_equal(store_write(store, insert_new, &new, NULL), 0);
	assert_int_equal(store_write(store, hold_back, &due, NULL), 0);
	scheduler_notify(scheduler);
	wait_until(has_ended, 1);
	struct experiment_row row = get(1);
	assert_true(row.started_at >= due);
	experiment_row_free(&row);
}

static void test_a_path_that_is_too_long(void **state)
{
	(void)state;
	char path[ATTEMPT_PATH_SIZE];
	struct scheduler *second = NULL;
	struct scheduler_config config = {.data_dir = path, .worker_path = worker, .slots = 1, .threads = 1};
	memset(path, 'x', sizeof path);
	path[ATTEMPT_PATH_SIZE - 255] = '\0';
	assert_int_equal(scheduler_open(&second, &loop, store, &config, NULL), ERR_OUT_OF_RANGE);
	path[ATTEMPT_PATH_SIZE - 256] = '\0';
	assert_int_equal(scheduler_open(&second, &loop, store, &config, NULL), 0);
	scheduler_close(second);
}

static void test_drain(void **state)
{
	(void)state;
	submit(1, "epoch 1; exec sleep 100", 1, 60);
	submit(2, "trap '' TERM; epoch 1; exec sleep 100", 1, 60);
	submit(3, "finish", 1, 60);
	wait_until(has_an_epoch, 1);
	wait_until(has_an_epoch, 2);
	scheduler_drain(scheduler, on_drained, NULL);
	while (!drained)
		uv_run(&loop, UV_RUN_ONCE);
	for (int i = 1; i <= 2; i++)
		assert_end(i, "queued", "shutdown",
		           "the daemon was stopped or drained"); /* though it was the only attempt */
	assert_end(3, "queued", "", NULL);
	drained = false;
}

/* Requests that nobody serves any more go with it. */
static void test_closing_with_requests(void **state)
{
	(void)state;
	struct scheduler *second = NULL;
	struct scheduler_config config = {.data_dir = folder, .worker_path = worker, .slots = 1, .threads = 1};
	assert_int_equal(scheduler_open(&second, &loop, store, &config, NULL), 0);
	for (int i = 0; i < 3; i++)
		scheduler_stop(second, numbered_id(i), REASON_USER_CANCELLED);
	scheduler_close(second);
	scheduler_close(NULL);
	for (int i = 0; i < 3; i++)
		uv_run(&loop, UV_RUN_NOWAIT);
}

/* Called back through the loop, once, and nothing is claimed afterwards. */
static void test_drain_with_nothing_to_do(void **state)
{
	(void)state;
	scheduler_drain(scheduler, on_drained, NULL);
	assert_false(drained);
	while (!drained)
		uv_run(&loop, UV_RUN_ONCE);
	drained = false;
	submit(1, "finish", 1, 60);
	scheduler_wake(scheduler);
	for (int i = 0; i < 100; i++)
		uv_run(&loop, UV_RUN_NOWAIT);
	assert_false(drained);
	assert_end(1, "queued", "", NULL);
}

static void test_a_worker_that_is_not_there(void **state)
{
	(void)state;
	assert_int_equal(unlink(worker), 0);
	submit(1, "finish", 1, 60);
	wait_until(has_ended, 1);
	assert_end(1, "failed", "too_many_attempts", NULL);
}

int main(void)
{
	if (sodium_init() < 0)
		return 1;
	const struct CMUnitTest tests[] = {
	    TEST(test_slots_and_order),
	    TEST(test_counters),
	    TEST(test_threads_are_dealt_out),
	    TEST(test_a_claim_that_fails),
	    TEST(test_what_is_due_later_is_waited_for),
	    TEST(test_a_path_that_is_too_long),
	    HASTY(test_drain),
	    TEST(test_drain_with_nothing_to_do),
	    TEST(test_closing_with_requests),
	    TEST(test_a_worker_that_is_not_there),
	};
	return cmocka_run_group_tests_name("scheduler", tests, NULL, NULL);
}
