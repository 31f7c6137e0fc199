/* How attempts end: by themselves, by a cancel, by another that has taken their place. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <sodium.h>

#include "tests/unit/scheduler_fixture.h"

static int get_artifact(struct db *db, void *argument, struct qlstm_error *error)
{
	return artifact_get(db, numbered_id(1), "weights", argument, error);
}

static void test_success(void **state)
{
	(void)state;
	struct artifact_row weights;
	submit(1, "hello; epoch 1; epoch 2; say nonsense; say '{\"type\":\"new\"}'; epoch 3; finish", 1, 60);
	wait_until(has_ended, 1);
	assert_end(1, "succeeded", "", "");
	struct experiment_row row = get(1);
	assert_int_equal(row.epoch, 3);
	assert_int_equal(row.attempt, 1);
	experiment_row_free(&row);
	assert_int_equal(store_read(store, get_artifact, &weights, NULL), 0);
	assert_string_equal(weights.file, "attempt-1/w");
	assert_int_equal(weights.bytes, 7);
	assert_true(exists((char[]){"runs/01ARZ3NDEKTSV4RRFF00000001/attempt-1/spec.json"}));
	struct scheduler_counters expected = {.slots = SLOTS, .started = 1, .succeeded = 1};
	assert_true(turn_until(counters_say, &expected, PATIENCE_MS));
}

/* Scripts that end by themselves, with one attempt. */
static void test_ends(void **state)
{
	(void)state;
	static const struct {
		const char *script, *status, *reason, *message;
		double max_seconds;
	} cases[] = {
	    {"hello; exit 0", "failed", "too_many_attempts",
	     "worker_crashed: worker ended with status 0 and without results", 60},
	    {"finish 8", "failed", "too_many_attempts",
	     "worker_crashed: the artifact 'weights' is not what the worker announced", 60},
	    {"error nan_loss", "failed", "nan_loss", "m", 60},
	    {"error because", "failed", "internal", "m", 60},
	    {"error shutdown", "failed", "internal", "m", 60}, /* not the worker's to say */
	    {"hello; kill -9 $$", "failed", "too_many_attempts",
	     "worker_crashed: worker was killed by signal 9 (possibly out of memory)", 60},
	    {"announce; exit 3", "failed", "too_many_attempts", NULL, 60},
	    {"hello; exec sleep 100", "failed", "timeout", "the attempt took longer than limits.max_seconds", 0.3},
	    {"trap '' TERM; exec sleep 100", "failed", "timeout", NULL, 0.3},
	    {"hello; trap '' TERM; exec sleep 100", "failed", "too_many_attempts",
	     "worker_hung: the worker gave no sign of life", 60},
	};
	enum { COUNT = sizeof cases / sizeof *cases };
	for (int i = 0; i < COUNT; i++)
		submit(i, cases[i].script, 1, cases[i].max_seconds);
	for (int i = 0; i < COUNT; i++) {
		wait_until(has_ended, i);
		assert_end(i, cases[i].status, cases[i].reason, cases[i].message);
	}
}

/* Cancels a run of that script after its first epoch, and waits for its end. */
static void cancel_running(int number, const char *script)
{
	char id[RUN_ID_SIZE];
	submit(number, script, 3, 60);
	wait_until(has_an_epoch, number);
	snprintf(id, sizeof id, "%s", numbered_id(number));
	assert_int_equal(store_write(store, cancel, id, NULL), 0);
	scheduler_stop(scheduler, id, REASON_USER_CANCELLED);
	wait_until(has_ended, number);
}

static void test_cancel(void **state)
{
	(void)state;
	static const char *const scripts[] = {
	    "epoch 1; exec sleep 100",
	    "trap '' TERM; epoch 1; exec sleep 100",
	    "trap 'error nan_loss' TERM; epoch 1; while true; do sleep 0.05; done",
	};
	for (int i = 0; i < 3; i++) {
		cancel_running(i, scripts[i]);
		assert_end(i, "cancelled", "user_cancelled", NULL);
	}
}

static void test_results_win(void **state)
{
	(void)state;
	cancel_running(1, "trap finish TERM; epoch 1; while true; do sleep 0.05; done");
	assert_end(1, "succeeded", "", "");
	submit(2, "trap finish TERM; while true; do sleep 0.05; done", 1, 1.5); /* told to stop at its deadline */
	wait_until(has_ended, 2);
	assert_end(2, "succeeded", "", "");
}

/* Without the call that ends the worker: it is found out when the next line is stored. */
static void test_cancel_is_noticed(void **state)
{
	(void)state;
	char id[RUN_ID_SIZE];
	submit(1, "i=0; while true; do i=$((i+1)); epoch $i; sleep 0.02; done", 3, 60);
	wait_until(has_an_epoch, 1);
	snprintf(id, sizeof id, "%s", numbered_id(1));
	assert_int_equal(store_write(store, cancel, id, NULL), 0);
	wait_until(has_ended, 1);
	assert_end(1, "cancelled", "user_cancelled", NULL);
}

static int steal(struct db *db, void *argument, struct qlstm_error *error)
{
	(void)argument;
	return db_script(db, "UPDATE experiment SET attempt = attempt + 1") == 0 ? 0 : db_error(db, error);
}

static bool is_idle(const struct experiment_row *row)
{
	(void)row;
	struct scheduler_counters counters;
	scheduler_counters(scheduler, &counters);
	return counters.busy == 0;
}

static void test_a_fenced_worker_changes_nothing(void **state)
{
	(void)state;
	submit(1, "i=0; trap '' TERM; while true; do i=$((i+1)); epoch $i; sleep 0.02; done", 3, 60);
	wait_until(has_an_epoch, 1);
	assert_int_equal(store_write(store, steal, NULL, NULL), 0);
	struct experiment_row before = get(1);
	wait_until(is_idle, 1);
	struct experiment_row after = get(1);
	assert_string_equal(after.status, "running");
	assert_int_equal(after.epoch, before.epoch);
	assert_int_equal(after.version, before.version);
	experiment_row_free(&before);
	experiment_row_free(&after);
}

static int count_metrics(struct db *db, void *argument, struct qlstm_error *error)
{
	int64_t *count = argument;
	*count = select_int(db, "SELECT count(*) FROM epoch_metric");
	return *count >= 0 ? 0 : db_error(db, error);
}

static void test_a_flood_of_lines_is_all_kept(void **state)
{
	(void)state;
	int64_t count = 0;
	submit(1,
	       "hello; i=0; while [ $i -lt 3000 ]; do i=$((i+1)); epoch $i; done\n"
	       "head -c 100000 /dev/zero | tr '\\0' x; echo; finish",
	       1, 60);
	wait_until(has_ended, 1);
	assert_end(1, "succeeded", "", NULL);
	assert_int_equal(store_read(store, count_metrics, &count, NULL), 0);
	assert_int_equal(count, 3000);
}

int main(void)
{
	if (sodium_init() < 0)
		return 1;
	const struct CMUnitTest tests[] = {
	    TEST(test_success),
	    cmocka_unit_test_setup_teardown(test_ends, setup_short_limits, teardown),
	    HASTY(test_cancel),
	    TEST(test_results_win),
	    TEST(test_cancel_is_noticed),
	    TEST(test_a_fenced_worker_changes_nothing),
	    TEST(test_a_flood_of_lines_is_all_kept),
	};
	return cmocka_run_group_tests_name("scheduler_ends", tests, NULL, NULL);
}
