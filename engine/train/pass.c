/* Passes over samples; see pass.h. */
#include "engine/train/pass.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

/* Samples evaluated in one go when nothing is trained and the batch is smaller. */
#define EVALUATION_BATCH 64
/* A slice is worth the hand-over when it takes this long, by the model's estimate. */
#define SLICE_SECONDS 100e-6
#define SLICES_MAX    16
/* What the slices' gradients may take, unless that is less than two of them. */
#define GRADIENTS_BYTES ((size_t)256 << 20)
/* Gradients that one part of the sum over slices adds up. */
#define SUM_RANGE 8192

/* What a member of the team works with. */
struct replica {
	struct qlstm_error error; /* of opening it */
	struct pass *pass;
	struct model *model; /* replica 0: the pass's own; others: replicas of it */
	struct rows rows;    /* of the slice at hand; reads y, target and mask */
	double *x;           /* [steps][n_inputs][slice] */
	double *y, *dy;      /* [frames][outputs][slice] */
	double *target;      /* as samples_batch, likewise mask; NULL without one */
	double *mask;
	double *outcomes;   /* words [frames][slice]; NULL without */
	int steps;          /* of the slice at hand */
	int *lengths;       /* [slice], of samples that have their own; NULL */
	int *said_lengths;  /* likewise, of what is said by a model with a decoder */
	struct carry carry; /* of samples that go on: the slice's streams */
	struct word_guide guide;
};

struct pass {
	struct pass_config config;
	size_t slice, evaluation_slice; /* samples */
	size_t n_slices;                /* of a full batch */
	struct replica *replicas;
	int n_replicas;
	double *gradients[SLICES_MAX]; /* of slice k; the first is the model's own block */
	struct pass_sums *slices;      /* of slice k */
	struct pass_sums sums;         /* of the last pass */
	double *outputs;               /* of pass_train; NULL: not wanted */
	size_t carried;                /* rows of state that go on from batch to batch */
	double *states[2];             /* [carried][streams] of passes that do not train, and that do */
	model_watch_fn watch;
	void *watch_context;
	atomic_bool abandoned;
};

/* What team_run is handed. */
struct pass_task {
	struct pass *pass;
	const size_t *order; /* NULL: samples first, first + 1, ... */
	size_t first, count, slice;
	bool gradient;
	uint32_t epoch;      /* with gradient */
	double scale;        /* likewise: 1 / terms of the whole batch's loss */
	double *predictions; /* [count][frames][outputs]; NULL: not wanted */
	pass_said_fn said;   /* of streams: who has them each time; predictions are of one batch then */
	void *context;
	double *words; /* [count][frames] outcomes, likewise */
};

/* Slices that there may be of a model with so many parameters. */
static size_t slices_most(size_t parameters)
{
	size_t most = GRADIENTS_BYTES / (sizeof(double) * (parameters + 1));
	most = most > 2 ? most : 2;
	return most < SLICES_MAX ? most : SLICES_MAX;
}

/* How many samples to cut from a batch of `batch`, one that is trained on or not. */
static size_t slice_size(struct model *model, int steps, int batch, bool training)
{
	double seconds = 0.0;
	model_estimate(model, steps, batch, &seconds, NULL);
	double slices = seconds / SLICE_SECONDS;
	size_t lanes = (size_t)model_batch_multiple(model), most = slices_most(params_elements(model_params(model)));
	size_t n = (size_t)batch;
	size_t count = slices < (double)most ? (size_t)slices : most;
	if (count < 2 || model_shares_samples(model) || (training && model_wants_whole_batches(model)))
		return n;
	return ((n + count - 1) / count + lanes - 1) / lanes * lanes;
}

/* Samples of the batches that are evaluated. */
static int evaluation_batch(int batch)
{
	return batch < EVALUATION_BATCH ? EVALUATION_BATCH : batch;
}

static size_t larger(size_t a, size_t b)
{
	return a > b ? a : b;
}

/* In the caller's thread. */
static void pass_tick(void *context)
{
	struct pass *pass = context;
	if (pass->watch != NULL && pass->watch(pass->watch_context) != 0)
		atomic_store(&pass->abandoned, true);
}

static int replica_tick(void *context)
{
	struct replica *replica = context;
	if (replica == replica->pass->replicas)
		pass_tick(replica->pass);
	return atomic_load(&replica->pass->abandoned);
}

static size_t pass_outputs(const struct pass *pass)
{
	return samples_frames(&pass->config.samples.shape) * (size_t)pass->config.samples.shape.width;
}

/* One allocation for all that a replica holds of a slice. */
static int replica_allocate(struct replica *replica, size_t slice, struct qlstm_error *error)
{
	const struct samples_shape *shape = &replica->pass->config.samples.shape;
	size_t frame = (size_t)shape->steps * (size_t)shape->n_inputs, outputs = pass_outputs(replica->pass);
	size_t target = samples_target_size(shape), mask = shape->masked ? samples_frames(shape) : 0;
	size_t outcomes = shape->target == TARGET_WORDS ? samples_frames(shape) : 0;
	replica->x = malloc((frame + 2 * outputs + target + mask + outcomes) * slice * sizeof(double));
	if (replica->x == NULL)
		return error_set(error, ERR_OUT_OF_MEMORY, "", "out of memory");
	if (replica->pass->config.samples.length != NULL) {
		replica->lengths = malloc(2 * slice * sizeof *replica->lengths);
		if (replica->lengths == NULL)
			return error_set(error, ERR_OUT_OF_MEMORY, "", "out of memory");
		replica->said_lengths = replica->lengths + slice;
	}
	replica->y = replica->x + frame * slice;
	replica->target = replica->y + outputs * slice;
	replica->dy = replica->target + target * slice;
	replica->mask = mask > 0 ? replica->dy + outputs * slice : NULL;
	replica->outcomes = outcomes > 0 ? replica->dy + (outputs + mask) * slice : NULL;
	replica->rows = (struct rows){.frames = samples_frames(shape),
	                              .width = (size_t)shape->width,
	                              .prediction = replica->y,
	                              .target = replica->target,
	                              .mask = replica->mask,
	                              .outcomes = replica->outcomes,
	                              .options = &replica->pass->config.options};
	return 0;
}

static int replica_open(struct replica *replica, struct pass *pass, struct qlstm_error *error)
{
	size_t slice = larger(pass->slice, pass->evaluation_slice);
	int rc = 0;
	replica->pass = pass;
	if (replica == pass->replicas)
		replica->model = pass->config.model;
	else
		rc = model_new_replica(&replica->model, pass->config.model, error);
	if (rc == 0)
		rc = model_reserve(replica->model, pass->config.samples.shape.steps, (int)slice, error);
	return rc == 0 ? replica_allocate(replica, slice, error) : rc;
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

/* The first replica's model is the caller's. */
static void pass_close_replicas(struct pass *pass)
{
	for (int k = 0; k < pass->n_replicas; k++) {
		if (k > 0)
			model_free(pass->replicas[k].model);
		free(pass->replicas[k].x);
		free(pass->replicas[k].lengths);
	}
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
	pass->slice = slice_size(config->model, steps, config->batch, true);
	bool streams = config->samples.shape.streams > 0;
	int most = streams ? config->batch : evaluation_batch(config->batch);
	pass->evaluation_slice = slice_size(config->model, steps, most, false);
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

size_t pass_held(struct model *model, int steps, int batch)
{
	return larger(slice_size(model, steps, batch, true), slice_size(model, steps, evaluation_batch(batch), false));
}

size_t pass_bytes(struct model *model, int steps, int batch, int threads)
{
	size_t parameters = params_elements(model_params(model)), held = pass_held(model, steps, batch);
	size_t slice = slice_size(model, steps, batch, true), slices = ((size_t)batch + slice - 1) / slice;
	bool cut = slices > 1 || held < (size_t)evaluation_batch(batch);
	return model_bytes(model, steps, (int)held * (cut ? threads : 1), threads) +
	       (slices - 1) * parameters * sizeof(double);
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

/* Of a model with a decoder: each target ends with the last step that counts. */
static void replica_say_lengths(struct replica *replica, size_t count)
{
	if (!model_decodes(replica->model) || replica->mask == NULL || replica->said_lengths == NULL)
		return;
	for (size_t b = 0; b < count; b++) {
		int end = replica->steps;
		while (end > 1 && replica->mask[(size_t)(end - 1) * count + b] == 0.0)
			end--;
		replica->said_lengths[b] = end;
	}
	model_said_lengths(replica->model, replica->said_lengths);
}

/* The slice's samples into x, target and mask. */
static void replica_gather(struct replica *replica, const struct pass_task *task, size_t first, size_t count)
{
	const struct samples *samples = &replica->pass->config.samples;
	const size_t *order = task->order != NULL ? task->order + first : NULL;
	replica->steps = samples_steps(samples, order, task->first + first, count);
	const struct samples_batch batch = {.x = replica->x,
	                                    .target = replica->target,
	                                    .mask = replica->mask,
	                                    .steps = replica->steps,
	                                    .lengths = replica->lengths};
	samples->gather(samples->self, order, task->first + first, count, &batch);
	replica->rows.batch = count;
	if (samples->shape.per_step)
		replica->rows.frames = (size_t)replica->steps;
	model_lengths(replica->model, replica->lengths);
	replica_say_lengths(replica, count);
	if (samples->shape.streams == 0)
		return;
	replica->carry = (struct carry){
	    .states = replica->pass->states[task->gradient], .streams = (size_t)samples->shape.streams, .first = first};
	model_carry(replica->model, &replica->carry);
}

/* What the model is told of the slice, whose first sample is at `first` of the task's: by which samples layers draw,
 * and of words which there are. */
static void replica_guide(struct replica *replica, const struct pass_task *task, size_t first)
{
	bool words = replica->outcomes != NULL;
	replica->rows.training = words && task->gradient;
	replica->rows.measured = words && model_draws_words(replica->model);
	replica->guide = (struct word_guide){.words = words ? replica->target : NULL,
	                                     .mask = words ? replica->mask : NULL,
	                                     .outcomes = replica->outcomes,
	                                     .seed = replica->pass->config.seed,
	                                     .order = task->order != NULL ? task->order + first : NULL,
	                                     .first = task->first + first};
	model_guide(replica->model, &replica->guide);
}

/* What the slice's rows add to the loss and the metrics. */
static void replica_sum(const struct replica *replica, struct pass_sums *sums)
{
	const struct pass_config *config = &replica->pass->config;
	const struct metric *metric;
	*sums = (struct pass_sums){.loss = config->loss->sum(&replica->rows)};
	for (int k = 0; (metric = metric_for(config->samples.shape.target, k)) != NULL; k++)
		sums->metrics[k] = metric->sum(&replica->rows);
}

/* One slice, already gathered: its loss, and its gradient in gradients[part]. */
static void replica_train(struct replica *replica, const struct pass_task *task, size_t part)
{
	struct pass *pass = replica->pass;
	size_t first = part * task->slice;
	int steps = replica->steps, count = (int)replica->rows.batch;
	const struct training_context training = {.seed = pass->config.seed,
	                                          .epoch = task->epoch,
	                                          .order = task->order != NULL ? task->order + first : NULL,
	                                          .first = first};
	model_set_gradients(replica->model, pass->gradients[part]);
	params_zero_gradients(model_params(replica->model));
	model_forward_training(replica->model, &training, replica->x, steps, count, replica->y);
	if (!model_abandoned(replica->model)) {
		replica_sum(replica, &pass->slices[part]);
		pass->config.loss->backward(&replica->rows, task->scale, replica->dy);
		model_backward(replica->model, replica->dy, NULL);
	}
	model_set_gradients(replica->model, NULL);
}

static void pass_part(void *context, size_t part, int member)
{
	const struct pass_task *task = context;
	struct pass *pass = task->pass;
	struct replica *replica = &pass->replicas[member];
	if (pass_abandoned(pass))
		return;
	size_t first = part * task->slice, left = task->count - first, outputs = pass_outputs(pass);
	size_t n = left < task->slice ? left : task->slice;
	replica_gather(replica, task, first, n);
	replica_guide(replica, task, first);
	model_watch(replica->model, pass->watch != NULL ? replica_tick : NULL, replica);
	if (task->gradient) {
		replica_train(replica, task, part);
	} else {
		model_forward(replica->model, replica->x, replica->steps, (int)n, replica->y);
		if (!model_abandoned(replica->model))
			replica_sum(replica, &pass->slices[part]);
	}
	if (model_abandoned(replica->model))
		return;
	size_t said = replica->rows.frames * replica->rows.width; /* of which shorter samples have fewer */
	for (size_t b = 0; task->predictions != NULL && b < n; b++)
		for (size_t k = 0; k < said; k++)
			task->predictions[(first + b) * outputs + k] = replica->y[k * n + b];
	size_t frames = replica->rows.frames;
	for (size_t b = 0; task->words != NULL && b < n; b++)
		for (size_t k = 0; k < frames; k++)
			task->words[(first + b) * frames + k] = replica->outcomes[k * n + b];
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
