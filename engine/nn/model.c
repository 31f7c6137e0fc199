/* The model: a stack of layers, their parameters and their activations. */
#include "engine/nn/model.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/nn/block.h"
#include "engine/nn/model_state.h"

static const struct {
	const char *type;
	const struct layer_ops *ops;
	bool recurrent;
} layer_types[] = {
    {"qlstm", &recurrent_ops, true},
    {"lstm", &recurrent_ops, true},
    {"dense", &dense_ops, false},
};

#define LAYER_TYPES (sizeof layer_types / sizeof layer_types[0])

bool layer_is_recurrent(const struct layer_config *config)
{
	for (size_t k = 0; k < LAYER_TYPES; k++)
		if (strcmp(layer_types[k].type, config->type) == 0)
			return layer_types[k].recurrent;
	return false;
}

const struct layer_ops *layer_find(const struct layer_config *config)
{
	for (size_t k = 0; k < LAYER_TYPES; k++)
		if (strcmp(layer_types[k].type, config->type) == 0)
			return layer_types[k].ops;
	return NULL;
}

/* Checks layer k and finds its output width. */
static int model_check_layer(const struct model_config *config, int k, int n_in, int *n_out, struct qlstm_error *error)
{
	const struct layer_config *layer = &config->layers[k];
	const struct layer_ops *ops = layer_find(layer);
	struct qlstm_error local = {0};
	int rc = ops != NULL ? ops->check(layer, n_in, n_out, &local)
	                     : error_set(&local, ERR_NOT_FOUND, "/type", "unknown layer type '%s'", layer->type);
	if (rc != 0) {
		char prefix[32];
		snprintf(prefix, sizeof prefix, "/layers/%d", k);
		error_prefix(&local, prefix);
		error_set(error, local.code, local.pointer, "%s", local.message);
	}
	return rc;
}

int model_check(const struct model_config *config, struct qlstm_error *error)
{
	if (config->n_layers < 1 || config->n_layers > MODEL_MAX_LAYERS)
		return error_set(error, ERR_OUT_OF_RANGE, "/layers", "the model has %d layers; allowed are 1 to %d",
		                 config->n_layers, MODEL_MAX_LAYERS);
	int width = config->n_inputs, recurrent = 0;
	for (int k = 0; k < config->n_layers; k++) {
		int n_out = 0, rc = model_check_layer(config, k, width, &n_out, error);
		if (rc != 0)
			return rc;
		width = n_out;
		recurrent += layer_is_recurrent(&config->layers[k]);
	}
	if (recurrent == 0)
		return error_set(error, ERR_INVALID, "/layers", "the model needs at least one recurrent layer");
	if (layer_is_recurrent(&config->layers[config->n_layers - 1]))
		return error_set(error, ERR_INVALID, "/layers", "the last layer must be dense");
	if (width != config->n_outputs) {
		char pointer[40];
		snprintf(pointer, sizeof pointer, "/layers/%d/units", config->n_layers - 1);
		return error_set(error, ERR_INVALID, pointer, "units of the last layer is %d; there are %d targets",
		                 width, config->n_outputs);
	}
	return 0;
}

static int model_open_layers(struct model *model, struct qlstm_error *error)
{
	int width = model->config.n_inputs;
	for (int k = 0; k < model->config.n_layers; k++) {
		struct layer *layer = &model->layers[k];
		layer->config = model->config.layers[k];
		layer->params = &model->params;
		layer->watch = &model->watch;
		layer->n_in = width;
		snprintf(layer->name, sizeof layer->name, "layers.%d", k);
		if (layer_is_recurrent(&layer->config))
			model->last_recurrent = k;
		int rc = model_check_layer(&model->config, k, width, &layer->n_out, error);
		if (rc == 0) {
			layer->ops = layer_find(&layer->config);
			rc = layer->ops->open(layer, error);
		}
		if (rc != 0)
			return rc;
		width = layer->n_out;
	}
	model->layers[model->last_recurrent].final_only = true;
	return 0;
}

int model_new(struct model **out, const struct model_config *config, struct qlstm_error *error)
{
	int rc = model_check(config, error);
	if (rc != 0)
		return rc;
	struct model *model = calloc(1, sizeof *model);
	if (model == NULL)
		return error_set(error, ERR_OUT_OF_MEMORY, "", "out of memory");
	model->config = *config;
	rc = model_open_layers(model, error);
	if (rc == 0)
		rc = params_allocate(&model->params, error);
	if (rc != 0) {
		model_free(model);
		return rc;
	}
	*out = model;
	return 0;
}

int model_new_replica(struct model **out, struct model *of, struct qlstm_error *error)
{
	int rc = model_new(out, &of->config, error);
	if (rc != 0)
		return rc;
	params_share_values(&(*out)->params, &of->params);
	return 0;
}

void model_free(struct model *model)
{
	if (model == NULL)
		return;
	for (int k = 0; k < model->config.n_layers; k++)
		if (model->layers[k].ops != NULL)
			model->layers[k].ops->close(&model->layers[k]);
	params_free(&model->params);
	free(model->memory);
	free(model);
}

const struct model_config *model_config(const struct model *model)
{
	return &model->config;
}

struct params *model_params(struct model *model)
{
	return &model->params;
}

/* Layers after the last recurrent one see one frame. */
void model_deal(struct model *model, struct block *block, int steps, int batch)
{
	size_t n = (size_t)batch;
	for (int k = 0; k < model->config.n_layers; k++) {
		struct layer *layer = &model->layers[k];
		size_t frames_in = k <= model->last_recurrent ? (size_t)steps : 1;
		size_t frames_out = k < model->last_recurrent ? (size_t)steps : 1;
		model->gradients[k] = k > 0 ? block_take(block, frames_in * (size_t)layer->n_in * n) : NULL;
		model->outputs[k] = block_take(block, frames_out * (size_t)layer->n_out * n);
		layer->ops->deal(layer, block, steps, batch);
	}
}

/* Elements of all activations. Counting loses the layers' arrays, so they are dealt again where there are any. */
size_t model_activations(struct model *model, int steps, int batch)
{
	struct block count = {0}, dealt = {.base = model->memory};
	model_deal(model, &count, steps, batch);
	if (model->memory != NULL)
		model_deal(model, &dealt, model->reserved_steps, model->reserved_batch);
	return count.used;
}

bool model_set_team(struct model *model, struct team *team)
{
	bool taken = false;
	for (int k = 0; k < model->config.n_layers; k++) {
		const struct layer *layer = &model->layers[k];
		struct plan *plan;
		for (int i = 0; layer->ops->plan_at != NULL && (plan = layer->ops->plan_at(layer, i)) != NULL; i++)
			taken = plan_set_team(plan, team) || taken;
	}
	return taken;
}

int model_prepare(struct model *model, struct qlstm_error *error)
{
	const struct plan_request plans = model_plans(&model->config);
	for (int k = 0; k < model->config.n_layers; k++) {
		int rc = model->layers[k].ops->prepare(&model->layers[k], &plans, error);
		if (rc != 0)
			return rc;
	}
	return 0;
}

int model_reserve(struct model *model, int steps, int batch, struct qlstm_error *error)
{
	if (steps <= model->reserved_steps && batch <= model->reserved_batch)
		return 0;
	steps = steps > model->reserved_steps ? steps : model->reserved_steps;
	batch = batch > model->reserved_batch ? batch : model->reserved_batch;
	int rc = model_prepare(model, error);
	if (rc != 0)
		return rc;
	size_t bytes = (model_activations(model, steps, batch) * sizeof(double) + 63) / 64 * 64;
	double *memory = aligned_alloc(64, bytes);
	if (memory == NULL)
		return error_set(error, ERR_OUT_OF_MEMORY, "", "%zu bytes for activations cannot be had", bytes);
	memset(memory, 0, bytes);
	free(model->memory);
	model->memory = memory;
	struct block block = {.base = memory};
	model_deal(model, &block, steps, batch);
	model->reserved_steps = steps;
	model->reserved_batch = batch;
	return 0;
}

void model_forward(struct model *model, const double *x, int steps, int batch, double *y)
{
	model->x = x;
	model->steps = steps;
	model->batch = batch;
	model->watch.abandoned = false;
	const double *in = x;
	for (int k = 0; k < model->config.n_layers && !model->watch.abandoned; k++) {
		struct layer *layer = &model->layers[k];
		int frames = k <= model->last_recurrent ? steps : 1;
		layer->ops->forward(layer, in, frames, batch, model->outputs[k]);
		in = model->outputs[k];
	}
	memcpy(y, in, (size_t)model->config.n_outputs * (size_t)batch * sizeof(double));
}

void model_backward(struct model *model, const double *dy, double *dx)
{
	const double *gradient = dy;
	for (int k = model->config.n_layers - 1; k >= 0 && !model->watch.abandoned; k--) {
		struct layer *layer = &model->layers[k];
		const double *in = k > 0 ? model->outputs[k - 1] : model->x;
		double *on_input = k > 0 ? model->gradients[k] : dx;
		layer->ops->backward(layer, in, gradient, on_input);
		gradient = on_input;
	}
}

void model_watch(struct model *model, model_watch_fn watch, void *context)
{
	model->watch = (struct watch){.fn = watch, .context = context};
}

bool model_abandoned(const struct model *model)
{
	return model->watch.abandoned;
}

const double *model_hidden(const struct model *model, int *width)
{
	*width = model->layers[model->last_recurrent].n_out;
	return model->outputs[model->last_recurrent];
}
