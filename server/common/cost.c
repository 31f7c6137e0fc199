/* What an experiment will take, by the planner's estimate. */
#include "server/common/cost.h"

#include <stdio.h>
#include <string.h>

#include "engine/nn/layer.h"
#include "engine/nn/loss.h"

/* How far the estimate of the time may be off. */
#define TIME_MARGIN 4.0
/* A window of the test part is only run forward: in windows of the training part. */
#define TEST_WINDOW (1.0 / 3.0)
/* One that is translated, word by word, in the same. */
#define SAID_WINDOW 1.0

/* Of one batch, what the model's estimate leaves out, which counts where outputs are a vocabulary: the loss of what is
 * said. */
static double loss_seconds(const struct spec *spec)
{
	const struct loss *loss = loss_find(spec->training.loss);
	double frames = spec->model.output == MODEL_OUTPUT_SEQUENCE ? spec_steps(spec) : 1;
	double outputs = frames * spec->model.n_outputs * spec->training.batch_size;
	return loss != NULL ? 1e-9 * loss->ns * outputs : 0.0;
}

/* Of the steps that windows could have, those that they have. */
static double share_of_steps(const struct spec *spec, size_t steps, size_t windows)
{
	return steps > 0 ? (double)steps / ((double)windows * spec_steps(spec)) : 1;
}

/* What a training goes through, in windows of full length. */
struct work {
	double batches;     /* of an epoch */
	double train, test; /* likewise: trained on; only run forward */
	/* Of a translation, word by word: of an epoch, by the part by which epochs are chosen; of all at the end. */
	double said, said_at_end;
};

static struct work count_work(const struct spec *spec, struct cost_windows windows)
{
	double train = (double)windows.train, size = spec->training.batch_size;
	if (spec->training.epoch_batches > 0)
		train = spec->training.epoch_batches * (size < train ? size : train);
	double test = (double)windows.test * share_of_steps(spec, windows.test_steps, windows.test);
	double chosen = windows.validation > 0 ? (double)windows.validation / (double)windows.test : 1;
	bool translates = spec->task == TASK_TRANSLATION;
	return (struct work){.batches = train / size,
	                     .train = train * optimizer_evaluations(&spec->training.optimizer) *
	                              share_of_steps(spec, windows.train_steps, windows.train),
	                     .test = test,
	                     .said = translates ? chosen * test : 0,
	                     .said_at_end = translates ? spec->beam_width * test : 0};
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
	const struct work work = count_work(spec, windows);
	double window = out->batch / spec->training.batch_size;
	double update = 1e-9 * optimizer_ns(&spec->training.optimizer, model_params(model)->size) / speed;
	out->epoch = window * (work.train + TEST_WINDOW * work.test + SAID_WINDOW * work.said) + update * work.batches;
	out->training =
	    spec->training.epochs * out->epoch * (1 + spec->folds.count) + SAID_WINDOW * window * work.said_at_end;
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
	size_t total = cost_bytes_total(bytes);
	if (total <= limit)
		return 0;
	char pointer[64];
	int value = point_at_largest(spec, pointer, sizeof pointer);
	return error_set(error, ERR_TOO_LARGE, pointer,
	                 "%s is %d; the experiment would take %zu MiB of memory; allowed are %zu MiB; use fewer "
	                 "qubits, a smaller batch_size or a shorter window",
	                 strrchr(pointer, '/') + 1, value, total >> 20, limit >> 20);
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
