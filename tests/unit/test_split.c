/* Parts by fraction, row and time; in a random order; what rows scalers see. */
#include "tests/unit/job_fixture.h"

#include "engine/data/split.h"

static const struct split_rows each = {.first = 0, .stride = 1};

static void by_fraction(void **state)
{
	(void)state;
	struct parts parts;
	const struct split split = {.train = 0.5, .validation = 0.2};
	assert_int_equal(split_parts(&split, 10, each, "row", &parts, NULL), 0);
	assert_true(parts.train == 5 && parts.validation == 2 && parts.test == 3);
	assert_int_equal(split_parts(&(struct split){.train = 0.5}, 10, each, "row", &parts, NULL), 0);
	assert_true(parts.train == 5 && parts.validation == 0 && parts.test == 5);
}

/* Windows whose targets are rows 4, 6, 8, ..., 22. */
static void by_row(void **state)
{
	(void)state;
	struct parts parts;
	const struct split_rows rows = {.first = 4, .stride = 2};
	static const size_t counts[][2] = {{5, 1}, {6, 1}, {7, 2}, {8, 2}, {21, 9}, {22, 9}};
	for (size_t k = 0; k < sizeof counts / sizeof counts[0]; k++) {
		struct split split = {.train = 0.5, .train_until = {.said = true, .row = counts[k][0]}};
		assert_int_equal(split_parts(&split, 10, rows, "window", &parts, NULL), 0);
		assert_int_equal(parts.train, counts[k][1]);
		assert_int_equal(parts.test, 10 - counts[k][1]);
	}
	const struct split split = {
	    .train = 0.5, .train_until = {.said = true, .row = 9}, .validation_until = {.said = true, .row = 14}};
	assert_int_equal(split_parts(&split, 10, rows, "window", &parts, NULL), 0);
	assert_true(parts.train == 3 && parts.validation == 2 && parts.test == 5);
}

static void what_does_not_fit(void **state)
{
	(void)state;
	static const struct {
		struct split split;
		const char *pointer, *words;
	} cases[] = {
	    {{.train = 0.05}, "/split/train", "no training"},
	    {{.train = 0.5, .validation = 0.5}, "/split/validation", "no test"},
	    {{.train = 0.5, .validation = 0.05}, "/split/validation", "no validation"},
	    {{.train = 0.5, .validation = 1}, "/split/validation", "below 1"},
	    {{.train = 0.5, .train_until = {.said = true, .row = 10}}, "/split/train_until", "no test"},
	    {{.train = 0.5, .validation_until = {.said = true, .row = 4}}, "/split/validation_until", "no validation"},
	    {{.train = 0.5, .validation_until = {.said = true, .row = 10}}, "/split/validation_until", "no test"},
	};
	for (size_t k = 0; k < sizeof cases / sizeof cases[0]; k++) {
		struct parts parts;
		struct qlstm_error error = {0};
		assert_int_not_equal(split_parts(&cases[k].split, 10, each, "row", &parts, &error), 0);
		assert_string_equal(error.pointer, cases[k].pointer);
		if (strstr(error.message, cases[k].words) == NULL)
			fail_msg("%s", error.message);
	}
}

static void open_rows(struct job *job, const char *csv, const char *data)
{
	char spec[1024];
	struct qlstm_error error = {0};
	snprintf(spec, sizeof spec, "{" JOB_MODEL ",\"data\":{\"dataset\":\"mine\",%s},\"training\":{\"epochs\":1}}",
	         data);
	const char *path = write_text("rows.csv", csv);
	must(job_open(job, write_text("spec.json", spec), path, 1, &error), &error);
}

static void check_parts(struct job *job, size_t train, size_t validation, size_t test)
{
	assert_int_equal(job->samples.n_train, train);
	assert_int_equal(job->samples.n_validation, validation);
	assert_int_equal(job->samples.n_test, test);
	job_close(job);
}

/* Days 1 to 20 of May 2021, the day first. */
static void by_time(void **state)
{
	(void)state;
	char csv[1024] = "day,value\n";
	struct job job;
	for (int i = 1; i <= 20; i++)
		snprintf(csv + strlen(csv), sizeof csv - strlen(csv), "%02d/05/2021,%d\n", i, i);
#define DATED "\"inputs\":[\"value\"],\"window\":3,\"drop_last_window\":false,\"split\":"
	open_rows(&job, csv, DATED "{\"train_until\":\"2021-05-11\",\"validation_until\":\"2021-05-15\"}");
	/* Targets are days 4 to 20: 4 to 10 train, 11 to 14 choose. */
	check_parts(&job, 7, 4, 6);
	open_rows(&job, csv, DATED "{\"train_until\":10}"); /* rows 3 to 9 */
	check_parts(&job, 7, 0, 10);
	/* Days 2 to 9 have no value: rows keep their numbers. */
	for (char *at = strstr(csv, "02/05"); at != NULL && at < strstr(csv, "10/05"); at = strstr(at, "\n") + 1)
		memset(strstr(at, "2021,") + 5, ' ', 1);
	open_rows(&job, csv, "\"missing\":\"drop\"," DATED "{\"train_until\":16}");
	/* Left are days 1 and 10 to 20; targets 12 to 20, in rows 11 to 19 of the file. */
	check_parts(&job, 5, 0, 4);
}

/* Every sample once, in no order; each has its own row; scalers know the training rows alone. */
static void shuffled(void **state)
{
	(void)state;
	char csv[1024] = "x,y\n";
	struct job job;
	bool seen[40] = {false}, sorted = true;
	double low = INFINITY, high = -INFINITY;
	for (int i = 0; i < 40; i++)
		snprintf(csv + strlen(csv), sizeof csv - strlen(csv), "%d,%d\n", i, 100 * i);
	open_rows(&job, csv, "\"task\":\"regression\",\"split\":{\"train\":0.5,\"shuffle\":true}");
	for (size_t i = 0; i < 40; i++) {
		size_t row = job_row(&job, i);
		assert_false(seen[row]);
		seen[row] = true;
		sorted &= row == i;
		assert_true(job_truth(&job, i, 0) == 100.0 * (double)row);
		assert_relative(scaler_invert(job.records.input_scalers[0], job_inputs(&job, i)[0]) + 1,
		                (double)row + 1, 1e-12);
		low = i < 20 ? fmin(low, (double)row) : low;
		high = i < 20 ? fmax(high, (double)row) : high;
	}
	assert_false(sorted);
	assert_true(job.records.input_scalers[0].offset == (low + high) / 2);
	job_close(&job);
	open_rows(&job, csv, "\"inputs\":[\"y\"],\"window\":3,\"drop_last_window\":false,\"split\":{\"shuffle\":true}");
	assert_int_equal(samples_count(&job.samples), 37);
	for (size_t i = 0; i < 37; i++) {
		size_t row = job_row(&job, i);
		assert_relative(scaler_invert(job.windows.input_scalers[0], job_inputs(&job, i)[2]) + 1,
		                100.0 * (double)(row - 1) + 1, 1e-12);
		assert_true(job_last(&job, i, 0) == 100.0 * (double)(row - 1));
	}
	job_close(&job);
}

/* Windows of 3 with horizon 2 begin in rows 0, 5, 10, ...; of 30 rows that are 6, and one more is left out. */
static void strides(void **state)
{
	(void)state;
	char csv[512] = "y\n";
	struct job job;
	for (int i = 0; i < 30; i++)
		snprintf(csv + strlen(csv), sizeof csv - strlen(csv), "%d\n", i);
	open_rows(&job, csv, "\"window\":3,\"horizon\":2,\"stride\":5");
	assert_int_equal(samples_count(&job.samples), 5);
	for (size_t i = 0; i < 5; i++) {
		assert_int_equal(job_row(&job, i), 5 * i + 4);
		assert_relative(scaler_invert(job.windows.input_scalers[0], job_inputs(&job, i)[0]) + 1,
		                5 * (double)i + 1, 1e-12);
	}
	job_close(&job);
}

static void scalings(void **state)
{
	(void)state;
	const double values[] = {4, -8, 1, 2, 3}, same[] = {5, 5, 5, 5, 9};
	struct scaler s;
	assert_int_equal(scaler_fit(SCALING_MAX, values, 5, &s), 0);
	assert_true(s.offset == 0 && s.factor == 8);
	assert_int_equal(scaler_fit(SCALING_ROBUST, values, 5, &s), 0);
	assert_true(s.offset == 2 && s.factor == 2); /* quartiles 1 and 3 */
	assert_int_equal(scaler_fit(SCALING_ROBUST, values, 4, &s), 0);
	assert_true(s.offset == 1.5 && s.factor == 2.5 + 1.25); /* of -8 1 2 4: -1.25 and 2.5 */
	assert_int_equal(scaler_fit(SCALING_ROBUST, same, 5, &s), 0);
	assert_true(s.offset == 5 && s.factor == 1);
}

/* The best epoch is that of the validation part, and what an epoch is measured by is that of each part. */
static void validation_chooses(void **state)
{
	(void)state;
	struct job job;
	struct epoch_metrics last;
	job_of(&job, "{" JOB_MODEL ",\"data\":{\"dataset\":\"mine\",\"inputs\":[\"small\"],\"split\":{\"train\":0.5,"
	             "\"validation\":0.2}},\"training\":{\"epochs\":12,\"batch_size\":4,\"seed\":9}}");
	double best = INFINITY;
	int epoch = 0;
	for (int k = 0; k < 12; k++) {
		must(trainer_epoch(job.trainer, NULL, NULL, &last, NULL), NULL);
		if (epoch_metric(&last, "validation_loss") < best) {
			best = epoch_metric(&last, "validation_loss");
			epoch = k + 1;
		}
		/* Of a loss that is a mean of squares: in the units of the data. */
		double factor = job_target_scaler(&job, 0).factor;
		static const char *const names[][2] = {{"validation_mse", "validation_loss"},
		                                       {"test_mse", "test_loss"}};
		for (size_t i = 0; i < 2; i++)
			assert_relative(epoch_metric(&last, names[i][0]),
			                epoch_metric(&last, names[i][1]) * factor * factor, 1e-9);
		assert_relative(epoch_metric(&last, "train_rmse"), sqrt(epoch_metric(&last, "train_mse")), 1e-12);
	}
	assert_string_equal(trainer_best_by(job.trainer), "validation_loss");
	assert_int_equal(trainer_kept_epoch(job.trainer, TRAINER_BEST), epoch);
	job_close(&job);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(by_fraction),       cmocka_unit_test(by_row),
	    cmocka_unit_test(what_does_not_fit), cmocka_unit_test(by_time),
	    cmocka_unit_test(shuffled),          cmocka_unit_test(strides),
	    cmocka_unit_test(scalings),          cmocka_unit_test(validation_chooses),
	};
	return cmocka_run_group_tests(tests, make_folder, drop_folder);
}
