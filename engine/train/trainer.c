/* The training loop. */
#include "engine/train/trainer.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "engine/nn/loss.h"
#include "engine/philox.h"
#include "engine/train/trainer_state.h"

double epoch_metric(const struct epoch_metrics *metrics, const char *name)
{
	for (int k = 0; k < metrics->count; k++)
		if (strcmp(metrics->names[k], name) == 0)
			return metrics->values[k];
	return (double)NAN;
}

static void trainer_name_metrics(struct trainer *t)
{
	static const char *const of_all[] = {
	    [TRAIN_LOSS] = "train_loss", [TEST_LOSS] = "test_loss", [GRADIENT_NORM] = "gradient_norm"};
	const struct metric *metric;
	for (; t->n_metrics < METRICS_OF_ALL; t->n_metrics++)
		t->names[t->n_metrics] = of_all[t->n_metrics];
	for (int k = 0; (metric = metric_for(t->samples.shape.target, k)) != NULL; k++) {
		t->names[t->n_metrics++] = metric->train_name;
		t->names[t->n_metrics++] = metric->test_name;
	}
}

int trainer_new(struct trainer **out, struct model *model, struct samples samples, const struct trainer_config *config,
                struct qlstm_error *error)
{
	struct trainer *t = calloc(1, sizeof *t);
	if (t == NULL)
		return error_set(error, ERR_OUT_OF_MEMORY, "", "out of memory");
	t->model = model;
	t->samples = samples;
	t->config = *config;
	trainer_name_metrics(t);
	t->loss = loss_find(config->loss);
	int rc = t->loss == NULL ? error_set(error, ERR_NOT_FOUND, "/loss", "unknown loss '%s'", config->loss) : 0;
	const struct pass_config pass = {.model = model,
	                                 .samples = samples,
	                                 .loss = t->loss,
	                                 .batch = config->batch_size,
	                                 .team = config->team,
	                                 .seed = config->seed};
	if (rc == 0)
		rc = pass_new(&t->pass, &pass, error);
	if (rc == 0)
		rc = optimizer_new(&t->optimizer, &config->optimizer, model_params(model)->size, error);
	if (rc != 0)
		goto fail;
	t->best_loss = INFINITY;
	for (int which = 0; which < TRAINER_KEPT; which++)
		t->kept[which] = calloc(model_params(model)->size + 1, sizeof(double));
	t->order = malloc(samples.n_train * sizeof *t->order);
	t->history = calloc((size_t)config->epochs, sizeof *t->history);
	if (t->order == NULL || t->history == NULL || t->kept[TRAINER_LAST] == NULL || t->kept[TRAINER_BEST] == NULL) {
		rc = error_set(error, ERR_OUT_OF_MEMORY, "", "out of memory");
		goto fail;
	}
	params_initialise(model_params(model), config->seed);
	*out = t;
	return 0;
fail:
	trainer_free(t);
	return rc;
}

void trainer_free(struct trainer *t)
{
	if (t == NULL)
		return;
	optimizer_free(t->optimizer);
	pass_free(t->pass);
	for (int which = 0; which < TRAINER_KEPT; which++)
		free(t->kept[which]);
	free(t->order);
	free(t->history);
	free(t);
}

bool trainer_has_stopped(const struct trainer *t)
{
	if (t->epochs_done >= t->config.epochs)
		return true;
	return t->epochs_done > 0 && t->history[t->epochs_done - 1].values[TEST_LOSS] < t->config.stop_loss;
}

static void trainer_copy(struct trainer *t, enum trainer_epoch_kept which)
{
	const struct params *params = model_params(t->model);
	memcpy(t->kept[which], params->values, params->size * sizeof(double));
	t->kept_epochs[which] = t->epochs_done;
}

void trainer_keep(struct trainer *t)
{
	double loss = t->epochs_done > 0 ? t->history[t->epochs_done - 1].values[TEST_LOSS] : NAN;
	trainer_copy(t, TRAINER_LAST);
	if (!(loss < t->best_loss))
		return;
	t->best_loss = loss;
	trainer_copy(t, TRAINER_BEST);
}

bool trainer_take(struct trainer *t, enum trainer_epoch_kept which)
{
	struct params *params = model_params(t->model);
	if (t->kept_epochs[which] == 0)
		return false;
	memcpy(params->values, t->kept[which], params->size * sizeof(double));
	return true;
}

int trainer_kept_epoch(const struct trainer *t, enum trainer_epoch_kept which)
{
	return t->kept_epochs[which];
}

int trainer_epochs_done(const struct trainer *t)
{
	return t->epochs_done;
}

const struct epoch_metrics *trainer_history(const struct trainer *t)
{
	return t->history;
}

/* The batch order of an epoch: a pure function of seed and epoch. */
static void trainer_order(struct trainer *t, int epoch)
{
	size_t n = t->samples.n_train;
	if (t->config.shuffle) {
		struct philox rng;
		philox_open(&rng, t->config.seed, PHILOX_SHUFFLE, (uint32_t)epoch);
		philox_permute(&rng, t->order, n);
		return;
	}
	for (size_t k = 0; k < n; k++)
		t->order[k] = k;
}

/* The global L2 norm of the gradient; scales it down to clip_norm where that is set and smaller. */
static double trainer_clip(struct trainer *t)
{
	struct params *params = model_params(t->model);
	double sum = 0.0;
	for (size_t k = 0; k < params->size; k++)
		sum += params->gradients[k] * params->gradients[k];
	double norm = sqrt(sum);
	if (t->config.clip_norm > 0.0 && norm > t->config.clip_norm)
		for (size_t k = 0; k < params->size; k++)
			params->gradients[k] *= t->config.clip_norm / norm;
	return norm;
}

static int trainer_watch(void *context)
{
	const struct trainer *t = context;
	return t->watch.fn(t->watch.context, t->watch.epoch, t->watch.batch, t->watch.n_batches);
}

/* What an optimiser looks at beside the first place of a step: the batch under way. */
struct batch {
	struct trainer *trainer;
	size_t first, count;
};

static double trainer_evaluate(void *context)
{
	const struct batch *batch = context;
	struct trainer *t = batch->trainer;
	if (pass_abandoned(t->pass))
		return (double)NAN;
	double loss = pass_train(t->pass, t->watch.epoch, t->order + batch->first, batch->count);
	if (pass_abandoned(t->pass))
		return (double)NAN;
	trainer_clip(t);
	return loss;
}

/* One optimiser step on samples order[first ..], none when the pass was abandoned. Returns the batch's mean loss; *norm
 * is the gradient's before clipping, *sums what the pass added up, both before the step. */
static double trainer_step(struct trainer *t, size_t first, size_t count, double *norm, struct pass_sums *sums)
{
	struct params *params = model_params(t->model);
	double loss = pass_train(t->pass, t->watch.epoch, t->order + first, count);
	if (pass_abandoned(t->pass))
		return 0.0;
	*norm = trainer_clip(t);
	*sums = pass_sums(t->pass);
	struct batch batch = {t, first, count};
	const struct optimizer_objective objective = {loss, trainer_evaluate, &batch};
	optimizer_step_on(t->optimizer, params->values, params->gradients, &objective);
	model_update_state(t->model);
	return loss;
}

/* A mean over nothing is 0. */
static double mean(double sum, size_t count)
{
	return count > 0 ? sum / (double)count : 0.0;
}

/* The metric whose value is at place k of an epoch's row. */
static const struct metric *metric_at(const struct trainer *t, int k)
{
	return metric_for(t->samples.shape.target, (k - METRICS_OF_ALL) / 2);
}

/* From what was added up over so many rows. */
static double metric_value(const struct trainer *t, int k, double sum, size_t rows)
{
	return metric_at(t, k)->least ? sum : mean(sum, rows);
}

/* Loss and metrics of the test part. */
static void trainer_test(struct trainer *t, struct epoch_metrics *row)
{
	double loss = pass_loss(t->pass, t->samples.n_train, t->samples.n_test);
	struct pass_sums sums = pass_sums(t->pass);
	row->values[TEST_LOSS] = mean(loss, sums.terms);
	for (int k = METRICS_OF_ALL + 1; k < row->count; k += 2)
		row->values[k] = metric_value(t, k, sums.metrics[(k - METRICS_OF_ALL) / 2], sums.rows);
}

static double seconds_now(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

/* All batches of an epoch. */
static int trainer_batches(struct trainer *t, int epoch, struct epoch_metrics *row, struct qlstm_error *error)
{
	size_t n = t->samples.n_train, size = (size_t)t->config.batch_size, batches = t->watch.n_batches;
	size_t rows = 0;
	trainer_order(t, epoch);
	for (int k = METRICS_OF_ALL; k < row->count; k += 2)
		row->values[k] = metric_none(metric_at(t, k));
	for (size_t b = 0; b < batches; b++) {
		t->watch.batch = b;
		size_t count = n - b * size < size ? n - b * size : size;
		double norm = 0.0, loss = 0.0;
		struct pass_sums sums = {0};
		bool stopped = t->watch.fn != NULL && trainer_watch(t) != 0;
		if (!stopped)
			loss = trainer_step(t, b * size, count, &norm, &sums);
		if (stopped || pass_abandoned(t->pass))
			return error_set(error, ERR_CANCELLED, "", "stopped in epoch %d", epoch);
		if (!isfinite(loss) || !isfinite(norm))
			return error_set(
			    error, ERR_NOT_FINITE, "",
			    "the %s is not finite in epoch %d, batch %zu of %zu; a smaller learning_rate or a "
			    "clip_norm may help",
			    isfinite(loss) ? "gradient" : "loss", epoch, b + 1, batches);
		row->values[TRAIN_LOSS] += loss;
		row->values[GRADIENT_NORM] += norm;
		rows += sums.rows;
		for (int k = METRICS_OF_ALL; k < row->count; k += 2)
			row->values[k] =
			    metric_join(metric_at(t, k), row->values[k], sums.metrics[(k - METRICS_OF_ALL) / 2]);
	}
	row->values[TRAIN_LOSS] /= (double)batches;
	row->values[GRADIENT_NORM] /= (double)batches;
	for (int k = METRICS_OF_ALL; k < row->count; k += 2)
		row->values[k] = metric_value(t, k, row->values[k], rows);
	return 0;
}

int trainer_epoch(struct trainer *t, trainer_batch_fn on_batch, void *context, struct epoch_metrics *metrics,
                  struct qlstm_error *error)
{
	if (t->epochs_done >= t->config.epochs)
		return error_set(error, ERR_INVALID, "", "all %d epochs are done", t->config.epochs);
	double start = seconds_now();
	int epoch = t->epochs_done + 1;
	size_t size = (size_t)t->config.batch_size, batches = (t->samples.n_train + size - 1) / size;
	t->watch.fn = on_batch;
	t->watch.context = context;
	t->watch.epoch = epoch;
	t->watch.n_batches = batches;
	pass_watch(t->pass, on_batch != NULL ? trainer_watch : NULL, t);

	struct epoch_metrics row = {.epoch = epoch, .count = t->n_metrics, .names = t->names};
	int rc = trainer_batches(t, epoch, &row, error);
	if (rc == 0) {
		t->watch.batch = batches;
		trainer_test(t, &row);
		if (pass_abandoned(t->pass))
			rc = error_set(error, ERR_CANCELLED, "", "stopped in epoch %d", epoch);
	}
	pass_watch(t->pass, NULL, NULL);
	if (rc != 0)
		return rc;
	row.seconds = seconds_now() - start;
	t->history[t->epochs_done++] = row;
	trainer_keep(t);
	*metrics = row;
	return 0;
}

int trainer_predict(struct trainer *t, size_t first, size_t count, double *y, struct qlstm_error *error)
{
	size_t all = t->samples.n_train + t->samples.n_test;
	if (first > all || count > all - first)
		return error_set(error, ERR_OUT_OF_RANGE, "", "samples %zu to %zu do not exist", first, first + count);
	pass_predict(t->pass, first, count, y);
	return 0;
}
