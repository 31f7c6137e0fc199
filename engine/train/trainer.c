/* A trainer: opened, asked, and what it says of samples; its loop is in epoch.c. */
#include "engine/train/trainer.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "engine/nn/loss.h"
#include "engine/train/trainer_state.h"

double epoch_metric(const struct epoch_metrics *metrics, const char *name)
{
	for (int k = 0; k < metrics->count; k++)
		if (strcmp(metrics->names[k], name) == 0)
			return metrics->values[k];
	return (double)NAN;
}

static void add_column(struct trainer *t, const char *name, struct trainer_column column)
{
	t->names[t->n_metrics] = name;
	t->columns[t->n_metrics++] = column;
}

static bool has_part(const struct trainer *t, int part)
{
	return part != TRAINER_VALIDATION || t->samples.n_validation > 0;
}

static void trainer_name_metrics(struct trainer *t)
{
	static const char *const of_all[] = {
	    [TRAIN_LOSS] = "train_loss", [TEST_LOSS] = "test_loss", [GRADIENT_NORM] = "gradient_norm"};
	const struct trainer_scores *scores = t->config.scores;
	const struct metric *metric;
	for (int k = 0; k < METRICS_OF_ALL; k++)
		add_column(t, of_all[k], (struct trainer_column){.index = -1});
	t->choosing = TEST_LOSS;
	t->rate = -1;
	if (t->config.schedule.type != SCHEDULE_CONSTANT || t->config.schedule.warmup_epochs > 1) {
		t->rate = t->n_metrics;
		add_column(t, "learning_rate", (struct trainer_column){.index = -1});
	}
	if (t->samples.n_validation > 0) {
		t->choosing = t->n_metrics;
		add_column(t, "validation_loss", (struct trainer_column){.part = TRAINER_VALIDATION, .index = -1});
	}
	for (int k = 0; (metric = metric_for(t->samples.shape.target, k)) != NULL; k++) {
		const char *const names[] = {metric->train_name, metric->validation_name, metric->test_name};
		for (int part = 0; part < TRAINER_PARTS; part++)
			if (has_part(t, part))
				add_column(t, names[part], (struct trainer_column){(enum trainer_part)part, metric, k});
	}
	for (int k = 0; scores != NULL && k < scores->count; k++)
		for (int part = 0; part < TRAINER_PARTS; part++)
			if (has_part(t, part) && scores->names[k][part] != NULL)
				add_column(t, scores->names[k][part],
				           (struct trainer_column){(enum trainer_part)part, NULL, k});
}

static int trainer_open_groups(struct trainer *t, struct qlstm_error *error)
{
	struct groups_config config = t->config.groups;
	struct optimizer_group *groups;
	int n;
	config.learning_rate = t->config.optimizer.learning_rate;
	int rc = groups_make(model_params(t->model), &config, &groups, &n, error);
	if (rc != 0)
		return rc;
	rc = optimizer_set_groups(t->optimizer, groups, n, error);
	free(groups);
	return rc;
}

static int trainer_open_gradients(struct trainer *t, struct qlstm_error *error)
{
	const struct params *params = model_params(t->model);
	size_t count = (size_t)params->count + 1;
	t->gradients.squares = calloc(2 * count + params->size + 1, sizeof(double));
	if (t->gradients.squares == NULL)
		return error_set(error, ERR_OUT_OF_MEMORY, "", "out of memory");
	t->gradients.norms = t->gradients.squares + count;
	t->gradients.largest = t->gradients.norms + count;
	return 0;
}

/* Room for what scores are made of. */
static int trainer_open_scores(struct trainer *t, struct qlstm_error *error)
{
	const struct samples *samples = &t->samples;
	if (t->config.scores == NULL || t->config.scores->asks)
		return 0;
	size_t outputs = samples_frames(&samples->shape) * (size_t)samples->shape.width;
	size_t most = samples->n_validation > samples->n_test ? samples->n_validation : samples->n_test;
	most = most > (size_t)t->config.batch_size ? most : (size_t)t->config.batch_size;
	t->seen = malloc(samples->n_train * outputs * sizeof *t->seen);
	t->said = malloc(most * outputs * sizeof *t->said);
	if (t->seen == NULL || t->said == NULL)
		return error_set(error, ERR_OUT_OF_MEMORY, "", "out of memory");
	pass_keep_outputs(t->pass, t->said);
	return 0;
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
	                                 .seed = config->seed,
	                                 .options = config->options};
	if (rc == 0)
		rc = pass_new(&t->pass, &pass, error);
	if (rc == 0)
		rc = optimizer_new(&t->optimizer, &config->optimizer, model_params(model)->size, error);
	if (rc == 0)
		rc = trainer_open_groups(t, error);
	if (rc == 0)
		rc = trainer_open_gradients(t, error);
	if (rc == 0)
		rc = trainer_open_scores(t, error);
	if (rc == 0)
		rc = batches_open(&t->batches, samples.n_train, (size_t)config->batch_size, config->shuffle,
		                  config->seed, error);
	if (config->bucket && samples.length != NULL)
		t->batches.by_length = &t->samples;
	if (rc != 0)
		goto fail;
	t->best_loss = INFINITY;
	schedule_start(&t->schedule, &config->schedule);
	t->history = calloc((size_t)config->epochs, sizeof *t->history);
	if (t->history == NULL || !trainer_open_kept(t)) {
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
	trainer_close_kept(t);
	batches_close(&t->batches);
	free(t->gradients.squares);
	free(t->seen);
	free(t->said);
	free(t->history);
	free(t);
}

double trainer_choosing_loss(const struct trainer *t, const struct epoch_metrics *row)
{
	return row->values[t->choosing];
}

const char *trainer_best_by(const struct trainer *t)
{
	return t->names[t->choosing];
}

bool trainer_has_stopped(const struct trainer *t)
{
	if (t->epochs_done >= t->config.epochs)
		return true;
	if (t->epochs_done == 0)
		return false;
	bool waited = t->config.patience > 0 && t->epochs_done - t->best_epoch >= t->config.patience;
	return waited || trainer_choosing_loss(t, &t->history[t->epochs_done - 1]) < t->config.stop_loss;
}

void trainer_note(struct trainer *t, const struct epoch_metrics *row)
{
	double loss = trainer_choosing_loss(t, row);
	schedule_note(&t->schedule, loss);
	if (loss < t->best_loss) {
		t->best_loss = loss;
		t->best_epoch = row->epoch;
	}
}

int trainer_epochs_done(const struct trainer *t)
{
	return t->epochs_done;
}

const struct epoch_metrics *trainer_history(const struct trainer *t)
{
	return t->history;
}

struct trainer_gradients trainer_gradients(const struct trainer *t)
{
	return (struct trainer_gradients){.epoch = t->gradients.epoch,
	                                  .norms = t->gradients.norms,
	                                  .largest = t->gradients.largest,
	                                  .quantum = t->gradients.kinds[1],
	                                  .classical = t->gradients.kinds[0]};
}

static int check_samples(const struct trainer *t, size_t first, size_t count, struct qlstm_error *error)
{
	size_t all = samples_count(&t->samples);
	if (first > all || count > all - first)
		return error_set(error, ERR_OUT_OF_RANGE, "", "samples %zu to %zu do not exist", first, first + count);
	return 0;
}

int trainer_predict(struct trainer *t, size_t first, size_t count, double *y, struct qlstm_error *error)
{
	int rc = check_samples(t, first, count, error);
	if (rc == 0)
		pass_predict(t->pass, first, count, y);
	return rc;
}

int trainer_predict_streams(struct trainer *t, size_t first, size_t count, double *y,
                            void (*said)(void *context, size_t first, size_t count, double *y), void *context,
                            struct qlstm_error *error)
{
	int rc = check_samples(t, first, count, error);
	if (rc == 0)
		pass_predict_streams(t->pass, first, count, y, said, context);
	return rc;
}

int trainer_draw(struct trainer *t, size_t first, size_t count, double *words, struct qlstm_error *error)
{
	if (!model_measures_words(t->model))
		return error_set(error, ERR_CONFLICT, "", "the model measures no words");
	int rc = check_samples(t, first, count, error);
	if (rc == 0)
		pass_draw(t->pass, first, count, words);
	return rc;
}
