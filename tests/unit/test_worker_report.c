/* report.json, field by field: the best epoch, sums of seconds, counts, what a number that is none becomes. */
#include "tests/unit/job_fixture.h"

#include "engine/qlstm.h"
#include "engine/train/trainer_state.h"
#include "server/worker/train/report.h"

/* A trained job whose history says what the test wants. */
static void told(struct job *job, const double *test_losses, int epochs)
{
	job_of(job, JOB_SPEC);
	job_train(job, epochs);
	for (int k = 0; k < epochs; k++)
		job->trainer->history[k] = (struct epoch_metrics){.epoch = k + 1,
		                                                  .count = job->trainer->n_metrics,
		                                                  .names = job->trainer->names,
		                                                  .values = {10 - k, test_losses[k], 0.5 + k},
		                                                  .seconds = 0.25 * (k + 1)};
}

static json_t *reported(struct job *job, int resumed_from)
{
	struct predictions p = {.count = 26, .width = 2, .values = calloc(52, sizeof(double))};
	const struct artifacts_run run = {.resumed_from = resumed_from, .train_seconds = 1.5, .predict_seconds = 0.125};
	json_t *report = report_json(job, &p, &run);
	assert_non_null(report);
	predictions_free(&p);
	return report;
}

/* By the test loss, wherever it is least; the first of equal ones. */
static void best_epoch(void **state)
{
	(void)state;
	static const struct {
		double losses[5];
		int epochs, best;
	} cases[] = {
	    {{3, 1, 2, 4, 5}, 5, 2}, {{5, 4, 3, 2, 1}, 5, 5}, {{1, 2, 3, 4, 5}, 5, 1}, {{3, 2, 2, 2, 3}, 5, 2},
	    {{2, 2, 2, 2, 2}, 5, 1}, {{7, 0, 0, 0, 0}, 1, 1}, {{2, 3, 1, 3, 1}, 5, 3},
	};
	for (size_t k = 0; k < sizeof cases / sizeof cases[0]; k++) {
		struct job job;
		told(&job, cases[k].losses, cases[k].epochs);
		json_t *report = reported(&job, 0);
		const json_t *results = at(report, "results");
		int last = cases[k].epochs - 1;
		assert_int_equal(json_object_size(results), 6 + 16); /* eight scores of two parts */
		assert_int_equal(real_at(results, "kept_epoch"), cases[k].epochs);
		assert_int_equal(real_at(results, "best_epoch"), cases[k].best);
		assert_true(real_at(results, "best_test_loss") == cases[k].losses[cases[k].best - 1]);
		assert_int_equal(real_at(results, "epochs"), cases[k].epochs);
		assert_true(real_at(results, "test_loss") == cases[k].losses[last]);
		assert_true(real_at(results, "train_loss") == 10 - last);
		json_decref(report);
		job_close(&job);
	}
}

static void every_field(void **state)
{
	(void)state;
	struct job job;
	told(&job, (double[]){3, 1, 2}, 3);
	job.load_seconds = 0.75;
	json_t *report = reported(&job, 2);
	assert_int_equal(json_object_size(report), 13);
	const json_t *engine = at(report, "engine"), *model = at(report, "model"), *data = at(report, "data");
	assert_string_equal(text_at(engine, "version"), QLSTM_VERSION);
	assert_string_equal(text_at(engine, "plan"), "none");
	assert_string_equal(text_at(engine, "isa"), plan_isa());
	/* 4 x 2 x (2 inputs + 2 hidden + 2 biases), 2 x 2 + 2 */
	assert_int_equal(real_at(model, "parameters"), 54);
	assert_int_equal(real_at(model, "quantum"), 0);
	assert_int_equal(real_at(model, "classical"), 54);
	assert_string_equal(text_at(data, "dataset"), "mine");
	assert_string_equal(text_at(data, "sha256"), job.data_sha256);
	assert_int_equal(real_at(data, "rows"), 30);
	assert_int_equal(real_at(data, "train"), 15);
	assert_int_equal(real_at(data, "test"), 11);
	assert_int_equal(real_at(report, "seed"), 9);
	assert_string_equal(text_at(report, "fingerprint"), job.fingerprint);
	assert_int_equal(real_at(report, "resumed_from"), 2);
	const json_t *timings = at(report, "timings");
	assert_true(real_at(timings, "load_seconds") == 0.75 && real_at(timings, "train_seconds") == 1.5);
	assert_true(real_at(timings, "predict_seconds") == 0.125 && real_at(timings, "epochs_seconds") == 1.5);
	assert_int_equal(real_at(timings, "threads"), 1);
	assert_int_equal(json_array_size(at(at(report, "metrics"), "train")), 2);
	json_decref(report);
	job_close(&job);
}

static void history(void **state)
{
	(void)state;
	struct job job;
	told(&job, (double[]){3, (double)NAN, 2}, 3);
	json_t *report = reported(&job, 0);
	const json_t *rows = at(report, "history");
	assert_int_equal(json_array_size(rows), 3);
	for (size_t k = 0; k < 3; k++) {
		const json_t *row = json_array_get(rows, k);
		assert_int_equal(json_object_size(row), 5 + 16);
		assert_int_equal(real_at(row, "epoch"), k + 1);
		assert_true(real_at(row, "train_loss") == 10 - (double)k);
		assert_true(real_at(row, "gradient_norm") == 0.5 + (double)k);
		assert_true(real_at(row, "seconds") == 0.25 * (double)(k + 1));
		assert_int_equal(json_is_null(at(row, "test_loss")), k == 1);
	}
	json_decref(report);
	job_close(&job);
}

/* Quantum and classical parameters apart. */
static void parameters_by_kind(void **state)
{
	(void)state;
	struct job job;
	job_of(&job, "{\"hidden_size\":3,\"n_qubits\":2,\"data\":{\"dataset\":\"d\",\"targets\":[\"small\"],"
	             "\"inputs\":[\"t\"]}}");
	job_train(&job, 1);
	struct predictions p = {.count = job.windows.parts.train + job.windows.parts.test, .width = 1};
	p.values = calloc(p.count, sizeof(double));
	const struct artifacts_run run = {0};
	json_t *report = report_json(&job, &p, &run);
	/* qdi: 4 circuits of 2 x 1 x 2 angles; 2 x (3 + 1) + 2, 3 x 2 + 3, 3 + 1 */
	assert_int_equal(real_at(at(report, "model"), "quantum"), 16);
	assert_int_equal(real_at(at(report, "model"), "classical"), 10 + 9 + 4);
	assert_int_equal(real_at(at(report, "model"), "parameters"), 16 + 23);
	assert_string_equal(text_at(at(report, "engine"), "plan"), model_plan_kind(job.model));
	json_decref(report);
	predictions_free(&p);
	job_close(&job);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(best_epoch),
	    cmocka_unit_test(every_field),
	    cmocka_unit_test(history),
	    cmocka_unit_test(parameters_by_kind),
	};
	return cmocka_run_group_tests(tests, make_folder, drop_folder);
}
