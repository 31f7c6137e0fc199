/* For tests of the scheduler, with workers that are shell scripts: the worker runs its spec.json as one. Include behind
 * cmocka.h. */
#ifndef QLSTM_TESTS_SCHEDULER_FIXTURE_H
#define QLSTM_TESTS_SCHEDULER_FIXTURE_H

#include "server/run/scheduler.h"
#include "tests/unit/worker_fixture.h"

/* Workers have as long as a busy machine may need, but where the test is about one that does not react. */
enum { SLOTS = 2, THREADS = 7, SHORT_GRACE_MS = 300, SHORT_HANG_MS = 3000, LONG_MS = 100000 };

static struct store *store;
static struct scheduler *scheduler;
static bool drained;

static inline int setup_with(void **state, int grace_ms, int hang_ms)
{
	if (make_folder(state) != 0 || make_worker() != 0 || open_loop() != 0)
		return -1;
	struct scheduler_config config = {.data_dir = folder,
	                                  .worker_path = worker,
	                                  .slots = SLOTS,
	                                  .threads = THREADS,
	                                  .grace_ms = grace_ms,
	                                  .hang_ms = hang_ms};
	drained = false;
	return store_open(&store, database, &loop, NULL) || scheduler_open(&scheduler, &loop, store, &config, NULL);
}

static inline int setup(void **state)
{
	return setup_with(state, LONG_MS, LONG_MS);
}

static inline int setup_short_grace(void **state)
{
	return setup_with(state, SHORT_GRACE_MS, LONG_MS);
}

static inline int setup_short_limits(void **state)
{
	return setup_with(state, SHORT_GRACE_MS, SHORT_HANG_MS);
}

static inline void on_drained(void *context)
{
	(void)context;
	drained = true;
	uv_stop(&loop);
}

static inline int teardown(void **state)
{
	scheduler_drain(scheduler, on_drained, NULL);
	while (!drained)
		uv_run(&loop, UV_RUN_ONCE);
	scheduler_close(scheduler);
	store_close(store);
	return close_loop() != 0 ? -1 : drop_folder(state);
}

static inline int insert_new(struct db *db, void *argument, struct qlstm_error *error)
{
	return experiment_insert(db, argument, 1000, error);
}

static inline void submit(int number, const char *script, int max_attempts, double max_seconds)
{
	struct experiment_new new = new_experiment(numbered_id(number));
	new.spec_json = script;
	new.max_attempts = max_attempts;
	new.max_seconds = max_seconds;
	assert_int_equal(store_write(store, insert_new, &new, NULL), 0);
	scheduler_notify(scheduler);
}

static inline int get_row(struct db *db, void *argument, struct qlstm_error *error)
{
	struct experiment_row *row = argument;
	char id[RUN_ID_SIZE];
	snprintf(id, sizeof id, "%s", row->id);
	return experiment_get(db, id, row, error);
}

static inline inline struct experiment_row get(int number)
{
	char id[RUN_ID_SIZE];
	snprintf(id, sizeof id, "%s", numbered_id(number));
	struct experiment_row row = {.id = id};
	assert_int_equal(store_read(store, get_row, &row, NULL), 0);
	return row;
}

/* Turns the loop until `holds` says so. */
static inline void wait_until(bool (*holds)(const struct experiment_row *row), int number)
{
	uint64_t end = uv_hrtime() + (uint64_t)PATIENCE_MS * 1000000;
	uv_timer_start(&tick, on_tick, 5, 5);
	for (bool yes = false; !yes;) {
		struct experiment_row row = get(number);
		yes = holds(&row);
		experiment_row_free(&row);
		assert_true(uv_hrtime() < end);
		if (!yes)
			uv_run(&loop, UV_RUN_ONCE);
	}
	uv_timer_stop(&tick);
}

static inline bool has_ended(const struct experiment_row *row)
{
	enum run_status status = STATUS_QUEUED;
	return status_from_name(row->status, &status) == 0 && status_terminal(status);
}

static inline bool has_an_epoch(const struct experiment_row *row)
{
	return row->epoch > 0;
}

static inline void assert_end(int number, const char *status, const char *reason, const char *message)
{
	struct experiment_row row = get(number);
	assert_string_equal(row.status, status);
	assert_string_equal(row.reason != NULL ? row.reason : "", reason);
	if (message != NULL)
		assert_string_equal(row.reason_message != NULL ? row.reason_message : "", message);
	experiment_row_free(&row);
}

/* The row is committed before the loop counts the end: both are waited for. */
static inline bool counters_say(void *expected)
{
	struct scheduler_counters counters;
	scheduler_counters(scheduler, &counters);
	return memcmp(&counters, expected, sizeof counters) == 0;
}

/* store_fn: cancels the experiment whose id the argument is. */
static inline int cancel(struct db *db, void *argument, struct qlstm_error *error)
{
	enum run_status now;
	return state_cancel(db, argument, 2000, &now, error);
}

#define TEST(name)  cmocka_unit_test_setup_teardown(name, setup, teardown)
#define HASTY(name) cmocka_unit_test_setup_teardown(name, setup_short_grace, teardown)

#endif
