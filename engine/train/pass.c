/* Passes over samples; see pass.h. */
#include "engine/train/pass.h"

#include <stdlib.h>
#include <string.h>

#include "engine/train/pass_state.h"

/* Gradients that one part of the sum over slices adds up. */
#define SUM_RANGE 8192

void pass_tick(void *context)
{
	struct pass *pass = context;
	if (pass->watch != NULL && pass->watch(pass->watch_context) != 0)
		atomic_store(&pass->abandoned, true);
}

/* Replicas compile their plans side by side: that takes up to a second for deep circuits on many wires. */
static void replica_part(void *context, size_t part, int member)
{
	(void)member;
	struct pass *pass = context;
	replica_open(&pass->replicas[part], pass, &pass->replicas[part].error);
}

static int pass_open_replicas(struct pass *pass, size_t count, struct qlstm_error *error)
{
	pass->replicas = calloc(count, sizeof *pass->replicas);
	if (pass->replicas == NULL)
		return error_set(error, ERR_OUT_OF_MEMORY, "", "out of memory");
	pass->n_replicas = (int)count;
	team_run(pass->config.team, replica_part, pass, count);
	for (size_t k = 0; k < count; k++) {
		const struct qlstm_error *own = &pass->replicas[k].error;
		if (own->code != 0)
			return error_set(error, own->code, own->pointer, "%s", own->message);
	}
	return 0;
}

static void pass_close_replicas(struct pass *pass)
{
	for (int k = 0; k < pass->n_replicas; k++)
		replica_close(&pass->replicas[k]);
	free(pass->replicas);
}

/* What goes on from batch to batch. */
static int pass_open_states(struct pass *pass, struct qlstm_error *error)
{
	size_t streams = (size_t)pass->config.samples.shape.streams;
	if (streams == 0)
		return 0;
	int rc = model_carried(pass->config.model, &pass->carried, error);
	if (rc == 0 && (size_t)pass->config.batch != streams)
		rc = error_set(error, ERR_INVALID, "/batch_size", "batch_size is %d; the text is cut into %zu streams",
		               pass->config.batch, streams);
	for (int k = 0; rc == 0 && k < 2; k++) {
		pass->states[k] = calloc(pass->carried * streams + 1, sizeof(double));
		if (pass->states[k] == NULL)
			rc = error_set(error, ERR_OUT_OF_MEMORY, "", "out of memory");
	}
	return rc;
}

/* A replica for each member that can have something to do, and what the slices leave behind. */
static int pass_open(struct pass *pass, struct qlstm_error *error)
{
	int rc = pass_open_states(pass, error);
	if (rc != 0)
		return rc;
	const struct samples *samples = &pass->config.samples;
	const struct params *params = model_params(pass->config.model);
	bool shared = model_set_team(pass->config.model, pass->config.team);
	size_t count = samples_count(samples);
	pass->n_slices = ((size_t)pass->config.batch + pass->slice - 1) / pass->slice;
	size_t most = larger(pass->n_slices, count / pass->evaluation_slice + 1), members = 1;
	if (!shared && most > 1)
		members = (size_t)team_threads(pass->config.team);
	pass->slices = malloc(most * sizeof *pass->slices);
	if (pass->slices == NULL)
		return error_set(error, ERR_OUT_OF_MEMORY, "", "out of memory");
	pass->gradients[0] = params->gradients;
	for (size_t k = 1; k < pass->n_slices; k++) {
		pass->gradients[k] = malloc(params_elements(params) * sizeof(double));
		if (pass->gradients[k] == NULL)
			return error_set(error, ERR_OUT_OF_MEMORY, "", "out of memory");
	}
	return pass_open_replicas(pass, members, error);
}

/* Whether the loss takes the samples' targets, and the model has their inputs and outputs. */
static int check_fit(const struct pass_config *config, struct qlstm_error *error)
{
	const struct samples_shape *shape = &config->samples.shape;
	const struct model_config *model = model_config(config->model);
	if (model_measures_words(config->model) != (shape->target == TARGET_WORDS))
		return error_set(error, ERR_INVALID, "", "%s",
		                 shape->target == TARGET_WORDS ? "the targets are words; the model does not measure any"
		                                               : "the model measures words; the targets are none");
	if (config->loss->takes != shape->target)
		return error_set(error, ERR_INVALID, "/loss", "loss '%s' takes %s, the targets are %s",
		                 config->loss->name, target_kind_name(config->loss->takes),
		                 target_kind_name(shape->target));
	if (config->samples.length != NULL && !model->ragged)
		return error_set(error, ERR_INVALID, "",
		                 "the samples have lengths of their own; the model takes one length");
	if (model->n_inputs != shape->n_inputs || model->n_outputs != shape->width ||
	    (model->output == MODEL_OUTPUT_SEQUENCE) != shape->per_step)
		return error_set(
		    error, ERR_INVALID, "",
		    "the model takes %d numbers a step and gives %d %s; the samples have %d and need %d %s",
		    model->n_inputs, model->n_outputs, model->output == MODEL_OUTPUT_SEQUENCE ? "a step" : "in all",
		    shape->n_inputs, shape->width, shape->per_step ? "a step" : "in all");
	return 0;
}

int pass_new(struct pass **out, const struct pass_config *config, struct qlstm_error *error)
{
	*out = NULL;
	int rc = check_fit(config, error);
	if (rc == 0)
		rc = model_prepare(config->model, error);
	if (rc != 0)
		return rc;
	struct pass *pass = calloc(1, sizeof *pass);
	if (pass == NULL)
		return error_set(error, ERR_OUT_OF_MEMORY, "", "out of memory");
	pass->config = *config;
	int steps = config->samples.shape.steps;
	pass->slice = slices_size(config->model, steps, config->batch, true);
	bool streams = config->samples.shape.streams > 0;
	int most = streams ? config->batch : slices_evaluation_batch(config->batch);
	pass->evaluation_slice = slices_size(config->model, steps, most, false);
	rc = pass_open(pass, error);
	if (rc != 0) {
		pass_free(pass);
		return rc;
	}
	team_while_waiting(config->team, pass_tick, pass);
	*out = pass;
	return 0;
}

void pass_free(struct pass *pass)
{
	if (pass == NULL)
		return;
	team_while_waiting(pass->config.team, NULL, NULL);
	pass_close_replicas(pass);
	for (size_t k = 1; k < pass->n_slices && k < SLICES_MAX; k++)
		free(pass->gradients[k]);
	free(pass->slices);
	free(pass->states[0]);
	free(pass->states[1]);
	free(pass);
}

void pass_watch(struct pass *pass, model_watch_fn watch, void *context)
{
	pass->watch = watch;
	pass->watch_context = context;
	atomic_store(&pass->abandoned, false); /* or whoever runs the model next would be stopped by its last pass */
}

bool pass_abandoned(const struct pass *pass)
{
	return atomic_load(&pass->abandoned);
}

static void pass_part(void *context, size_t part, int member)
{
	const struct pass_task *task = context;
	if (!pass_abandoned(task->pass))
		replica_run(&task->pass->replicas[member], task, part);
}

/* Adds up the slices, in their order. */
static void pass_add_up(struct pass *pass, size_t parts)
{
	const struct metric *metric;
	for (int m = 0; (metric = metric_for(pass->config.samples.shape.target, m)) != NULL; m++)
		pass->sums.metrics[m] = metric_none(metric);
	for (size_t k = 0; k < parts; k++) {
		pass->sums.loss += pass->slices[k].loss;
		for (int m = 0; (metric = metric_for(pass->config.samples.shape.target, m)) != NULL; m++)
			pass->sums.metrics[m] = metric_join(metric, pass->sums.metrics[m], pass->slices[k].metrics[m]);
	}
}

static void pass_run_once(struct pass *pass, struct pass_task task)
{
	const struct samples *samples = &pass->config.samples;
	size_t parts = (task.count + task.slice - 1) / task.slice;
	size_t rows = samples_count_rows(samples, task.order, task.first, task.count);
	size_t terms = loss_terms(pass->config.loss, rows, (size_t)samples->shape.width);
	pass->sums = (struct pass_sums){.terms = terms, .rows = rows};
	task.pass = pass;
	task.scale = terms > 0 ? 1.0 / (double)terms : 0.0;
	atomic_store(&pass->abandoned, false);
	if (pass->n_replicas > 1)
		team_run(pass->config.team, pass_part, &task, parts);
	else
		for (size_t k = 0; k < parts; k++)
			pass_part(&task, k, 0);
	if (!pass_abandoned(pass))
		pass_add_up(pass, parts);
}

/* Samples that go on where others end are seen one batch after the other. */
static void pass_run(struct pass *pass, const struct pass_task *task)
{
	size_t streams = (size_t)pass->config.samples.shape.streams, outputs = pass_outputs(pass);
	const struct metric *metric;
	struct pass_sums sums = {0};
	if (streams == 0 || task->gradient) {
		pass_run_once(pass, *task);
		return;
	}
	memset(pass->states[0], 0, pass->carried * streams * sizeof(double));
	for (int m = 0; (metric = metric_for(pass->config.samples.shape.target, m)) != NULL; m++)
		sums.metrics[m] = metric_none(metric);
	for (size_t done = 0; done < task->count; done += streams) {
		struct pass_task part = *task;
		part.first += done;
		part.count = task->count - done < streams ? task->count - done : streams;
		if (task->predictions != NULL && task->said == NULL)
			part.predictions += done * outputs;
		pass_run_once(pass, part);
		if (pass_abandoned(pass))
			return;
		if (task->said != NULL)
			task->said(task->context, part.first, part.count, part.predictions);
		sums.loss += pass->sums.loss;
		sums.terms += pass->sums.terms;
		sums.rows += pass->sums.rows;
		for (int m = 0; (metric = metric_for(pass->config.samples.shape.target, m)) != NULL; m++)
			sums.metrics[m] = metric_join(metric, sums.metrics[m], pass->sums.metrics[m]);
	}
	pass->sums = sums;
}

void pass_restart(struct pass *pass)
{
	size_t streams = (size_t)pass->config.samples.shape.streams;
	if (streams > 0)
		memset(pass->states[1], 0, pass->carried * streams * sizeof(double));
}

/* Adds one range of all slices' gradients to the first slice's. */
static void pass_sum_part(void *context, size_t part, int member)
{
	(void)member;
	const struct pass_task *task = context;
	struct pass *pass = task->pass;
	size_t size = params_elements(model_params(pass->config.model)), first = part * SUM_RANGE;
	size_t end = first + SUM_RANGE < size ? first + SUM_RANGE : size;
	size_t slices = (task->count + task->slice - 1) / task->slice;
	for (size_t k = 1; k < slices; k++)
		for (size_t i = first; i < end; i++)
			pass->gradients[0][i] += pass->gradients[k][i];
}

double pass_train(struct pass *pass, int epoch, const size_t *order, size_t count)
{
	struct pass_task task = {.pass = pass,
	                         .order = order,
	                         .count = count,
	                         .slice = pass->slice,
	                         .gradient = true,
	                         .epoch = (uint32_t)epoch,
	                         .predictions = pass->outputs};
	pass_run(pass, &task);
	size_t size = params_elements(model_params(pass->config.model));
	if (count > pass->slice && !pass_abandoned(pass))
		team_run(pass->config.team, pass_sum_part, &task, (size + SUM_RANGE - 1) / SUM_RANGE);
	return pass->sums.terms > 0 ? pass->sums.loss / (double)pass->sums.terms : 0.0;
}

void pass_keep_outputs(struct pass *pass, double *y)
{
	pass->outputs = y;
}

double pass_loss(struct pass *pass, size_t first, size_t count)
{
	const struct pass_task task = {.first = first, .count = count, .slice = pass->evaluation_slice};
	pass_run(pass, &task);
	return pass->sums.loss;
}

struct pass_sums pass_sums(const struct pass *pass)
{
	return pass->sums;
}

void pass_predict(struct pass *pass, size_t first, size_t count, double *y)
{
	const struct pass_task task = {
	    .first = first, .count = count, .slice = pass->evaluation_slice, .predictions = y};
	pass_run(pass, &task);
}

void pass_predict_streams(struct pass *pass, size_t first, size_t count, double *y, pass_said_fn said, void *context)
{
	const struct pass_task task = {.first = first,
	                               .count = count,
	                               .slice = pass->evaluation_slice,
	                               .predictions = y,
	                               .said = said,
	                               .context = context};
	pass_run(pass, &task);
}

void pass_draw(struct pass *pass, size_t first, size_t count, double *words)
{
	const struct pass_task task = {.first = first, .count = count, .slice = pass->evaluation_slice, .words = words};
	pass_run(pass, &task);
}
