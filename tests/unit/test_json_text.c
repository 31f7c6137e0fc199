/* Numbers and JSON as text: shortest, bounded, the same value when read again. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <float.h>
#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "server/common/json_text.h"
#include "engine/number.h"

static void number_is_the_shortest(void **state)
{
	(void)state;
	static const struct {
		double value;
		const char *text;
	} cases[] = {
	    {0.67, "0.67"},
	    {5, "5.0"},
	    {-0.0, "-0.0"},
	    {0, "0.0"},
	    {0.1 + 0.2, "0.30000000000000004"},
	    {1e22, "1e22"},
	    {1e15, "1e15"},
	    {123456789012345.0, "123456789012345.0"},
	    {9007199254740993.0, "9007199254740992.0"},
	    {5.91234567890123e-5, "5.91234567890123e-5"},
	    {-1.5e-300, "-1.5e-300"},
	    {5e-324, "5e-324"},
	    {1.1e-310, "1.1e-310"},
	    {DBL_MIN, "2.2250738585072014e-308"},
	    {-DBL_MAX, "-1.7976931348623157e308"},
	};
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		char text[NUMBER_SIZE];
		assert_int_equal(number_text(text, cases[i].value), strlen(cases[i].text));
		assert_string_equal(text, cases[i].text);
	}
}

/* Bit patterns all over the range: the text fits and reads back to the same bits. */
static void number_reads_back(void **state)
{
	(void)state;
	uint64_t bits = 1;
	for (int i = 0; i < 200000; i++) {
		bits = bits * 6364136223846793005u + 1442695040888963407u;
		double value, again;
		memcpy(&value, &bits, sizeof value);
		if (!isfinite(value))
			continue;
		char text[NUMBER_SIZE];
		int length = number_text(text, value);
		assert_in_range(length, 3, NUMBER_SIZE - 8);
		again = strtod(text, NULL);
		assert_memory_equal(&again, &value, sizeof value);
	}
}

static void assert_text(const char *in, const char *expected)
{
	json_t *value = json_loads(in, JSON_DECODE_ANY, NULL);
	assert_non_null(value);
	char *text = json_text(value);
	assert_string_equal(text, expected);
	free(text);
	json_decref(value);
}

static void text_shortens_reals_alone(void **state)
{
	(void)state;
	assert_text("0.67", "0.67");
	assert_text("-12", "-12");
	assert_text("true", "true");
	assert_text("\"0.67000000000000004\"", "\"0.67000000000000004\"");
	assert_text("[0.67,[5.0,{\"a 0.10000000000000001\":0.1}],\"\\\"1.50\\\\\",null,-1e-7]",
	            "[0.67,[5.0,{\"a 0.10000000000000001\":0.1}],\"\\\"1.50\\\\\",null,-1e-7]");
}

/* A list of numbers whose shortest form is longer than jansson's: every bracket stays in its place. */
static void text_may_grow(void **state)
{
	(void)state;
	json_t *list = json_array(), *again;
	for (int i = 1; i <= 400; i++)
		json_array_append_new(list, json_real(5.91234567890123e-5 / i));
	char *text = json_text(list);
	again = json_loads(text, 0, NULL);
	assert_true(json_equal(again, list));
	json_decref(again);
	free(text);
	text = json_text_indented(list);
	again = json_loads(text, 0, NULL);
	assert_true(json_equal(again, list));
	assert_memory_equal(text, "[\n  5.9", 7);
	json_decref(again);
	free(text);
	json_decref(list);
	assert_null(json_text(NULL));
}

/* Strings and reals that are written one by one are those of json_text; what is no UTF-8 leaves nothing behind. */
static void pieces_are_written_alike(void **state)
{
	(void)state;
	static const char *const texts[] = {"", "a", "\"\\/\b\f\n\r\t\x01\x1f\x7f",
	                                    "gr\xc3\xbc\xc3\x9f \xf0\x9f\x98\x80"};
	for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
		struct text out = {0};
		json_t *value = json_string(texts[i]);
		char *expected = json_text(value);
		assert_true(json_write_string(&out, texts[i]));
		assert_string_equal(out.bytes, expected);
		free(out.bytes);
		free(expected);
		json_decref(value);
	}
	static const char *const damaged[] = {"\xff", "a\xc3", "\xc0\x80", "\xed\xa0\x80", "\xf4\x90\x80\x80"};
	for (size_t i = 0; i < sizeof damaged / sizeof damaged[0]; i++) {
		struct text out = {0};
		assert_false(json_write_string(&out, damaged[i]));
		assert_int_equal(out.length, 0);
	}
	struct text out = {0};
	json_write_real(&out, 0.67);
	json_write_real(&out, (double)NAN);
	json_write_real(&out, (double)INFINITY);
	assert_string_equal(out.bytes, "0.67nullnull");
	free(out.bytes);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(number_is_the_shortest),    cmocka_unit_test(number_reads_back),
	    cmocka_unit_test(text_shortens_reals_alone), cmocka_unit_test(text_may_grow),
	    cmocka_unit_test(pieces_are_written_alike),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
