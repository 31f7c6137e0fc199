/* The scheduler with workers that are shell scripts: the worker runs its spec.json as one. */
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
#include "server/run/scheduler.h"
#include "server/store/datasets.h"
#include "tests/unit/worker_fixture.h"

/* Workers have as long as a busy machine may need, but where the test is about one that does not react. */
enum { SLOTS = 2, THREADS = 7, SHORT_GRACE_MS = 300, SHORT_HANG_MS = 3000, LONG_MS = 100000 };

static struct store *store;
static struct scheduler *scheduler;
static bool drained;

static int setup_with(void **state, int grace_ms, int hang_ms)
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

static int setup(void **state)
{
	return setup_with(state, LONG_MS, LONG_MS);
}

static int setup_short_grace(void **state)
{
	return setup_with(state, SHORT_GRACE_MS, LONG_MS);
}

static int setup_short_limits(void **state)
{
	return setup_with(state, SHORT_GRACE_MS, SHORT_HANG_MS);
}

static void on_drained(void *context)
{
	(void)context;
	drained = true;
	uv_stop(&loop);
}

static int teardown(void **state)
{
	scheduler_drain(scheduler, on_drained, NULL);
	while (!drained)
		uv_run(&loop, UV_RUN_ONCE);
	scheduler_close(scheduler);
	store_close(store);
	return close_loop() != 0 ? -1 : drop_folder(state);
}

static int insert_new(struct db *db, void *argument, struct qlstm_error *error)
{
	return experiment_insert(db, argument, 1000, error);
}

static void submit(int number, const char *script, int max_attempts, double max_seconds)
{
	struct experiment_new new = new_experiment(numbered_id(number));
	new.spec_json = script;
	new.max_attempts = max_attempts;
	new.max_seconds = max_seconds;
	assert_int_equal(store_write(store, insert_new, &new, NULL), 0);
	scheduler_notify(scheduler);
}

static int get_row(struct db *db, void *argument, struct qlstm_error *error)
{
	struct experiment_row *row = argument;
	char id[RUN_ID_SIZE];
	snprintf(id, sizeof id, "%s", row->id);
	return experiment_get(db, id, row, error);
}

static struct experiment_row get(int number)
{
	char id[RUN_ID_SIZE];
	snprintf(id, sizeof id, "%s", numbered_id(number));
	struct experiment_row row = {.id = id};
	assert_int_equal(store_read(store, get_row, &row, NULL), 0);
	return row;
}

/* Turns the loop until `holds` says so. */
static void wait_until(bool (*holds)(const struct experiment_row *row), int number)
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

static bool has_ended(const struct experiment_row *row)
{
	enum run_status status = STATUS_QUEUED;
	return status_from_name(row->status, &status) == 0 && status_terminal(status);
}

static bool has_an_epoch(const struct experiment_row *row)
{
	return row->epoch > 0;
}

static void assert_end(int number, const char *status, const char *reason, const char *message)
{
	struct experiment_row row = get(number);
	assert_string_equal(row.status, status);
	assert_string_equal(row.reason != NULL ? row.reason : "", reason);
	if (message != NULL)
		assert_string_equal(row.reason_message != NULL ? row.reason_message : "", message);
	experiment_row_free(&row);
}

static int get_artifact(struct db *db, void *argument, struct qlstm_error *error)
{
	return artifact_get(db, numbered_id(1), "weights", argument, error);
}

/* The row is committed before the loop counts the end: both are waited for. */
static bool counters_say(void *expected)
{
	struct scheduler_counters counters;
	scheduler_counters(scheduler, &counters);
	return memcmp(&counters, expected, sizeof counters) == 0;
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

static int cancel(struct db *db, void *argument, struct qlstm_error *error)
{
	enum run_status now;
	return state_cancel(db, argument, 2000, &now, error);
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

static void test_resume(void **state)
{
	(void)state;
	submit(1,
	       "if first; then checkpoint 10; checkpoint 20; kill -9 $$; fi\n"
	       "case \"$all\" in *'--resume '*attempt-2/checkpoint-20*) ;; *) error internal;; esac\n"
	       "[ $(cat checkpoint-20) = 20 ] || error internal\n"
	       "finish",
	       3, 60);
	submit(2,
	       "if first; then checkpoint 10; checkpoint 20; printf x > checkpoint-20; kill -9 $$; fi\n"
	       "case \"$all\" in *'--resume '*attempt-2/checkpoint-10*) finish;; *) error internal;; esac",
	       3, 60);
	submit(3,
	       "if first; then checkpoint 10; rm checkpoint-10; kill -9 $$; fi\n"
	       "case \"$all\" in *--resume*) error internal;; *) finish;; esac",
	       3, 60);
	for (int i = 1; i <= 3; i++) {
		wait_until(has_ended, i);
		assert_end(i, "succeeded", "", NULL);
		struct experiment_row row = get(i);
		assert_int_equal(row.attempt, 2);
		experiment_row_free(&row);
	}
}

/* What the store names is on disk, what it no longer names is not, and what it never heard of goes with the next
 * attempt. */
static void test_checkpoints_stay_while_the_store_names_them(void **state)
{
	(void)state;
	submit(1,
	       "if first; then\n"
	       "  for i in 10 20 30 40; do checkpoint $i; done\n"
	       "  while [ -e checkpoint-10 ] || [ -e checkpoint-20 ]; do sleep 0.02; done\n"
	       "  [ -e checkpoint-30 ] && [ -e checkpoint-40 ] || error internal\n"
	       "  printf x > checkpoint-50; printf x > .checkpoint-60.tmp; kill -9 $$\n"
	       "fi\n"
	       "cd ../attempt-1\n"
	       "[ -e checkpoint-30 ] && [ -e checkpoint-40 ] || error internal\n"
	       "[ -e checkpoint-50 ] || [ -e .checkpoint-60.tmp ] && error internal\n"
	       "cd ../attempt-2; finish",
	       3, 60);
	wait_until(has_ended, 1);
	assert_end(1, "succeeded", "", NULL);
}

/* Those of the attempt before go once there are newer ones, and the link to the one it went on from with its end. */
static void test_checkpoints_of_the_attempt_before_go(void **state)
{
	(void)state;
	submit(1,
	       "if first; then checkpoint 10; checkpoint 20; kill -9 $$; fi\n"
	       "[ -e checkpoint-20 ] || error internal\n"
	       "checkpoint 30\n"
	       "while [ -e ../attempt-1/checkpoint-10 ]; do sleep 0.02; done\n"
	       "[ -e ../attempt-1/checkpoint-20 ] || error internal\n"
	       "checkpoint 40\n"
	       "while [ -e ../attempt-1/checkpoint-20 ]; do sleep 0.02; done\n"
	       "[ -e checkpoint-30 ] && [ -e checkpoint-40 ] || error internal\n"
	       "finish",
	       3, 60);
	wait_until(has_ended, 1);
	assert_end(1, "succeeded", "", NULL);
	static const struct {
		const char *name;
		bool there;
	} files[] = {{"20", false}, {"30", true}, {"40", true}};
	for (int i = 0; i < 3; i++) {
		char path[100];
		snprintf(path, sizeof path, "runs/%s/attempt-2/checkpoint-%s", numbered_id(1), files[i].name);
		assert_int_equal(exists(path), files[i].there);
	}
}

static int insert_data(struct db *db, void *argument, struct qlstm_error *error)
{
	bool existed;
	return dataset_insert(db, argument, &existed, error);
}

static void test_data_sets(void **state)
{
	(void)state;
	static const char csv[] = "a\n1\n2\n";
	static const char script[] = "case \"$all\" in *'--data '*attempt-1/data.csv*) ;; *) error internal;; esac\n"
	                             "[ \"$(head -n 1 data.csv)\" = a ] || error internal\n"
	                             "finish";
	char datasets[300], name[80];
	struct dataset_row row = {.name = (char[]){"d"},
	                          .file = name,
	                          .kind = (char[]){"csv"},
	                          .columns_json = (char[]){"[]"},
	                          .description_json = (char[]){"{}"}};
	memcpy(row.id, numbered_id(9), sizeof row.id);
	sha256_hex(csv, sizeof csv - 1, row.sha256);
	snprintf(datasets, sizeof datasets, "%s/datasets", folder);
	snprintf(name, sizeof name, "%s.csv", row.sha256);
	assert_int_equal(file_make_directory(datasets, NULL), 0);
	assert_int_equal(file_write_atomic(datasets, name, csv, sizeof csv - 1, NULL), 0);
	assert_int_equal(store_write(store, insert_data, &row, NULL), 0);
	for (int i = 1; i <= 2; i++) {
		struct experiment_new new = new_experiment(numbered_id(i));
		new.spec_json = script;
		new.dataset_id = row.id;
		assert_int_equal(store_write(store, insert_new, &new, NULL), 0);
		scheduler_notify(scheduler);
		wait_until(has_ended, i);
		assert_end(i, i == 1 ? "succeeded" : "failed", i == 1 ? "" : "invalid_data", NULL);
		assert_int_equal(file_write_atomic(datasets, name, "b\n", 2, NULL), 0); /* it rots */
	}
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
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
	    TEST(test_success),
	    cmocka_unit_test_setup_teardown(test_ends, setup_short_limits, teardown),
	    cmocka_unit_test_setup_teardown(test_cancel, setup_short_grace, teardown),
	    TEST(test_results_win),
	    TEST(test_cancel_is_noticed),
	    TEST(test_resume),
	    TEST(test_checkpoints_stay_while_the_store_names_them),
	    TEST(test_checkpoints_of_the_attempt_before_go),
	    TEST(test_data_sets),
	    TEST(test_a_fenced_worker_changes_nothing),
	    TEST(test_a_flood_of_lines_is_all_kept),
	    TEST(test_slots_and_order),
	    TEST(test_counters),
	    TEST(test_threads_are_dealt_out),
	    TEST(test_a_claim_that_fails),
	    TEST(test_what_is_due_later_is_waited_for),
	    TEST(test_a_path_that_is_too_long),
	    cmocka_unit_test_setup_teardown(test_drain, setup_short_grace, teardown),
	    TEST(test_drain_with_nothing_to_do),
	    TEST(test_closing_with_requests),
	    TEST(test_a_worker_that_is_not_there),
	};
	return cmocka_run_group_tests_name("scheduler", tests, NULL, NULL);
}
