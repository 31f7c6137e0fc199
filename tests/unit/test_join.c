/* Two tables side by side. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <string.h>

#include "engine/data/csv.h"
#include "engine/data/join.h"

static struct table read_table(const char *text)
{
	struct table table = {0};
	struct qlstm_error error = {0};
	assert_int_equal(csv_parse(text, strlen(text), &table, &error), 0);
	return table;
}

#define DAYS "day,a\n2024-01-01,1\n2024-01-02,2\n2024-01-03,3\n"

static void by_date(void **state)
{
	(void)state;
	struct table table = read_table(DAYS),
	             other = read_table("t,b\n02.01.2024,20\n03.01.2024,30\n14.01.2024,140\n");
	const struct join join = {JOIN_DATE, "_o"};
	assert_int_equal(join_append(&table, &other, &join, NULL), 0);
	assert_int_equal(table.n_columns, 3);
	assert_string_equal(table.columns[2].name, "b_o");
	const double *values = table.columns[2].values;
	assert_true(isnan(values[0]) && values[1] == 20 && values[2] == 30);
	table_free(&table);
	table_free(&other);
}

static void by_row(void **state)
{
	(void)state;
	struct table table = read_table(DAYS), other = read_table("b,c\n7,x\n8,y\n9,z\n");
	assert_int_equal(join_append(&table, &other, &(struct join){JOIN_ROW, ""}, NULL), 0);
	assert_int_equal(table.n_columns, 3);
	assert_true(table.columns[2].values[0] == 7 && table.columns[2].values[2] == 9);
	table_free(&table);
	table_free(&other);
}

static void refusals(void **state)
{
	(void)state;
	static const struct {
		const char *first, *second;
		enum join_by by;
		const char *words;
	} cases[] = {
	    {DAYS, "b\n1\n2\n", JOIN_ROW, "3 and 2 rows"},
	    {DAYS, "a\n1\n2\n3\n", JOIN_ROW, "both data sets have a column 'a'"},
	    {DAYS, "b\n1\n2\n3\n", JOIN_DATE, "second data set has no column of dates"},
	    {"b\n1\n2\n3\n", DAYS, JOIN_DATE, "first data set has no column of dates"},
	    {DAYS, "t,b\n2024-01-02,1\n2024-01-02,2\n", JOIN_DATE, "twice, in rows 0 and 1"},
	    {DAYS, "t,b\n2025-01-02,1\n2025-01-03,2\n", JOIN_DATE, "not one date in common"},
	};
	for (size_t k = 0; k < sizeof cases / sizeof cases[0]; k++) {
		struct table table = read_table(cases[k].first), other = read_table(cases[k].second);
		struct qlstm_error error = {0};
		assert_int_equal(join_append(&table, &other, &(struct join){cases[k].by, ""}, &error), ERR_INVALID);
		if (strstr(error.message, cases[k].words) == NULL)
			fail_msg("%s", error.message);
		table_free(&table);
		table_free(&other);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(by_date),
	    cmocka_unit_test(by_row),
	    cmocka_unit_test(refusals),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
