/* Missing values: refused, left out with their rows, carried on, interpolated; and how a fraction of samples is
 * rounded. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "engine/data/csv.h"
#include "engine/data/missing.h"
#include "engine/data/samples.h"

static const char text[] =
    "d,a,b,c\n2020-01-01,?,1,5\n2020-01-02,2,2,5\n2020-01-03,NA,3,5\n2020-01-04,,4,5\n2020-01-05,8,,5\n"
    "2020-01-06,9,6,5\n2020-01-07,,7,5\n";

static struct table parsed(void)
{
	struct table table;
	assert_int_equal(csv_parse(text, strlen(text), &table, NULL), 0);
	assert_int_equal(table.n_rows, 7);
	assert_int_equal(table.columns[1].missing, 4);
	return table;
}

static void assert_values(const struct table *table, int k, const double *expected)
{
	for (size_t i = 0; i < table->n_rows; i++)
		if (table->columns[k].values[i] != expected[i])
			fail_msg("row %zu of column %d is %g", i, k, table->columns[k].values[i]);
	assert_int_equal(table->columns[k].missing, 0);
}

static void filled(void **state)
{
	(void)state;
	static const double carried[] = {2, 2, 2, 2, 8, 9, 9}, between[] = {2, 2, 4, 6, 8, 9, 9};
	static const double b[] = {1, 2, 3, 4, 4, 6, 7}, b_between[] = {1, 2, 3, 4, 5, 6, 7};
	const int columns[] = {1, 2, 3, 1};
	size_t changed = 0;
	struct table table = parsed();
	assert_int_equal(missing_complete(&table, columns, 4, MISSING_FFILL, &changed, NULL), 0);
	assert_int_equal(changed, 5);
	assert_values(&table, 1, carried);
	assert_values(&table, 2, b);
	assert_null(table.rows);
	table_free(&table);
	table = parsed();
	assert_int_equal(missing_complete(&table, columns, 4, MISSING_INTERPOLATE, &changed, NULL), 0);
	assert_values(&table, 1, between);
	assert_values(&table, 2, b_between);
	table_free(&table);
}

static void left_out(void **state)
{
	(void)state;
	static const double a[] = {2, 9}, b[] = {2, 6};
	const int columns[] = {1, 2}, complete[] = {3};
	size_t changed = 0;
	struct table table = parsed();
	assert_int_equal(missing_complete_rows(&table, columns, 2), 2);
	assert_int_equal(missing_complete_rows(&table, columns, 1), 3);
	assert_int_equal(missing_complete_rows(&table, complete, 1), 7);
	assert_int_equal(missing_complete(&table, complete, 1, MISSING_DROP, &changed, NULL), 0);
	assert_true(changed == 0 && table.n_rows == 7 && table.rows == NULL);
	assert_int_equal(missing_complete(&table, columns, 2, MISSING_DROP, &changed, NULL), 0);
	assert_int_equal(changed, 5);
	assert_int_equal(table.n_rows, 2);
	assert_values(&table, 1, a);
	assert_values(&table, 2, b);
	assert_true(table_row(&table, 0) == 1 && table_row(&table, 1) == 5);
	assert_string_equal(table_time(&table, 1), "2020-01-06");
	table_free(&table);
}

static void refused(void **state)
{
	(void)state;
	const int columns[] = {2, 1};
	size_t changed = 0;
	struct qlstm_error error = {0};
	struct table table = parsed();
	assert_int_equal(missing_complete(&table, columns, 2, MISSING_REFUSE, &changed, &error), ERR_INVALID);
	assert_string_equal(error.message, "column 'b' has no value in line 6, which holds ''");
	table_free(&table);
	error = (struct qlstm_error){0};
	const char *apart = "a,b\n1,\n,2\n3,\n";
	assert_int_equal(csv_parse(apart, strlen(apart), &table, NULL), 0);
	const int both[] = {0, 1};
	assert_int_equal(missing_complete(&table, both, 2, MISSING_DROP, &changed, &error), ERR_INVALID);
	assert_string_equal(error.message, "each row lacks a value of one of the columns");
	table_free(&table);
}

/* 0.29 * 100 is 28.999999999999996. */
static void fractions(void **state)
{
	(void)state;
	for (int percent = 1; percent < 100; percent++)
		for (size_t hundreds = 1; hundreds < 300; hundreds++) {
			size_t train = samples_train_count(percent / 100.0, 100 * hundreds);
			assert_int_equal(train, (size_t)percent * hundreds);
		}
	assert_int_equal(samples_train_count(0.67, 235), 157);
	assert_int_equal(samples_train_count(0.999, 3), 2);
	assert_int_equal(samples_train_count(1.0 / 3, 2), 0);
	assert_int_equal(samples_train_count(0x1.fffffffffffffp-1, 10), 10);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(filled), cmocka_unit_test(left_out),
	                                   cmocka_unit_test(refused), cmocka_unit_test(fractions)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
