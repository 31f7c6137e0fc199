/* Built-in series, raw and as the published protocol scales and cuts them. Check values: two independent programs,
 * printed to ten digits. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <string.h>

#include "engine/data/series.h"
#include "engine/data/table.h"
#include "engine/data/windows.h"

#define DIGITS10 5.1e-11 /* half a unit of the tenth decimal */

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

struct check {
	const char *name;
	size_t counts[3];      /* points, training windows, test windows */
	double first[3];       /* the first points, */
	double middle_last[2]; /* point n / 2 and the last one, */
	double low_high[2];    /* all raw */
	double scaled[5];
};

static const struct check checks[] = {
    {"damped_shm",
     {240, 157, 78},
     {3.0, 2.8614939197, 2.5369966724},
     {0.8390722532, 0.1240862076},
     {-2.7589753700, 3},
     {1, 0.9518990545, 0.8392063526, 0.6746434906, 0.4736472428}},
    {"bessel",
     {256, 168, 83},
     {0.3528340286, 0.4284296619, 0.4754096862},
     {-0.1097955615, -0.0215287573},
     {-0.3122545716, 0.4851386893},
     {0.6681570633, 0.8577639663, 0.9755979802, 1, 0.9213836232}},
    {"delayed_quantum_control",
     {2200, 1470, 725},
     {4.8e-18, 0, 0},
     {0.0000517362, 0.2863973777},
     {0, 1},
     {-1, -1, -1, -1, -1}},
    {"sine",
     {240, 157, 78},
     {0, 0.1049642109, 0.2087687772},
     {0.0525547337, 0},
     {-0.9999784021, 0.9999784021},
     {0, 0.1049664780, 0.2087732863, 0.3102735673, 0.4083459459}},
    {"population_inversion",
     {2500, 1671, 824},
     {1, 0.5201584512, -0.4497749314},
     {-0.0215028075, -0.2535788101},
     {-0.9692298786, 1},
     {1, 0.5126607066, -0.4724283306, -1, -0.5803798765}},
};

static void check_series(const struct check *c)
{
	struct qlstm_error error = {0};
	struct table table;
	size_t n = c->counts[0];
	const struct series *series = series_find(c->name);
	assert_non_null(series);
	assert_int_equal(series->n, n);
	assert_int_equal(series_table(series, &table, &error), 0);
	assert_int_equal(table.n_rows, n);
	assert_int_equal(table.n_columns, 1);
	assert_string_equal(table.columns[0].name, "value");

	const double *raw = table.columns[0].values;
	double low = raw[0], high = raw[0];
	for (size_t i = 0; i < n; i++) {
		low = fmin(low, raw[i]);
		high = fmax(high, raw[i]);
	}
	for (int i = 0; i < 3; i++)
		assert_near(raw[i], c->first[i], DIGITS10);
	assert_near(raw[n / 2], c->middle_last[0], DIGITS10);
	assert_near(raw[n - 1], c->middle_last[1], DIGITS10);
	assert_near(low, c->low_high[0], DIGITS10);
	assert_near(high, c->low_high[1], DIGITS10);

	struct windows windows;
	assert_int_equal(windows_cut(&table, &univariate, &windows, &error), 0);
	assert_int_equal(windows.parts.train, c->counts[1]);
	assert_int_equal(windows.parts.test, c->counts[2]);
	for (int i = 0; i < 4; i++)
		assert_near(windows.x[i], c->scaled[i], DIGITS10);
	assert_near(windows.y[0], c->scaled[4], DIGITS10);
	windows_free(&windows);
	table_free(&table);
}

static void series_match_the_published_values(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof checks / sizeof checks[0]; i++)
		check_series(&checks[i]);
}

static void series_are_the_same_bytes_every_time(void **state)
{
	(void)state;
	const struct series *series;
	assert_null(series_find("nothing"));
	assert_null(series_at(-1));
	for (int i = 0; (series = series_at(i)) != NULL; i++) {
		struct table a, b;
		assert_ptr_equal(series_find(series->name), series);
		assert_int_equal(series_table(series, &a, NULL), 0);
		assert_int_equal(series_table(series, &b, NULL), 0);
		assert_memory_equal(a.columns[0].values, b.columns[0].values, series->n * sizeof(double));
		table_free(&a);
		table_free(&b);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(series_match_the_published_values),
	    cmocka_unit_test(series_are_the_same_bytes_every_time),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
