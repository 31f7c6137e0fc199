/* What the worker's parts leave behind, where they succeed and where they are refused. */
#include "tests/unit/job_fixture.h"

#include "server/worker/train/artifacts.h"
#include "server/worker/train/checkpoints.h"
#include "server/worker/input.h"
#include "server/worker/tools/program_json.h"
#include "server/worker/spec_model.h"
#include "server/worker/train/predictions.h"
#include "server/worker/weights.h"
#include "tests/unit/heap.h"

static int stopping; /* what progress answers */

static int progress(void *context, size_t done, size_t count)
{
	(void)context, (void)done, (void)count;
	return stopping;
}

static void whole_run(void)
{
	static struct pipe lines;
	struct job job;
	struct predictions p;
	struct checkpoints kept;
	struct artifact out[ARTIFACT_COUNT];
	const struct artifacts_run run = {0};
	job_of(&job, JOB_SPEC);
	lines.fd = open("/dev/null", O_WRONLY);
	checkpoints_open(&kept, folder, 0);
	for (int k = 0; k < 3; k++) {
		job_train(&job, 1);
		assert_int_equal(checkpoints_after_epoch(&kept, &job, &lines, NULL), 0);
	}
	checkpoints_close(&kept);
	assert_int_equal(job_resume(&job, path_of("checkpoint-3.safetensors"), NULL), 0);
	assert_int_equal(job_resume(&job, path_of("spec.json"), NULL), ERR_CORRUPT);
	stopping = 1;
	assert_int_equal(predictions_compute(&p, &job, progress, NULL, NULL), ERR_CANCELLED);
	stopping = 0;
	assert_int_equal(predictions_compute(&p, &job, progress, NULL, NULL), 0);
	assert_int_equal(artifacts_write(&job, &p, &run, folder, out, NULL), 0);
	assert_true(artifacts_write(&job, &p, &run, "/nonexistent", out, NULL) != 0);
	pipe_done(&lines, out, ARTIFACT_COUNT);
	predictions_free(&p);
	close(lines.fd);
	job_close(&job);
}

static void refused_runs(void)
{
	struct job job;
	const char *good = "{" JOB_MODEL ",\"data\":{\"dataset\":\"d\",\"targets\":[1]}}";
	assert_true(job_open(&job, write_text("s", "{"), write_table(), 1, NULL) != 0);
	assert_true(job_open(&job, write_text("s", good), write_text("d", "a\n1\n"), 1, NULL) != 0);
	assert_true(job_open(&job, write_text("s", good), write_text("d", ""), 1, NULL) != 0);
	assert_true(job_open(&job, write_text("s", "{\"data\":{\"dataset\":\"x\"}}"), NULL, 1, NULL) != 0);
	assert_true(job_open(&job, write_text("s", "{\"data\":{\"dataset\":\"d\",\"inputs\":[\"none\"]}}"),
	                     write_table(), 1, NULL) != 0);
	assert_true(job_open(&job, write_text("s", good), write_table(), 1 << 20, NULL) != 0);
	assert_int_equal(job_read(&job, write_text("s", good), write_table(), true, NULL), 0);
	job_close(&job);
}

static void spec_models(void)
{
	struct spec_model spec_model;
	json_t *json = NULL;
	const char *spec = write_text("s", "{\"model\":{\"layers\":[{\"type\":\"lstm\",\"hidden_size\":2}]}}");
	assert_int_equal(spec_model_open(&spec_model, spec, 2, 3, NULL), 0);
	const struct weights_origin origin = {.resolved = spec_model.resolved, .seed = 1, .plan = "none"};
	unsigned char *bytes;
	size_t length;
	assert_int_equal(weights_encode(model_params(spec_model.model), &origin, &bytes, &length, NULL), 0);
	assert_int_equal(file_write_atomic(folder, "w", bytes, length, NULL), 0);
	free(bytes);
	assert_int_equal(weights_load(path_of("w"), model_params(spec_model.model), NULL), 0);
	assert_true(weights_load(spec, model_params(spec_model.model), NULL) != 0);
	assert_true(weights_load(write_text("w.json", "{\"x\":1}"), model_params(spec_model.model), NULL) != 0);
	assert_true(weights_load(write_text("w.json", "{}"), model_params(spec_model.model), NULL) != 0);
	spec_model_close(&spec_model);
	assert_int_equal(spec_model_open(&spec_model, spec, 1, 1, NULL), 0);
	assert_true(weights_load(path_of("w"), model_params(spec_model.model), NULL) != 0);
	spec_model_close(&spec_model);
	assert_true(spec_model_open(&spec_model, spec, 40, 1, NULL) != 0);
	assert_true(spec_model_open(&spec_model, write_text("s", "{\"n_qubits\":99}"), 1, 1, NULL) != 0);
	assert_true(spec_model_open(&spec_model, write_text("s", "{"), 1, 1, NULL) != 0);
	assert_int_equal(spec_read(write_text("s", "{}"), &json, NULL), 0);
	json_decref(json);
	assert_int_equal(input_json(write_text("s", "[1]"), &json, NULL), 0);
	json_decref(json);
	assert_true(input_json(write_text("s", "[1"), &json, NULL) != 0);
}

static void programs(void)
{
	static const char *const texts[] = {
	    "{\"gates\":[{\"gate\":\"RY\",\"wires\":[0],\"angle\":{\"feature\":0}}],\"features\":[[1],[2]],"
	    "\"weights\":[3],\"observables\":[\"X\"]}",
	    "{\"gates\":[{\"gate\":\"RY\",\"wires\":[0],\"angle\":{\"feature\":1}}],\"features\":[[1],[2]],"
	    "\"weights\":[3]}",
	    "{\"gates\":[],\"features\":[1],\"weights\":[\"x\"]}",
	    "{\"gates\":[],\"features\":[1],\"weights\":[1],\"observables\":[\"Q\"]}",
	};
	for (size_t k = 0; k < 4; k++) {
		struct program_json source;
		json_t *json = json_loads(texts[k], 0, NULL);
		assert_int_equal(program_json_read(json, &source, NULL) == 0, k == 0);
		if (k == 0)
			program_json_free(&source);
		json_decref(json);
	}
}

static void nothing_is_left_behind(void **state)
{
	(void)state;
	assert_leaves_nothing(whole_run);
	assert_leaves_nothing(refused_runs);
	assert_leaves_nothing(spec_models);
	assert_leaves_nothing(programs);
}

/* Descriptors are counted by the lowest that is free. */
static void no_descriptor_stays_open(void **state)
{
	(void)state;
	int before = dup(STDERR_FILENO);
	close(before);
	whole_run();
	refused_runs();
	spec_models();
	int after = dup(STDERR_FILENO);
	close(after);
	assert_int_equal(after, before);
}

int main(int argc, char **argv)
{
	(void)argc;
	heap_count_exactly(argv);
	const struct CMUnitTest tests[] = {cmocka_unit_test(nothing_is_left_behind),
	                                   cmocka_unit_test(no_descriptor_stays_open)};
	return cmocka_run_group_tests(tests, make_folder, drop_folder);
}
