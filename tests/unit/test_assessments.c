/* What was found of specs: kept by the text of the request, up to a bound. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "server/api/parts/assessments.h"

static struct assessments *known;

static int setup(void **state)
{
	(void)state;
	return assessments_open(&known, NULL);
}

static int teardown(void **state)
{
	(void)state;
	assessments_close(known);
	return 0;
}

/* Texts that tell which one it is. */
static struct assessment numbered(int number)
{
	static char texts[5][32];
	for (int i = 0; i < 5; i++)
		snprintf(texts[i], sizeof texts[i], "%d of %d", i, number);
	return (struct assessment){.rest_json = texts[0],
	                           .model_json = texts[1],
	                           .data_json = texts[2],
	                           .engine_json = texts[3],
	                           .dataset = texts[4],
	                           .dataset_id = "01ARZ3NDEKTSV4RRFFQ69G5FAV",
	                           .epochs = number,
	                           .max_attempts = 3,
	                           .priority = -number,
	                           .max_seconds = 1.5};
}

static void keep(const char *key, int number)
{
	const struct assessment made = numbered(number);
	assessments_keep(known, key, &made);
}

static bool is_known(const char *key, int number)
{
	struct assessment found, wanted = numbered(number);
	if (!assessments_find(known, key, &found))
		return false;
	assert_string_equal(found.rest_json, wanted.rest_json);
	assert_string_equal(found.model_json, wanted.model_json);
	assert_string_equal(found.data_json, wanted.data_json);
	assert_string_equal(found.engine_json, wanted.engine_json);
	assert_string_equal(found.dataset, wanted.dataset);
	assert_string_equal(found.dataset_id, wanted.dataset_id);
	assert_int_equal(found.epochs, number);
	assert_int_equal(found.max_attempts, 3);
	assert_int_equal(found.priority, -number);
	assert_true(found.max_seconds == 1.5);
	assessment_free(&found);
	assert_null(found.rest_json);
	return true;
}

static void what_was_found_is_kept(void **state)
{
	(void)state;
	assert_false(is_known("a", 1));
	keep("a", 1);
	keep("b", 2);
	assert_true(is_known("a", 1));
	assert_true(is_known("b", 2));
	assert_false(is_known("", 1));
	assert_false(is_known("ab", 1));
	keep("a", 3); /* found anew: of other data, say */
	assert_true(is_known("a", 3));
	assert_true(is_known("b", 2));
}

static void without_a_place_or_a_key_nothing_is(void **state)
{
	(void)state;
	struct assessment found, made = numbered(1);
	assessments_keep(known, NULL, &made);
	assert_false(assessments_find(known, NULL, &found));
	assessments_keep(NULL, "a", &made);
	assert_false(assessments_find(NULL, "a", &found));
	assessments_close(NULL);
}

static void what_nobody_asked_for_is_forgotten(void **state)
{
	(void)state;
	char key[16];
	for (int i = 0; i < ASSESSMENTS_MAX; i++) {
		snprintf(key, sizeof key, "%d", i);
		keep(key, i);
	}
	assert_true(is_known("0", 0)); /* asked for again */
	keep("one more", 100);
	assert_true(is_known("0", 0));
	assert_false(is_known("1", 1));
	assert_true(is_known("2", 2));
	assert_true(is_known("one more", 100));
}

static void large_ones_are_not_kept(void **state)
{
	(void)state;
	struct assessment made = numbered(1), found;
	size_t others =
	    strlen(made.model_json) + strlen(made.data_json) + strlen(made.engine_json) + strlen(made.dataset);
	size_t room = ASSESSMENTS_MAX_BYTES - others - 1; /* beside a key of one byte */
	char *large = malloc(room + 2);
	memset(large, 'x', room + 1);
	large[room + 1] = '\0';
	made.rest_json = large;
	assessments_keep(known, "a", &made);
	assert_false(assessments_find(known, "a", &found));
	large[room] = '\0';
	assessments_keep(known, "ab", &made);
	assert_false(assessments_find(known, "ab", &found));
	assessments_keep(known, "a", &made);
	assert_true(assessments_find(known, "a", &found));
	assert_int_equal(strlen(found.rest_json), room);
	assessment_free(&found);
	free(large);
}

enum { THREADS = 4, ROUNDS = 2000 };

static void *ask_and_keep(void *argument)
{
	const struct assessment *made = argument;
	for (int i = 0; i < ROUNDS; i++) {
		char key[16];
		struct assessment found;
		snprintf(key, sizeof key, "%d", i % (2 * ASSESSMENTS_MAX));
		if (!assessments_find(known, key, &found))
			assessments_keep(known, key, made);
		else if (strcmp(found.engine_json, made->engine_json) != 0)
			abort();
		else
			assessment_free(&found);
	}
	return NULL;
}

static void many_threads_ask(void **state)
{
	(void)state;
	pthread_t threads[THREADS];
	struct assessment made = numbered(5);
	for (int i = 0; i < THREADS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, ask_and_keep, &made), 0);
	for (int i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(what_was_found_is_kept),
	    TEST(without_a_place_or_a_key_nothing_is),
	    TEST(what_nobody_asked_for_is_forgotten),
	    TEST(large_ones_are_not_kept),
	    TEST(many_threads_ask),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
