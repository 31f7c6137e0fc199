/* The model: a stack of layers, their parameters and their activations. */
#include "engine/nn/model.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/nn/block.h"
#include "engine/nn/layer.h"

struct model {
	struct model_config config;
	struct params params;
	struct layer layers[MODEL_MAX_LAYERS];
	struct watch watch;
	int last_recurrent; /* index of the last recurrent layer */
	int steps, batch;   /* of the last forward */
	int reserved_steps, reserved_batch;
	double *memory;                      /* activations, one allocation */
	double *outputs[MODEL_MAX_LAYERS];   /* of layer k, [steps or 1][n_out][batch] */
	double *gradients[MODEL_MAX_LAYERS]; /* on the input of layer k, k > 0 */
	const double *x;                     /* of the last forward */
};

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
		layer->precision = model->config.precision;
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

const char *model_plan(const struct model *model)
{
	for (int k = 0; k < model->config.n_layers; k++) {
		const char *name = model->layers[k].ops->plan_name(&model->layers[k], model->config.plan);
		if (name != NULL)
			return name;
	}
	return "none";
}

/* Layers after the last recurrent one see one frame. */
static void model_deal(struct model *model, struct block *block, int steps, int batch)
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

int model_bytes(const struct model_config *config, int steps, int batch, size_t *bytes, struct qlstm_error *error)
{
	struct model *model = NULL;
	int rc = model_new(&model, config, error);
	if (model == NULL)
		return rc;
	struct block block = {0};
	model_deal(model, &block, steps, batch);
	*bytes = (block.used + 2 * model->params.size) * sizeof(double);
	for (int k = 0; k < config->n_layers; k++)
		*bytes += model->layers[k].ops->plan_bytes(&model->layers[k], config->plan);
	model_free(model);
	return 0;
}

/* Forward and backward, in ns: an activation, a weight on a sample, a weight whatever the batch, a layer's step. */
#define NS_PER_ACTIVATION 1.5
#define NS_PER_WEIGHT     0.14
#define NS_PER_WEIGHT_USE 0.25
#define NS_PER_STEP       400.0

static double model_classical_ns(struct model *model, int steps, int batch)
{
	struct block block = {0};
	model_deal(model, &block, steps, batch);
	double weights = (double)params_count(&model->params, PARAM_CLASSICAL) * steps;
	return NS_PER_ACTIVATION * (double)block.used + (NS_PER_WEIGHT * batch + NS_PER_WEIGHT_USE) * weights +
	       NS_PER_STEP * model->config.n_layers * steps;
}

int model_estimate(const struct model_config *config, int steps, int batch, double *seconds_per_batch,
                   struct qlstm_error *error)
{
	struct model *model = NULL;
	int rc = model_new(&model, config, error);
	if (model == NULL)
		return rc;
	double ns = model_classical_ns(model, steps, batch);
	for (int k = 0; k < config->n_layers && rc == 0; k++) {
		const struct layer *layer = &model->layers[k];
		struct qlstm_error local = {0};
		if (layer->ops->estimate != NULL)
			rc = layer->ops->estimate(layer, config->plan, steps, batch, &ns, &local);
		if (rc != 0) {
			char pointer[32];
			snprintf(pointer, sizeof pointer, "/layers/%d", k);
			error_set(error, local.code, pointer, "%s", local.message);
		}
	}
	model_free(model);
	*seconds_per_batch = 1e-9 * ns;
	return rc;
}

int model_reserve(struct model *model, int steps, int batch, struct qlstm_error *error)
{
	if (steps <= model->reserved_steps && batch <= model->reserved_batch)
		return 0;
	steps = steps > model->reserved_steps ? steps : model->reserved_steps;
	batch = batch > model->reserved_batch ? batch : model->reserved_batch;
	for (int k = 0; k < model->config.n_layers; k++) {
		int rc = model->layers[k].ops->prepare(&model->layers[k], model->config.plan, error);
		if (rc != 0)
			return rc;
	}
	struct block block = {0};
	model_deal(model, &block, steps, batch);
	size_t bytes = (block.used * sizeof(double) + 63) / 64 * 64;
	double *memory = aligned_alloc(64, bytes);
	if (memory == NULL)
		return error_set(error, ERR_OUT_OF_MEMORY, "", "%zu bytes for activations cannot be had", bytes);
	memset(memory, 0, bytes);
	free(model->memory);
	model->memory = memory;
	block = (struct block){.base = memory};
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
