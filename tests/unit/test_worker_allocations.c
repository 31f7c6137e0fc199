/* The worker where memory runs out, at every allocation in turn: refused as such, never half a result. */
#include "tests/unit/job_fixture.h"

#include "server/worker/train/artifacts.h"
#include "server/worker/train/baselines.h"
#include "server/worker/train/checkpoints.h"
#include "server/worker/command.h"
#include "server/worker/input.h"
#include "server/worker/tools/program_json.h"
#include "server/worker/spec_model.h"
#include "server/worker/train/predictions.h"
#include "server/worker/train/scores.h"
#include "server/worker/reply.h"
#include "server/worker/train/report.h"
#include "server/common/tensors.h"
#include "server/worker/weights.h"
#include "tests/unit/allocation.h"
#include "tests/unit/heap.h"

static struct job job; /* trained */
static struct predictions predicted;
static struct pipe lines;
static const char *spec_path, *table_path, *lstm_path, *weights_path;
static json_t *program;
static struct artifact good[ARTIFACT_COUNT];

static int never(void *context, size_t done, size_t count)
{
	(void)context, (void)done, (void)count;
	return 0;
}

#define LSTM "{\"model\":{\"layers\":[{\"type\":\"lstm\",\"hidden_size\":2}]}}"

static int open_all(void **state)
{
	static char paths[4][384];
	if (make_folder(state) != 0)
		return -1;
	const struct artifacts_run run = {0};
	job_of(&job, JOB_SPEC);
	job_train(&job, 5);
	snprintf(paths[0], sizeof paths[0], "%s", path_of("spec.json"));
	snprintf(paths[1], sizeof paths[1], "%s", path_of("table.csv"));
	snprintf(paths[2], sizeof paths[2], "%s", write_text("lstm.json", LSTM));
	snprintf(paths[3], sizeof paths[3], "%s", path_of("weights.safetensors"));
	spec_path = paths[0], table_path = paths[1], lstm_path = paths[2], weights_path = paths[3];
	assert_int_equal(predictions_compute(&predicted, &job, never, NULL, NULL), 0);
	assert_int_equal(artifacts_write(&job, &predicted, &run, folder, good, NULL), 0);
	program = json_loads("{\"gates\":[{\"gate\":\"RY\",\"wires\":[0],\"angle\":{\"feature\":0}},"
	                     "{\"gate\":\"CNOT\",\"wires\":[0,1]}],\"features\":[[1],[2]],\"weights\":[3],"
	                     "\"observables\":[\"XI\"]}",
	                     0, NULL);
	lines.fd = capture_open();
	return 0;
}

static int close_all(void **state)
{
	predictions_free(&predicted);
	job_close(&job);
	json_decref(program);
	close(lines.fd);
	return drop_folder(state);
}

static int open_job(void)
{
	struct job other;
	int rc = job_open(&other, spec_path, table_path, 1, NULL);
	if (rc == 0) {
		assert_string_equal(other.fingerprint, job.fingerprint);
		job_close(&other);
	}
	assert_true(other.model == NULL && other.resolved == NULL && other.table.columns == NULL);
	return rc;
}

static int predict(void)
{
	struct predictions p;
	int rc = predictions_compute(&p, &job, never, NULL, NULL);
	if (rc == 0)
		assert_memory_equal(p.values, predicted.values, predicted.count * 2 * sizeof(double));
	predictions_free(&p);
	return rc;
}

static int metrics(void)
{
	json_t *found = scores_json(&predicted, &job);
	if (found == NULL)
		return ERR_OUT_OF_MEMORY;
	assert_int_equal(json_array_size(json_object_get(found, "train")), 2);
	assert_int_equal(json_array_size(json_object_get(found, "test")), 2);
	for (size_t t = 0; t < 2; t++)
		assert_int_equal(json_object_size(json_array_get(json_object_get(found, "test"), t)), 10);
	json_decref(found);
	return 0;
}

static int baselines(void)
{
	json_t *found = NULL;
	int rc = baselines_json(&job, never, NULL, &found, NULL);
	if (rc != 0)
		return rc;
	assert_int_equal(json_object_size(found), 2);
	for (size_t t = 0; t < 2; t++)
		assert_int_equal(
		    json_object_size(json_array_get(json_object_get(json_object_get(found, "linear"), "test"), t)), 10);
	json_decref(found);
	return 0;
}

/* As long as when there was memory, to the last row. */
static int write_artifacts(void)
{
	const struct artifacts_run run = {0};
	struct artifact out[ARTIFACT_COUNT];
	int rc = artifacts_write(&job, &predicted, &run, folder, out, NULL);
	if (rc != 0)
		return rc;
	assert_string_equal(out[0].sha256, good[0].sha256);
	assert_string_equal(out[1].sha256, good[1].sha256);
	assert_int_equal(out[2].bytes, good[2].bytes);
	return 0;
}

static int flush_checkpoints(void)
{
	struct checkpoints kept;
	checkpoints_open(&kept, folder, 1e9);
	int rc = checkpoints_after_epoch(&kept, &job, &lines, NULL);
	if (rc == 0)
		rc = checkpoints_flush(&kept, &lines, NULL);
	assert_int_equal(kept.on_disk[0], rc == 0 ? 5 : 0);
	checkpoints_close(&kept);
	return rc;
}

static int open_spec_model(void)
{
	struct spec_model spec_model;
	int rc = spec_model_open(&spec_model, lstm_path, 2, 2, NULL);
	if (rc == 0)
		rc = weights_load(weights_path, model_params(spec_model.model), NULL);
	if (rc == 0) {
		const struct params *a = model_params(spec_model.model), *b = model_params(job.model);
		assert_memory_equal(a->values, b->values, a->size * sizeof(double));
	}
	spec_model_close(&spec_model);
	return rc;
}

static int read_program(void)
{
	struct program_json source;
	int rc = program_json_read(program, &source, NULL);
	if (rc == 0) {
		assert_true(source.program->n_ops == 2 && source.program->n_observables == 1);
		program_json_free(&source);
	}
	assert_null(source.program);
	return rc;
}

static int read_file(void)
{
	unsigned char *bytes = NULL;
	size_t length;
	int rc = input_read(table_path, &bytes, &length, NULL);
	free(bytes);
	return rc;
}

static int make_tensor(void)
{
	json_t *json = tensor_json(2, (size_t[]){2, 3}, (size_t[]){3, 1}, (double[]){1, 2, 3, 4, 5, 6});
	if (json == NULL)
		return ERR_OUT_OF_MEMORY;
	assert_int_equal(json_array_size(json), 2);
	assert_int_equal(json_array_size(json_array_get(json, 1)), 3);
	json_decref(json);
	return 0;
}

/* A line is whole, or says that one was lost. */
static int say(void)
{
	pipe_done(&lines, good, ARTIFACT_COUNT);
	pipe_epoch(&lines, trainer_history(job.trainer));
	allocations_until_failure = -1;
	const char *text = captured(lines.fd);
	bool lost = strstr(text, "a line was lost") != NULL;
	json_t *first = json_loads(text, JSON_DISABLE_EOF_CHECK, NULL);
	assert_non_null(first);
	if (strcmp(text_at(first, "type"), "done") == 0)
		assert_int_equal(json_array_size(at(first, "artifacts")), ARTIFACT_COUNT);
	json_decref(first);
	assert_non_null(strstr(text, lost ? "\"level\":\"error\"" : "\"type\":\"epoch\""));
	return lost ? ERR_OUT_OF_MEMORY : 0;
}

/* A command's whole reply, or a failure: the same each time but for what it is told to compute. */
static int reply_of(const struct worker_command *command, const char *operand, const struct option_value *values,
                    char expected[1 << 14])
{
	int out = capture_open(), kept = redirect(STDOUT_FILENO, out), none = open("/dev/null", O_WRONLY);
	int kept_error = redirect(STDERR_FILENO, none);
	int status = command->run(operand, values);
	allocations_until_failure = -1;
	redirect_end(STDERR_FILENO, kept_error);
	redirect_end(STDOUT_FILENO, kept);
	close(none);
	const char *text = captured(out);
	if (status == WORKER_DONE && expected[0] == '\0')
		memcpy(expected, text, strnlen(text, (1 << 14) - 1));
	assert_string_equal(text, status == WORKER_DONE ? expected : "");
	assert_true(status == WORKER_DONE || status == WORKER_FAILED);
	close(out);
	return status == WORKER_DONE ? 0 : ERR_OUT_OF_MEMORY;
}

static int describe(void)
{
	static char expected[1 << 14];
	static const struct option_value values[OPTIONS_MAX];
	return reply_of(&command_describe, spec_path, values, expected);
}

static int evaluate(void)
{
	static char expected[1 << 14];
	const struct option_value values[OPTIONS_MAX] = {
	    {true, weights_path, 0}, {true, path_of("x.json"), 0}, {true, path_of("y.json"), 0}, {true, NULL, 0}};
	return reply_of(&command_evaluate, lstm_path, values, expected);
}

static int circuit(void)
{
	static char expected[1 << 14];
	const struct option_value values[OPTIONS_MAX] = {
	    {false, "reference", 0}, {false, "float64", 0}, {true, NULL, 0}};
	return reply_of(&command_circuit, path_of("program.json"), values, expected);
}

/* They read JSON, and what that was to say is lost with the memory: any failure will do. */
static void every_allocation_of_a_command_may_fail(void **state)
{
	(void)state;
	static int (*const works[])(void) = {describe, evaluate, circuit};
	write_text("x.json", "[[[0.1, 0.2], [0.3, 0.4]], [[0.5, 0.6], [0.7, 0.8]], [[1, 2], [3, 4]]]");
	write_text("y.json", "[[0.1, 0.2], [0.3, 0.4], [0.5, 0.6]]");
	write_text("program.json", "{\"gates\":[{\"gate\":\"RY\",\"wires\":[0],\"angle\":{\"feature\":0}},{\"gate\":"
	                           "\"RX\",\"wires\":[1],\"angle\":{\"weight\":0}}],\"features\":[[1],[2]],"
	                           "\"weights\":[3]}");
	for (size_t k = 0; k < sizeof works / sizeof works[0]; k++) {
		assert_int_equal(works[k](), 0);
		assert_every_allocation_may_fail(works[k], true);
	}
}

static void every_allocation_may_fail(void **state)
{
	(void)state;
	static int (*const works[])(void) = {
	    open_job,     predict,   metrics,     baselines, write_artifacts, flush_checkpoints, open_spec_model,
	    read_program, read_file, make_tensor, say};
	for (size_t k = 0; k < sizeof works / sizeof works[0]; k++) {
		assert_every_allocation_may_fail(works[k], works[k] == open_job || works[k] == open_spec_model);
	}
}

static int report(void)
{
	const struct artifacts_run run = {0};
	json_t *json = report_json(&job, &predicted, &run);
	if (json == NULL)
		return ERR_OUT_OF_MEMORY;
	assert_int_equal(json_object_size(json), 13);
	assert_int_equal(json_array_size(json_object_get(json, "history")), 5);
	json_decref(json);
	return 0;
}

/* Of what makes JSON, and frees the parts of what it could not finish. */
static void nothing_is_left_behind(void **state)
{
	(void)state;
	static int (*const works[])(void) = {report, metrics, baselines, make_tensor, read_program, predict};
	size_t left = 0;
	for (int round = 0; round < 3; round++) {
		size_t before = heap_in_use();
		for (size_t k = 0; k < sizeof works / sizeof works[0]; k++)
			assert_every_allocation_may_fail(works[k], false);
		left = heap_in_use() - before;
		if (left == 0)
			return;
	}
	fail_msg("%zu bytes are left behind", left);
}

int main(int argc, char **argv)
{
	(void)argc;
	heap_count_exactly(argv);
	const struct CMUnitTest tests[] = {cmocka_unit_test(every_allocation_may_fail),
	                                   cmocka_unit_test(every_allocation_of_a_command_may_fail),
	                                   cmocka_unit_test(nothing_is_left_behind)};
	return cmocka_run_group_tests(tests, open_all, close_all);
}
