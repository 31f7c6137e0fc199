/* Texts of symbols as tables. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "engine/data/csv.h"

/* `said` is "symbols=acgt&pad=true". */
static void say(struct csv_options *options, const char *said)
{
	char text[300];
	snprintf(text, sizeof text, "%s", said);
	*options = (struct csv_options){0};
	for (char *next, *at = text; at != NULL && *at != '\0'; at = next) {
		next = strchr(at, '&');
		if (next != NULL)
			*next++ = '\0';
		char *value = strchr(at, '=');
		*value++ = '\0';
		assert_int_equal(csv_say(options, at, value, NULL), 0);
	}
}

/* "s0_a:1001 s0_b:0110": each column with its values; of VALUES_NONE "s0_a[0,1]" with their range. */
static void summary(const struct table *table, char *out, size_t size)
{
	size_t used = 0;
	out[0] = '\0';
	for (int k = 0; k < table->n_columns; k++) {
		const struct column *column = &table->columns[k];
		used += (size_t)snprintf(out + used, size - used, "%s%s", k > 0 ? " " : "", column->name);
		if (column->values == NULL)
			used += (size_t)snprintf(out + used, size - used, "[%g,%g]", column->minimum, column->maximum);
		for (size_t i = 0; column->values != NULL && i < table->n_rows; i++)
			used += (size_t)snprintf(out + used, size - used, "%s%g", i == 0 ? ":" : "", column->values[i]);
		assert_int_equal(column->n_numbers, table->n_rows);
		assert_true(column->numeric && column->missing == 0);
	}
}

static void assert_reads(const char *text, const char *said, int values, const char *expected)
{
	struct csv_options options;
	struct table table = {0};
	struct qlstm_error error = {0};
	char got[1000];
	say(&options, said);
	int rc = csv_read(text, strlen(text), &options, values, &table, &error);
	assert_string_equal(error.message, "");
	assert_int_equal(rc, 0);
	summary(&table, got, sizeof got);
	assert_string_equal(got, expected);
	/* Read again as it was understood it is the same. */
	struct csv_options kept = {0};
	const char *name;
	bool asked;
	for (int i = 0; (name = csv_property_name(i, &asked)) != NULL; i++) {
		char property[CSV_PROPERTY_SIZE];
		if (csv_property(&table.dialect, i, property))
			assert_int_equal(csv_say(&kept, name, property, NULL), 0);
	}
	table_free(&table);
	assert_int_equal(csv_read(text, strlen(text), &kept, values, &table, &error), 0);
	summary(&table, got, sizeof got);
	assert_string_equal(got, expected);
	table_free(&table);
}

static void test_forms(void **state)
{
	(void)state;
	static const struct {
		const char *text, *said, *expected;
	} cases[] = {
	    {"+ ab\n- ba\n", "symbols=found", "s0_a:10 s0_b:01 s1_a:01 s1_b:10 label:01"},
	    {"x\tab\r\n\r\ny\tab\r\nx\tbb", "symbols=ab", "s0_a:110 s0_b:001 s1_a:000 s1_b:111 label:010"},
	    {"-,S1,\t ba\n+,S2,\tab\n", "symbols=found", "s0_a:01 s0_b:10 s1_a:10 s1_b:01 label:10"},
	    {"-  ba\n+   ab\n", "symbols=ba&labels=-,+", "s0_b:10 s0_a:01 s1_b:01 s1_a:10 label:01"},
	    {"ab\nba\n", "symbols=abc", "s0_a:10 s0_b:01 s0_c:00 s1_a:01 s1_b:10 s1_c:00"},
	    {"1\tabc\n0\tc\n", "symbols=found&pad=true",
	     "s0_a:10 s0_b:00 s0_c:00 s1_a:00 s1_b:10 s1_c:00 s2_a:00 s2_b:00 s2_c:11 label:10"},
	    {"1\tab\xc3\xa4\n0\t\xc3\xa4"
	     "ba\n",
	     "symbols=found&symbols_as=index", "s0:02 s1:11 s2:20 label:10"},
	    {"abc\tcab\nbbb\taaa\n", "symbols=found&symbols_as=positions", "input:012111 target:201000"},
	    {"a b\nb a\n", "symbols=found&symbols_as=positions", "input:102201 target:102201"},
	    {"x\n", "symbols=found&symbols_as=index", "s0:0"},
	    {"head\nline\n1 ab\n2 ab\n", "symbols=found&skip_rows=2", "s0_a:11 s0_b:00 s1_a:00 s1_b:11 label:01"},
	    {"0 01\n1 10\n", "symbols=01&symbols_as=index", "s0:01 s1:10 label:01"},
	};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
		assert_reads(cases[i].text, cases[i].said, VALUES_ALL, cases[i].expected);
}

static void test_without_values(void **state)
{
	(void)state;
	static const char text[] = "+ ab\n- bb\n";
	assert_reads(text, "symbols=found", VALUES_NONE, "s0_a[0,1] s0_b[0,1] s1_a[0,0] s1_b[1,1] label[0,1]");
	assert_reads(text, "symbols=found", VALUES_OF(4), "s0_a[0,1] s0_b[0,1] s1_a[0,0] s1_b[1,1] label:01");
}

static void test_refusals(void **state)
{
	(void)state;
	static const struct {
		const char *text, *said;
		int code;
		const char *words;
	} cases[] = {
	    {"+ ab\n- abc\n", "symbols=found", ERR_SYNTAX, "line 2 has 3 symbols, the first line 2; say pad=true"},
	    {"+ ab\nab\n", "symbols=found", ERR_SYNTAX, "line 2 has 1 fields; others before differ"},
	    {"+ ab\n- a c d e\n", "symbols=found", ERR_SYNTAX, "line 2 has 3 and more fields; a label and a sequence"},
	    {"+ ab\n- aN\n", "symbols=ab", ERR_INVALID, "line 2: 'N' at place 2 is not among the symbols 'ab'"},
	    {"+ ab\n? ab\n", "symbols=ab&labels=+,-", ERR_INVALID, "line 2: the label '?' is not among '+,-'"},
	    {"ab\tabc\n", "symbols=found&symbols_as=positions", ERR_SYNTAX,
	     "line 1: source and target are not equally"},
	    {"ab\n", "symbols=aba", ERR_INVALID, "symbols holds 'a' twice"},
	    {"\n \n", "symbols=found", ERR_SYNTAX, "there are no rows"},
	    {"+ a\xff\n", "symbols=found&encoding=utf-8", ERR_SYNTAX, "line 1 holds a byte that is no symbol in UTF-8"},
	    {"+\ta\x01\n", "symbols=found", ERR_SYNTAX, "line 1 holds a byte that is no symbol"},
	    {"1 2\n", "symbols_as=index", ERR_MISSING, "say symbols=found too"},
	    {"1 2\n", "pad=true", ERR_MISSING, "say symbols=found too"},
	    {"1 2\n", "symbols=found&decimal=,", ERR_INVALID, "of a text of symbols labels, symbols_as, pad"},
	};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct csv_options options;
		struct table table = {0};
		struct qlstm_error error = {0};
		say(&options, cases[i].said);
		int rc = csv_read(cases[i].text, strlen(cases[i].text), &options, VALUES_ALL, &table, &error);
		if (strstr(error.message, cases[i].words) == NULL)
			fail_msg("%s: '%s' is not in '%s'", cases[i].said, cases[i].words, error.message);
		assert_int_equal(rc, cases[i].code);
		assert_null(table.columns);
	}
	static const char nul[] = "1 a\0b\n0 abb\n"; /* it would end the alphabet that is kept */
	struct csv_options found;
	struct table none = {0};
	say(&found, "symbols=found&symbols_as=index");
	assert_int_equal(csv_read(nul, sizeof nul - 1, &found, VALUES_ALL, &none, NULL), ERR_SYNTAX);
	assert_int_equal(csv_say(&(struct csv_options){0}, "symbols", "", NULL), ERR_INVALID);
	assert_int_equal(csv_say(&(struct csv_options){0}, "symbols_as", "onehot", NULL), ERR_INVALID);
}

static void test_limits(void **state)
{
	(void)state;
	static char text[20000];
	struct csv_options options;
	struct table table = {0};
	struct qlstm_error error = {0};
	say(&options, "symbols=abcd");
	memset(text, 'a', 1023);
	assert_int_equal(csv_read(text, 1023, &options, VALUES_NONE, &table, &error), 0);
	assert_int_equal(table.n_columns, 4092);
	table_free(&table);
	memset(text, 'a', 1024);
	assert_int_equal(csv_read(text, 1024, &options, VALUES_NONE, &table, &error), ERR_TOO_LARGE);
	assert_non_null(strstr(error.message, "symbols_as=index takes one a symbol"));
	size_t used = 0;
	for (int i = 0; i <= 128; i++)
		used += (size_t)snprintf(text + used, sizeof text - used, "c%d a\n", i);
	error = (struct qlstm_error){0};
	assert_int_equal(csv_read(text, used, &options, VALUES_NONE, &table, &error), ERR_INVALID);
	assert_non_null(strstr(error.message, "line 129: more than 128 different labels"));
	error = (struct qlstm_error){0};
	used = 0;
	for (char c = '!'; c <= 'c'; c++) /* 67 of them, none of which separates fields */
		if (c != ',')
			text[used++] = c;
	say(&options, "symbols=found");
	assert_int_equal(csv_read(text, used, &options, VALUES_NONE, &table, &error), ERR_INVALID);
	assert_non_null(strstr(error.message, "more than 64 different symbols"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_forms),
	    cmocka_unit_test(test_without_values),
	    cmocka_unit_test(test_refusals),
	    cmocka_unit_test(test_limits),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
