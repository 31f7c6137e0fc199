/* Every allocation of the store and of the runs fails once: the caller is told, nothing is lost, nothing leaks. Of
 * our own sources alone (wrapped_allocation.h). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <fcntl.h>
#include <sodium.h>
#include <stdlib.h>

#include "schema/embed.h"
#include "server/run/events/stream.h"
#include "server/run/prepare.h"
#include "server/run/process.h"
#include "server/run/train_command.h"
#include "server/run/recorder.h"
#include "server/run/scheduler.h"
#include "server/run/supervisor.h"
#include "server/run/worklog.h"
#include "server/store/datasets.h"
#include "server/store/events.h"
#include "server/store/readers.h"
#include "tests/unit/worker_fixture.h"
#include "tests/unit/wrapped_allocation.h"

static struct store *store;
static struct db *db;
static struct run_token token;
static struct qlstm_error error;

static int fill(struct db *connection, void *argument, struct qlstm_error *why)
{
	(void)argument;
	int64_t next_due;
	bool existed;
	int rc = 0;
	for (int i = 1; rc == 0 && i <= 40; i++) {
		struct experiment_new new = new_experiment(numbered_id(i));
		rc = experiment_insert(connection, &new, 100, why);
	}
	if (rc == 0)
		rc = turn_claim(connection, 2000, TURN_ANY_ROOM, &token, &next_due, why);
	for (int i = 1; rc == 0 && i <= 40; i++) {
		const struct metric_row metric = {.epoch = i, .seconds = 1, .metrics_json = METRICS_1};
		const struct transition_row step = {.at = i, .to_status = "x"};
		struct dataset_row data = {.name = (char[]){"d00"},
		                           .file = (char[]){"hash.csv"},
		                           .kind = (char[]){"csv"},
		                           .columns_json = (char[]){"[]"},
		                           .description_json = (char[]){"{}"}};
		snprintf(data.id, sizeof data.id, "%s", numbered_id(100 + i));
		data.name[1] = (char)('0' + i / 10), data.name[2] = (char)('0' + i % 10);
		rc = progress_epoch(connection, &token, &metric, 3000, why);
		if (rc == 0)
			rc = transition_insert(connection, token.id, &step, why);
		if (rc == 0)
			rc = dataset_insert(connection, &data, &existed, why);
	}
	return rc;
}

static int setup(void **state)
{
	if (make_folder(state) != 0 || make_worker() != 0 || open_loop() != 0 ||
	    store_open(&store, database, &loop, NULL) != 0 || store_write(store, fill, NULL, NULL) != 0)
		return -1;
	return db_open(&db, database, DB_WRITER, schema_database_sql, NULL); /* nobody else writes meanwhile */
}

static int teardown(void **state)
{
	db_close(db);
	store_close(store);
	return close_loop() != 0 ? -1 : drop_folder(state);
}

static int call_get(void)
{
	struct experiment_row row;
	int rc = experiment_get(db, numbered_id(1), &row, &error);
	if (rc == 0)
		experiment_row_free(&row);
	return rc;
}

static int call_list(void)
{
	struct experiment_query query = {.limit = 30};
	struct experiment_row *rows = NULL;
	int count = 0;
	bool more = false;
	int rc = experiment_list(db, &query, &rows, &count, &more, &error);
	for (int i = 0; i < count; i++)
		experiment_row_free(&rows[i]);
	free(rows);
	return rc;
}

static int call_transitions(void)
{
	struct transition_row *rows = NULL;
	int count = 0, rc = transition_list(db, token.id, &rows, &count, &error);
	free(rows);
	return rc;
}

static int call_metrics(void)
{
	struct metric_row *rows = NULL;
	int count = 0, rc = metric_list(db, token.id, 0, &rows, &count, &error);
	if (rc == 0)
		metric_rows_free(rows, count);
	return rc;
}

static int call_dataset(void)
{
	struct dataset_row row;
	int rc = dataset_get(db, "d07", &everybody, &row, &error);
	if (rc == 0)
		dataset_row_free(&row);
	return rc;
}

static int call_datasets(void)
{
	struct dataset_row *rows = NULL;
	int count = 0, rc = dataset_list(db, &everybody, &rows, &count, &error);
	for (int i = 0; i < count; i++)
		dataset_row_free(&rows[i]);
	free(rows);
	return rc;
}

static int call_attempt(void)
{
	struct attempt_claim claim;
	if (db_begin(db) != 0)
		return db_error(db, &error);
	int rc = attempt_claim(db, TURN_ANY_ROOM, &claim, &error);
	db_rollback(db);
	attempt_free(&claim.attempt);
	return rc;
}

static int call_connection(void)
{
	struct db *other = NULL;
	int rc = db_open(&other, database, DB_READER, NULL, &error);
	if (rc == 0) {
		(void)select_int(other, "SELECT 1");
		db_close(other);
	}
	return rc;
}

static int call_readers(void)
{
	struct readers *readers = NULL;
	int rc = readers_open(&readers, database, NULL, &error);
	if (rc == 0)
		readers_close(readers);
	return rc;
}

static int call_recorder(void)
{
	struct recorder *recorder = NULL;
	static const struct recorder_events events;
	int rc = recorder_open(&recorder, &loop, store, &token, &events, NULL, &error);
	if (rc == 0)
		recorder_close(recorder);
	return rc;
}

static int call_supervisor(void)
{
	struct supervisor *supervisor = NULL;
	const struct supervisor_config config = {.loop = &loop, .store = store, .data_dir = folder};
	int rc = supervisor_open(&supervisor, &config, &error);
	supervisor_close(supervisor);
	return rc;
}

static int call_scheduler(void)
{
	struct scheduler *scheduler = NULL;
	const struct scheduler_config config = {.data_dir = folder, .worker_path = worker, .slots = 3, .threads = 1};
	int rc = scheduler_open(&scheduler, &loop, store, &config, &error);
	scheduler_close(scheduler);
	return rc;
}

static int call_worklog(void)
{
	struct worklog *log = NULL;
	int file = open("/dev/null", O_WRONLY | O_CLOEXEC);
	int rc = worklog_open(&log, &loop, file, &error);
	worklog_close(log);
	assert_int_equal(fcntl(file, F_GETFD), -1); /* it is the log's either way */
	return rc;
}

static int call_process(void)
{
	static const struct process_events events;
	const struct launcher launcher = launcher_local(&loop);
	const struct worker_config config = {"/nowhere", 1, "x86-64", 1, 2};
	const struct prepared prepared = {.log_file = STDERR_FILENO};
	struct process *process = NULL;
	struct command command;
	train_command(&command, &config, &prepared);
	int rc = process_start(&process, &loop, &launcher, &command, &events, NULL, &error);
	command_free(&command);
	if (rc != ERR_IO)
		return rc;
	error_clear(&error); /* it came as far as the program that is not there */
	return 0;
}

static int call_file(void)
{
	unsigned char *bytes = NULL;
	size_t length = 0;
	int rc = file_read(worker, 1 << 20, &bytes, &length, &error);
	free(bytes);
	return rc;
}

static int call_event(void)
{
	if (db_begin(db) != 0)
		return db_error(db, &error);
	int rc = event_insert(db, token.id, "log", 1, 1, json_object(), &error);
	db_rollback(db);
	return rc;
}

static int call_events(void)
{
	struct outbox events;
	outbox_init(&events);
	int rc = event_list(db, token.id, 0, 3, &events, &error);
	outbox_free(&events);
	return rc;
}

/* A stream that is never opened, as for a HEAD. */
static int call_stream(void)
{
	struct event_stream *stream = event_stream_new(NULL, store, token.id, 0, NULL);
	if (stream == NULL)
		return error_set(&error, ERR_OUT_OF_MEMORY, NULL, "-");
	event_stream_source.close(stream);
	return 0;
}

static int read_nothing(struct db *connection, void *argument, struct qlstm_error *why)
{
	(void)connection, (void)argument, (void)why;
	return 0;
}

static int call_submit(void)
{
	int rc = store_submit(store, read_nothing, NULL, NULL);
	if (rc != 0)
		error_set(&error, rc, NULL, "-");
	return rc;
}

#define CALL(name)                                                                                                     \
	{                                                                                                              \
#name, call_##name                                                                                     \
	}
static const struct {
	const char *name;
	int (*run)(void);
} calls[] = {
    CALL(get),     CALL(list),       CALL(transitions), CALL(metrics),   CALL(dataset), CALL(datasets), CALL(attempt),
    CALL(readers), CALL(recorder),   CALL(supervisor),  CALL(scheduler), CALL(worklog), CALL(process),  CALL(file),
    CALL(submit),  CALL(connection), CALL(event),       CALL(events),    CALL(stream),
};

static void test_every_allocation(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof calls / sizeof *calls; i++) {
		int allocations = 0;
		for (bool failed = true; failed; allocations++) {
			error_clear(&error);
			left = allocations;
			int rc = calls[i].run();
			failed = left < 0;
			left = -1;
			bool told = rc == ERR_OUT_OF_MEMORY && error.code == rc;
			/* What a connection has opened once it asks: then it says so with its first query. */
			if (failed ? !told && strcmp(calls[i].name, "connection") != 0 : rc != 0 || error.code != 0)
				fail_msg("%s, allocation %d: %d, error %d", calls[i].name, allocations, rc, error.code);
		}
		assert_true(allocations > 1);
		uv_run(&loop, UV_RUN_NOWAIT);
	}
}

/* A store that does not come up leaves its files closed and its lock free. */
static void test_opening_a_store(void **state)
{
	(void)state;
	char path[400];
	int allocations = 0;
	for (bool failed = true; failed; allocations++) {
		struct store *other = NULL;
		snprintf(path, sizeof path, "%s/%d", folder, allocations);
		assert_int_equal(file_make_directory(path, NULL), 0);
		strcat(path, "/qlstmd.db");
		error_clear(&error);
		left = allocations;
		int rc = store_open(&other, path, &loop, &error);
		failed = left < 0;
		left = -1;
		assert_int_equal(rc, failed ? ERR_OUT_OF_MEMORY : 0);
		assert_int_equal(error.code, rc);
		if (rc == 0)
			store_close(other);
		uv_run(&loop, UV_RUN_NOWAIT);
	}
	assert_true(allocations > 4);
}

int main(void)
{
	if (sodium_init() < 0)
		return 1;
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {TEST(test_every_allocation), TEST(test_opening_a_store)};
	return cmocka_run_group_tests_name("memory", tests, NULL, NULL);
}
