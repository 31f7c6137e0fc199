/* Several horizons at once: what a window predicts, how it is scored, and forecasts that go on from row to row. */
#include "tests/unit/job_fixture.h"

#include "server/common/predict/last_window.h"
#include "server/worker/predict/forecast.h"
#include "server/worker/train/artifacts.h"
#include "server/worker/train/baselines.h"
#include "server/worker/train/predictions.h"

/* Row i holds i and 10 i. */
static const char *counting(int rows)
{
	char csv[2048] = "a,b\n";
	for (int i = 0; i < rows; i++)
		snprintf(csv + strlen(csv), sizeof csv - strlen(csv), "%d,%d\n", i, 10 * i);
	return write_text("counting.csv", csv);
}

static void open_counting(struct job *job, const char *data)
{
	char spec[1024];
	struct qlstm_error error = {0};
	snprintf(spec, sizeof spec,
	         "{" JOB_MODEL ",\"data\":{\"dataset\":\"mine\",\"scaling\":\"none\",\"drop_last_window\":false,%s},"
	         "\"training\":{\"epochs\":2,\"seed\":4}}",
	         data);
	const char *path = counting(20);
	must(job_open(job, write_text("spec.json", spec), path, 1, &error), &error);
}

/* The window that begins in row 0 has rows 0, 1, 2 and predicts rows 3, 5 and 6: 14 windows of 20 rows. */
static void rows_and_outputs(void **state)
{
	(void)state;
	struct job job;
	static const double first[] = {3, 30, 5, 50, 6, 60};
	open_counting(&job, "\"inputs\":[\"a\"],\"targets\":[\"a\",\"b\"],\"window\":3,\"horizon\":[1,3,4],"
	                    "\"split\":{\"train\":0.5}");
	assert_int_equal(samples_count(&job.samples), 14);
	assert_int_equal(job.samples.shape.width, 6);
	assert_int_equal(job.spec.model.n_outputs, 6);
	assert_memory_equal(job_targets(&job, 0), first, sizeof first);
	for (int k = 0; k < 6; k++) {
		assert_true(job_truth(&job, 0, k) == first[k]);
		assert_true(job_truth(&job, 5, k) == first[k] + (k % 2 == 0 ? 5 : 50));
	}
	assert_int_equal(job_row(&job, 0), 6);
	assert_int_equal(job_horizon(&job, 2), 3);
	assert_true(job_last(&job, 0, 4) == 2 && job_last(&job, 0, 5) == 20);
	job_close(&job);
}

/* A series that grows by 1: the last value is wrong by the horizon, and by season 4 from where the period ends. */
static void each_horizon_is_scored(void **state)
{
	(void)state;
	struct job job;
	json_t *found = NULL;
	struct qlstm_error error = {0};
	open_counting(&job, "\"inputs\":[\"a\"],\"targets\":[\"a\"],\"window\":4,\"horizon\":[1,2,6],\"period\":4,"
	                    "\"split\":{\"train\":0.5}");
	must(baselines_json(&job, NULL, NULL, &found, &error), &error);
	static const double last[] = {1, 2, 6}, season[] = {4, 4, 8};
	for (size_t k = 0; k < 3; k++) {
		const json_t *scored = json_array_get(at(at(found, "last_value"), "test"), k);
		assert_true(real_at(scored, "horizon") == last[k]);
		assert_relative(real_at(scored, "mae"), last[k], 1e-12);
		assert_relative(real_at(scored, "mase"), last[k] / 4, 1e-12); /* a period's change is 4 */
		scored = json_array_get(at(at(found, "seasonal_naive"), "test"), k);
		assert_relative(real_at(scored, "mae"), season[k], 1e-12);
		assert_true(real_at(json_array_get(at(at(found, "linear"), "test"), k), "mae") < 1e-10);
	}
	json_decref(found);
	job_close(&job);
}

static int nothing(void *context, size_t done, size_t count)
{
	(void)context, (void)done, (void)count;
	return 0;
}

/* Trains a little and leaves weights.safetensors in the folder; its predictions are the caller's. */
static void leave_weights(const char *data, struct predictions *out)
{
	struct job job;
	struct qlstm_error error = {0};
	struct artifact artifacts[ARTIFACT_COUNT];
	const struct artifacts_run run = {.baselines = json_object()};
	open_counting(&job, data);
	job_train(&job, 2);
	must(predictions_compute(out, &job, nothing, NULL, &error), &error);
	must(artifacts_write(&job, out, &run, folder, artifacts, &error), &error);
	json_decref(run.baselines);
	job_close(&job);
}

#define BOTH "\"inputs\":[\"b\",\"a\"],\"targets\":[\"a\",\"b\"],\"window\":3"

/* What a forecast says is what asking again and again says, to the bit. */
static void goes_on(void **state)
{
	(void)state;
	static const char *const horizons[] = {"1", "[1,2]"};
	static struct predictor p;
	for (size_t k = 0; k < 2; k++) {
		struct predictions predictions;
		struct qlstm_error error = {0};
		json_t *from;
		char data[256];
		snprintf(data, sizeof data, "%s,\"horizon\":%s", BOTH, horizons[k]);
		leave_weights(data, &predictions);
		predictions_free(&predictions);
		must(predictor_open(&p, path_of("weights.safetensors"), &error), &error);
		must(last_window_read(path_of("weights.safetensors"), &from, &error), &error);
		assert_int_equal(real_at(from, "row"), 19);
		struct predict_inputs inputs = {.ahead = 5};
		must(last_window_inputs(from, &inputs, &error), &error);
		json_decref(from);
		static const double last[] = {170, 17, 180, 18, 190, 19};
		assert_true(inputs.samples == 1 && inputs.steps == 3 && inputs.features == 2 && inputs.ahead == 5);
		assert_memory_equal(inputs.values, last, sizeof last);
		double ahead[10], window[6], block[4];
		must(forecast_check(&p, 1, 3, 5, SIZE_MAX, INFINITY, &error), &error);
		must(forecast_compute(&p, inputs.values, 1, 3, 5, ahead, &error), &error);
		memcpy(window, last, sizeof last);
		for (size_t row = 0, n = k + 1; row < 5; row += n) {
			must(predictor_compute(&p, window, 1, 3, block, &error), &error);
			size_t kept = row + n <= 5 ? n : 5 - row;
			assert_memory_equal(ahead + 2 * row, block, kept * 2 * sizeof *block);
			memmove(window, window + 2 * n, (3 - n) * 2 * sizeof *window);
			for (size_t i = 0; i < n; i++) { /* b is read first, a predicted first */
				window[2 * (3 - n + i)] = block[2 * i + 1];
				window[2 * (3 - n + i) + 1] = block[2 * i];
			}
		}
		predict_inputs_free(&inputs);
		predictor_close(&p);
	}
}

static void cannot_go_on(void **state)
{
	(void)state;
	static const struct {
		const char *data, *words;
	} cases[] = {
	    {"\"inputs\":[\"a\",\"b\"],\"targets\":[\"a\"],\"window\":3", "reads column 'b' and does not predict it"},
	    {"\"inputs\":[\"a\"],\"targets\":[\"a\"],\"window\":3,\"horizon\":2", "2 rows behind its window"},
	    {"\"inputs\":[\"a\"],\"targets\":[\"a\"],\"window\":3,\"horizon\":[1,3]", "3 rows behind its window"},
	};
	static struct predictor p;
	for (size_t k = 0; k < sizeof cases / sizeof cases[0]; k++) {
		struct predictions predictions;
		struct qlstm_error error = {0};
		leave_weights(cases[k].data, &predictions);
		predictions_free(&predictions);
		must(predictor_open(&p, path_of("weights.safetensors"), &error), &error);
		assert_int_equal(forecast_check(&p, 1, 3, 5, SIZE_MAX, INFINITY, &error), ERR_CONFLICT);
		assert_string_equal(error.pointer, "/steps");
		if (strstr(error.message, cases[k].words) == NULL)
			fail_msg("'%s' without '%s'", error.message, cases[k].words);
		predictor_close(&p);
	}
}

/* Each output is scaled back by its own target. */
static void scaled_back(void **state)
{
	(void)state;
	static struct predictor p;
	struct predictions predictions;
	struct qlstm_error error = {0};
	double outputs[4];
	leave_weights(BOTH ",\"horizon\":[1,2]", &predictions);
	must(predictor_open(&p, path_of("weights.safetensors"), &error), &error);
	assert_int_equal(p.scaling.n_targets, 4);
	static const double first[] = {0, 0, 10, 1, 20, 2};
	must(predictor_compute(&p, first, 1, 3, outputs, &error), &error);
	assert_memory_equal(outputs, predictions.values, sizeof outputs);
	predictor_close(&p);
	predictions_free(&predictions);
	char *csv = read_text("predictions.csv");
	assert_non_null(strstr(csv, "part,index,a_h1,a_h1_predicted,b_h1,b_h1_predicted,a_h2,a_h2_predicted,b_h2,"
	                            "b_h2_predicted,row\n"));
	free(csv);
}

static void refused(void **state)
{
	(void)state;
	static const struct {
		const char *horizon, *pointer, *words;
	} cases[] = {
	    {"[1,1]", "/data/horizon/1", "rising order"},
	    {"[2,1]", "/data/horizon/1", "horizon[1] is 1, after 2; they are in rising order"},
	    {"[]", "/data/horizon", "0 items"},
	    {"[1,0]", "/data/horizon/1", "1 to 4096"},
	    {"\"x\"", "/data/horizon", "or an array"},
	    {"[1,2.5]", "/data/horizon/1", "integer"},
	};
	for (size_t k = 0; k < sizeof cases / sizeof cases[0]; k++) {
		char text[128];
		json_t *request = NULL, *resolved = NULL;
		struct qlstm_error error = {0};
		snprintf(text, sizeof text, "{\"data\":{\"horizon\":%s}}", cases[k].horizon);
		must(spec_load(text, strlen(text), &request, &error), &error);
		assert_true(spec_resolve(request, &resolved, &error) != 0);
		assert_string_equal(error.pointer, cases[k].pointer);
		if (strstr(error.message, cases[k].words) == NULL)
			fail_msg("'%s' without '%s'", error.message, cases[k].words);
		json_decref(request);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(rows_and_outputs), cmocka_unit_test(each_horizon_is_scored),
	    cmocka_unit_test(goes_on),          cmocka_unit_test(cannot_go_on),
	    cmocka_unit_test(scaled_back),      cmocka_unit_test(refused),
	};
	return cmocka_run_group_tests(tests, make_folder, drop_folder);
}
