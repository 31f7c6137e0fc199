/* The writer thread: writes of both kinds in one group, what it refuses while it closes, and what it does while nobody
 * asks for anything: it empties the log, and finds out whether it can write again. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sodium.h>
#include <stdatomic.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "tests/unit/store_fixture.h"

enum { PATIENCE_S = 120 };

static off_t log_size(void)
{
	char log[320];
	struct stat status = {0};
	snprintf(log, sizeof log, "%s-wal", database);
	return stat(log, &status) == 0 ? status.st_size : 0;
}

static void wait_for_an_empty_log(void)
{
	uint64_t end = uv_hrtime() + PATIENCE_S * UINT64_C(1000000000);
	while (log_size() > 0) {
		assert_true(uv_hrtime() < end);
		poll(NULL, 0, 10);
	}
}

static void write_one(int number)
{
	assert_int_equal(store_write(store, insert_numbered, &number, NULL), 0);
}

/* Each time, and not before: a commit waits for no checkpoint. */
static void test_the_log_is_emptied_again(void **state)
{
	(void)state;
	assert_true(store_healthy(store)); /* from the start */
	wait_for_an_empty_log();           /* of what making the tables left */
	for (int number = 0; number < 2; number++) {
		write_one(number);
		assert_true(log_size() > 0);
		wait_for_an_empty_log();
	}
}

static int select_once(struct db *db, void *argument, struct qlstm_error *error)
{
	(void)argument, (void)error;
	write_one(1); /* behind what this reader sees */
	return select_int(db, "SELECT count(*) FROM experiment") == 0 ? 0 : ERR_INTERNAL;
}

static int hold_for_a_while(struct db *db, void *argument, struct qlstm_error *error)
{
	if (select_int(db, "SELECT 1 FROM sqlite_schema") != 1)
		return ERR_INTERNAL;
	int rc = select_once(db, argument, error);
	uint64_t end = uv_hrtime() + UINT64_C(2500000000); /* more than two idle seconds of the writer */
	while (uv_hrtime() < end)
		poll(NULL, 0, 100);
	return rc == 0 && log_size() > 0 ? 0 : ERR_INTERNAL;
}

/* A reader is in the way; once it has gone, the next idle second does it, without another write. */
static void test_a_reader_puts_it_off(void **state)
{
	(void)state;
	assert_int_equal(store_read(store, hold_for_a_while, NULL, NULL), 0);
	assert_true(store_healthy(store)); /* that is no failure */
	wait_for_an_empty_log();
}

/* With nothing in the log, too: the writer looks for itself. */
static void test_health_comes_back_with_an_empty_log(void **state)
{
	(void)state;
	struct rlimit before, now;
	int number = 1;
	wait_for_an_empty_log();
	signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
	now = before;
	now.rlim_cur = 0;
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &now), 0);
	int rc = store_write(store, insert_numbered, &number, NULL);
	bool healthy = store_healthy(store);
	poll(NULL, 0, 1500); /* an idle second in which writing still fails */
	bool later = store_healthy(store);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
	assert_int_equal(rc, ERR_DISK_FULL);
	assert_false(healthy || later);
	uint64_t end = uv_hrtime() + PATIENCE_S * UINT64_C(1000000000);
	while (!store_healthy(store)) {
		assert_true(uv_hrtime() < end);
		poll(NULL, 0, 10);
	}
	write_one(2);
}

/* Holds the writer, so that what is asked for meanwhile becomes one group. */
static atomic_bool let_go;

static int hold_the_writer(struct db *db, void *argument, struct qlstm_error *error)
{
	(void)db, (void)argument, (void)error;
	while (!atomic_load(&let_go))
		poll(NULL, 0, 1);
	return 0;
}

static void *write_and_wait(void *argument)
{
	int rc = store_write(store, insert_numbered, argument, NULL);
	return (void *)(intptr_t)rc;
}

static int n_completed;

static void count_completion(void *argument, const struct qlstm_error *error)
{
	(void)argument;
	assert_int_equal(error->code, 0);
	n_completed++;
}

/* Writes that are waited for between such that are not: each is completed once, by its own side. */
static void test_both_kinds_in_a_group(void **state)
{
	(void)state;
	enum { ROUNDS = 10 };
	static int numbers[4 * ROUNDS];
	pthread_t threads[2];
	uint64_t commits = 0, writes = 0;
	n_completed = 0;
	for (int round = 0; round < ROUNDS; round++) {
		int *number = &numbers[4 * round];
		for (int k = 0; k < 4; k++)
			number[k] = 4 * round + k;
		atomic_store(&let_go, false);
		assert_int_equal(store_submit(store, hold_the_writer, NULL, NULL), 0);
		for (int k = 0; k < 2; k++) {
			assert_int_equal(store_submit(store, insert_numbered, count_completion, &number[k]), 0);
			assert_int_equal(pthread_create(&threads[k], NULL, write_and_wait, &number[2 + k]), 0);
			poll(NULL, 0, 10); /* time for it to ask; if it comes late, the group is a smaller one */
		}
		atomic_store(&let_go, true);
		for (int k = 0; k < 2; k++) {
			void *rc = NULL;
			pthread_join(threads[k], &rc);
			assert_int_equal((intptr_t)rc, 0);
		}
		while (n_completed < 2 * (round + 1))
			uv_run(&loop, UV_RUN_ONCE);
	}
	store_counters(store, &commits, &writes);
	assert_int_equal(writes, 5 * ROUNDS);
	assert_int_equal(n_completed, 2 * ROUNDS);
}

static struct qlstm_error refused;
static int refused_submit;

static void ask_for_more(void *argument, const struct qlstm_error *error)
{
	assert_int_equal(error->code, 0);
	error_clear(&refused);
	assert_int_equal(store_write(store, insert_numbered, argument, &refused), ERR_UNAVAILABLE);
	assert_int_equal(store_write(store, insert_numbered, argument, NULL), ERR_UNAVAILABLE);
	refused_submit = store_submit(store, insert_numbered, ask_for_more, argument);
}

/* Completions that closing delivers find it closed. */
static void test_asking_while_it_closes(void **state)
{
	int number = 1;
	assert_int_equal(store_submit(store, insert_numbered, ask_for_more, &number), 0);
	assert_int_equal(close_store(state), 0);
	assert_int_equal(refused.code, ERR_UNAVAILABLE);
	assert_string_equal(refused.message, "the store is closing");
	assert_int_equal(refused_submit, ERR_UNAVAILABLE);
	assert_int_equal(open_store(state), 0);
}

int main(void)
{
	if (sodium_init() < 0)
		return 1;
#define STORE(test) cmocka_unit_test_setup_teardown(test, setup, teardown)
	const struct CMUnitTest tests[] = {
	    STORE(test_the_log_is_emptied_again),
	    STORE(test_a_reader_puts_it_off),
	    STORE(test_health_comes_back_with_an_empty_log),
	    STORE(test_both_kinds_in_a_group),
	    STORE(test_asking_while_it_closes),
	};
	return cmocka_run_group_tests_name("store_writer", tests, NULL, NULL);
}
