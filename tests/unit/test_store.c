/* The store: group commit, completions, health. What survives is in test_durability.c, rows in test_rows.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sodium.h>
#include <sys/inotify.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "schema/embed.h"
#include "server/store/group.h"
#include "tests/unit/store_fixture.h"

/* Group commit by itself, so that what shares a transaction is certain. */
static void run_jobs(struct db *db, struct write *jobs, int count, bool *committed)
{
	for (int i = 0; i < count; i++)
		jobs[i].next = i + 1 < count ? &jobs[i + 1] : NULL;
	assert_null(group_run(db, jobs, committed));
}

static void test_a_failing_job_is_undone_alone(void **state)
{
	(void)state;
	struct db *db = NULL;
	bool committed = false;
	int numbers[] = {0, 1, 2, 2, 4};
	assert_int_equal(db_open(&db, database, DB_WRITER, schema_database_sql, NULL), 0);
	struct write jobs[] = {
	    {.fn = insert_numbered, .argument = &numbers[0]}, {.fn = insert_and_fail, .argument = &numbers[1]},
	    {.fn = insert_numbered, .argument = &numbers[2]}, {.fn = insert_numbered, .argument = &numbers[3]},
	    {.fn = insert_numbered, .argument = &numbers[4]},
	};
	run_jobs(db, jobs, 5, &committed);
	assert_true(committed);
	assert_int_equal(jobs[0].error.code, 0);
	assert_int_equal(jobs[1].error.code, ERR_INVALID);
	assert_string_equal(jobs[1].error.message, "changed my mind");
	assert_int_equal(jobs[2].error.code, 0);
	assert_int_equal(jobs[3].error.code, ERR_CONFLICT); /* the same id again */
	assert_int_equal(jobs[4].error.code, 0);
	assert_int_equal(select_int(db, "SELECT count(*) FROM experiment"), 3);
	assert_int_equal(select_int(db, "SELECT count(*) FROM experiment WHERE id LIKE '%00000001'"), 0);
	db_close(db);
}

/* From here on no file can grow past `bytes`. */
static struct rlimit limit_files(rlim_t bytes)
{
	struct rlimit before, now;
	signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
	now = before;
	now.rlim_cur = bytes;
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &now), 0);
	return before;
}

static void test_a_failing_commit_fails_all(void **state)
{
	(void)state;
	struct db *db = NULL;
	bool committed = true;
	int numbers[] = {0, 1};
	assert_int_equal(db_open(&db, database, DB_WRITER, schema_database_sql, NULL), 0);
	struct write jobs[] = {{.fn = insert_numbered, .argument = &numbers[0]},
	                       {.fn = insert_numbered, .argument = &numbers[1]}};
	struct rlimit before = limit_files(4096); /* the log is longer already */
	run_jobs(db, jobs, 2, &committed);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
	assert_false(committed);
	assert_int_equal(jobs[0].error.code, ERR_DISK_FULL);
	assert_int_equal(jobs[1].error.code, ERR_DISK_FULL);
	assert_false(db_in_transaction(db));
	assert_int_equal(select_int(db, "SELECT count(*) FROM experiment"), 0);
	jobs[0].error.code = jobs[1].error.code = 0;
	run_jobs(db, jobs, 2, &committed); /* and once there is room again, it goes on */
	assert_true(committed);
	assert_int_equal(select_int(db, "SELECT count(*) FROM experiment"), 2);
	db_close(db);
}

static void test_a_full_disk_shows_and_passes(void **state)
{
	(void)state;
	int number = 1;
	struct rlimit before = limit_files(4096);
	struct qlstm_error error = {0};
	int rc = store_write(store, insert_numbered, &number, &error);
	int healthy = store_healthy(store);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
	assert_int_equal(rc, ERR_DISK_FULL);
	assert_int_equal(error.code, ERR_DISK_FULL);
	assert_false(healthy);
	assert_int_equal(store_write(store, insert_numbered, &number, NULL), 0);
	assert_true(store_healthy(store));
	assert_int_equal(rows_seen(), 1);
}

struct submission {
	int number, code;
	bool *stop;
};

static void on_done(void *argument, const struct qlstm_error *error)
{
	struct submission *submission = argument;
	submission->code = error->code;
	if (submission->stop != NULL)
		uv_stop(&loop);
}

static void test_submit_completes_on_the_loop_in_order(void **state)
{
	(void)state;
	bool stop = false;
	struct submission submissions[] = {{1, 1, NULL}, {2, 1, NULL}, {2, 1, NULL}, {3, 1, &stop}};
	for (int i = 0; i < 4; i++)
		assert_int_equal(
		    store_submit(store, i == 1 ? insert_and_fail : insert_numbered, on_done, &submissions[i]), 0);
	uv_run(&loop, UV_RUN_DEFAULT);
	assert_int_equal(submissions[0].code, 0);
	assert_int_equal(submissions[1].code, ERR_INVALID);
	assert_int_equal(submissions[2].code, 0);
	assert_int_equal(submissions[3].code, 0);
	assert_int_equal(rows_seen(), 3);
}

static void test_close_delivers_what_is_left(void **state)
{
	struct submission submissions[50];
	for (int i = 0; i < 50; i++) {
		submissions[i] = (struct submission){.number = i, .code = 1};
		assert_int_equal(store_submit(store, insert_numbered, on_done, &submissions[i]), 0);
	}
	assert_int_equal(close_store(state), 0); /* without a turn of the loop in between */
	for (int i = 0; i < 50; i++)
		assert_int_equal(submissions[i].code, 0);
	assert_int_equal(open_store(state), 0);
	assert_int_equal(rows_seen(), 50);
}

static void test_the_log_is_emptied_when_idle(void **state)
{
	(void)state;
	char log[320];
	struct stat status = {0};
	char events[4096];
	int number = 1, watch = inotify_init();
	snprintf(log, sizeof log, "%s-wal", database);
	assert_int_equal(store_write(store, insert_numbered, &number, NULL), 0);
	assert_true(inotify_add_watch(watch, log, IN_MODIFY) > 0);
	assert_int_equal(stat(log, &status), 0);
	while (status.st_size > 0) {
		assert_int_equal(poll(&(struct pollfd){.fd = watch, .events = POLLIN}, 1, 20000), 1);
		assert_true(read(watch, events, sizeof events) > 0);
		assert_int_equal(stat(log, &status), 0);
	}
	close(watch);
}

/* A job that loses the whole transaction takes those before it along; the next one is not tried. */
static int roll_back(struct db *db, void *argument, struct qlstm_error *error)
{
	(void)argument, (void)error;
	return db_script(db, "ROLLBACK");
}

static void test_a_lost_transaction(void **state)
{
	(void)state;
	struct db *db = NULL;
	bool committed = true;
	int numbers[] = {0, 1, 2};
	assert_int_equal(db_open(&db, database, DB_WRITER, schema_database_sql, NULL), 0);
	struct write jobs[] = {{.next = &jobs[1], .fn = insert_numbered, .argument = &numbers[0]},
	                       {.next = &jobs[2], .fn = roll_back},
	                       {.fn = insert_numbered, .argument = &numbers[2]}};
	struct write *rest = group_run(db, jobs, &committed);
	assert_ptr_equal(rest, &jobs[2]);
	assert_false(committed);
	assert_int_equal(jobs[0].error.code, ERR_IO);
	assert_string_equal(jobs[0].error.message, "the database rolled the transaction back");
	assert_int_equal(jobs[1].error.code, ERR_IO);
	assert_int_equal(jobs[2].error.code, 0);
	assert_int_equal(select_int(db, "SELECT count(*) FROM experiment"), 0);
	assert_null(group_run(db, rest, &committed));
	assert_true(committed);
	assert_int_equal(select_int(db, "SELECT count(*) FROM experiment"), 1);
	db_close(db);
}

/* Jobs that say nothing of why, or speak of an error and succeed. */
static int refuse_silently(struct db *db, void *argument, struct qlstm_error *error)
{
	(void)db, (void)argument, (void)error;
	return ERR_NOT_FOUND;
}

static int succeed_after_all(struct db *db, void *argument, struct qlstm_error *error)
{
	error_set(error, ERR_INVALID, NULL, "at first");
	return insert_numbered(db, argument, NULL);
}

static void test_what_a_job_says(void **state)
{
	(void)state;
	struct qlstm_error error = {0};
	int number = 1;
	assert_int_equal(store_write(store, refuse_silently, NULL, &error), ERR_NOT_FOUND);
	assert_string_equal(error.message, "not_found");
	error_clear(&error);
	assert_int_equal(store_write(store, succeed_after_all, &number, &error), 0);
	assert_int_equal(error.code, 0);
	assert_int_equal(rows_seen(), 1);
	error_set(&error, ERR_INVALID, NULL, "before"); /* the first error stays */
	assert_int_equal(store_write(store, refuse_silently, NULL, &error), ERR_NOT_FOUND);
	assert_string_equal(error.message, "before");
	error_clear(&error);
	assert_int_equal(store_read(store, refuse_silently, NULL, &error), ERR_NOT_FOUND);
	assert_string_equal(error.message, "not_found");
}

static void test_counters(void **state)
{
	(void)state;
	uint64_t commits = 7, jobs = 7;
	store_counters(store, &commits, &jobs);
	assert_int_equal(commits, 0);
	assert_int_equal(jobs, 0);
	for (int number = 1; number <= 3; number++)
		assert_int_equal(store_write(store, insert_numbered, &number, NULL), 0);
	int again = 1;
	assert_int_equal(store_write(store, insert_numbered, &again, NULL), ERR_CONFLICT); /* a group of its own */
	store_counters(store, &commits, &jobs);
	assert_int_equal(commits, 4);
	assert_int_equal(jobs, 4);
}

/* After a failure the store tries by itself: nobody has to write for it to become ready again. */
static void test_health_comes_back_by_itself(void **state)
{
	(void)state;
	int number = 1;
	struct rlimit before = limit_files(4096);
	int rc = store_write(store, insert_numbered, &number, NULL);
	bool healthy = store_healthy(store);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
	assert_int_equal(rc, ERR_DISK_FULL);
	assert_false(healthy);
	uint64_t end = uv_hrtime() + UINT64_C(60000000000);
	while (!store_healthy(store)) {
		assert_true(uv_hrtime() < end);
		poll(NULL, 0, 10);
	}
	assert_int_equal(rows_seen(), 0); /* what was refused stays refused */
}

/* A long log is copied into the database while there is work, not only once it is idle. */
static int insert_much(struct db *db, void *argument, struct qlstm_error *error)
{
	static char text[256 << 10];
	struct experiment_new new = new_experiment(numbered_id(*(const int *)argument));
	memset(text, 'x', sizeof text - 1);
	new.spec_json = text;
	return experiment_insert(db, &new, 1000, error);
}

static void test_a_long_log_is_kept_short(void **state)
{
	(void)state;
	struct stat status = {0};
	char log[320];
	for (int number = 0; number < 60; number++)
		assert_int_equal(store_write(store, insert_much, &number, NULL), 0);
	/* 15 MiB were written; past 1000 pages they are copied, and the next ones take their place. */
	snprintf(log, sizeof log, "%s-wal", database);
	assert_int_equal(stat(log, &status), 0);
	assert_true(status.st_size < 6 << 20);
}

static int count_open_files(void)
{
	int count = 0;
	for (int fd = 0; fd < 1024; fd++)
		count += fcntl(fd, F_GETFD) >= 0;
	return count;
}

/* Nothing stays open, and the log goes. */
static void test_closing_leaves_nothing(void **state)
{
	char log[320];
	struct store *refused = NULL;
	snprintf(log, sizeof log, "%s-wal", database);
	assert_int_equal(close_store(state), 0);
	int before = count_open_files();
	assert_int_equal(open_store(state), 0);
	int number = 1;
	assert_int_equal(store_write(store, insert_numbered, &number, NULL), 0);
	assert_int_equal(rows_seen(), 1);
	int open_now = count_open_files();
	assert_int_equal(store_open(&refused, database, &loop, NULL), ERR_CONFLICT);
	assert_int_equal(count_open_files(), open_now);
	assert_int_equal(close_store(state), 0);
	assert_int_equal(count_open_files(), before);
	assert_int_equal(access(log, F_OK), -1);
	FILE *file = fopen(database, "r+"); /* no database any more */
	assert_non_null(file);
	assert_int_equal(fwrite("nonsense", 8, 1, file), 1);
	fclose(file);
	assert_int_equal(uv_loop_init(&loop), 0);
	assert_int_equal(store_open(&refused, database, &loop, NULL), ERR_CORRUPT);
	assert_int_equal(uv_loop_close(&loop), 0);
	assert_int_equal(count_open_files(), before);
	assert_int_equal(unlink(database), 0);
	assert_int_equal(open_store(state), 0);
	store_close(NULL);
}

/* One without a completion, and the order of all. */
static int completed[4], n_completed;

static void note_completion(void *argument, const struct qlstm_error *error)
{
	completed[n_completed++] = error->code == 0 ? *(int *)argument : -*(int *)argument;
	if (n_completed == 3)
		uv_stop(&loop);
}

static void test_completions_come_in_order(void **state)
{
	(void)state;
	static int numbers[] = {1, 2, 3, 4};
	n_completed = 0;
	assert_int_equal(store_submit(store, insert_numbered, note_completion, &numbers[0]), 0);
	assert_int_equal(store_submit(store, insert_numbered, NULL, &numbers[1]), 0);
	assert_int_equal(store_submit(store, insert_and_fail, note_completion, &numbers[2]), 0);
	assert_int_equal(store_submit(store, insert_numbered, note_completion, &numbers[3]), 0);
	uv_run(&loop, UV_RUN_DEFAULT);
	assert_int_equal(n_completed, 3);
	assert_true(completed[0] == 1 && completed[1] == -3 && completed[2] == 4);
	assert_int_equal(rows_seen(), 3);
}

int main(void)
{
	if (sodium_init() < 0)
		return 1;
#define STORE(test)  cmocka_unit_test_setup_teardown(test, setup, teardown)
#define FOLDER(test) cmocka_unit_test_setup_teardown(test, make_folder, drop_folder)
	const struct CMUnitTest tests[] = {
	    FOLDER(test_a_failing_job_is_undone_alone),
	    FOLDER(test_a_failing_commit_fails_all),
	    STORE(test_a_full_disk_shows_and_passes),
	    STORE(test_submit_completes_on_the_loop_in_order),
	    STORE(test_close_delivers_what_is_left),
	    STORE(test_the_log_is_emptied_when_idle),
	    FOLDER(test_a_lost_transaction),
	    STORE(test_what_a_job_says),
	    STORE(test_counters),
	    STORE(test_health_comes_back_by_itself),
	    STORE(test_a_long_log_is_kept_short),
	    STORE(test_closing_leaves_nothing),
	    STORE(test_completions_come_in_order),
	};
	return cmocka_run_group_tests_name("store", tests, NULL, NULL);
}
