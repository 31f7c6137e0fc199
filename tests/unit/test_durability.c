/* What survives a kill, and which files are refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <pthread.h>
#include <signal.h>
#include <sodium.h>
#include <sys/wait.h>
#include <unistd.h>

#include "schema/embed.h"
#include "tests/unit/store_fixture.h"

enum { THREADS = 8 };

static void test_a_second_open_is_refused(void **state)
{
	struct store *second = NULL;
	struct qlstm_error error = {0};
	assert_int_equal(store_open(&second, database, &loop, &error), ERR_CONFLICT);
	assert_null(second);
	assert_int_equal(close_store(state), 0);
	assert_int_equal(open_store(state), 0); /* the lock went with its owner */
}

static void test_foreign_and_newer_files_are_refused(void **state)
{
	static const char *const spoils[] = {"PRAGMA application_id = 7", "PRAGMA user_version = 9999"};
	for (size_t i = 0; i < 2; i++) {
		struct db *db = NULL;
		assert_int_equal(make_folder(state), 0);
		assert_int_equal(db_open(&db, database, DB_WRITER, schema_database_sql, NULL), 0);
		assert_int_equal(db_script(db, spoils[i]), 0);
		db_close(db);
		db = NULL;
		assert_int_equal(db_open(&db, database, DB_WRITER, schema_database_sql, NULL), ERR_INVALID);
		assert_null(db);
		assert_int_equal(drop_folder(state), 0);
	}
}

static void test_a_damaged_file_is_refused(void **state)
{
	struct db *db = NULL;
	assert_int_equal(make_folder(state), 0);
	assert_int_equal(db_open(&db, database, DB_WRITER, schema_database_sql, NULL), 0);
	db_close(db);
	FILE *file = fopen(database, "r+");
	assert_non_null(file);
	static const char garbage[4096];
	for (long page = 1; page < 6; page++) {
		assert_int_equal(fseek(file, page * 4096, SEEK_SET), 0);
		assert_int_equal(fwrite(garbage, sizeof garbage, 1, file), 1);
	}
	fclose(file);
	db = NULL;
	assert_int_equal(db_open(&db, database, DB_WRITER, schema_database_sql, NULL), ERR_CORRUPT);
	assert_null(db);
	assert_int_equal(drop_folder(state), 0);
}

/* The child writes rows from several threads and says on standard output which ones were acknowledged. */
static void *write_and_tell(void *argument)
{
	for (int number = *(int *)argument;; number += THREADS)
		if (store_write(store, insert_numbered, &number, NULL) == 0 &&
		    write(STDOUT_FILENO, &number, sizeof number) != (ssize_t)sizeof number)
			_exit(1);
	return NULL;
}

static int be_the_child(const char *path)
{
	static int firsts[THREADS];
	pthread_t thread;
	if (uv_loop_init(&loop) != 0 || store_open(&store, path, &loop, NULL) != 0)
		return 1;
	for (int i = 0; i < THREADS; i++) {
		firsts[i] = i;
		if (pthread_create(&thread, NULL, write_and_tell, &firsts[i]) != 0)
			return 1;
	}
	pthread_join(thread, NULL);
	return 1;
}

static pid_t start_child(int *read_end)
{
	int ends[2];
	assert_int_equal(pipe(ends), 0);
	pid_t pid = fork();
	if (pid == 0) {
		dup2(ends[1], STDOUT_FILENO);
		close(ends[0]);
		close(ends[1]);
		execl("/proc/self/exe", "test_durability", "child", database, (char *)NULL);
		_exit(127);
	}
	assert_true(pid > 0);
	close(ends[1]);
	*read_end = ends[0];
	return pid;
}

static int find_numbered(struct db *db, void *argument, struct qlstm_error *error)
{
	struct experiment_row row;
	int rc = experiment_get(db, numbered_id(*(const int *)argument), &row, error);
	if (rc == 0)
		experiment_row_free(&row);
	return rc;
}

static void test_acknowledged_rows_survive_a_kill(void **state)
{
	enum { ENOUGH = 300, ROUNDS = 3 };
	static int acknowledged[1 << 16];
	assert_int_equal(make_folder(state), 0);
	for (int round = 0; round < ROUNDS; round++) {
		int end = -1, status = 0, count = 0;
		assert_int_equal(file_remove_tree(folder, NULL), 0);
		assert_int_equal(file_make_directory(folder, NULL), 0);
		pid_t pid = start_child(&end);
		while (count < ENOUGH * (round + 1)) {
			assert_int_equal(read(end, &acknowledged[count], sizeof(int)), sizeof(int));
			count++;
		}
		assert_int_equal(kill(pid, SIGKILL), 0);
		while (count < 1 << 16 && read(end, &acknowledged[count], sizeof(int)) == (ssize_t)sizeof(int))
			count++;
		close(end);
		assert_int_equal(waitpid(pid, &status, 0), pid);
		assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
		assert_int_equal(open_store(state), 0);
		for (int i = 0; i < count; i++)
			assert_int_equal(store_read(store, find_numbered, &acknowledged[i], NULL), 0);
		assert_int_equal(close_store(state), 0);
	}
	assert_int_equal(drop_folder(state), 0);
}

int main(int argc, char **argv)
{
	if (sodium_init() < 0)
		return 1;
	if (argc == 3 && strcmp(argv[1], "child") == 0)
		return be_the_child(argv[2]);
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(test_a_second_open_is_refused, setup, teardown),
	    cmocka_unit_test(test_foreign_and_newer_files_are_refused),
	    cmocka_unit_test(test_a_damaged_file_is_refused),
	    cmocka_unit_test(test_acknowledged_rows_survive_a_kill),
	};
	return cmocka_run_group_tests_name("durability", tests, NULL, NULL);
}
