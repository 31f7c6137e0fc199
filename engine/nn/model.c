/* The model: a stack of layers, their parameters and their activations. */
#include "engine/nn/model.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/nn/model_decoder.h"
#include "engine/nn/model_state.h"

/* The index of the last recurrent layer, -1 when there is none. */
static int last_recurrent(const struct model_config *config)
{
	const struct layer_type *type;
	int last = -1;
	for (int k = 0; k < config->n_layers; k++)
		if (layer_type_of(&config->layers[k], &type, NULL) == 0 && type->traits.recurrent)
			last = k;
	return last;
}

static int check_layer(const struct layer_config *layer, bool ragged, struct shape in, struct shape *out,
                       struct qlstm_error *error)
{
	const struct layer_type *type;
	int rc = layer_type_of(layer, &type, error);
	if (rc == 0)
		rc = layer_type_takes(type, in, error);
	if (rc == 0 && ragged && (type->traits.whole_batch || type->traits.words)) /* they know no lengths */
		rc = error_set(error, ERR_INVALID, "/type",
		               "a layer of type '%s' takes sequences of one length; the texts have their own",
		               type->name);
	return rc == 0 ? type->ops->check(layer, in, out, error) : rc;
}

/* Of a layer that measures words. */
static int check_words(const struct model_config *config, struct shape out, struct qlstm_error *error)
{
	const char *type = config->layers[config->n_layers - 1].type;
	if (config->output != MODEL_OUTPUT_SEQUENCE || out.width != config->n_outputs)
		return error_set(
		    error, ERR_INVALID, "/layers/0/type",
		    "a layer of type '%s' gives probabilities of words step by step; this needs data of words", type);
	return 0;
}

/* A layer that measures words stands alone, wherever it is. */
static int check_alone(const struct model_config *config, struct qlstm_error *error)
{
	const struct layer_type *type;
	for (int k = 0; k < config->n_layers && config->n_layers > 1; k++)
		if (layer_type_of(&config->layers[k], &type, NULL) == 0 && type->traits.words)
			return error_set(error, ERR_INVALID, "/layers",
			                 "a layer of type '%s' is a model by itself; there are %d layers", type->name,
			                 config->n_layers);
	return 0;
}

/* What goes out of the last layer. */
static int check_output(const struct model_config *config, struct shape out, struct qlstm_error *error)
{
	const struct layer_config *last = &config->layers[config->n_layers - 1];
	const struct layer_type *type;
	layer_type_of(last, &type, NULL);
	if (type->traits.words)
		return check_words(config, out, error);
	if (type->traits.recurrent)
		return error_set(error, ERR_INVALID, "/layers", "the last layer must be dense");
	if (out.form != (config->output == MODEL_OUTPUT_VECTOR ? SHAPE_VECTOR : SHAPE_SEQUENCE))
		return error_set(error, ERR_INVALID, "/layers",
		                 out.form == SHAPE_VECTOR
		                     ? "the last layer gives a single vector; the model's output is a sequence"
		                     : "the last layer gives a sequence; the model's output is a single vector");
	if (out.width == config->n_outputs)
		return 0;
	char pointer[40];
	bool dense = type->ops == &dense_ops;
	snprintf(pointer, sizeof pointer, "/layers/%d%s", config->n_layers - 1, dense ? "/units" : "");
	return error_set(error, ERR_INVALID, pointer, "%s of the last layer is %d; there are %d targets",
	                 dense ? "units" : "the width", out.width, config->n_outputs);
}

/* What goes into layer k is shapes[k], what comes out of it shapes[k + 1]. */
static int model_shapes(const struct model_config *config, struct shape shapes[MODEL_MAX_LAYERS + 1],
                        struct qlstm_error *error)
{
	if (config->n_layers < 1 || config->n_layers > MODEL_MAX_LAYERS)
		return error_set(error, ERR_OUT_OF_RANGE, "/layers", "the model has %d layers; allowed are 1 to %d",
		                 config->n_layers, MODEL_MAX_LAYERS);
	int alone = check_alone(config, error);
	if (alone != 0)
		return alone;
	int last = last_recurrent(config);
	bool sequence = last >= 0 || config->output == MODEL_OUTPUT_SEQUENCE;
	int width = model_find_decoder(config) >= 0 ? 1 : config->n_inputs; /* a decoder reads the other one */
	shapes[0] = (struct shape){SHAPE_REALS, sequence ? SHAPE_SEQUENCE : SHAPE_VECTOR, width};
	for (int k = 0; k < config->n_layers; k++) {
		struct qlstm_error local = {0};
		const struct layer_config layer = model_layer_config(config, shapes, k);
		int rc = model_check_decoder(config, k, &local);
		if (rc == 0)
			rc = check_layer(&layer, config->ragged, shapes[k], &shapes[k + 1], &local);
		if (rc != 0) {
			char prefix[32];
			snprintf(prefix, sizeof prefix, "/layers/%d", k);
			error_prefix(&local, prefix);
			return error_set(error, local.code, local.pointer, "%s", local.message);
		}
		if (k == last && config->output == MODEL_OUTPUT_VECTOR)
			shapes[k + 1].form = SHAPE_VECTOR;
	}
	return check_output(config, shapes[config->n_layers], error);
}

int model_check(const struct model_config *config, struct qlstm_error *error)
{
	struct shape shapes[MODEL_MAX_LAYERS + 1];
	return model_shapes(config, shapes, error);
}

static int model_open_layers(struct model *model, const struct shape *shapes, struct qlstm_error *error)
{
	int decoder = model_find_decoder(&model->config);
	model->source.decoder = decoder;
	for (int k = 0; k < model->config.n_layers; k++) {
		struct layer *layer = &model->layers[k];
		layer->config = model_layer_config(&model->config, shapes, k);
		layer->params = &model->params;
		layer->watch = &model->watch;
		layer->guide = &model->guide;
		layer->lengths = decoder >= 0 && k > decoder ? &model->said_lengths : &model->lengths;
		layer->carry = k < decoder ? &model->no_carry : &model->carry;
		layer->source = &model->source;
		layer->circuits.forgets = model->config.forward_only;
		layer->ragged = model->config.ragged;
		layer->precision = model->config.precision;
		layer->index = k;
		layer->in = shapes[k];
		layer->out = shapes[k + 1];
		layer->first_param = model->params.count;
		snprintf(layer->name, sizeof layer->name, "layers.%d", k);
		int rc = layer_type_of(&layer->config, &layer->type, error);
		if (rc == 0) {
			layer->ops = layer->type->ops;
			rc = layer->ops->open(layer, error);
		}
		if (rc != 0)
			return rc;
		layer->n_params = model->params.count - layer->first_param;
	}
	model_pair_handovers(model);
	model_pair_attention(model);
	return 0;
}

int model_new(struct model **out, const struct model_config *config, struct qlstm_error *error)
{
	struct shape shapes[MODEL_MAX_LAYERS + 1];
	int rc = model_shapes(config, shapes, error);
	if (rc != 0)
		return rc;
	struct model *model = calloc(1, sizeof *model);
	if (model == NULL)
		return error_set(error, ERR_OUT_OF_MEMORY, "", "out of memory");
	model->config = *config;
	rc = model_open_layers(model, shapes, error);
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
	for (int k = 0; k < model->config.n_layers; k++) {
		struct layer *layer = &model->layers[k];
		if (layer->ops != NULL && layer->ops->close != NULL)
			layer->ops->close(layer);
		else
			free(layer->own);
	}
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

void model_lay_out(struct model *model, struct arena *arena, int steps, int batch, size_t *elements)
{
	const struct plan_request plans = model_plan_request(&model->config);
	if (model_decodes(model))
		model->tokens = arena_take_numbers(arena, 2 * (size_t)steps * (size_t)batch);
	model_lay_out_handovers(model, arena, batch);
	for (int k = 0; k < model->config.n_layers; k++) {
		struct layer *layer = &model->layers[k];
		size_t n = (size_t)batch, before = arena->used;
		size_t in = (size_t)shape_frames(layer->in, steps) * (size_t)layer->in.width * n;
		size_t out = (size_t)shape_frames(layer->out, steps) * (size_t)layer->out.width * n;
		model->gradients[k] = k > 0 ? arena_take_numbers(arena, in) : NULL;
		model->outputs[k] = arena_take_numbers(arena, out);
		if (layer->ops->lay_out != NULL)
			layer->ops->lay_out(layer, arena, shape_frames(layer->in, steps), batch);
		if (elements != NULL)
			elements[k] = (arena->used - before) / sizeof(double);
		quantum_list_lay_out(&layer->circuits, &plans, arena, shape_frames(layer->in, steps), batch);
	}
}

/* Counting loses the layers' arrays, so they are laid out again where there are any. */
size_t model_activations(struct model *model, int steps, int batch, size_t *elements)
{
	struct arena count = {0}, arena = {.base = model->memory};
	model_lay_out(model, &count, steps, batch, elements);
	if (model->memory != NULL)
		model_lay_out(model, &arena, model->reserved_steps, model->reserved_batch, NULL);
	return count.used;
}

bool model_set_team(struct model *model, struct team *team)
{
	bool taken = false;
	for (int k = 0; k < model->config.n_layers; k++) {
		const struct quantum_block *block = model->layers[k].circuits.first;
		for (; block != NULL; block = block->next)
			taken = (block->plan != NULL && plan_set_team(block->plan, team)) || taken;
	}
	return taken;
}

int model_prepare(struct model *model, struct qlstm_error *error)
{
	const struct plan_request plans = model_plan_request(&model->config);
	for (int k = 0; k < model->config.n_layers; k++) {
		int rc = quantum_list_prepare(&model->layers[k].circuits, &plans, error);
		if (rc != 0)
			return rc;
	}
	return 0;
}

/* To what was reserved before, so that calls which take turns find room; unless both together take far more than either
 * does, as one window of a million steps after a batch of a thousand. */
static void widen(struct model *model, int *steps, int *batch)
{
	int before_steps = model->reserved_steps, before_batch = model->reserved_batch;
	if (before_batch == 0)
		return;
	int most_steps = *steps > before_steps ? *steps : before_steps;
	int most_batch = *batch > before_batch ? *batch : before_batch;
	size_t asked = model_activations(model, *steps, *batch, NULL);
	size_t before = model_activations(model, before_steps, before_batch, NULL);
	if (model_activations(model, most_steps, most_batch, NULL) / 2 > (asked > before ? asked : before))
		return;
	*steps = most_steps;
	*batch = most_batch;
}

int model_reserve(struct model *model, int steps, int batch, struct qlstm_error *error)
{
	if (steps > 1 && model->layers[0].in.form == SHAPE_VECTOR)
		return error_set(error, ERR_INVALID, "/layers",
		                 "samples of %d steps; a model without a recurrent layer takes one step", steps);
	if (steps <= model->reserved_steps && batch <= model->reserved_batch)
		return 0;
	int rc = model_prepare(model, error);
	if (rc != 0)
		return rc;
	widen(model, &steps, &batch);
	size_t bytes = model_activations(model, steps, batch, NULL);
	free(model->memory); /* first: both together are more than the model takes */
	model->reserved_steps = model->reserved_batch = 0;
	model->memory = aligned_alloc(ARENA_ALIGN, bytes);
	if (model->memory == NULL)
		return error_set(error, ERR_OUT_OF_MEMORY, "", "%zu bytes for activations cannot be had", bytes);
	memset(model->memory, 0, bytes);
	struct arena arena = {.base = model->memory};
	model_lay_out(model, &arena, steps, batch, NULL);
	model->reserved_steps = steps;
	model->reserved_batch = batch;
	return 0;
}

void model_forward(struct model *model, const double *x, int steps, int batch, double *y)
{
	model_forward_training(model, NULL, x, steps, batch, y);
}

void model_forward_training(struct model *model, const struct training_context *training, const double *x, int steps,
                            int batch, double *y)
{
	model->steps = steps;
	model->batch = batch;
	model->watch.abandoned = false;
	const double *in = model->x = model_split_tokens(model, x, steps, batch);
	for (int k = 0; k < model->config.n_layers && !model->watch.abandoned; k++) {
		struct layer *layer = &model->layers[k];
		if (k == model->source.decoder)
			model_hand_over(model, batch);
		layer_forward(layer, training, in, shape_frames(layer->in, steps), batch, model->outputs[k]);
		in = model->outputs[k];
	}
	size_t frames = model->config.output == MODEL_OUTPUT_VECTOR ? 1 : (size_t)steps;
	memcpy(y, in, frames * (size_t)model->config.n_outputs * (size_t)batch * sizeof(double));
}

void model_backward(struct model *model, const double *dy, double *dx)
{
	const double *gradient = dy;
	model_clear_source(model);
	for (int k = model->config.n_layers - 1; k >= 0 && !model->watch.abandoned; k--) {
		struct layer *layer = &model->layers[k];
		const double *in = k > 0 ? model->outputs[k - 1] : model->x;
		double *on_input = k > 0 ? model->gradients[k] : dx;
		layer->ops->backward(layer, in, gradient, on_input);
		gradient = on_input;
	}
}

void model_guide(struct model *model, const struct word_guide *guide)
{
	model->guide = guide;
}

void model_lengths(struct model *model, const int *lengths)
{
	model->lengths = lengths;
}

void model_said_lengths(struct model *model, const int *lengths)
{
	model->said_lengths = lengths;
}

int model_carried(const struct model *model, size_t *rows, struct qlstm_error *error)
{
	*rows = 0;
	for (int k = model->source.decoder + 1; k < model->config.n_layers; k++) {
		const struct layer *layer = &model->layers[k];
		char pointer[32];
		snprintf(pointer, sizeof pointer, "/layers/%d", k);
		if (!layer->type->traits.recurrent)
			continue;
		if (layer->ops->carries == NULL)
			return error_set(error, ERR_INVALID, pointer,
			                 "a layer of type '%s' carries no state from one segment of a text to the next",
			                 layer->type->name);
		bool directed = layer->ops == &recurrent_ops;
		if (directed && (layer->config.recurrent.inversward || layer->config.recurrent.bidirectional))
			return error_set(error, ERR_INVALID, pointer,
			                 "a layer that reads from the end sees the token that is to be predicted");
		*rows += layer->ops->carries(layer);
	}
	return 0;
}

void model_carry(struct model *model, const struct carry *carry)
{
	size_t row = 0;
	model->carry = carry;
	for (int k = model->source.decoder + 1; k < model->config.n_layers; k++) {
		struct layer *layer = &model->layers[k];
		layer->carried = row;
		if (layer->ops->carries != NULL)
			row += layer->ops->carries(layer);
	}
}

bool model_measures_words(const struct model *model)
{
	return model->layers[model->config.n_layers - 1].type->traits.words;
}

bool model_draws_words(const struct model *model)
{
	return model_measures_words(model) && model->config.layers[model->config.n_layers - 1].qrnn.measure;
}

void model_set_gradients(struct model *model, double *block)
{
	params_set_gradients(&model->params, block);
}

void model_update_state(struct model *model)
{
	for (int k = 0; k < model->config.n_layers; k++)
		if (model->layers[k].ops->update_state != NULL)
			model->layers[k].ops->update_state(&model->layers[k]);
}

bool model_wants_whole_batches(const struct model *model)
{
	for (int k = 0; k < model->config.n_layers; k++)
		if (model->layers[k].type->traits.whole_batch)
			return true;
	return false;
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
	int last = last_recurrent(&model->config);
	if (last < 0)
		last = model->config.n_layers - 1;
	*width = model->layers[last].out.width;
	return model->outputs[last];
}
