/* A replica: what a member of the team has of the model, and what it does with a slice; see pass_state.h. */
#include <stdlib.h>

#include "engine/train/pass_state.h"

static int replica_tick(void *context)
{
	struct replica *replica = context;
	if (replica == replica->pass->replicas)
		pass_tick(replica->pass);
	return atomic_load(&replica->pass->abandoned);
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

int replica_open(struct replica *replica, struct pass *pass, struct qlstm_error *error)
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

void replica_close(struct replica *replica)
{
	if (replica->model != replica->pass->config.model)
		model_free(replica->model);
	free(replica->x);
	free(replica->lengths);
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

/* What the model said of the slice, to where the task wants it. */
static void replica_say(const struct replica *replica, const struct pass_task *task, size_t first)
{
	size_t n = replica->rows.batch, frames = replica->rows.frames, outputs = pass_outputs(replica->pass);
	size_t said = frames * replica->rows.width; /* of which shorter samples have fewer */
	for (size_t b = 0; task->predictions != NULL && b < n; b++)
		for (size_t k = 0; k < said; k++)
			task->predictions[(first + b) * outputs + k] = replica->y[k * n + b];
	for (size_t b = 0; task->words != NULL && b < n; b++)
		for (size_t k = 0; k < frames; k++)
			task->words[(first + b) * frames + k] = replica->outcomes[k * n + b];
}

void replica_run(struct replica *replica, const struct pass_task *task, size_t part)
{
	struct pass *pass = task->pass;
	size_t first = part * task->slice, left = task->count - first;
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
	if (!model_abandoned(replica->model))
		replica_say(replica, task, first);
}
