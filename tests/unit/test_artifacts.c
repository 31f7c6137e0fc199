/* What a finished run leaves: four files, three of them announced, each the same as its maker says. */
#include "tests/unit/job_fixture.h"

#include "engine/export/safetensors.h"
#include "server/worker/scaling.h"
#include "engine/qlstm.h"
#include "server/worker/train/artifacts.h"
#include "server/worker/train/predictions.h"

static int never(void *context, size_t done, size_t count)
{
	(void)context, (void)done, (void)count;
	return 0;
}

static void results_of(struct job *job, struct predictions *p)
{
	struct qlstm_error error = {0};
	job_of(job, JOB_SPEC);
	job_train(job, 5);
	must(predictions_compute(p, job, never, NULL, &error), &error);
}

static void written(void **state)
{
	(void)state;
	static const char *const expected[ARTIFACT_COUNT][2] = {{"weights", "weights.safetensors"},
	                                                        {"predictions", "predictions.csv"},
	                                                        {"report", "report.json"},
	                                                        {"tensorboard", "events.out.tfevents.qlstm"},
	                                                        {"state", "state.safetensors"}};
	struct job job;
	struct predictions p;
	struct artifact out[ARTIFACT_COUNT];
	struct qlstm_error error = {0};
	const struct artifacts_run run = {.resumed_from = 3, .train_seconds = 0.5, .predict_seconds = 0.25};
	results_of(&job, &p);
	must(artifacts_write(&job, &p, &run, folder, out, &error), &error);
	for (int k = 0; k < ARTIFACT_COUNT; k++) {
		char sha256[65];
		size_t bytes;
		assert_string_equal(out[k].name, expected[k][0]);
		assert_string_equal(out[k].file, expected[k][1]);
		assert_int_equal(sha256_file(path_of(out[k].file), sha256, &bytes, NULL), 0);
		assert_string_equal(out[k].sha256, sha256);
		assert_int_equal(out[k].bytes, bytes);
	}
	char *text, *csv = read_text("predictions.csv");
	size_t length;
	struct text printed = {0};
	predictions_csv(&p, &job, &printed);
	assert_int_equal(text_take(&printed, &text, &length), 0);
	assert_string_equal(csv, text);
	free(text);
	free(csv);
	predictions_free(&p);
	job_close(&job);
}

/* For people: indented, a newline at the end, and nothing behind it. */
static void texts(void **state)
{
	(void)state;
	struct job job;
	struct predictions p;
	struct artifact out[ARTIFACT_COUNT];
	results_of(&job, &p);
	const struct artifacts_run run = {.resumed_from = 3, .train_seconds = 0.1};
	assert_int_equal(artifacts_write(&job, &p, &run, folder, out, NULL), 0);
	char *text = read_text("resolved-spec.json");
	assert_memory_equal(text, "{\n  \"", 5);
	assert_int_equal(text[strlen(text) - 1], '\n');
	json_t *spec = json_loads(text, 0, NULL), *report;
	assert_true(json_equal(spec, job.resolved));
	json_decref(spec);
	free(text);
	text = read_text("report.json");
	assert_int_equal(strlen(text), out[2].bytes);
	assert_memory_equal(text, "{\n  \"", 5);
	report = json_loads(text, 0, NULL);
	assert_int_equal(real_at(report, "resumed_from"), 3);
	assert_true(real_at(at(report, "timings"), "train_seconds") == 0.1);
	assert_true(real_at(at(report, "results"), "test_loss") ==
	            epoch_metric(&trainer_history(job.trainer)[4], "test_loss"));
	json_decref(report);
	free(text);
	predictions_free(&p);
	job_close(&job);
}

static void metadata_of_the_weights(void **state)
{
	(void)state;
	struct job job;
	struct predictions p;
	struct artifact out[ARTIFACT_COUNT];
	results_of(&job, &p);
	const struct artifacts_run run = {0};
	assert_int_equal(artifacts_write(&job, &p, &run, folder, out, NULL), 0);
	struct safetensors_file file;
	unsigned char *bytes;
	size_t length;
	assert_int_equal(file_read(path_of("weights.safetensors"), 1 << 20, &bytes, &length, NULL), 0);
	assert_int_equal(safetensors_decode(bytes, length, &file, NULL), 0);
	const struct params *params = model_params(job.model);
	assert_int_equal(file.n_tensors, params->count);
	assert_int_equal(file.n_meta, 11);
	for (int k = 0; k < params->count; k++)
		assert_memory_equal(safetensors_find(&file, params->items[k].name)->data,
		                    params->values + params->items[k].offset, params->items[k].size * sizeof(double));
	json_t *spec = json_loads(safetensors_meta_find(&file, "spec"), 0, NULL);
	assert_true(json_equal(spec, job.resolved));
	json_decref(spec);
	struct column_scaling scaling;
	assert_int_equal(scaling_read(safetensors_meta_find(&file, "scaling"), &scaling, NULL), 0);
	assert_int_equal(scaling.n_inputs, job.windows.n_inputs);
	assert_int_equal(scaling.n_targets, job.windows.n_targets);
	assert_memory_equal(scaling.inputs, job.windows.input_scalers,
	                    (size_t)scaling.n_inputs * sizeof scaling.inputs[0]);
	assert_memory_equal(scaling.targets, job.windows.target_scalers,
	                    (size_t)scaling.n_targets * sizeof scaling.targets[0]);
	scaling_free(&scaling);
	assert_int_equal(scaling_read("{\"inputs\":[],\"targets\":[]}", &scaling, NULL), ERR_CORRUPT);
	assert_int_equal(scaling_read("[", &scaling, NULL), ERR_CORRUPT);
	assert_string_equal(safetensors_meta_find(&file, "seed"), "9");
	assert_string_equal(safetensors_meta_find(&file, "data_sha256"), job.data_sha256);
	assert_string_equal(safetensors_meta_find(&file, "plan"), "none");
	assert_string_equal(safetensors_meta_find(&file, "isa"), plan_isa());
	assert_string_equal(safetensors_meta_find(&file, "engine"), QLSTM_VERSION);
	assert_non_null(strstr(safetensors_meta_find(&file, "format"), "qlstm weights 1"));
	assert_non_null(strstr(safetensors_meta_find(&file, "conventions"), "wire 0 is the most significant bit"));
	safetensors_free(&file);
	free(bytes);
	predictions_free(&p);
	job_close(&job);
}

static void no_room(void **state)
{
	(void)state;
	struct job job;
	struct predictions p;
	struct artifact out[ARTIFACT_COUNT];
	struct qlstm_error error = {0};
	results_of(&job, &p);
	const struct artifacts_run run = {0};
	assert_true(artifacts_write(&job, &p, &run, path_of("absent"), out, &error) < 0);
	assert_non_null(strstr(error.message, "absent"));
	predictions_free(&p);
	job_close(&job);
}

#define IN_A_FOLDER(test) cmocka_unit_test_setup_teardown(test, make_folder, drop_folder)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    IN_A_FOLDER(written),
	    IN_A_FOLDER(texts),
	    IN_A_FOLDER(metadata_of_the_weights),
	    IN_A_FOLDER(no_room),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
