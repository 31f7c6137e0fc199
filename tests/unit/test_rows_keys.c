/* Rows of new experiments: their Idempotency-Key, the limit of the queue. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "tests/unit/rows_fixture.h"

static int insert_with_key(int number, const char *key, const char *body, int64_t now, char existing[RUN_ID_SIZE])
{
	struct experiment_new new = new_experiment(numbered_id(number));
	new.key = key;
	new.key_at = now;
	new.body_sha256 = body;
	new.now = now;
	new.existing_id = existing;
	return experiment_insert(db, &new, 3, NULL);
}

static void test_idempotency_keys(void **state)
{
	(void)state;
	char existing[RUN_ID_SIZE] = "?";
	assert_int_equal(insert_with_key(1, "k", "body", NOW, existing), 0);
	assert_string_equal(existing, "");
	assert_int_equal(insert_with_key(2, "k", "body", NOW + 1, existing), 0); /* a replay */
	assert_string_equal(existing, numbered_id(1));
	assert_int_equal(insert_with_key(3, "k", "other", NOW + 1, existing), ERR_CONFLICT);
	assert_string_equal(existing, "");
	assert_int_equal(insert_with_key(4, "l", "body", NOW + 1, existing), 0);
	assert_int_equal(insert_with_key(5, "m", "body", NOW + 1, existing), 0);
	assert_int_equal(insert_with_key(6, "n", "body", NOW + 1, existing), ERR_UNAVAILABLE); /* the queue is full */
	assert_int_equal(insert_with_key(7, "k", "body", NOW + 1, existing), 0); /* a replay needs no room */
	assert_string_equal(existing, numbered_id(1));
	assert_int_equal(select_int(db, "SELECT count(*) FROM experiment"), 3);
	assert_int_equal(db_script(db, "UPDATE experiment SET status = 'succeeded'"), 0);
	assert_int_equal(insert_with_key(8, "k", "other", NOW + DAY_MS + 1, existing), 0); /* a day later it is free */
	assert_string_equal(existing, "");
}

/* A key lives for 24 hours to the millisecond. */
static void test_the_age_of_keys(void **state)
{
	(void)state;
	static const struct {
		int64_t age;
		bool known;
	} cases[] = {{0, true},      {60 * 60 * 1000, true}, {DAY_MS - 60 * 60 * 1000, true},
	             {DAY_MS, true}, {DAY_MS + 1, false},    {DAY_MS + 60 * 60 * 1000, false}};
	char existing[RUN_ID_SIZE], key[8];
	for (int i = 0; i < 6; i++) {
		assert_int_equal(db_script(db, "DELETE FROM idempotency; UPDATE experiment SET status = 'failed'"), 0);
		snprintf(key, sizeof key, "k%d", i);
		assert_int_equal(insert_with_key(2 * i, key, "body", INT64_C(1) << 40, existing), 0);
		assert_int_equal(insert_with_key(2 * i + 1, key, "body", (INT64_C(1) << 40) + cases[i].age, existing),
		                 0);
		assert_string_equal(existing, cases[i].known ? numbered_id(2 * i) : "");
		assert_int_equal(select_int(db, "SELECT count(*) FROM idempotency"), 1);
	}
}

/* While a process is young its clock may be wrong: keys are kept for longer by as much as it says. */
static void test_the_grace_of_keys(void **state)
{
	(void)state;
	char existing[RUN_ID_SIZE];
	assert_int_equal(insert_with_key(1, "k", "body", INT64_C(1) << 40, existing), 0);
	struct experiment_new new = new_experiment(numbered_id(2));
	new.key = "k", new.body_sha256 = "body", new.existing_id = existing, new.key_grace = DAY_MS;
	new.key_at = (INT64_C(1) << 40) + 2 * (int64_t)DAY_MS;
	assert_int_equal(experiment_insert(db, &new, 3, NULL), 0);
	assert_string_equal(existing, numbered_id(1));
	new.key_at++;
	assert_int_equal(experiment_insert(db, &new, 3, NULL), 0);
	assert_string_equal(existing, "");
}

/* What a POST that is refused leaves behind: nothing, its key neither. */
static void test_the_limit_of_the_queue(void **state)
{
	(void)state;
	char existing[RUN_ID_SIZE];
	struct qlstm_error error = {0};
	for (int i = 1; i <= 2; i++)
		insert(i);
	struct experiment_new new = new_experiment(numbered_id(3));
	assert_int_equal(experiment_insert(db, &new, 2, &error), ERR_UNAVAILABLE);
	assert_string_equal(error.message, "2 experiments are waiting already");
	claim(); /* what runs does not wait */
	assert_int_equal(experiment_insert(db, &new, 2, NULL), 0);
	for (int i = 4; i <= 5; i++)
		assert_int_equal(insert_with_key(i, "k", "body", NOW, existing), 0);
	assert_string_equal(existing, numbered_id(4));
	assert_int_equal(insert_with_key(6, "l", "body", NOW, existing), ERR_UNAVAILABLE);
	assert_int_equal(select_int(db, "SELECT count(*) FROM idempotency"), 1);
	assert_int_equal(select_int(db, "SELECT count(*) FROM transition WHERE experiment_id LIKE '%6'"), 0);
	/* A key with nowhere to put the id that was made before. */
	new = new_experiment(numbered_id(7));
	new.key = "k", new.body_sha256 = "body", new.now = new.key_at = NOW;
	assert_int_equal(experiment_insert(db, &new, 100, NULL), 0);
	assert_int_equal(select_int(db, "SELECT count(*) FROM experiment WHERE id LIKE '%7'"), 0);
	error_clear(&error);
	new.body_sha256 = "other";
	assert_int_equal(experiment_insert(db, &new, 100, &error), ERR_CONFLICT);
	assert_string_equal(error.message, "the Idempotency-Key was used with another body");
	/* Deleting what it made keeps the key: a late repetition does not bring it back. */
	assert_int_equal(db_script(db, "UPDATE experiment SET status = 'failed'"), 0);
	assert_int_equal(experiment_delete(db, numbered_id(4), NULL), 0);
	assert_int_equal(insert_with_key(8, "k", "body", NOW, existing), 0);
	assert_string_equal(existing, numbered_id(4));
	assert_int_equal(select_int(db, "SELECT count(*) FROM experiment WHERE id LIKE '%8'"), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(test_idempotency_keys),
	    TEST(test_the_age_of_keys),
	    TEST(test_the_grace_of_keys),
	    TEST(test_the_limit_of_the_queue),
	};
	return cmocka_run_group_tests_name("rows_keys", tests, NULL, NULL);
}
