/* One epoch of a trainer: a pass over batches, then over the parts that are not trained on. */
#include <math.h>
#include <string.h>
#include <time.h>

#include "engine/nn/loss.h"
#include "engine/train/trainer_state.h"

/* Adds a batch's gradient to those of the epoch. */
static void gradients_add(struct trainer *t)
{
	const struct params *params = model_params(t->model);
	for (int k = 0; k < params->count; k++) {
		const struct param *param = &params->items[k];
		double sum = 0;
		for (size_t i = param->offset; param->kind != PARAM_STATE && i < param->offset + param->size; i++) {
			double size = fabs(params->gradients[i]);
			sum += size * size;
			if (size > t->gradients.largest[i])
				t->gradients.largest[i] = size;
		}
		t->gradients.squares[k] += sum;
	}
}

static void gradients_begin(struct trainer *t)
{
	const struct params *params = model_params(t->model);
	t->gradients.epoch = 0;
	memset(t->gradients.squares, 0, (size_t)params->count * sizeof(double));
	memset(t->gradients.largest, 0, params->size * sizeof(double));
}

static void gradients_end(struct trainer *t, int epoch, size_t batches)
{
	const struct params *params = model_params(t->model);
	double sums[2] = {0, 0};
	for (int k = 0; k < params->count; k++) {
		t->gradients.norms[k] = sqrt(t->gradients.squares[k] / (double)batches);
		if (params->items[k].kind != PARAM_STATE)
			sums[params->items[k].kind == PARAM_QUANTUM] += t->gradients.squares[k] / (double)batches;
	}
	t->gradients.kinds[0] = sqrt(sums[0]);
	t->gradients.kinds[1] = sqrt(sums[1]);
	t->gradients.epoch = epoch;
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

/* What an optimiser's step is about. */
struct step {
	struct trainer *trainer;
	struct batch batch;
};

/* The mean loss of a batch, with its gradient, clipped; *norm is the gradient's before. Nothing when the pass was
 * abandoned. */
static double trainer_look(struct trainer *t, const struct batch *batch, double *norm)
{
	double loss = pass_train(t->pass, batch->pass, batch->order, batch->count);
	if (pass_abandoned(t->pass))
		return 0.0;
	gradients_add(t);
	*norm = trainer_clip(t);
	return loss;
}

/* What an optimiser looks at behind the first place of its step. */
static double look_again(void *context)
{
	const struct step *step = context;
	struct trainer *t = step->trainer;
	if (pass_abandoned(t->pass))
		return (double)NAN;
	double loss = pass_train(t->pass, step->batch.pass, step->batch.order, step->batch.count);
	if (pass_abandoned(t->pass))
		return (double)NAN;
	trainer_clip(t);
	return loss;
}

/* One optimiser step, once the batch was looked at. */
static void trainer_step(struct trainer *t, const struct batch *batch, double loss)
{
	struct params *params = model_params(t->model);
	struct step step = {t, *batch};
	const struct optimizer_objective objective = {loss, look_again, &step};
	optimizer_step_on(t->optimizer, params->values, params->gradients, &objective);
	model_update_state(t->model);
}

/* A mean over nothing is 0. */
static double mean(double sum, size_t count)
{
	return count > 0 ? sum / (double)count : 0.0;
}

/* From what was added up over so many rows. */
static double metric_value(const struct metric *metric, double sum, size_t rows)
{
	return metric->least ? sum : mean(sum, rows);
}

/* The scores of a part, from what the model says of its samples. */
static void trainer_score(struct trainer *t, enum trainer_part part, size_t first, size_t count, double *y,
                          struct epoch_metrics *row)
{
	double values[TRAINER_SCORES_MAX];
	bool wanted = false;
	for (int k = METRICS_OF_ALL; k < row->count; k++)
		wanted |= t->columns[k].part == part && t->columns[k].metric == NULL && t->columns[k].index >= 0;
	if (!wanted)
		return;
	t->config.scores->compute(t->config.scores->context, first, count, y, values);
	for (int k = METRICS_OF_ALL; k < row->count; k++)
		if (t->columns[k].part == part && t->columns[k].metric == NULL && t->columns[k].index >= 0)
			row->values[k] = values[t->columns[k].index];
}

/* Loss, metrics and scores of a part that is not trained on; nothing where it is empty. */
static void trainer_evaluate(struct trainer *t, enum trainer_part part, size_t first, size_t count, int place,
                             struct epoch_metrics *row)
{
	if (count == 0 || pass_abandoned(t->pass))
		return;
	if (t->said != NULL)
		pass_predict(t->pass, first, count, t->said);
	else
		pass_loss(t->pass, first, count);
	struct pass_sums sums = pass_sums(t->pass);
	row->values[place] = mean(sums.loss, sums.terms);
	for (int k = METRICS_OF_ALL; k < row->count; k++)
		if (t->columns[k].part == part && t->columns[k].metric != NULL)
			row->values[k] =
			    metric_value(t->columns[k].metric, sums.metrics[t->columns[k].index], sums.rows);
	if (!pass_abandoned(t->pass))
		trainer_score(t, part, first, count, t->said, row);
}

static double seconds_now(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

/* What the model said of a batch goes to the places of its samples. */
static void trainer_see(struct trainer *t, const struct batch *batch)
{
	const struct samples_shape *shape = &t->samples.shape;
	size_t outputs = samples_frames(shape) * (size_t)shape->width;
	for (size_t b = 0; t->seen != NULL && b < batch->count; b++)
		memcpy(t->seen + batch->order[b] * outputs, t->said + b * outputs, outputs * sizeof *t->seen);
}

static bool of_training(const struct trainer *t, int k)
{
	return t->columns[k].part == TRAINER_TRAIN && t->columns[k].metric != NULL;
}

/* A batch's losses and metrics on top of those before. */
static void trainer_add(struct trainer *t, double loss, double norm, struct epoch_metrics *row)
{
	struct pass_sums sums = pass_sums(t->pass);
	row->values[TRAIN_LOSS] += loss;
	row->values[GRADIENT_NORM] += norm;
	for (int k = METRICS_OF_ALL; k < row->count; k++)
		if (of_training(t, k))
			row->values[k] =
			    metric_join(t->columns[k].metric, row->values[k], sums.metrics[t->columns[k].index]);
}

/* All batches of an epoch. */
static int trainer_batches(struct trainer *t, int epoch, struct epoch_metrics *row, struct qlstm_error *error)
{
	size_t batches = t->watch.n_batches, rows = 0;
	gradients_begin(t);
	for (int k = METRICS_OF_ALL; k < row->count; k++)
		row->values[k] = of_training(t, k) ? metric_none(t->columns[k].metric) : (double)NAN;
	for (size_t b = 0; b < batches; b++) {
		t->watch.batch = b;
		size_t place = (size_t)(epoch - 1) * batches + b;
		const struct batch batch = batches_at(&t->batches, place);
		/* Every epoch begins afresh, so that one that is resumed does; and every pass. */
		if (b == 0 || place % batches_in_pass(&t->batches) == 0)
			pass_restart(t->pass);
		double norm = 0.0, loss = 0.0;
		bool stopped = t->watch.fn != NULL && trainer_watch(t) != 0;
		if (!stopped)
			loss = trainer_look(t, &batch, &norm);
		if (stopped || pass_abandoned(t->pass))
			return error_set(error, ERR_CANCELLED, "", "stopped in epoch %d", epoch);
		if (!isfinite(loss) || !isfinite(norm))
			return error_set(
			    error, ERR_NOT_FINITE, "",
			    "the %s is not finite in epoch %d, batch %zu of %zu; a smaller learning_rate or a "
			    "clip_norm may help",
			    isfinite(loss) ? "gradient" : "loss", epoch, b + 1, batches);
		trainer_add(t, loss, norm, row);
		trainer_see(t, &batch);
		rows += pass_sums(t->pass).rows;
		trainer_step(t, &batch, loss);
		if (pass_abandoned(t->pass))
			return error_set(error, ERR_CANCELLED, "", "stopped in epoch %d", epoch);
	}
	row->values[TRAIN_LOSS] /= (double)batches;
	row->values[GRADIENT_NORM] /= (double)batches;
	for (int k = METRICS_OF_ALL; k < row->count; k++)
		if (of_training(t, k))
			row->values[k] = metric_value(t->columns[k].metric, row->values[k], rows);
	if (batches % batches_in_pass(&t->batches) == 0)
		trainer_score(t, TRAINER_TRAIN, 0, t->samples.n_train, t->seen, row);
	gradients_end(t, epoch, batches);
	return 0;
}

int trainer_epoch(struct trainer *t, trainer_batch_fn on_batch, void *context, struct epoch_metrics *metrics,
                  struct qlstm_error *error)
{
	if (t->epochs_done >= t->config.epochs)
		return error_set(error, ERR_INVALID, "", "all %d epochs are done", t->config.epochs);
	double start = seconds_now();
	int epoch = t->epochs_done + 1;
	size_t batches = t->config.epoch_batches > 0 ? (size_t)t->config.epoch_batches : batches_in_pass(&t->batches);
	t->watch.fn = on_batch;
	t->watch.context = context;
	t->watch.epoch = epoch;
	t->watch.n_batches = batches;
	pass_watch(t->pass, on_batch != NULL ? trainer_watch : NULL, t);

	struct epoch_metrics row = {.epoch = epoch, .count = t->n_metrics, .names = t->names};
	double factor = schedule_factor(&t->schedule, epoch, t->config.epochs);
	optimizer_set_factor(t->optimizer, factor);
	t->midway = true;
	int rc = trainer_batches(t, epoch, &row, error);
	if (rc == 0) {
		t->watch.batch = batches;
		size_t first = t->samples.n_train, validation = t->samples.n_validation;
		trainer_evaluate(t, TRAINER_VALIDATION, first, validation, t->choosing, &row);
		trainer_evaluate(t, TRAINER_TEST, first + validation, t->samples.n_test, TEST_LOSS, &row);
		if (pass_abandoned(t->pass))
			rc = error_set(error, ERR_CANCELLED, "", "stopped in epoch %d", epoch);
	}
	pass_watch(t->pass, NULL, NULL);
	if (rc != 0)
		return rc;
	if (t->rate >= 0)
		row.values[t->rate] = t->config.optimizer.learning_rate * factor;
	row.seconds = seconds_now() - start;
	t->history[t->epochs_done++] = row;
	trainer_note(t, &row);
	trainer_keep(t);
	t->midway = false;
	*metrics = row;
	return 0;
}
