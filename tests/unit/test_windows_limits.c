/* Windows at every small size, counted and cut by loops of the test's own; scalers to the bit. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "engine/data/table.h"
#include "engine/data/windows.h"

enum { ROWS_MOST = 14, COLUMNS = 3 };

/* Column k holds 100 k + row, squared in the last one. */
static double cell(int column, size_t row)
{
	double value = 100.0 * column + (double)row;
	return column == COLUMNS - 1 ? value * value : value;
}

static void table_of(struct table *table, size_t rows)
{
	*table =
	    (struct table){.n_rows = rows, .n_columns = COLUMNS, .columns = calloc(COLUMNS, sizeof *table->columns)};
	for (int k = 0; k < COLUMNS; k++) {
		table->columns[k].name = strdup((const char *[]){"a", "b", "c"}[k]);
		table->columns[k].values = calloc(rows + 1, sizeof(double));
		for (size_t i = 0; i < rows; i++)
			table->columns[k].values[i] = cell(k, i);
	}
}

static size_t windows_in(size_t rows, size_t window, size_t horizon, bool drop_last)
{
	size_t count = 0;
	for (size_t i = 0; i + window + horizon - 1 < rows; i++)
		count++;
	return count > 0 && drop_last ? count - 1 : count;
}

/* (x - offset) / factor of the rows that training windows touch. */
static double scaled(const struct windows_config *c, int column, size_t fit_rows, size_t row)
{
	double low = INFINITY, high = -INFINITY;
	if (c->scaling == SCALING_NONE)
		return cell(column, row);
	for (size_t i = 0; i < fit_rows; i++) {
		low = fmin(low, cell(column, i));
		high = fmax(high, cell(column, i));
	}
	return 2 * (cell(column, row) - low) / (high - low) - 1;
}

static void check_cut(const struct table *table, const struct windows_config *c, size_t train, size_t test)
{
	struct windows w = {0};
	struct qlstm_error error = {0};
	if (windows_cut(table, c, &w, &error) != 0)
		fail_msg("%s: %s", error.pointer, error.message);
	size_t steps = (size_t)c->window, ahead = steps + (size_t)c->horizon - 1, fit_rows = table->n_rows;
	if (c->scaling_fit == SCALING_FIT_TRAIN)
		fit_rows = train + ahead;
	assert_int_equal(w.parts.train, train);
	assert_int_equal(w.parts.test, test);
	assert_true(w.steps == c->window && w.n_inputs == c->n_inputs && w.n_targets == c->n_targets);
	const double *x = w.x, *y = w.y;
	for (size_t i = 0; i < train + test; i++) {
		for (size_t t = 0; t < steps; t++)
			for (int k = 0; k < c->n_inputs; k++, x++)
				assert_true(fabs(*x - scaled(c, c->inputs[k], fit_rows, i + t)) <= 1e-12 * fabs(*x));
		for (int k = 0; k < c->n_targets; k++, y++)
			assert_true(fabs(*y - scaled(c, c->targets[k], fit_rows, i + ahead)) <= 1e-12 * fabs(*y));
	}
	windows_free(&w);
	assert_true(w.x == NULL && w.y == NULL);
}

static void check(size_t rows, struct windows_config c)
{
	struct table table;
	struct qlstm_error error = {0};
	struct parts parts = {99, 98, 99};
	size_t count = windows_in(rows, (size_t)c.window, (size_t)c.horizon, c.drop_last);
	size_t expected = (size_t)(c.split.train * (double)count);
	int rc = windows_count(rows, &c, &parts, &error);
	if (count < 2 || expected == 0 || expected == count) {
		assert_int_equal(rc, ERR_INVALID);
		assert_string_equal(error.pointer, count < 2 ? "/window" : "/split/train");
		assert_true(parts.train == 99 && parts.test == 99);
		if (count >= 2)
			assert_non_null(strstr(error.message, expected == 0 ? "no training window" : "no test window"));
		return;
	}
	assert_int_equal(rc, 0);
	assert_int_equal(parts.train, expected);
	assert_int_equal(parts.test, count - expected);
	assert_int_equal(parts.validation, 0);
	table_of(&table, rows);
	check_cut(&table, &c, parts.train, parts.test);
	table_free(&table);
}

static void every_small_size(void **state)
{
	(void)state;
	static const double fractions[] = {0.01, 0.34, 0.5, 0.67, 0.99};
	for (size_t rows = 0; rows <= ROWS_MOST; rows++)
		for (int k = 0; k < 5 * 4 * 2 * 5; k++) {
			struct windows_config c = {.n_inputs = 2,
			                           .inputs = {2, 0},
			                           .n_targets = 2,
			                           .targets = {1, 2},
			                           .window = 1 + k % 5,
			                           .horizon = 1 + k / 5 % 4,
			                           .drop_last = k / 20 % 2 == 1,
			                           .split.train = fractions[k / 40]};
			c.scaling = (int)rows % 2 == 0 ? SCALING_MINMAX : SCALING_NONE;
			c.scaling_fit = k % 3 == 0 ? SCALING_FIT_ALL : SCALING_FIT_TRAIN;
			check(rows, c);
		}
}

/* How many rows are needed is said, and is exact. */
static void rows_needed(void **state)
{
	(void)state;
	struct windows_config c = {.window = 4, .horizon = 3, .split.train = 0.5};
	struct parts parts;
	struct qlstm_error error = {0};
	assert_int_equal(windows_count(7, &c, &parts, &error), ERR_INVALID);
	assert_string_equal(error.message,
	                    "7 rows are too few: window 4 and horizon 3 need at least 8, for one training and "
	                    "one test window");
	assert_int_equal(windows_count(8, &c, &parts, NULL), 0);
	assert_true(parts.train == 1 && parts.test == 1);
	c.drop_last = true;
	error_clear(&error);
	assert_int_equal(windows_count(8, &c, &parts, &error), ERR_INVALID);
	assert_non_null(strstr(error.message, "need at least 9"));
	assert_int_equal(windows_count(9, &c, &parts, NULL), 0);
}

static struct scaler fit(enum scaling scaling, const double *values, size_t n)
{
	struct scaler scaler;
	assert_int_equal(scaler_fit(scaling, values, n, &scaler), 0);
	return scaler;
}

static void is(struct scaler s, double offset, double factor)
{
	assert_true(s.offset == offset && s.factor == factor);
}

static void scalers_to_the_bit(void **state)
{
	(void)state;
	static const double values[] = {3, -1, 7, 1, -5}, pair[] = {4, 2}, flat[] = {0.3, 0.3, 0.3, 0.3};
	is(fit(SCALING_MINMAX, values, 5), 1, 6);
	is(fit(SCALING_MINMAX, values, 4), 3, 4);
	is(fit(SCALING_MINMAX, values + 1, 1), -1, 1);
	is(fit(SCALING_MINMAX, pair, 2), 3, 1);
	is(fit(SCALING_STANDARD, pair, 2), 3, 1);
	is(fit(SCALING_NONE, values, 5), 0, 1);
	is(fit(SCALING_STANDARD, values, 0), 0, 1);
	is(fit(SCALING_MINMAX, NULL, 0), 0, 1);
	/* A column that does not change becomes 0, exactly, under both. */
	is(fit(SCALING_MINMAX, flat, 4), 0.3, 1);
	is(fit(SCALING_STANDARD, flat, 4), 0.3, 1);
	static const double even[] = {1, 3, 5,
	                              7}; /* mean 4, variance (9 + 1 + 1 + 9) / 4 = 5, of all, not of all but one */
	is(fit(SCALING_STANDARD, even, 4), 4, sqrt(5));
	/* The spread is lost in rounding: not divided by 0. */
	const double tiny[] = {0, 4e-324};
	assert_true(fit(SCALING_STANDARD, tiny, 2).factor == 1);
	struct scaler s = {2, 4};
	assert_true(scaler_apply(s, 10) == 2 && scaler_invert(s, 2) == 10);
}

/* 1 to SAMPLES_MAX_COLUMNS columns; where a column is not there; values that no scaling takes. */
static void columns(void **state)
{
	(void)state;
	struct table table;
	struct windows w;
	struct qlstm_error error = {0};
	struct windows_config c = {.n_inputs = 1, .n_targets = 1, .window = 1, .horizon = 1, .split.train = 0.5};
	static const struct {
		int n_inputs, n_targets, code;
		const char *pointer;
	} cases[] = {{SAMPLES_MAX_COLUMNS, SAMPLES_MAX_COLUMNS, 0, ""},
	             {SAMPLES_MAX_COLUMNS + 1, 1, ERR_OUT_OF_RANGE, "/inputs"},
	             {0, 1, ERR_OUT_OF_RANGE, "/inputs"},
	             {1, SAMPLES_MAX_COLUMNS + 1, ERR_OUT_OF_RANGE, "/targets"},
	             {1, 0, ERR_OUT_OF_RANGE, "/targets"}};
	table_of(&table, 10);
	for (size_t k = 0; k < sizeof cases / sizeof cases[0]; k++) {
		c.n_inputs = cases[k].n_inputs;
		c.n_targets = cases[k].n_targets;
		error_clear(&error);
		assert_int_equal(windows_cut(&table, &c, &w, &error), cases[k].code);
		assert_string_equal(error.pointer, cases[k].pointer);
		if (cases[k].code == 0)
			windows_free(&w);
	}
	c.n_inputs = c.n_targets = 2;
	for (int column = -1; column <= 3; column += 4) {
		c.inputs[1] = column;
		error_clear(&error);
		assert_int_equal(windows_cut(&table, &c, &w, &error), ERR_OUT_OF_RANGE);
		assert_string_equal(error.pointer, "/inputs/1");
		assert_non_null(strstr(error.message, "the table has 3"));
	}
	c.inputs[1] = 0;
	c.targets[1] = 2;
	c.scaling = SCALING_STANDARD;
	table.columns[2].values[0] = 1e308;
	table.columns[2].values[1] = -1e308;
	error_clear(&error);
	assert_int_equal(windows_cut(&table, &c, &w, &error), ERR_INVALID);
	assert_string_equal(error.pointer, "/targets/1");
	assert_string_equal(error.message, "column 'c' holds values too large to scale");
	table_free(&table);
}

static void columns_by_name_or_index(void **state)
{
	(void)state;
	struct table table;
	table_of(&table, 2);
	static const struct {
		const char *text;
		int index;
	} cases[] = {{"a", 0},
	             {"c", 2},
	             {"0", 0},
	             {"2", 2},
	             {"02", 2},
	             {"3", -1},
	             {"", -1},
	             {"d", -1},
	             {"1x", -1},
	             {"-1", -1},
	             {"/", -1},
	             {":", -1},
	             {"99999999999999999999", -1}};
	for (size_t k = 0; k < sizeof cases / sizeof cases[0]; k++)
		assert_int_equal(table_column(&table, cases[k].text), cases[k].index);
	strcpy(table.columns[2].name, "1"); /* a name wins over an index */
	assert_int_equal(table_column(&table, "1"), 2);
	table_free(&table);
	assert_true(table.columns == NULL && table.n_rows == 0);
	table_free(&table);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(every_small_size),         cmocka_unit_test(rows_needed),
	    cmocka_unit_test(scalers_to_the_bit),       cmocka_unit_test(columns),
	    cmocka_unit_test(columns_by_name_or_index),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
