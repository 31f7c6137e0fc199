/* What a report says beside a model: last values, a period, a line, the mean, the largest class. */
#include "tests/unit/job_fixture.h"

#include "server/worker/train/baselines.h"
#include "server/worker/train/scores.h"

static json_t *baselines_of(const struct job *job)
{
	json_t *out = NULL;
	struct qlstm_error error = {0};
	must(baselines_json(job, NULL, NULL, &out, &error), &error);
	return out;
}

static const json_t *entry(const json_t *json, const char *name, const char *part)
{
	const json_t *list = at(name != NULL ? at(json, name) : json, part);
	assert_true(json_array_size(list) > 0);
	return json_array_get(list, 0);
}

static void open_with(struct job *job, const char *csv, const char *data)
{
	char spec[1024];
	struct qlstm_error error = {0};
	snprintf(spec, sizeof spec, "{" JOB_MODEL ",\"data\":{\"dataset\":\"mine\",%s},\"training\":{\"epochs\":1}}",
	         data);
	const char *path = write_text("rows.csv", csv);
	must(job_open(job, write_text("spec.json", spec), path, 1, &error), &error);
}

/* 0 1 3 6 0 1 3 6 ...: with period 4 the seasonal forecast is exact; a line over two values sees all of it but 6, 0. */
static void of_a_forecast(void **state)
{
	(void)state;
	static const double cycle[] = {0, 1, 3, 6};
	char csv[512] = "value\n";
	for (int i = 0; i < 40; i++)
		snprintf(csv + strlen(csv), sizeof csv - strlen(csv), "%g\n", cycle[i % 4]);
	struct job job;
	open_with(&job, csv,
	          "\"window\":4,\"horizon\":2,\"period\":4,\"drop_last_window\":false,\"split\":{\"train\":0.5}");
	json_t *found = baselines_of(&job);
	assert_int_equal(json_object_size(found), 3);
	/* 35 windows, 17 train. Two steps on: from 6 to 1, 0 to 3, 1 to 6, 3 to 0, and so on; the last is from 6 to 1.
	 */
	const json_t *last = entry(found, "last_value", "train");
	assert_int_equal(real_at(last, "samples"), 17);
	assert_relative(real_at(last, "mae"), (4 * 16 + 5) / 17.0, 1e-12);
	assert_true(real_at(last, "directional_accuracy") == 0);
	/* Training rows 0 .. 21 repeat themselves: there is no change over a period to measure by. */
	assert_true(json_is_null(at(last, "mase")));
	assert_true(real_at(entry(found, "seasonal_naive", "test"), "mse") == 0);
	assert_true(real_at(entry(found, "seasonal_naive", "test"), "directional_accuracy") == 1);
	assert_true(real_at(entry(found, "linear", "test"), "mae") < 1e-12);
	json_decref(found);
	job_close(&job);
}

/* A period longer than what came before the first windows: they are left out. */
static void without_history(void **state)
{
	(void)state;
	char csv[512] = "value\n";
	for (int i = 0; i < 20; i++)
		snprintf(csv + strlen(csv), sizeof csv - strlen(csv), "%d\n", i * i);
	struct job job;
	open_with(&job, csv, "\"window\":2,\"period\":7,\"drop_last_window\":false,\"split\":{\"train\":0.5}");
	json_t *found = baselines_of(&job);
	const json_t *train = entry(found, "seasonal_naive", "train"), *test = entry(found, "seasonal_naive", "test");
	/* 18 windows, 9 train; targets in rows 2 .. 10, of which 7 .. 10 have a row seven before. i^2 - (i-7)^2 = 14i -
	 * 49 */
	assert_int_equal(real_at(train, "samples"), 4);
	assert_relative(real_at(train, "mae"), 14 * 8.5 - 49, 1e-12);
	assert_int_equal(real_at(test, "samples"), 9);
	/* The same of rows 7 .. 10: MASE is 1. */
	assert_relative(real_at(train, "mase"), 1, 1e-12);
	json_decref(found);
	job_close(&job);
}

static void of_a_regression(void **state)
{
	(void)state;
	char csv[1024] = "a,b,y\n";
	for (int i = 0; i < 20; i++)
		snprintf(csv + strlen(csv), sizeof csv - strlen(csv), "%.17g,%.17g,%.17g\n", sin(i), cos(2 * i),
		         3 * sin(i) - cos(2 * i) + 5);
	struct job job;
	open_with(&job, csv, "\"task\":\"regression\",\"targets\":[\"y\"],\"split\":{\"train\":0.5}");
	json_t *found = baselines_of(&job);
	assert_int_equal(json_object_size(found), 2);
	assert_true(real_at(entry(found, "linear", "test"), "mae") < 1e-12);
	const json_t *mean = entry(found, "mean", "train");
	assert_true(fabs(real_at(mean, "r2")) < 1e-12);
	assert_null(json_object_get(mean, "mase"));
	assert_null(json_object_get(mean, "directional_accuracy"));
	json_decref(found);
	job_close(&job);
}

/* Classes 0 1 1 0 1 1 | 0 0 1 of nine rows. */
static void of_classes(void **state)
{
	(void)state;
	struct job job;
	struct predictions p = {.count = 9, .width = 2};
	static const double ones[] = {0.2, 0.9, 0.8, 0.6, 0.7, 0.4, 0.1, 0.3, 0.7};
	static double values[18];
	open_with(&job, "x,label\n1,0\n2,1\n3,1\n1,0\n5,1\n4,1\n2,0\n1,0\n7,1\n",
	          "\"task\":\"classification\",\"classes\":2,\"split\":{\"train\":0.7}");
	json_t *found = baselines_of(&job);
	const json_t *test = entry(found, "majority_class", "test");
	assert_relative(real_at(test, "accuracy"), 1.0 / 3, 1e-12);
	assert_relative(real_at(test, "balanced_accuracy"), 0.5, 1e-12);
	assert_relative(real_at(test, "cross_entropy"), -(2 * log(1.0 / 3) + log(2.0 / 3)) / 3, 1e-12);
	assert_relative(real_at(test, "roc_auc"), 0.5, 1e-12);
	json_decref(found);
	for (size_t i = 0; i < 9; i++) {
		values[2 * i] = 1 - ones[i];
		values[2 * i + 1] = ones[i];
	}
	p.values = values;
	found = scores_json(&p, &job);
	const json_t *train = entry(found, NULL, "train");
	assert_int_equal(real_at(train, "samples"), 6);
	assert_relative(real_at(train, "accuracy"), 4.0 / 6, 1e-12); /* 0.6 and 0.4 are on the wrong side */
	assert_relative(real_at(train, "balanced_accuracy"), (0.5 + 0.75) / 2, 1e-12);
	assert_relative(real_at(train, "roc_auc"), 7.0 / 8, 1e-12); /* 0.4 < 0.6 alone is wrong */
	const json_t *one = json_array_get(at(train, "by_class"), 1);
	assert_int_equal(real_at(one, "support"), 4);
	assert_relative(real_at(one, "precision"), 0.75, 1e-12);
	assert_relative(real_at(one, "specificity"), 0.5, 1e-12);
	assert_int_equal(json_integer_value(json_array_get(json_array_get(at(train, "confusion"), 0), 1)), 1);
	json_decref(found);
	job_close(&job);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(of_a_forecast),
	    cmocka_unit_test(without_history),
	    cmocka_unit_test(of_a_regression),
	    cmocka_unit_test(of_classes),
	};
	return cmocka_run_group_tests(tests, make_folder, drop_folder);
}
