/* Windows: counts, rows, scaling, and the messages for what does not fit. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <string.h>

#include "engine/data/csv.h"
#include "engine/data/table.h"
#include "engine/data/windows.h"

static void assert_near(double value, double expected, double tolerance)
{
	if (!(fabs(value - expected) <= tolerance))
		fail_msg("%.15g is not %.15g within %g", value, expected, tolerance);
}

static const struct windows_config univariate = {
    .n_inputs = 1,
    .n_targets = 1,
    .window = 4,
    .horizon = 1,
    .drop_last = true,
    .split.train = 0.67,
    .scaling = SCALING_MINMAX,
    .scaling_fit = SCALING_FIT_ALL,
};

static void parse(const char *text, struct table *table)
{
	struct qlstm_error error = {0};
	if (csv_parse(text, strlen(text), table, &error) != 0)
		fail_msg("%s", error.message);
}

static int cut_error(const char *text, struct windows_config config, struct qlstm_error *error)
{
	struct table table;
	struct windows windows = {0};
	parse(text, &table);
	error_clear(error);
	int rc = windows_cut(&table, &config, &windows, error);
	table_free(&table);
	windows_free(&windows);
	return rc;
}

static void windows_point_to_what_is_wrong(void **state)
{
	(void)state;
	static const char text[] = "date,v,w\n1749-01,1,1\n2,2,\n3,3,3\n4,4,4\n5,5,5\n6,6,6\n7,7,7\n";
	struct qlstm_error error;
	struct windows_config config = univariate;
	config.targets[0] = 1;
	assert_int_equal(cut_error(text, config, &error), ERR_INVALID);
	assert_string_equal(error.pointer, "/inputs/0");
	assert_string_equal(error.message, "column 'date' is not numeric: line 2 holds '1749-01'");
	config.inputs[0] = 1;
	assert_int_equal(cut_error(text, config, &error), 0);
	config.targets[config.n_targets++] = 2;
	assert_int_equal(cut_error(text, config, &error), ERR_INVALID);
	assert_string_equal(error.pointer, "/targets/1");
	assert_string_equal(error.message, "column 'w' has no value in line 3, which holds ''");
	config.targets[1] = 3;
	assert_int_equal(cut_error(text, config, &error), ERR_OUT_OF_RANGE);
	assert_string_equal(error.pointer, "/targets/1");
	config.n_targets = 0;
	assert_int_equal(cut_error(text, config, &error), ERR_OUT_OF_RANGE);
	assert_string_equal(error.pointer, "/targets");
}

static void windows_counts(void **state)
{
	(void)state;
	struct parts parts;
	struct qlstm_error error = {0};
	struct windows_config config = univariate;
	static const struct {
		size_t rows, train, test;
	} cases[] = {{240, 157, 78}, {256, 168, 83}, {2200, 1470, 725}, {2500, 1671, 824}};
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		assert_int_equal(windows_count(cases[i].rows, &config, &parts, NULL), 0);
		assert_int_equal(parts.train, cases[i].train);
		assert_int_equal(parts.test, cases[i].test);
	}
	assert_int_equal(windows_count(7, &config, &parts, NULL), 0);
	assert_int_equal(windows_count(6, &config, &parts, &error), ERR_INVALID);
	assert_string_equal(error.pointer, "/window");
	config.drop_last = false;
	assert_int_equal(windows_count(6, &config, &parts, NULL), 0);
	assert_int_equal(parts.train + parts.test, 2);

	static const struct {
		int window, horizon;
		double train;
		int code;
		const char *pointer;
	} bad[] = {
	    {0, 1, 0.5, ERR_OUT_OF_RANGE, "/window"},
	    {1, 0, 0.5, ERR_OUT_OF_RANGE, "/horizon"},
	    {1, 1, 1.0, ERR_OUT_OF_RANGE, "/split/train"},
	    {1, 1, 0.0, ERR_OUT_OF_RANGE, "/split/train"},
	    {1, 1, (double)NAN, ERR_OUT_OF_RANGE, "/split/train"},
	    {1, 1, 0.01, ERR_INVALID, "/split/train"},
	    {INT32_MAX, INT32_MAX, 0.5, ERR_INVALID, "/window"},
	};
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		config.window = bad[i].window;
		config.horizon = bad[i].horizon;
		config.split.train = bad[i].train;
		error_clear(&error);
		assert_int_equal(windows_count(10, &config, &parts, &error), bad[i].code);
		assert_string_equal(error.pointer, bad[i].pointer);
	}
}

static void windows_hold_the_right_rows(void **state)
{
	(void)state;
	struct table table;
	struct windows windows;
	parse("a,b\n0,10\n1,11\n2,12\n3,13\n4,14\n5,15\n6,16\n", &table);
	struct windows_config config = {.n_inputs = 2,
	                                .inputs = {1, 0},
	                                .n_targets = 1,
	                                .targets = {0},
	                                .window = 2,
	                                .horizon = 3,
	                                .split.train = 0.7};
	assert_int_equal(windows_cut(&table, &config, &windows, NULL), 0);
	assert_int_equal(windows.parts.train, 2);
	assert_int_equal(windows.parts.test, 1);
	static const double x[] = {10, 0, 11, 1, 11, 1, 12, 2, 12, 2, 13, 3}, y[] = {4, 5, 6};
	assert_memory_equal(windows.x, x, sizeof x);
	assert_memory_equal(windows.y, y, sizeof y);
	windows_free(&windows);
	table_free(&table);
}

static void scaling_fits_what_training_sees(void **state)
{
	(void)state;
	struct table table;
	struct windows windows;
	parse("v\n0\n1\n2\n3\n4\n100\n200\n300\n", &table);
	/* 6 windows of 2 + 1 rows, 3 for training: they touch rows 0 to 4. */
	struct windows_config config = {.n_inputs = 1,
	                                .n_targets = 1,
	                                .window = 2,
	                                .horizon = 1,
	                                .split.train = 0.5,
	                                .scaling = SCALING_MINMAX,
	                                .scaling_fit = SCALING_FIT_TRAIN};
	assert_int_equal(windows_cut(&table, &config, &windows, NULL), 0);
	assert_near(windows.input_scalers[0].offset, 2, 0);
	assert_near(windows.input_scalers[0].factor, 2, 0);
	assert_memory_equal(&windows.input_scalers[0], &windows.target_scalers[0], sizeof(struct scaler));
	assert_near(windows.x[0], -1, 0);
	assert_near(windows.y[2], 1, 0);
	assert_near(scaler_invert(windows.target_scalers[0], windows.y[5]), 300, 1e-12);
	windows_free(&windows);

	config.scaling_fit = SCALING_FIT_ALL;
	assert_int_equal(windows_cut(&table, &config, &windows, NULL), 0);
	assert_near(windows.y[5], 1, 0);
	windows_free(&windows);
	table_free(&table);
}

static void scalers(void **state)
{
	(void)state;
	static const double values[] = {2, 4, 4, 4, 5, 5, 7, 9}, constant[] = {0.1, 0.1, 0.1}, huge[] = {-1e308, 1e308};
	struct scaler s;
	assert_int_equal(scaler_fit(SCALING_STANDARD, values, 8, &s), 0);
	assert_near(s.offset, 5, 1e-15);
	assert_near(s.factor, 2, 1e-15);
	assert_near(scaler_apply(s, 9), 2, 1e-15);
	assert_int_equal(scaler_fit(SCALING_STANDARD, constant, 3, &s), 0);
	assert_near(s.factor, 1, 0);
	assert_near(scaler_apply(s, 0.1), 0, 0);
	assert_int_equal(scaler_fit(SCALING_MINMAX, constant, 3, &s), 0);
	assert_near(s.factor, 1, 0);
	assert_int_equal(scaler_fit(SCALING_NONE, values, 8, &s), 0);
	assert_near(scaler_apply(s, 7), 7, 0);
	assert_int_equal(scaler_fit(SCALING_MINMAX, huge, 2, &s), 0);
	assert_near(scaler_apply(s, 1e308), 1, 0);

	struct qlstm_error error;
	struct windows_config config = univariate;
	config.scaling = SCALING_STANDARD;
	assert_int_equal(cut_error("-1e308\n1e308\n1\n1\n1\n1\n1\n1\n", config, &error), ERR_INVALID);
	assert_string_equal(error.pointer, "/inputs/0");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(windows_point_to_what_is_wrong),
	    cmocka_unit_test(windows_counts),
	    cmocka_unit_test(windows_hold_the_right_rows),
	    cmocka_unit_test(scaling_fits_what_training_sees),
	    cmocka_unit_test(scalers),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
