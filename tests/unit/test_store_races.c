/* Many threads at one store: writers, claims, a cancel beside an end. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <pthread.h>
#include <sodium.h>

#include "tests/unit/store_fixture.h"

enum { THREADS = 8, JOBS = 100 };

static void *write_many(void *argument)
{
	int first = *(int *)argument;
	intptr_t failed = 0;
	for (int i = 0; i < JOBS; i++) {
		int number = first + i;
		failed += store_write(store, i % 10 == 9 ? insert_and_fail : insert_numbered, &number, NULL) != 0;
		int64_t rows = 0;
		failed += i % 25 == 0 && store_read(store, count_rows, &rows, NULL) != 0 ? 1000 : 0;
	}
	return (void *)failed;
}

static void test_many_writers_share_commits(void **state)
{
	(void)state;
	pthread_t threads[THREADS];
	int firsts[THREADS];
	for (int i = 0; i < THREADS; i++) {
		firsts[i] = i * JOBS;
		assert_int_equal(pthread_create(&threads[i], NULL, write_many, &firsts[i]), 0);
	}
	for (int i = 0; i < THREADS; i++) {
		void *failed = NULL;
		pthread_join(threads[i], &failed);
		assert_int_equal((intptr_t)failed, JOBS / 10);
	}
	assert_int_equal(rows_seen(), THREADS * JOBS * 9 / 10);
	uint64_t commits = 0, jobs = 0;
	store_counters(store, &commits, &jobs);
	assert_int_equal(jobs, THREADS * JOBS);
	assert_true(commits < jobs);
	assert_true(store_healthy(store));
}

struct claimer {
	int claimed;
	struct run_token tokens[200];
};

static int claim(struct db *db, void *argument, struct qlstm_error *error)
{
	int64_t next_due;
	return turn_claim(db, 5000, TURN_ANY_ROOM, argument, &next_due, error);
}

static void *claim_all(void *argument)
{
	struct claimer *claimer = argument;
	while (store_write(store, claim, &claimer->tokens[claimer->claimed], NULL) == 0)
		claimer->claimed++;
	return NULL;
}

static void test_no_two_claim_the_same(void **state)
{
	(void)state;
	enum { ROWS = 200 };
	static struct claimer claimers[4];
	static bool taken[ROWS];
	pthread_t threads[4];
	for (int i = 0; i < ROWS; i++)
		assert_int_equal(store_write(store, insert_numbered, &i, NULL), 0);
	for (int i = 0; i < 4; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, claim_all, &claimers[i]), 0);
	int total = 0;
	for (int i = 0; i < 4; i++) {
		pthread_join(threads[i], NULL);
		for (int j = 0; j < claimers[i].claimed; j++, total++) {
			int number = atoi(claimers[i].tokens[j].id + 18);
			assert_false(taken[number]);
			taken[number] = true;
		}
	}
	assert_int_equal(total, ROWS);
}

struct race {
	struct run_token token;
	enum run_status cancel_saw;
	int cancel_code, end_code;
};

static int race_cancel(struct db *db, void *argument, struct qlstm_error *error)
{
	struct race *race = argument;
	return race->cancel_code = state_cancel(db, race->token.id, 6000, &race->cancel_saw, error);
}

static int race_succeed(struct db *db, void *argument, struct qlstm_error *error)
{
	struct race *race = argument;
	return race->end_code = state_succeed(db, &race->token, 6000, error);
}

static void *cancel_each(void *argument)
{
	struct race *races = argument;
	for (int i = 0; i < JOBS; i++)
		store_write(store, race_cancel, &races[i], NULL);
	return NULL;
}

static int count_ends(struct db *db, void *argument, struct qlstm_error *error)
{
	int64_t *count = argument;
	*count = select_int(db, "SELECT count(*) FROM transition WHERE to_status IN"
	                        " ('succeeded', 'failed', 'cancelled')");
	return *count >= 0 ? 0 : db_error(db, error);
}

static void test_cancel_races_with_completion(void **state)
{
	(void)state;
	static struct race races[JOBS];
	for (int i = 0; i < JOBS; i++) {
		assert_int_equal(store_write(store, insert_numbered, &i, NULL), 0);
		assert_int_equal(store_write(store, claim, &races[i].token, NULL), 0);
	}
	pthread_t thread;
	assert_int_equal(pthread_create(&thread, NULL, cancel_each, races), 0);
	for (int i = 0; i < JOBS; i++)
		store_write(store, race_succeed, &races[i], NULL);
	pthread_join(thread, NULL);
	for (int i = 0; i < JOBS; i++) {
		assert_int_equal(races[i].end_code, 0); /* a result that arrived wins */
		if (races[i].cancel_code == 0)
			assert_int_equal(races[i].cancel_saw, STATUS_CANCELLING);
		else
			assert_int_equal(races[i].cancel_code, ERR_CONFLICT);
	}
	int64_t ends = 0;
	assert_int_equal(store_read(store, count_ends, &ends, NULL), 0);
	assert_int_equal(ends, JOBS);
}

int main(void)
{
	if (sodium_init() < 0)
		return 1;
#define STORE(test)  cmocka_unit_test_setup_teardown(test, setup, teardown)
#define FOLDER(test) cmocka_unit_test_setup_teardown(test, make_folder, drop_folder)
	const struct CMUnitTest tests[] = {
	    STORE(test_many_writers_share_commits),
	    STORE(test_no_two_claim_the_same),
	    STORE(test_cancel_races_with_completion),
	};
	return cmocka_run_group_tests_name("store_races", tests, NULL, NULL);
}
