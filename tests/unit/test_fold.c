/* Folds: which samples train and test, and what a run says of them. */
#include "tests/unit/job_fixture.h"

#include "engine/data/fold.h"
#include "server/worker/train/folds.h"

/* The parts of fold `index` as text: "2 3 4 | 0 1". */
static const char *drawn(enum fold_method method, int count, int index, size_t samples, size_t gap, const size_t *base)
{
	static char text[256];
	struct fold fold = {.index = index, .count = count, .method = method, .gap = gap};
	struct parts parts;
	struct qlstm_error error = {0};
	size_t order[32] = {0};
	must(fold_parts(&fold, samples, 0, "row", &parts, &error), &error);
	fold_order(&fold, samples, base, order);
	text[0] = '\0';
	for (size_t i = 0; i < parts_count(&parts); i++)
		snprintf(text + strlen(text), sizeof text - strlen(text), "%s%s%zu", i > 0 ? " " : "",
		         i == parts.train ? "| " : "", order[i]);
	return text;
}

static void blocks(void **state)
{
	(void)state;
	static const size_t base[] = {4, 3, 2, 1, 0, 9, 8, 7, 6, 5};
	assert_string_equal(drawn(FOLD_BLOCKS, 3, 1, 10, 0, NULL), "3 4 5 6 7 8 9 | 0 1 2");
	assert_string_equal(drawn(FOLD_BLOCKS, 3, 2, 10, 0, NULL), "0 1 2 6 7 8 9 | 3 4 5");
	assert_string_equal(drawn(FOLD_BLOCKS, 3, 3, 10, 0, NULL), "0 1 2 3 4 5 | 6 7 8 9");
	assert_string_equal(drawn(FOLD_BLOCKS, 3, 2, 10, 2, NULL), "0 8 9 | 3 4 5");
	assert_string_equal(drawn(FOLD_BLOCKS, 3, 1, 10, 0, base), "1 0 9 8 7 6 5 | 4 3 2");
	assert_string_equal(drawn(FOLD_ROLLING, 4, 1, 10, 3, NULL), "0 1 | 2 3");
	assert_string_equal(drawn(FOLD_ROLLING, 4, 4, 10, 3, NULL), "0 1 2 3 4 5 6 7 | 8 9");
}

static void validation_and_refusals(void **state)
{
	(void)state;
	struct fold fold = {.index = 1, .count = 2};
	struct parts parts;
	struct qlstm_error error = {0};
	must(fold_parts(&fold, 20, 0.3, "row", &parts, &error), &error);
	assert_true(parts.train == 7 && parts.validation == 3 && parts.test == 10);
	assert_int_equal(fold_parts(&fold, 20, 0.05, "row", &parts, &error), ERR_INVALID);
	assert_string_equal(error.pointer, "/folds");
	fold.gap = 10;
	error = (struct qlstm_error){0};
	assert_int_equal(fold_parts(&fold, 20, 0, "window", &parts, &error), ERR_INVALID);
	assert_non_null(strstr(error.message, "leave no training window"));
}

/* Rows 0 .. 29 of small numbers; windows of 3 and horizon 1 share rows with the three on either side. */
static void open_folds(struct job *job, const char *folds)
{
	char spec[1024];
	struct qlstm_error error = {0};
	const char *table = write_table();
	snprintf(spec, sizeof spec,
	         "{" JOB_MODEL ",\"data\":{\"dataset\":\"mine\",\"inputs\":[\"small\"],\"window\":3,"
	         "\"drop_last_window\":false,\"folds\":%s},\"training\":{\"epochs\":3,\"batch_size\":4,\"seed\":9}}",
	         folds);
	must(job_open(job, write_text("spec.json", spec), table, 1, &error), &error);
}

static void overlapping_windows_are_left_out(void **state)
{
	(void)state;
	struct job job, fold;
	struct qlstm_error error = {0};
	open_folds(&job, "{\"count\":3,\"method\":\"k_fold\"}");
	must(job_open_fold(&fold, &job, 2, 1, &error), &error);
	/* 27 windows: 9 to 17 test; 0 to 5 and 21 to 26 train, rows up to 8 and from 21 on against 9 to 20. */
	assert_int_equal(fold.samples.n_train, 12);
	assert_int_equal(fold.samples.n_test, 9);
	for (size_t i = 0; i < 12; i++)
		assert_true(job_row(&fold, i) <= 8 || job_row(&fold, i) - 3 >= 21);
	assert_int_equal(job_row(&fold, 12), 12);
	/* Scaled by its own training rows. */
	assert_true(fold.windows.input_scalers[0].offset != job.windows.input_scalers[0].offset ||
	            fold.windows.input_scalers[0].factor != job.windows.input_scalers[0].factor);
	job_close(&fold);
	job_close(&job);
}

static int never(void *context, size_t done, size_t count)
{
	size_t *most = context;
	assert_true(done <= count && done >= *most);
	*most = done;
	return 0;
}

static void mean_and_deviation(void **state)
{
	(void)state;
	struct job job;
	struct qlstm_error error = {0};
	json_t *found = NULL;
	size_t most = 0;
	open_folds(&job, "{\"count\":4}");
	must(folds_run(&job, 1, never, &most, &found, &error), &error);
	assert_int_equal(most, 12);
	assert_string_equal(text_at(found, "method"), "rolling_origin");
	const json_t *folds = at(found, "folds"), *summary = json_array_get(at(found, "test"), 0);
	assert_int_equal(json_array_size(folds), 4);
	double values[4], mean = 0, squares = 0;
	for (size_t k = 0; k < 4; k++) {
		const json_t *fold = json_array_get(folds, k);
		assert_int_equal(real_at(fold, "train"), 27 * (k + 1) / 5);
		assert_int_equal(json_array_size(at(fold, "history")), 3);
		values[k] = real_at(json_array_get(at(at(fold, "metrics"), "test"), 0), "mae");
		mean += values[k] / 4;
	}
	for (size_t k = 0; k < 4; k++)
		squares += (values[k] - mean) * (values[k] - mean);
	assert_relative(real_at(at(summary, "mean"), "mae"), mean, 1e-12);
	assert_relative(real_at(at(summary, "deviation"), "mae"), sqrt(squares / 3), 1e-12);
	assert_int_equal(real_at(summary, "folds"), 4);
	assert_null(json_object_get(at(summary, "mean"), "samples"));
	json_decref(found);
	job_close(&job);
}

/* The same again, and the run itself is not touched by its folds. */
static void twice_the_same(void **state)
{
	(void)state;
	char *texts[2];
	for (int k = 0; k < 2; k++) {
		struct job job;
		struct qlstm_error error = {0};
		json_t *found = NULL;
		size_t most = 0;
		open_folds(&job, "{\"count\":2,\"method\":\"k_fold\"}");
		job_train(&job, 1 + k);
		must(folds_run(&job, 1 + k, never, &most, &found, &error), &error);
		texts[k] = json_dumps(found, JSON_SORT_KEYS);
		assert_int_equal(trainer_epochs_done(job.trainer), 1 + k);
		json_decref(found);
		job_close(&job);
	}
	assert_string_equal(texts[0], texts[1]);
	free(texts[0]);
	free(texts[1]);
}

static int soon(void *context, size_t done, size_t count)
{
	(void)context, (void)count;
	return done >= 4;
}

/* Stopped in the second fold: the first is there. */
static void stopped(void **state)
{
	(void)state;
	struct job job;
	struct qlstm_error error = {0};
	json_t *found = NULL;
	open_folds(&job, "{\"count\":3}");
	assert_int_equal(folds_run(&job, 1, soon, NULL, &found, &error), ERR_CANCELLED);
	assert_int_equal(json_array_size(at(found, "folds")), 1);
	json_decref(found);
	job_close(&job);
}

/* Classes in order of the rows: the first block's class is in no other one. */
static void a_class_that_is_not_trained(void **state)
{
	(void)state;
	struct job job;
	struct qlstm_error error = {0};
	json_t *found = NULL;
	size_t most = 0;
	char csv[512] = "x,label\n";
	for (int i = 0; i < 12; i++)
		snprintf(csv + strlen(csv), sizeof csv - strlen(csv), "%d,%d\n", i % 5, i < 4 ? 1 : i % 2 * 2);
	const char *path = write_text("classes.csv", csv);
	must(job_open(&job,
	              write_text("spec.json",
	                         "{" JOB_MODEL ",\"data\":{\"dataset\":\"mine\",\"task\":\"classification\","
	                         "\"classes\":3,\"folds\":{\"count\":3}},\"training\":{\"epochs\":1}}"),
	              path, 1, &error),
	     &error);
	must(folds_run(&job, 1, never, &most, &found, &error), &error);
	const json_t *folds = at(found, "folds");
	assert_non_null(strstr(text_at(json_array_get(folds, 0), "error"), "nowhere in the training part"));
	assert_int_equal(real_at(json_array_get(at(found, "test"), 0), "folds"), 2);
	json_decref(found);
	job_close(&job);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(blocks),
	    cmocka_unit_test(validation_and_refusals),
	    cmocka_unit_test(overlapping_windows_are_left_out),
	    cmocka_unit_test(mean_and_deviation),
	    cmocka_unit_test(twice_the_same),
	    cmocka_unit_test(stopped),
	    cmocka_unit_test(a_class_that_is_not_trained),
	};
	return cmocka_run_group_tests(tests, make_folder, drop_folder);
}
