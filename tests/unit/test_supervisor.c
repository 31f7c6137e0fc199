/* One attempt from its claim to its end: what it ends as, whatever stands in its way. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <pthread.h>
#include <sodium.h>

#include "server/common/clock.h"
#include "server/run/supervisor.h"
#include "tests/unit/disk_trace.h"
#include "tests/unit/worker_fixture.h"

#define RUN "runs/01ARZ3NDEKTSV4RRFF00000001/attempt-1/"

static struct store *store;
static struct supervisor_config config;
static struct launcher launcher;
static struct supervisor *supervisor;
static struct attempt_claim claim;

static struct {
	int count;
	enum run_status now;
} ended;

static void on_ended(void *context, struct supervisor *which, enum run_status now)
{
	assert_ptr_equal(context, &ended);
	assert_ptr_equal(which, supervisor);
	assert_string_equal(supervisor_id(which), numbered_id(1));
	ended.count++;
	ended.now = now;
}

static int setup(void **state)
{
	memset(&ended, 0, sizeof ended);
	if (make_folder(state) != 0 || make_worker() != 0 || open_loop() != 0 ||
	    store_open(&store, database, &loop, NULL) != 0)
		return -1;
	launcher = launcher_local(&loop);
	config = (struct supervisor_config){.loop = &loop,
	                                    .store = store,
	                                    .data_dir = folder,
	                                    .launcher = &launcher,
	                                    .worker = {worker, 10},
	                                    .grace_ms = 100000,
	                                    .hang_ms = 100000,
	                                    .ended = on_ended,
	                                    .context = &ended};
	return supervisor_open(&supervisor, &config, NULL);
}

static int teardown(void **state)
{
	disk_stop();
	store_close(store);
	return close_loop() != 0 ? -1 : drop_folder(state);
}

static int run_sql(struct db *db, void *argument, struct qlstm_error *error)
{
	return db_script(db, argument) == 0 ? 0 : db_error(db, error);
}

static void change(const char *sql)
{
	assert_int_equal(store_write(store, run_sql, (void *)(uintptr_t)sql, NULL), 0);
}

static int insert_and_claim(struct db *db, void *argument, struct qlstm_error *error)
{
	int rc = experiment_insert(db, argument, 10, error);
	return rc == 0 ? attempt_claim(db, TURN_ANY_ROOM, &claim, error) : rc;
}

static void start(const char *script)
{
	struct experiment_new new = new_experiment(numbered_id(1));
	new.spec_json = script;
	assert_int_equal(store_write(store, insert_and_claim, &new, NULL), 0);
	claim.attempt.threads = 1;
}

static bool has_ended(void *context)
{
	(void)context;
	return ended.count > 0;
}

struct look {
	struct experiment_row row;
	int64_t epochs, artifacts, heartbeat_at;
};

static int look(struct db *db, void *argument, struct qlstm_error *error)
{
	struct look *seen = argument;
	seen->epochs = select_int(db, "SELECT count(*) FROM epoch_metric");
	seen->artifacts = select_int(db, "SELECT count(*) FROM artifact");
	seen->heartbeat_at = select_int(db, "SELECT heartbeat_at FROM experiment");
	return experiment_get(db, numbered_id(1), &seen->row, error);
}

static bool has_an_epoch(void *context)
{
	(void)context;
	struct look seen;
	assert_int_equal(store_read(store, look, &seen, NULL), 0);
	bool yes = seen.row.epoch > 0;
	experiment_row_free(&seen.row);
	return yes;
}

/* Waits for the end; the row stands where the supervisor says. */
static void assert_end(enum run_status status, const char *reason, const char *message)
{
	struct look seen;
	assert_true(turn_until(has_ended, NULL, PATIENCE_MS));
	for (int i = 0; i < 3; i++)
		uv_run(&loop, UV_RUN_NOWAIT);
	assert_int_equal(ended.count, 1);
	assert_int_equal(ended.now, status);
	assert_int_equal(store_read(store, look, &seen, NULL), 0);
	assert_string_equal(seen.row.status, status_name(status));
	assert_string_equal(seen.row.reason != NULL ? seen.row.reason : "", reason);
	if (message != NULL)
		assert_string_equal(seen.row.reason_message != NULL ? seen.row.reason_message : "", message);
	experiment_row_free(&seen.row);
}

/* Whether the log has come to this line. */
static bool log_has(void *line)
{
	return strstr(read_text(RUN "worker.log"), line) != NULL;
}

static void test_success(void **state)
{
	(void)state;
	struct look seen;
	start("hello; epoch 1; epoch 2; say '{\"type\":\"log\",\"level\":\"info\",\"message\":\"hi\"}'\n"
	      "say '{\"type\":\"heartbeat\"}'; say '[]'; say '{\"type\":\"later\"}'\n"
	      "head -c 100000 /dev/zero | tr '\\0' x; echo; echo words >&2; finish");
	supervisor_run(supervisor, &claim.attempt);
	assert_end(STATUS_SUCCEEDED, "", "");
	assert_int_equal(store_read(store, look, &seen, NULL), 0);
	assert_int_equal(seen.epochs, 2);
	assert_int_equal(seen.artifacts, 1);
	experiment_row_free(&seen.row);
	assert_true(turn_until(log_has, (char[]){"too long\n"}, PATIENCE_MS));
	char log[2000];
	snprintf(log, sizeof log, "%.1999s", read_text(RUN "worker.log"));
	char *words = strstr(log, "words\n"); /* the worker writes it itself, at any time */
	assert_non_null(words);
	memmove(words, words + 6, strlen(words + 6) + 1);
	assert_string_equal(log, "info hi\n"
	                         "warning 'type' is missing or not what it should be\nignored []\n"
	                         "warning nobody knows the type 'later'\nignored {\"type\":\"later\"}\n"
	                         "warning a line that was too long\n");
}

/* What a worker leaves behind decides, in this order: its own words, our reason, a signal, a status. */
static void test_ends(void **state)
{
	static const struct {
		const char *script;
		enum run_status status;
		const char *reason, *message;
	} cases[] = {
	    {"error nan_loss", STATUS_FAILED, "nan_loss", "m"},
	    {"error disk_full", STATUS_QUEUED, "disk_full", "m"},
	    {"error worker_hung", STATUS_FAILED, "internal", "m"}, /* not the worker's to say */
	    {"say '{\"type\":\"error\",\"reason\":\"nan_loss\",\"message\":\"first\"}'; error out_of_memory",
	     STATUS_FAILED, "out_of_memory", "m"}, /* the last word counts */
	    {"announce; error nan_loss", STATUS_FAILED, "nan_loss", "m"},
	    {"say '{\"type\":\"error\",\"reason\":\"nan_loss\",\"message\":\"m\"}'; finish", STATUS_SUCCEEDED, "", ""},
	    {"say '{\"type\":\"error\",\"reason\":\"nan_loss\",\"message\":\"m\"}'; kill -9 $$", STATUS_QUEUED,
	     "worker_crashed", "worker was killed by signal 9 (possibly out of memory)"},
	    {"announce; kill -11 $$", STATUS_QUEUED, "worker_crashed", "worker was killed by signal 11"},
	    {"announce; exit 3", STATUS_QUEUED, "worker_crashed", "worker ended with status 3 and without results"},
	    {"exit 0", STATUS_QUEUED, "worker_crashed", "worker ended with status 0 and without results"},
	    {"finish 6", STATUS_QUEUED, "worker_crashed", "the artifact 'weights' is not what the worker announced"},
	    {"announce; printf weightS > w; exit 0", STATUS_QUEUED, "worker_crashed",
	     "the artifact 'weights' is not what the worker announced"},
	    {"announce; printf more > w; announce 4; exit 0", STATUS_QUEUED, "worker_crashed", NULL},
	    {"finish 6; announce; exit 0", STATUS_QUEUED, "worker_crashed", NULL},
	    {"announce 6; finish", STATUS_SUCCEEDED, "", ""}, /* the last list counts */
	};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		start(cases[i].script);
		supervisor_run(supervisor, &claim.attempt);
		assert_end(cases[i].status, cases[i].reason, cases[i].message);
		if (strstr(cases[i].script, "error") != NULL)
			assert_true(turn_until(log_has, (char[]){"error m\n"}, PATIENCE_MS));
		assert_int_equal(teardown(state), 0);
		assert_int_equal(setup(state), 0);
	}
	supervisor_close(supervisor); /* one that was never run */
}

/* The folder cannot be made: taken up again where that may pass. */
static void test_a_folder_that_cannot_be_made(void **state)
{
	static const struct {
		const char *event;
		int number;
		enum run_status status;
		const char *reason, *message;
	} cases[] = {
	    {"folder runs", ENOSPC, STATUS_QUEUED, "disk_full", "cannot make the directory "},
	    {"write " RUN ".spec", ENOSPC, STATUS_QUEUED, "disk_full", "cannot write spec.json: "},
	    {"write " RUN ".spec", EDQUOT, STATUS_QUEUED, "disk_full", "cannot write spec.json: "},
	    {"write " RUN ".spec", EIO, STATUS_QUEUED, "worker_crashed", "cannot write spec.json: "},
	    {"make " RUN "worker.log", ENOSPC, STATUS_QUEUED, "disk_full", "cannot open "},
	};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		start("finish");
		disk_watch(folder);
		disk_fail(cases[i].event, 0, cases[i].number);
		supervisor_run(supervisor, &claim.attempt);
		assert_end(cases[i].status, cases[i].reason, NULL);
		struct look seen;
		assert_int_equal(store_read(store, look, &seen, NULL), 0);
		assert_memory_equal(seen.row.reason_message, cases[i].message, strlen(cases[i].message));
		experiment_row_free(&seen.row);
		assert_int_equal(teardown(state), 0);
		assert_int_equal(setup(state), 0);
	}
	start("finish");
	memset(claim.attempt.dataset_sha256, 'a', 64); /* a data set that is not there */
	supervisor_run(supervisor, &claim.attempt);
	assert_end(STATUS_FAILED, "invalid_data", NULL);
}

/* What was accepted where there was more memory: no worker is started, and there is no folder. */
static void test_too_much_memory(void **state)
{
	(void)state;
	start("finish");
	claim.attempt.bytes = (int64_t)3 << 20;
	claim.attempt.most_bytes = claim.attempt.bytes - 1;
	supervisor_run(supervisor, &claim.attempt);
	assert_int_equal(supervisor_bytes(supervisor), 3 << 20);
	assert_end(STATUS_FAILED, "out_of_memory",
	           "the experiment will take 3 MiB of memory; all that run together may take 2 (--memory)");
	assert_false(exists((char[]){RUN "spec.json"}));
}

static void test_no_worker(void **state)
{
	(void)state;
	start("finish");
	assert_int_equal(unlink(worker), 0);
	supervisor_run(supervisor, &claim.attempt);
	char message[500];
	snprintf(message, sizeof message, "cannot start the worker %s: no such file or directory", worker);
	assert_end(STATUS_QUEUED, "worker_crashed", message);
}

/* Told to stop before there is a worker: none is started. */
static void test_stopped_before_the_worker_runs(void **state)
{
	static const struct {
		enum run_reason first, second;
		enum run_status status;
		const char *reason, *message;
	} cases[] = {
	    {REASON_SHUTDOWN, REASON_USER_CANCELLED, STATUS_QUEUED, "shutdown", "the daemon was stopped or drained"},
	    {REASON_USER_CANCELLED, REASON_SHUTDOWN, STATUS_CANCELLED, "user_cancelled", ""},
	};
	for (size_t i = 0; i < 2; i++) {
		start("touch started; finish");
		if (cases[i].first == REASON_USER_CANCELLED)
			change("UPDATE experiment SET status = 'cancelling'");
		supervisor_run(supervisor, &claim.attempt);
		supervisor_stop(supervisor, cases[i].first);
		supervisor_stop(supervisor, cases[i].second);
		assert_end(cases[i].status, cases[i].reason, cases[i].message);
		assert_true(exists((char[]){RUN "spec.json"}));
		assert_false(exists((char[]){RUN "started"}));
		assert_int_equal(teardown(state), 0);
		assert_int_equal(setup(state), 0);
	}
	supervisor_close(supervisor);
}

static void test_stopped_while_it_runs(void **state)
{
	static const struct {
		const char *script;
		enum run_reason reason;
		enum run_status status;
		const char *says, *message;
	} cases[] = {
	    {"epoch 1; exec sleep 100", REASON_SHUTDOWN, STATUS_QUEUED, "shutdown",
	     "the daemon was stopped or drained"},
	    {"trap 'exit 3' TERM; epoch 1; forever", REASON_SHUTDOWN, STATUS_QUEUED, "shutdown",
	     "the daemon was stopped or drained"},
	    {"trap '' TERM; epoch 1; forever", REASON_SHUTDOWN, STATUS_QUEUED, "shutdown",
	     "the daemon was stopped or drained"},
	    {"trap finish TERM; epoch 1; forever", REASON_SHUTDOWN, STATUS_SUCCEEDED, "", ""},
	    {"trap 'error nan_loss' TERM; epoch 1; forever", REASON_SHUTDOWN, STATUS_FAILED, "nan_loss", "m"},
	    {"epoch 1; exec sleep 100", REASON_LEASE_LOST, STATUS_QUEUED, "lease_lost", "the attempt was given up"},
	    {"epoch 1; exec sleep 100", REASON_USER_CANCELLED, STATUS_FAILED, "user_cancelled", ""},
	};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		start(cases[i].script);
		if (strstr(cases[i].script, "trap ''") != NULL)
			config.grace_ms = 200; /* it does not react */
		supervisor_run(supervisor, &claim.attempt);
		assert_true(turn_until(has_an_epoch, NULL, PATIENCE_MS));
		supervisor_stop(supervisor, cases[i].reason);
		assert_end(cases[i].status, cases[i].says, cases[i].message);
		assert_int_equal(teardown(state), 0);
		assert_int_equal(setup(state), 0);
	}
	supervisor_close(supervisor);
}

/* A row that is being cancelled is noticed with the next report. */
static void test_a_cancel_is_noticed(void **state)
{
	(void)state;
	struct look seen;
	int64_t before = clock_now_ms();
	start("i=0; while true; do i=$((i+1)); epoch $i; sleep 0.02; done");
	supervisor_run(supervisor, &claim.attempt);
	assert_true(turn_until(has_an_epoch, NULL, PATIENCE_MS));
	assert_int_equal(store_read(store, look, &seen, NULL), 0);
	experiment_row_free(&seen.row);
	assert_true(seen.heartbeat_at >= before && seen.heartbeat_at <= clock_now_ms());
	change("UPDATE experiment SET status = 'cancelling'");
	assert_end(STATUS_CANCELLED, "user_cancelled", "");
}

/* Another attempt is current: the worker is killed at once, nothing of it is stored, results or not. */
static void test_a_fenced_worker(void **state)
{
	struct look seen;
	start("trap 'finish' TERM; epoch 1; i=1; while true; do i=$((i+1)); epoch $i; sleep 0.02; done");
	supervisor_run(supervisor, &claim.attempt);
	assert_true(turn_until(has_an_epoch, NULL, PATIENCE_MS));
	change("UPDATE experiment SET attempt = attempt + 1, reason = 'shutdown'");
	assert_end(STATUS_RUNNING, "shutdown", "");
	assert_int_equal(store_read(store, look, &seen, NULL), 0);
	assert_int_equal(seen.artifacts, 0);
	assert_int_equal(seen.row.attempt, 2);
	experiment_row_free(&seen.row);
	assert_int_equal(teardown(state), 0);
	assert_int_equal(setup(state), 0);
	/* And one that has done all before anybody knew. */
	start("finish");
	change("UPDATE experiment SET attempt = attempt + 1, reason = 'shutdown'");
	supervisor_run(supervisor, &claim.attempt);
	assert_end(STATUS_RUNNING, "shutdown", "");
}

/* The store refuses the results although the attempt is current: it is given up, not left running for ever. */
static void test_results_that_are_refused(void **state)
{
	(void)state;
	start("finish");
	change("CREATE TRIGGER refuse BEFORE INSERT ON artifact BEGIN SELECT RAISE(ABORT, 'refused'); END");
	supervisor_run(supervisor, &claim.attempt);
	assert_end(STATUS_QUEUED, "lease_lost", "the store refused what the worker reported");
}

/* A run that ends early leaves what it has, once it is over for good. */
static void test_results_of_a_run_that_was_stopped(void **state)
{
	struct look seen;
	start("trap 'finish_partly' TERM; epoch 1; while true; do sleep 0.02; done");
	supervisor_run(supervisor, &claim.attempt);
	assert_true(turn_until(has_an_epoch, NULL, PATIENCE_MS));
	change("UPDATE experiment SET status = 'cancelling'");
	assert_end(STATUS_CANCELLED, "user_cancelled", "");
	assert_int_equal(store_read(store, look, &seen, NULL), 0);
	assert_int_equal(seen.artifacts, 1);
	experiment_row_free(&seen.row);
	assert_int_equal(teardown(state), 0);
	assert_int_equal(setup(state), 0);
	/* An attempt that another one follows leaves none. */
	start("finish_partly");
	supervisor_run(supervisor, &claim.attempt);
	assert_end(STATUS_QUEUED, "worker_crashed", "worker ended with status 3 and without results");
	assert_int_equal(store_read(store, look, &seen, NULL), 0);
	assert_int_equal(seen.artifacts, 0);
	experiment_row_free(&seen.row);
}

static void test_long_messages_are_cut_on_a_character(void **state)
{
	(void)state;
	char script[2000] = "say '{\"type\":\"error\",\"reason\":\"nan_loss\",\"message\":\"x";
	for (int i = 0; i < 300; i++)
		strcat(script, "\xc3\xa9");
	strcat(script, "\"}'; exit 1");
	struct look seen;
	start(script);
	supervisor_run(supervisor, &claim.attempt);
	assert_end(STATUS_FAILED, "nan_loss", NULL);
	assert_int_equal(store_read(store, look, &seen, NULL), 0);
	size_t length = strlen(seen.row.reason_message);
	assert_in_range(length, 379, 383);
	assert_memory_equal(seen.row.reason_message + length - 2, "\xc3\xa9", 2);
	experiment_row_free(&seen.row);
}

/* A store that is busy holds the worker back: what it says waits in its pipe. */
static struct {
	pthread_mutex_t lock;
	pthread_cond_t changed;
	bool held, entered;
} gate = {PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, false, false};

static int wait_at_the_gate(struct db *db, void *argument, struct qlstm_error *error)
{
	(void)db, (void)argument, (void)error;
	pthread_mutex_lock(&gate.lock);
	gate.entered = true;
	pthread_cond_broadcast(&gate.changed);
	while (gate.held)
		pthread_cond_wait(&gate.changed, &gate.lock);
	pthread_mutex_unlock(&gate.lock);
	return 0;
}

static void test_a_worker_waits_for_the_store(void **state)
{
	(void)state;
	struct look seen;
	start("i=0; while [ $i -lt 3000 ]; do i=$((i+1)); epoch $i; done; : > said; finish");
	gate.held = true;
	gate.entered = false;
	assert_int_equal(store_submit(store, wait_at_the_gate, NULL, NULL), 0);
	pthread_mutex_lock(&gate.lock);
	while (!gate.entered)
		pthread_cond_wait(&gate.changed, &gate.lock);
	pthread_mutex_unlock(&gate.lock);
	supervisor_run(supervisor, &claim.attempt);
	bool said = turn_until(exists, (char[]){RUN "said"}, 700);
	pthread_mutex_lock(&gate.lock);
	gate.held = false;
	pthread_cond_broadcast(&gate.changed);
	pthread_mutex_unlock(&gate.lock);
	assert_false(said);
	assert_end(STATUS_SUCCEEDED, "", "");
	assert_int_equal(store_read(store, look, &seen, NULL), 0);
	assert_int_equal(seen.epochs, 3000);
	experiment_row_free(&seen.row);
}

int main(void)
{
	if (sodium_init() < 0)
		return 1;
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
	    TEST(test_success),
	    TEST(test_ends),
	    TEST(test_a_folder_that_cannot_be_made),
	    TEST(test_too_much_memory),
	    TEST(test_no_worker),
	    TEST(test_stopped_before_the_worker_runs),
	    TEST(test_stopped_while_it_runs),
	    TEST(test_a_cancel_is_noticed),
	    TEST(test_a_fenced_worker),
	    TEST(test_results_that_are_refused),
	    TEST(test_results_of_a_run_that_was_stopped),
	    TEST(test_long_messages_are_cut_on_a_character),
	    TEST(test_a_worker_waits_for_the_store),
	};
	return cmocka_run_group_tests_name("supervisor", tests, NULL, NULL);
}
