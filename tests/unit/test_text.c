/* Text that grows in memory: every length, every character, and the end of memory. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/error.h"
#include "engine/text.h"
#include "tests/unit/allocation.h"

static void it_grows(void **state)
{
	(void)state;
	struct text text = {0};
	char *expected = calloc(1, 5000), *bytes = NULL;
	size_t length = 0;
	int at = 0;
	for (int k = 0; k < 1000; k++) {
		text_print(&text, "%d%s", k % 10, "");
		text_write(&text, "xyz", (size_t)(k % 4));
		at += sprintf(expected + at, "%d%.*s", k % 10, k % 4, "xyz");
		assert_int_equal(text.length, strlen(expected));
		assert_string_equal(text.bytes, expected);
	}
	assert_false(text.failed);
	assert_int_equal(text_take(&text, &bytes, &length), 0);
	assert_int_equal(length, 2500);
	assert_string_equal(bytes, expected);
	assert_true(text.bytes == NULL && text.length == 0 && text.room == 0);
	free(bytes);
	free(expected);
}

static void of_any_length(void **state)
{
	(void)state;
	static char many[600];
	memset(many, 'a', sizeof many);
	for (size_t n = 0; n < sizeof many; n++)
		for (int printed = 0; printed < 2; printed++) {
			struct text text = {0};
			char *bytes = NULL;
			size_t length;
			if (printed)
				text_print(&text, "%.*s", (int)n, many);
			else
				text_write(&text, many, n);
			assert_int_equal(text_take(&text, &bytes, &length), 0);
			assert_int_equal(length, n);
			assert_int_equal(strlen(bytes), n);
			free(bytes);
		}
	struct text text = {0};
	char *bytes;
	size_t length;
	text_write(&text, "a\0b", 3);
	assert_int_equal(text_take(&text, &bytes, &length), 0);
	assert_memory_equal(bytes, "a\0b", 4);
	assert_int_equal(length, 3);
	free(bytes);
}

/* What was lost is not forgotten, though later writes would have room. */
static void out_of_memory(void **state)
{
	(void)state;
	for (long n = 0; n < 3 && ALLOCATIONS_FAIL; n++) {
		struct text text = {0};
		char *bytes = NULL;
		size_t length = 77;
		allocations_until_failure = n;
		for (int k = 0; k < 800; k++)
			text_write(&text, "x", 1);
		assert_int_equal(allocations_until_failure, -1);
		assert_true(text.failed);
		text_print(&text, "%d", 1);
		assert_int_equal(text_take(&text, &bytes, &length), ERR_OUT_OF_MEMORY);
		assert_true(bytes == NULL && length == 77 && text.bytes == NULL && !text.failed);
	}
	struct text text = {0};
	char *bytes = NULL;
	size_t length;
	text_write(&text, "x", SIZE_MAX - 1);
	assert_true(text.failed);
	assert_int_equal(text_take(&text, &bytes, &length), ERR_OUT_OF_MEMORY);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(it_grows), cmocka_unit_test(of_any_length),
	                                   cmocka_unit_test(out_of_memory)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
