/* The table of layer types. */
#include "engine/nn/layer.h"

#include <string.h>

#include "engine/nn/cell.h"

#define RECURRENT .recurrent = true, .sequence = true, .trainable = true
#define ANY_FORM  .sequence = true, .vector = true

static const struct layer_type types[] = {
    {"qlstm", {RECURRENT}, &recurrent_ops, .choose_cell = qlstm_choose_cell, .wires = qlstm_wires},
    {"lstm", {RECURRENT}, &recurrent_ops, .cell = &lstm_ops},
    {"gru", {RECURRENT}, &recurrent_ops, .cell = &gru_ops},
    {"rnn", {RECURRENT}, &recurrent_ops, .cell = &rnn_ops},
    {"qgru", {RECURRENT}, &recurrent_ops, .cell = &qgru_ops, .wires = qgru_wires},
    {"qrnn", {.recurrent = true, .sequence = true, .trainable = true, .random = true, .words = true}, .ops = &qrnn_ops},
    {"hqrnn", {RECURRENT, .random = true}, .ops = &hqrnn_ops, .wires = hqrnn_wires},
    {"quantum", {ANY_FORM, .trainable = true}, .ops = &quantum_ops, .wires = quantum_wires},
    {"dense", {ANY_FORM, .trainable = true}, .ops = &dense_ops},
    {"dropout", {ANY_FORM, .random = true}, .ops = &dropout_ops},
    {"activation", {ANY_FORM}, .ops = &activation_ops},
    {"embedding", {ANY_FORM, .trainable = true, .whole_numbers = true}, .ops = &embedding_ops},
    {"circuit", {ANY_FORM, .trainable = true}, .ops = &circuit_ops, .wires = circuit_wires},
    {"batch_norm", {ANY_FORM, .trainable = true, .state = true, .whole_batch = true}, .ops = &batch_norm_ops},
    {"layer_norm", {ANY_FORM, .trainable = true}, .ops = &layer_norm_ops},
    {"attention", {.sequence = true, .trainable = true}, .ops = &attention_ops},
    {"decoder", {.sequence = true, .trainable = true, .decodes = true}, .ops = &decoder_ops},
};

const struct layer_type *layer_type_at(int index)
{
	return index >= 0 && (size_t)index < sizeof types / sizeof types[0] ? &types[index] : NULL;
}

const struct layer_type *layer_type_named(const char *name)
{
	const struct layer_type *type;
	for (int k = 0; (type = layer_type_at(k)) != NULL; k++)
		if (strcmp(type->name, name) == 0)
			return type;
	return NULL;
}

int layer_type_of(const struct layer_config *config, const struct layer_type **out, struct qlstm_error *error)
{
	*out = config->own_type != NULL ? config->own_type : layer_type_named(config->type);
	if (*out == NULL)
		return error_set(error, ERR_NOT_FOUND, "/type", "unknown layer type '%s'", config->type);
	return 0;
}

int layer_type_takes(const struct layer_type *type, struct shape in, struct qlstm_error *error)
{
	const struct layer_traits *traits = &type->traits;
	if (traits->tokens != (in.values == SHAPE_TOKENS))
		return error_set(error, ERR_INVALID, "/type",
		                 traits->tokens ? "a layer of type '%s' takes tokens; what comes in are real numbers"
		                                : "a layer of type '%s' takes real numbers; what comes in are tokens",
		                 type->name);
	if (in.form == SHAPE_SEQUENCE ? !traits->sequence : !traits->vector)
		return error_set(error, ERR_INVALID, "/type",
		                 in.form == SHAPE_SEQUENCE
		                     ? "a layer of type '%s' takes a single vector; what comes in is a sequence"
		                     : "a layer of type '%s' takes a sequence; what comes in is a single vector",
		                 type->name);
	return 0;
}

int layer_wires(const struct layer_config *config)
{
	const struct layer_type *type;
	int rc = layer_type_of(config, &type, NULL);
	return rc == 0 && type->wires != NULL ? type->wires(config) : 0;
}

/* Forward and backward, in ns: an element, a weight on a sample, a weight whatever the batch, a step. */
#define NS_PER_ELEMENT    1.5
#define NS_PER_WEIGHT     0.14
#define NS_PER_WEIGHT_USE 0.25
#define NS_PER_STEP       400.0

double layer_cost_weights(size_t weights, const struct layer_work *work)
{
	return (NS_PER_WEIGHT * work->batch + NS_PER_WEIGHT_USE) * (double)weights * work->steps;
}

double layer_cost_products(const struct layer *layer, const struct layer_work *work)
{
	size_t weights = 0;
	for (int k = layer->first_param; k < layer->first_param + layer->n_params; k++)
		if (layer->params->items[k].kind == PARAM_CLASSICAL)
			weights += layer->params->items[k].size;
	return NS_PER_ELEMENT * (double)work->elements +
	       ((NS_PER_WEIGHT * work->batch + NS_PER_WEIGHT_USE) * (double)weights + NS_PER_STEP) * work->steps;
}

void layer_forward(struct layer *layer, const struct training_context *training, const double *x, int frames, int batch,
                   double *y)
{
	quantum_list_begin(&layer->circuits, frames, batch, training != NULL);
	layer->ops->forward(layer, training, x, frames, batch, y);
}
