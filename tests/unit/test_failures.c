/* Every statement of the store fails once, wherever it stands: whoever asked is told, and nobody takes half an answer
 * for a whole one. sqlite3_step, sqlite3_exec and sqlite3_prepare_v3 are met here in SQLite's place. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sodium.h>
#include <sqlite3.h>

#include "server/run/collect.h"
#include "server/store/datasets.h"
#include "server/store/events.h"
#include "server/store/group.h"
#include "server/store/queue_order.h"
#include "tests/unit/state_fixture.h"

/* So many steps and scripts go well and the next one does not; negative: all go well. */
static int steps_left = -1;

static bool fails_now(void)
{
	return steps_left >= 0 && steps_left-- == 0;
}

/* SQLite's own function of that name. */
static void find(const char *name, void *function, size_t size)
{
	void *symbol = dlsym(RTLD_NEXT, name);
	assert_non_null(symbol);
	memcpy(function, &symbol, size);
}

int sqlite3_step(sqlite3_stmt *statement)
{
	int (*step)(sqlite3_stmt *);
	find("sqlite3_step", &step, sizeof step);
	return fails_now() ? SQLITE_IOERR : step(statement);
}

int sqlite3_exec(sqlite3 *handle, const char *sql, int (*row)(void *, int, char **, char **), void *context,
                 char **text)
{
	int (*exec)(sqlite3 *, const char *, int (*)(void *, int, char **, char **), void *, char **);
	find("sqlite3_exec", &exec, sizeof exec);
	bool undoes = strncmp(sql, "ROLLBACK", 8) == 0; /* SQLite does that even where nothing else goes */
	if (!undoes && fails_now())
		return SQLITE_IOERR;
	int left = steps_left;
	steps_left = -1; /* a script counts as one step */
	int rc = exec(handle, sql, row, context, text);
	steps_left = left;
	return rc;
}

static struct qlstm_error error;

static int n_prepared;

int sqlite3_prepare_v3(sqlite3 *handle, const char *sql, int length, unsigned flags, sqlite3_stmt **statement,
                       const char **rest)
{
	int (*prepare)(sqlite3 *, const char *, int, unsigned, sqlite3_stmt **, const char **);
	find("sqlite3_prepare_v3", &prepare, sizeof prepare);
	n_prepared++;
	return prepare(handle, sql, length, flags, statement, rest);
}

static bool no_threads;

int pthread_create(pthread_t *thread, const pthread_attr_t *attributes, void *(*run)(void *), void *argument)
{
	int (*create)(pthread_t *, const pthread_attr_t *, void *(*)(void *), void *);
	find("pthread_create", &create, sizeof create);
	return no_threads ? EAGAIN : create(thread, attributes, run, argument);
}

static int call_insert(void)
{
	struct experiment_new new = new_experiment(numbered_id(7));
	char existing[RUN_ID_SIZE];
	new.key = "key";
	new.body_sha256 = "body";
	new.dataset_id = numbered_id(50);
	new.existing_id = existing;
	return experiment_insert(db, &new, 100, &error);
}

static int call_get(void)
{
	struct experiment_row row;
	int rc = experiment_get(db, ID, &row, &error);
	if (rc == 0)
		experiment_row_free(&row);
	return rc;
}

static int call_list(void)
{
	struct experiment_query query = {.limit = 20};
	struct experiment_row *rows = NULL;
	int count = 0;
	bool more = false;
	int rc = experiment_list(db, &query, &rows, &count, &more, &error);
	for (int i = 0; i < count; i++)
		experiment_row_free(&rows[i]);
	free(rows);
	return rc;
}

static int call_delete(void)
{
	return experiment_delete(db, numbered_id(1), &error);
}

static int call_order(void)
{
	struct queue_order *order = NULL;
	int rc = queue_order_new(&order, &error);
	if (rc == 0)
		rc = queue_order_follow(order, db, &error);
	queue_order_free(order);
	return rc;
}

static int call_transitions(void)
{
	struct transition_row *rows = NULL;
	int count = 0, rc = transition_list(db, ID, &rows, &count, &error);
	free(rows);
	return rc;
}

static int call_metrics(void)
{
	struct metric_row *rows = NULL;
	int count = 0, rc = metric_list(db, ID, 0, &rows, &count, &error);
	if (rc == 0)
		metric_rows_free(rows, count);
	return rc;
}

static int call_checkpoints(void)
{
	struct checkpoint_row rows[4];
	int rc = checkpoint_list(db, ID, rows, 4, &error);
	return rc > 0 ? 0 : rc;
}

static int call_artifact_insert(void)
{
	return artifact_insert(db, ID, &(struct artifact_row){"new", "f", "h", 1}, &error);
}

static int call_artifacts(void)
{
	struct artifact_row rows[4];
	int rc = artifact_list(db, ID, rows, 4, &error);
	return rc > 0 ? 0 : rc;
}

static int call_artifact(void)
{
	struct artifact_row row;
	return artifact_get(db, ID, "weights", &row, &error);
}

static int call_dataset_insert(void)
{
	bool existed;
	struct dataset_row row = {.name = (char[]){"new"},
	                          .file = (char[]){"hash.csv"},
	                          .kind = (char[]){"csv"},
	                          .columns_json = (char[]){"[]"},
	                          .description_json = (char[]){"{}"}};
	memcpy(row.id, numbered_id(60), sizeof row.id);
	return dataset_insert(db, &row, &existed, &error);
}

static int call_dataset(void)
{
	struct dataset_row row;
	int rc = dataset_get(db, "data", &everybody, &row, &error);
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

static int call_dataset_delete(void)
{
	bool last;
	return dataset_delete(db, numbered_id(50), &last, &error);
}

static int call_hello(void)
{
	return progress_hello(db, &current, 1, NOW, &error);
}

static int call_epoch(void)
{
	const struct metric_row metric = {.epoch = 3, .seconds = 1, .metrics_json = METRICS_1};
	return progress_epoch(db, &current, &metric, NOW, &error);
}

static int call_log(void)
{
	return progress_log(db, &current, "info", "words", NOW, &error);
}

static int call_events(void)
{
	struct outbox events;
	outbox_init(&events);
	int rc = event_list(db, ID, 0, 100, &events, &error);
	outbox_free(&events);
	return rc;
}

static int call_checkpoint(void)
{
	return progress_checkpoint(db, &current, 3, "file", "hash", NOW, &error);
}

static int call_claim(void)
{
	struct run_token token;
	int64_t next_due;
	return turn_claim(db, NOW, TURN_ANY_ROOM, &token, &next_due, &error);
}

static int call_attempt(void)
{
	struct attempt_claim claim;
	int rc = attempt_claim(db, TURN_ANY_ROOM, &claim, &error);
	attempt_free(&claim.attempt);
	return rc;
}

static int call_succeed(void)
{
	return state_succeed(db, &current, NOW, &error);
}

static int call_collect(void)
{
	static const struct message done = {
	    .is.done = {.artifacts = {{"a", "f", "h", 1}, {"b", "f", "h", 1}}, .n_artifacts = 2}};
	return collect_store(db, &current, &done, &error);
}

static int call_end(void)
{
	enum run_status status;
	return state_end(db, &current, REASON_WORKER_CRASHED, "why", NOW, &status, &error);
}

static int call_cancel(void)
{
	enum run_status status;
	return state_cancel(db, ID, NOW, &status, &error);
}

static int call_recover(void)
{
	int requeued, cancelled;
	return state_recover(db, NOW, &requeued, &cancelled, &error);
}

#define CALL(name)                                                                                                     \
	{                                                                                                              \
#name, call_##name                                                                                     \
	}
static const struct {
	const char *name;
	int (*run)(void);
} calls[] = {
    CALL(insert),    CALL(get),         CALL(list),
    CALL(delete),    CALL(order),       CALL(transitions),
    CALL(metrics),   CALL(checkpoints), CALL(artifact_insert),
    CALL(artifacts), CALL(artifact),    CALL(dataset_insert),
    CALL(dataset),   CALL(datasets),    CALL(dataset_delete),
    CALL(hello),     CALL(epoch),       CALL(checkpoint),
    CALL(claim),     CALL(attempt),     CALL(succeed),
    CALL(collect),   CALL(end),         CALL(cancel),
    CALL(recover),   CALL(log),         CALL(events),
};

/* Something in every table; ID runs, in its attempt 4. */
static void fill(void)
{
	bool existed;
	struct dataset_row data = {.name = (char[]){"data"},
	                           .file = (char[]){"hash.csv"},
	                           .kind = (char[]){"csv"},
	                           .columns_json = (char[]){"[]"},
	                           .description_json = (char[]){"{}"},
	                           .sha256 = "hash"};
	memcpy(data.id, numbered_id(50), sizeof data.id);
	assert_int_equal(dataset_insert(db, &data, &existed, NULL), 0);
	for (int i = 1; i <= 3; i++)
		insert(numbered_id(i));
	assert_int_equal(db_script(db, "UPDATE experiment SET status = 'failed' WHERE id LIKE '%1'"), 0);
	insert(ID);
	put(STATUS_RUNNING, 0, 3);
	for (int epoch = 1; epoch <= 2; epoch++) {
		const struct metric_row metric = {.epoch = epoch, .seconds = 1, .metrics_json = METRICS_1};
		assert_int_equal(progress_epoch(db, &current, &metric, NOW, NULL), 0);
		assert_int_equal(progress_checkpoint(db, &current, epoch, "file", "hash", NOW, NULL), 0);
	}
	assert_int_equal(artifact_insert(db, ID, &(struct artifact_row){"weights", "f", "h", 1}, NULL), 0);
}

static void test_every_statement(void **state)
{
	(void)state;
	fill();
	assert_int_equal(db_begin(db), 0);
	for (size_t i = 0; i < sizeof calls / sizeof *calls; i++) {
		int steps = 0;
		for (bool failed = true; failed; steps++) {
			assert_int_equal(db_savepoint(db), 0);
			error_clear(&error);
			steps_left = steps;
			int rc = calls[i].run();
			failed = steps_left < 0;
			steps_left = -1;
			if (rc != (failed ? ERR_IO : 0) || error.code != rc)
				fail_msg("%s, step %d: %d, error %d", calls[i].name, steps, rc, error.code);
			db_rollback_to(db);
		}
		assert_true(steps > 1);
	}
	db_rollback(db);
}

/* Opening: what was made of the file so far is no database of ours yet, or is whole. */
static void test_every_step_of_opening(void **state)
{
	(void)state;
	char path[400];
	struct db *opened = NULL;
	int steps = 0;
	for (bool failed = true; failed; steps++) {
		snprintf(path, sizeof path, "%s/new-%d.db", folder, steps);
		error_clear(&error);
		steps_left = steps;
		int rc = db_open(&opened, path, DB_WRITER, schema_database_sql, &error);
		failed = steps_left < 0;
		steps_left = -1;
		if (rc != (failed ? ERR_IO : 0) || error.code != rc)
			fail_msg("step %d: %d, error %d", steps, rc, error.code);
		if (rc == 0)
			db_close(opened);
		/* It is gone on with where there was none, and refused by nobody. */
		assert_int_equal(db_open(&opened, path, DB_WRITER, schema_database_sql, NULL), 0);
		assert_int_equal(select_int(opened, "SELECT count(*) FROM experiment"), 0);
		assert_int_equal(select_int(opened, "PRAGMA user_version"), 9);
		db_close(opened);
	}
	assert_true(steps > 5);
}

static void test_every_step_of_the_probe(void **state)
{
	(void)state;
	int steps = 0;
	int64_t version = select_int(db, "PRAGMA user_version");
	for (bool failed = true; failed; steps++) {
		steps_left = steps;
		bool works = group_probe(db);
		failed = steps_left < 0;
		steps_left = -1;
		assert_int_equal(works, !failed);
		assert_false(db_in_transaction(db));
	}
	assert_true(steps > 3);
	assert_int_equal(select_int(db, "PRAGMA user_version"), version);
}

/* A statement is prepared once and used again, after a failure too. */
static void test_statements_are_kept(void **state)
{
	(void)state;
	static const char sql[] = "SELECT count(*) FROM experiment";
	int before = n_prepared;
	for (int i = 0; i < 50; i++) {
		steps_left = i % 2 - 1;
		db_query(db, sql);
		db_step(db);
		db_finish(db);
	}
	steps_left = -1;
	assert_int_equal(n_prepared, before + 1);
}

static int count_open_files(void)
{
	int count = 0;
	for (int fd = 0; fd < 1024; fd++)
		count += fcntl(fd, F_GETFD) >= 0;
	return count;
}

/* A store that does not come up gives everything back: its lock, its files, its place in the loop. */
static void test_a_store_without_a_thread(void **state)
{
	(void)state;
	char path[400];
	uv_loop_t loop;
	struct store *store = NULL;
	assert_int_equal(uv_loop_init(&loop), 0);
	snprintf(path, sizeof path, "%s/other.db", folder);
	int before = count_open_files();
	error_clear(&error);
	no_threads = true;
	int rc = store_open(&store, path, &loop, &error);
	no_threads = false;
	assert_int_equal(rc, ERR_OUT_OF_MEMORY);
	assert_non_null(strstr(error.message, "cannot start the writer thread: "));
	assert_null(store);
	assert_int_equal(count_open_files(), before);
	uv_run(&loop, UV_RUN_DEFAULT);
	assert_int_equal(store_open(&store, path, &loop, NULL), 0);
	store_close(store);
	uv_run(&loop, UV_RUN_DEFAULT);
	assert_int_equal(uv_loop_close(&loop), 0);
}

static int insert_seven(struct db *connection, void *argument, struct qlstm_error *why)
{
	(void)connection, (void)argument, (void)why;
	return call_insert();
}

/* A group: whatever statement fails, BEGIN and COMMIT among them, each job knows whether its rows are there. */
static void test_every_step_of_a_group(void **state)
{
	(void)state;
	int steps = 0;
	fill();
	for (bool failed = true; failed; steps++) {
		bool committed = true;
		struct write jobs[2] = {{.next = &jobs[1], .fn = insert_seven}, {.fn = insert_seven}};
		error_clear(&error);
		steps_left = steps;
		struct write *rest = group_run(db, jobs, &committed);
		failed = steps_left < 0;
		steps_left = -1;
		assert_null(rest);
		assert_false(db_in_transaction(db));
		int64_t there = select_int(db, "SELECT count(*) FROM experiment WHERE id LIKE '%07'");
		if (!failed)
			assert_true(committed && jobs[0].error.code == 0 && jobs[1].error.code == 0); /* a replay */
		assert_int_equal(there, committed && (jobs[0].error.code == 0 || jobs[1].error.code == 0));
		if (!committed)
			assert_true(jobs[0].error.code == ERR_IO && jobs[1].error.code == ERR_IO);
		assert_int_equal(db_script(db, "DELETE FROM experiment WHERE id LIKE '%07'; DELETE FROM idempotency"),
		                 0);
	}
	assert_true(steps > 10);
}

int main(void)
{
	if (sodium_init() < 0)
		return 1;
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
	    TEST(test_every_statement),       TEST(test_every_step_of_opening), TEST(test_every_step_of_the_probe),
	    TEST(test_every_step_of_a_group), TEST(test_statements_are_kept),   TEST(test_a_store_without_a_thread),
	};
	return cmocka_run_group_tests_name("failures", tests, NULL, NULL);
}
