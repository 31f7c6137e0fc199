/* Text that grows in memory: every length, every character, and the end of memory. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <malloc.h>
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

/* What grew by doubling is handed over without the room that it did not need; where even that cannot be had, as it is.
 */
static void a_large_one_fits(void **state)
{
	(void)state;
	for (int fails = 0; fails <= ALLOCATIONS_FAIL; fails++) {
		static char part[1000];
		struct text text = {0};
		char *bytes = NULL;
		size_t length;
		for (int k = 0; k < 1100; k++) /* a little more than 1 MiB: it has 2 */
			text_write(&text, part, sizeof part);
		allocations_until_failure = fails ? 0 : -1;
		assert_int_equal(text_take(&text, &bytes, &length), 0);
		allocations_until_failure = -1;
		assert_int_equal(length, 1100 * sizeof part);
		assert_int_equal(bytes[length], 0);
		if (ALLOCATIONS_FAIL) /* else a sanitizer's own, which counts otherwise */
			assert_true((malloc_usable_size(bytes) < length + (64 << 10)) == !fails);
		free(bytes);
	}
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

struct taken {
	struct text all;
	size_t pieces, longest, refuse_at;
};

static int take(void *context, const char *bytes, size_t n)
{
	struct taken *taken = context;
	if (taken->pieces++ == taken->refuse_at)
		return -1;
	taken->longest = n > taken->longest ? n : taken->longest;
	text_write(&taken->all, bytes, n);
	return 0;
}

/* Whoever takes the pieces has the text, and it is never whole in memory. */
static void in_pieces(void **state)
{
	(void)state;
	enum { LINES = 40000 };
	struct taken taken = {.refuse_at = SIZE_MAX};
	struct text text = {.sink = take, .context = &taken}, whole = {0};
	size_t most = 0;
	for (int k = 0; k < LINES; k++) {
		text_print(&text, "%d,", k);
		text_write(&text, "x\n", 2);
		text_print(&whole, "%d,x\n", k);
		most = text.room > most ? text.room : most;
	}
	assert_int_equal(text_end(&text), 0);
	assert_true(text.bytes == NULL && text.sink == NULL);
	assert_int_equal(taken.all.length, whole.length);
	assert_memory_equal(taken.all.bytes, whole.bytes, whole.length);
	assert_true(taken.pieces > 4 && taken.longest < TEXT_PIECE + 16 && most <= 2 * TEXT_PIECE);
	free(taken.all.bytes);
	free(whole.bytes);
	struct taken nothing = {.refuse_at = SIZE_MAX};
	struct text empty = {.sink = take, .context = &nothing};
	assert_int_equal(text_end(&empty), 0);
	assert_int_equal(nothing.pieces, 0);
}

/* The first piece, one between, or the last. */
static void a_piece_that_is_refused(void **state)
{
	(void)state;
	for (size_t at = 0; at < 3; at++) {
		struct taken taken = {.refuse_at = at};
		struct text text = {.sink = take, .context = &taken};
		for (int k = 0; k < 2 * TEXT_PIECE + 5; k++)
			text_write(&text, "x", 1);
		assert_int_equal(text.failed, at < 2);
		assert_int_equal(text_end(&text), ERR_OUT_OF_MEMORY);
		assert_int_equal(taken.pieces, at + 1);
		assert_int_equal(taken.all.length, at * TEXT_PIECE);
		free(taken.all.bytes);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(it_grows),         cmocka_unit_test(of_any_length),
	    cmocka_unit_test(a_large_one_fits), cmocka_unit_test(out_of_memory),
	    cmocka_unit_test(in_pieces),        cmocka_unit_test(a_piece_that_is_refused)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
