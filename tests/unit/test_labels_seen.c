/* Columns of classes that were checked: remembered, read a few at a time, and read once by many who ask together. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>

#include "server/api/parts/labels_seen.h"

static struct labels_seen *seen;

static int setup(void **state)
{
	(void)state;
	return labels_seen_open(&seen, NULL);
}

static int teardown(void **state)
{
	(void)state;
	labels_seen_close(seen);
	return 0;
}

static struct labels_key key_of(int number)
{
	struct labels_key key = {.column = 3, .classes = 10, .n_train = 67};
	snprintf(key.dataset, sizeof key.dataset, "%d", number);
	return key;
}

static void check(const struct labels_key *key, bool good)
{
	struct cost_windows counted = {.tokens = 7};
	assert_false(labels_seen_begin(seen, key, &counted));
	labels_seen_end(seen, key, good ? &counted : NULL);
}

static void what_is_good_is_remembered(void **state)
{
	(void)state;
	struct labels_key key = key_of(1), other = key;
	struct cost_windows counted = {.tokens = 1};
	check(&key, false);
	check(&key, true);
	assert_true(labels_seen_begin(seen, &key, &counted));
	assert_int_equal(counted.tokens, 7);
	other.column = 4;
	check(&other, false);
	other = key;
	other.classes = 9;
	check(&other, false);
	other = key;
	other.n_train = 66;
	check(&other, false);
	other = key;
	other.input = 1;
	check(&other, false);
	other = key;
	other.scored = 1;
	check(&other, false);
	other = key;
	other.n_validation = 1;
	check(&other, false);
	other = key;
	other.texts[LABELS_TEXTS - 1] = 1;
	check(&other, false);
	other = key_of(2);
	check(&other, false);
}

static void the_oldest_is_forgotten(void **state)
{
	(void)state;
	struct labels_key first = key_of(0), second = key_of(1);
	struct cost_windows counted;
	for (int i = 0; i < LABELS_SEEN + 1; i++) {
		struct labels_key key = key_of(i);
		check(&key, true);
	}
	assert_true(labels_seen_begin(seen, &second, &counted));
	check(&first, false);
}

enum { CALLERS = 20 };

static atomic_int reading, most, readings;

static void *ask(void *argument)
{
	const struct labels_key *key = argument;
	struct cost_windows counted = {0};
	if (labels_seen_begin(seen, key, &counted))
		return NULL;
	int now = atomic_fetch_add(&reading, 1) + 1;
	for (int before = atomic_load(&most); now > before && !atomic_compare_exchange_weak(&most, &before, now);)
		;
	atomic_fetch_add(&readings, 1);
	for (volatile int i = 0; i < 1000000; i++)
		;
	atomic_fetch_sub(&reading, 1);
	labels_seen_end(seen, key, &counted);
	return NULL;
}

static void ask_together(struct labels_key *keys)
{
	pthread_t callers[CALLERS];
	atomic_store(&reading, 0);
	atomic_store(&most, 0);
	atomic_store(&readings, 0);
	for (int i = 0; i < CALLERS; i++)
		assert_int_equal(pthread_create(&callers[i], NULL, ask, &keys[i]), 0);
	for (int i = 0; i < CALLERS; i++)
		pthread_join(callers[i], NULL);
}

static void a_few_at_a_time(void **state)
{
	(void)state;
	struct labels_key keys[CALLERS];
	for (int i = 0; i < CALLERS; i++)
		keys[i] = key_of(i);
	ask_together(keys);
	assert_true(most <= LABELS_READING);
	assert_int_equal(readings, CALLERS);
	for (int i = 0; i < CALLERS; i++)
		keys[i] = key_of(100);
	ask_together(keys); /* the same: those who wait need not read any more */
	assert_true(readings <= LABELS_READING);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(what_is_good_is_remembered),
	    TEST(the_oldest_is_forgotten),
	    TEST(a_few_at_a_time),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
