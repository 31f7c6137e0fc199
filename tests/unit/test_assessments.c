/* Kept assessments of models: found by all that they depend on, the least wanted forgotten. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "server/api/assessments.h"

static struct assessments *kept;

static int setup(void **state)
{
	(void)state;
	return assessments_open(&kept, NULL);
}

static int teardown(void **state)
{
	(void)state;
	assessments_close(kept);
	return 0;
}

static const char *key_of(int number)
{
	static _Thread_local char key[20];
	snprintf(key, sizeof key, "model %d", number);
	return key;
}

static void keep(int number)
{
	const struct assessment assessment = {.parameters.quantum = number, .plan = "batch", .bytes = (size_t)number};
	assessments_keep(kept, key_of(number), &assessment);
}

static bool find(int number)
{
	struct assessment found = {0};
	bool known = assessments_find(kept, key_of(number), &found);
	if (known)
		assert_true(found.parameters.quantum == number && found.bytes == (size_t)number);
	return known;
}

static void test_what_was_kept_is_found(void **state)
{
	(void)state;
	struct assessment found;
	assert_false(find(1));
	keep(1);
	keep(2);
	keep(2);
	assert_true(find(1) && find(2) && !find(3));
	assert_false(assessments_find(kept, NULL, &found));
	assert_false(assessments_find(NULL, key_of(1), &found));
	assessments_keep(NULL, key_of(1), &found);
	assessments_keep(kept, NULL, &found);
}

static void test_the_least_wanted_is_forgotten(void **state)
{
	(void)state;
	for (int i = 0; i < ASSESSMENTS_MAX; i++)
		keep(i);
	assert_true(find(0)); /* wanted again: 1 is the oldest now */
	keep(1000);
	assert_true(find(0) && find(2) && find(1000));
	assert_false(find(1));
}

/* Whatever the planner's answer depends on is in the key, and a name is not. */
static void test_keys(void **state)
{
	(void)state;
	static const char *const requests[] = {
	    "{}",
	    "{\"n_qubits\":3}",
	    "{\"simulation\":{\"precision\":\"float32\"}}",
	    "{\"simulation\":{\"plan\":\"batch\"}}",
	    "{\"training\":{\"batch_size\":7}}",
	    "{\"data\":{\"window\":7}}",
	    "{\"data\":{\"inputs\":[\"a\",\"b\"],\"targets\":[\"a\"]}}",
	    "{\"data\":{\"inputs\":[\"a\"],\"targets\":[\"a\",\"b\"]}}",
	    "{\"name\":\"other\",\"tags\":[\"x\"],\"training\":{\"seed\":9,\"epochs\":3},\"limits\":{\"max_seconds\":7}"
	    "}",
	};
	enum { N = sizeof requests / sizeof requests[0] };
	char *keys[N + 1];
	for (int i = 0; i < N; i++) {
		json_t *request = json_loads(requests[i], 0, NULL), *resolved = NULL;
		struct spec spec;
		assert_int_equal(spec_resolve(request, &resolved, NULL), 0);
		assert_int_equal(spec_parse(resolved, &spec, NULL), 0);
		keys[i] = assessments_key(&spec, resolved, 2);
		assert_non_null(keys[i]);
		if (i == 0)
			keys[N] = assessments_key(&spec, resolved, 3);
		json_decref(request);
		json_decref(resolved);
	}
	assert_string_equal(keys[0], keys[N - 1]);
	for (int i = 0; i <= N; i++)
		for (int k = 0; k < i; k++)
			if (i != N - 1 && !(i == N && k == N - 1))
				assert_string_not_equal(keys[i], keys[k]);
	for (int i = 0; i <= N; i++)
		free(keys[i]);
}

static void *keep_and_find(void *argument)
{
	for (int i = 0; i < 2000; i++) {
		keep((int)(intptr_t)argument * 150 + i % 200);
		find(i % 800);
	}
	return NULL;
}

static void test_threads(void **state)
{
	(void)state;
	pthread_t threads[4];
	for (int i = 0; i < 4; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, keep_and_find, (void *)(intptr_t)i), 0);
	for (int i = 0; i < 4; i++)
		pthread_join(threads[i], NULL);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(test_what_was_kept_is_found),
	    TEST(test_the_least_wanted_is_forgotten),
	    TEST(test_keys),
	    TEST(test_threads),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
