/* CSV text to tables, and what happens to text that is not UTF-8. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "engine/data/csv.h"
#include "engine/data/table.h"
#include "engine/utf8.h"

static void assert_near(double value, double expected, double tolerance)
{
	if (!(fabs(value - expected) <= tolerance))
		fail_msg("%.15g is not %.15g within %g", value, expected, tolerance);
}

static void parse(const char *text, struct table *table)
{
	struct qlstm_error error = {0};
	if (csv_parse(text, strlen(text), table, &error) != 0)
		fail_msg("%s", error.message);
}

static void parse_said(const char *name, const char *value, const char *text, struct table *table)
{
	struct qlstm_error error = {0};
	struct csv_options options = {0};
	assert_int_equal(csv_say(&options, name, value, &error), 0);
	if (csv_read(text, strlen(text), &options, VALUES_ALL, table, &error) != 0)
		fail_msg("%s", error.message);
}

static void assert_refused(const char *text, size_t length, int code, const char *fragment)
{
	struct table table = {.n_rows = 77};
	struct qlstm_error error = {0};
	if (csv_parse(text, length, &table, &error) != code)
		fail_msg("%s: %s", text, error.message);
	assert_int_equal(error.code, code);
	if (strstr(error.message, fragment) == NULL)
		fail_msg("'%s' is not in '%s'", fragment, error.message);
	assert_int_equal(table.n_rows, 77);
}

static void csv_of_one_column(void **state)
{
	(void)state;
	struct table table;
	const char *text = "a,b,c\n1,x,3\nz,5,6\n7,8,9\n";
	assert_int_equal(csv_read(text, strlen(text), NULL, VALUES_OF(2), &table, NULL), 0);
	assert_int_equal(table.n_rows, 3);
	assert_true(table.columns[0].values == NULL && table.columns[1].values == NULL);
	assert_near(table.columns[2].values[2], 9, 0);
	table_free(&table);
	assert_int_equal(csv_read(text, strlen(text), NULL, VALUES_OF(1), &table, NULL), 0);
	assert_false(table.columns[1].numeric);
	assert_string_equal(table.columns[1].bad_text, "x");
	table_free(&table);
	struct qlstm_error error = {0};
	assert_int_equal(csv_read("1,2,3\n3,1\n4,5,6\n", 16, NULL, VALUES_OF(0), &table, &error), ERR_SYNTAX);
}

static void csv_with_a_header(void **state)
{
	(void)state;
	struct table table;
	parse("date, value ,note\n1,2.5,-3e2\n4,.5,+6\n", &table);
	assert_true(table.has_header);
	assert_int_equal(table.n_rows, 2);
	assert_int_equal(table.n_columns, 3);
	assert_string_equal(table.columns[1].name, "value");
	assert_near(table.columns[1].values[1], 0.5, 0);
	assert_near(table.columns[2].values[0], -300, 0);
	assert_int_equal(table_column(&table, "note"), 2);
	assert_int_equal(table_column(&table, "1"), 1);
	assert_int_equal(table_column(&table, "3"), -1);
	assert_int_equal(table_column(&table, ""), -1);
	assert_int_equal(table_column(&table, "-1"), -1);
	assert_int_equal(table_column(&table, "99999999999999999999999999"), -1);
	table_free(&table);
	table_free(&table);
}

static void csv_without_a_header(void **state)
{
	(void)state;
	struct table table;
	parse("1,2,5\n3,4,6", &table);
	assert_false(table.has_header);
	assert_int_equal(table.n_rows, 2);
	assert_string_equal(table.columns[1].name, "column_1");
	assert_near(table.columns[1].values[0], 2, 0);
	table_free(&table);

	parse("1\n", &table);
	assert_int_equal(table.n_rows, 1);
	table_free(&table);
}

static void csv_names_win_over_indices(void **state)
{
	(void)state;
	struct table table;
	parse("1,0,x,,x\n1,2,3,4,5\n", &table);
	assert_int_equal(table_column(&table, "0"), 1);
	assert_int_equal(table_column(&table, "1"), 0);
	assert_int_equal(table_column(&table, "x"), 2);
	assert_int_equal(table_column(&table, "4"), 4);
	assert_string_equal(table.columns[3].name, "column_3");
	table_free(&table);
}

static void csv_quotes(void **state)
{
	(void)state;
	struct table table;
	parse("\"a,b\" , \"say \"\"hi\"\"\",\"two\nlines\"\n\"1\", \"2.5\" ,3\n4,5,x\n", &table);
	assert_int_equal(table.n_columns, 3);
	assert_string_equal(table.columns[0].name, "a,b");
	assert_string_equal(table.columns[1].name, "say \"hi\"");
	assert_string_equal(table.columns[2].name, "two\nlines");
	assert_near(table.columns[1].values[0], 2.5, 0);
	assert_int_equal(table.columns[2].bad_at, 4);
	assert_string_equal(table.columns[2].bad_text, "x");
	table_free(&table);
}

static void csv_line_ends_marks_and_separators(void **state)
{
	(void)state;
	static const char *const texts[] = {
	    "a,b\r\n1,2\r\n3,4\r\n",
	    "a;b\n1;2\n3;4\n",
	    "a\tb\n1\t2\n3\t4",
	    ("\xef\xbb\xbf"
	     "a,b\n1,2\n3,4\n"),
	    "a,b\n1,2\n3,4\n\n \r\n\n",
	    "a\tb\n 1\t2 \n3\t4",
	    "\"a\";b\n1;2\n3;4\r",
	    "a , b\n1 ,\t2\n 3,4\n",
	};
	for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
		struct table table;
		parse(texts[i], &table);
		assert_int_equal(table.n_rows, 2);
		assert_int_equal(table.n_columns, 2);
		assert_string_equal(table.columns[0].name, "a");
		assert_string_equal(table.columns[1].name, "b");
		assert_near(table.columns[0].values[1], 3, 0);
		assert_near(table.columns[1].values[0], 2, 0);
		table_free(&table);
	}
}

static void csv_refuses_broken_text(void **state)
{
	(void)state;
	static const struct {
		const char *text, *fragment;
	} cases[] = {
	    {"", "no rows"},
	    {"\n\n", "no rows"},
	    {"\xef\xbb\xbf", "no rows"},
	    {"a,b\n", "no rows after the header"},
	    {"a,b\n1,2\n3\n", "line 3 has 1 field, the first line has 2"},
	    {"a,b\n1,2,3\n", "line 2 has 3 fields, the first line has 2"},
	    {"a,b\n# 1\n1,2\n\n3\n", "line 5 has 1 field, the first line has 2"},
	    {"1,2,3", "curl -d removes line ends, use --data-binary"},
	    {"a,b\n,\n , \n", "no rows after the header"},
	    {"a,b\n1,\"2\n3,4\n", "line 2: a quote opens and never closes"},
	    {"a,b\n\"1\"x,2\n", "line 2: text follows a closing quote"},
	};
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
		assert_refused(cases[i].text, strlen(cases[i].text), ERR_SYNTAX, cases[i].fragment);
	assert_refused("a,b\n1,\0\n", 9, ERR_SYNTAX, "line 2 holds a NUL byte");
	assert_int_equal(csv_parse("", 0, &(struct table){0}, NULL), ERR_SYNTAX);

	char wide[2 * 4097];
	for (size_t i = 0; i < sizeof wide; i++)
		wide[i] = i % 2 == 0 ? '1' : ',';
	wide[sizeof wide - 1] = '\n';
	assert_refused(wide, sizeof wide, ERR_TOO_LARGE, "4096");
	struct table table;
	wide[sizeof wide - 3] = '\n';
	assert_int_equal(csv_parse(wide, sizeof wide - 2, &table, NULL), 0);
	assert_int_equal(table.n_columns, 4096);
	table_free(&table);
}

static void csv_numbers_are_plain_decimals(void **state)
{
	(void)state;
	static const char *const bad[] = {"0x10", "inf", "-inf", "1e999", "1,5x", "1 2", "+", "1_0", "--1", "1e", "e5"};
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		char text[64];
		snprintf(text, sizeof text, "a;b\n1;%s\n1;2.5\n", bad[i]);
		struct table table;
		parse(text, &table);
		assert_non_null(table.columns[0].values);
		assert_null(table.columns[1].values);
		assert_int_equal(table.columns[1].bad_at, 2);
		assert_string_equal(table.columns[1].bad_text, bad[i]);
		table_free(&table);
	}
}

static void csv_samples_stay_utf8(void **state)
{
	(void)state;
	struct table table;
	parse_said(
	    "encoding", "utf-8",
	    "a\xff,b\n\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4"
	    "\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4,\xed\xa0\x80\n",
	    &table);
	assert_string_equal(table.columns[0].name, "a?");
	assert_int_equal(strlen(table.columns[0].bad_text), 30);
	assert_string_equal(table.columns[1].bad_text, "???");
	table_free(&table);
}

static void errors_stay_utf8_when_cut(void **state)
{
	(void)state;
	for (int shift = 0; shift < 4; shift++) {
		char name[601] = "xxxx";
		for (int i = shift; i + 4 < 600; i += 4)
			memcpy(name + i, "\xf0\x9f\x98\x80", 5);
		struct qlstm_error error = {0};
		assert_int_equal(error_set(&error, ERR_INVALID, "/b", "%s", name), ERR_INVALID);
		size_t length = strlen(error.message), at = 0, n = 1;
		while (at < length && n > 0)
			at += n = utf8_character(error.message + at, length - at);
		assert_int_equal(at, length);
		assert_true(length > 370);
		error_prefix(&error, "/a");
		assert_string_equal(error.pointer, "/a/b");
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(csv_of_one_column),
	    cmocka_unit_test(csv_with_a_header),
	    cmocka_unit_test(csv_without_a_header),
	    cmocka_unit_test(csv_names_win_over_indices),
	    cmocka_unit_test(csv_quotes),
	    cmocka_unit_test(csv_line_ends_marks_and_separators),
	    cmocka_unit_test(csv_refuses_broken_text),
	    cmocka_unit_test(csv_numbers_are_plain_decimals),
	    cmocka_unit_test(csv_samples_stay_utf8),
	    cmocka_unit_test(errors_stay_utf8_when_cut),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
