/* What an experiment will take, by the planner's estimate. */
#include "server/common/cost.h"

#include <stdio.h>
#include <string.h>

#include "engine/nn/layer.h"
#include "engine/nn/loss.h"
#include "schema/task.h"
#include "engine/train/pass.h"

/* How far the estimate of the time may be off. */
#define TIME_MARGIN 4.0
/* A window of the test part is only run forward: in windows of the training part. */
#define TEST_WINDOW (1.0 / 3.0)

/* Of parameters: those of the last and of the best epoch, and a checkpoint that is written: parameters and two slots of
 * an optimiser. */
enum { KEPT_COPIES = 5 };

/* Hypotheses of a translation that are said at once, in the place of a slice. */
static size_t translating_bytes(const struct spec *spec, struct model *model)
{
	int held = (int)pass_held(model, spec_steps(spec), spec->training.batch_size);
	if (spec->task != TASK_TRANSLATION || held >= COST_COLUMNS)
		return 0;
	return model_bytes(model, spec_steps(spec), COST_COLUMNS, 1) - model_bytes(model, spec_steps(spec), held, 1);
}

/* Of a text whose tokens are tagged: bytes that a token takes with its tag, about, and its line of predictions.csv. */
enum { TAGGED_BYTES = 10, TAGGED_TEXT = 45 };

/* Tokens and tags as numbers, and at the end, of each token, three numbers, its place and its line. Most texts are much
 * shorter than the longest that is read. */
static size_t tagged_bytes(const struct spec *spec, struct cost_windows windows)
{
	size_t most = (windows.train + windows.test) * (size_t)spec_steps(spec), said = windows.table / TAGGED_BYTES;
	return (most < said ? most : said) * (6 * sizeof(double) + TAGGED_TEXT);
}

/* Of each number that is predicted the number itself and its text in predictions.csv, which is whole before it is
 * written; beside one that is no probability stands the truth. */
enum { PREDICTED_TEXT = 24 };

/* What is predicted of a window at the end. Of texts few numbers a token: nothing that counts. */
static size_t predicted_bytes(const struct spec *spec)
{
	size_t numbers = (size_t)spec->model.n_outputs;
	if (task_has_texts(spec->task))
		return 0;
	if (spec->task == TASK_WORDS)
		numbers *= (size_t)spec_steps(spec);
	bool classes = spec->task == TASK_WORDS || spec->task == TASK_CLASSIFICATION;
	return numbers * (sizeof(double) + (classes ? 1U : 2U) * PREDICTED_TEXT);
}

struct cost_bytes cost_bytes(const struct spec *spec, struct model *model, struct cost_windows windows, int threads)
{
	size_t steps = (size_t)spec_steps(spec), parameters = params_elements(model_params(model));
	size_t held = (size_t)pass_held(model, spec_steps(spec), spec->training.batch_size) * (size_t)threads;
	size_t numbers = (size_t)spec->model.n_inputs * steps + (size_t)spec->model.n_outputs;
	/* Of texts the numbers of tokens and classes. */
	if (task_has_texts(spec->task))
		numbers = 2 * steps;
	size_t samples = (windows.train + windows.test) * (numbers * sizeof(double) + predicted_bytes(spec));
	if (spec->task == TASK_TAGGING)
		samples = tagged_bytes(spec, windows);
	/* What a model says of each token, and its gradient: as large as the vocabulary. */
	size_t said = 0;
	if (spec->task == TASK_LANGUAGE_MODEL || spec->task == TASK_TRANSLATION)
		said = 2 * steps * (size_t)spec->model.n_outputs * held * sizeof(double);
	/* At the end a batch of it at once. */
	if (spec->task == TASK_LANGUAGE_MODEL)
		said += steps * (size_t)spec->model.n_outputs * (size_t)spec->training.batch_size * sizeof(double);
	return (struct cost_bytes){
	    .model = said + pass_bytes(model, spec_steps(spec), spec->training.batch_size, threads) +
	             translating_bytes(spec, model) + KEPT_COPIES * parameters * sizeof(double) +
	             optimizer_bytes(&spec->training.optimizer, model_params(model)->size),
	    .data = samples + windows.table,
	};
}

/* Of one batch, what the model's estimate leaves out, which counts where outputs are a vocabulary: the loss of what is
 * said. */
static double loss_seconds(const struct spec *spec)
{
	const struct loss *loss = loss_find(spec->training.loss);
	double frames = spec->model.output == MODEL_OUTPUT_SEQUENCE ? spec_steps(spec) : 1;
	double outputs = frames * spec->model.n_outputs * spec->training.batch_size;
	return loss != NULL ? 1e-9 * loss->ns * outputs : 0.0;
}

int cost_seconds(const struct spec *spec, struct model *model, struct cost_windows windows, double speed,
                 struct cost_seconds *out, struct qlstm_error *error)
{
	int rc = model_estimate(model, spec_steps(spec), spec->training.batch_size, &out->batch, error);
	if (rc != 0) {
		error_prefix(error, "/model");
		return rc;
	}
	out->batch = (out->batch + loss_seconds(spec)) / speed;
	double train = (double)windows.train, size = spec->training.batch_size;
	if (spec->training.epoch_batches > 0)
		train = spec->training.epoch_batches * (size < train ? size : train);
	train *= optimizer_evaluations(&spec->training.optimizer);
	double batches = (train + TEST_WINDOW * (double)windows.test) / size;
	out->epoch = out->batch * batches;
	out->training = spec->training.epochs * out->epoch * (1 + spec->folds.count);
	return 0;
}

/* Which field to make smaller, and what it is: the qubits of the widest circuit, without one the batch. */
static int point_at_largest(const struct spec *spec, char *pointer, size_t size)
{
	const struct model_config *model = &spec->model;
	int widest = -1, most = 0;
	for (int i = 0; i < model->n_layers; i++)
		if (layer_wires(&model->layers[i]) > most) {
			most = layer_wires(&model->layers[i]);
			widest = i;
		}
	if (widest < 0) {
		snprintf(pointer, size, "/training/batch_size");
		return spec->training.batch_size;
	}
	snprintf(pointer, size, "/model/layers/%d/n_qubits", widest);
	return most;
}

int cost_check_bytes(const struct spec *spec, const struct cost_bytes *bytes, size_t limit, struct qlstm_error *error)
{
	if (bytes->model + bytes->data <= limit)
		return 0;
	char pointer[64];
	int value = point_at_largest(spec, pointer, sizeof pointer);
	return error_set(error, ERR_TOO_LARGE, pointer,
	                 "%s is %d; the experiment would take %zu MiB of memory; allowed are %zu MiB; use fewer "
	                 "qubits, a smaller batch_size or a shorter window",
	                 strrchr(pointer, '/') + 1, value, (bytes->model + bytes->data) >> 20, limit >> 20);
}

int cost_check_seconds(const struct spec *spec, const struct cost_seconds *seconds, int threads,
                       struct qlstm_error *error)
{
	if (seconds->training / threads <= TIME_MARGIN * spec->max_seconds)
		return 0;
	char pointer[64];
	int value = point_at_largest(spec, pointer, sizeof pointer);
	return error_set(error, ERR_INVALID, pointer,
	                 "%s is %d; the training would take about %.3g s and limits.max_seconds is %.6g; use fewer "
	                 "qubits, less depth or fewer epochs, or raise limits.max_seconds",
	                 strrchr(pointer, '/') + 1, value, seconds->training, spec->max_seconds);
}
