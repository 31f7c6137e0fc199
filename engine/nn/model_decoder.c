/* Models with a decoder: what goes in, and how they say one token after the other. */
#include <string.h>

#include "engine/nn/model_decoder.h"

static const struct layer_type *type_of(const struct layer_config *layer)
{
	const struct layer_type *type;
	return layer_type_of(layer, &type, NULL) == 0 ? type : NULL;
}

int model_find_decoder(const struct model_config *config)
{
	for (int k = 0; k < config->n_layers; k++) {
		const struct layer_type *type = type_of(&config->layers[k]);
		if (type != NULL && type->traits.decodes)
			return k;
	}
	return -1;
}

int model_check_decoder(const struct model_config *config, int k, struct qlstm_error *error)
{
	const struct layer_config *layer = &config->layers[k];
	const struct layer_type *type = type_of(layer);
	int decoder = model_find_decoder(config);
	if (decoder < 0 || type == NULL || k < decoder)
		return 0;
	if (k == decoder && config->n_inputs != 2)
		return error_set(error, ERR_INVALID, "/type",
		                 "a layer of type '%s' reads tokens of its own; this needs data of translations",
		                 layer->type);
	if (k == decoder && (k == 0 || config->output != MODEL_OUTPUT_SEQUENCE))
		return error_set(error, ERR_INVALID, "/type",
		                 "a layer of type '%s' stands behind the layers that read the source", layer->type);
	if (k > decoder && type->traits.decodes)
		return error_set(error, ERR_INVALID, "/type", "layer %d is a decoder already; a model has one",
		                 decoder);
	bool directed = type->ops == &recurrent_ops;
	if (k > decoder && directed && (layer->recurrent.inversward || layer->recurrent.bidirectional))
		return error_set(error, ERR_INVALID, "",
		                 "behind a decoder a layer that reads from the end sees the token that is to be said");
	return 0;
}

struct layer_config model_layer_config(const struct model_config *config, const struct shape *shapes, int k)
{
	struct layer_config layer = config->layers[k];
	int decoder = model_find_decoder(config);
	if (strcmp(layer.type, "attention") == 0)
		layer.attention.source = decoder >= 0 && k > decoder ? shapes[decoder].width : 0;
	return layer;
}

const double *model_split_tokens(struct model *model, const double *x, int steps, int batch)
{
	size_t n = (size_t)batch, count = (size_t)steps * n;
	double *given = model->tokens + count;
	if (model->source.decoder < 0)
		return x;
	for (size_t t = 0; t < (size_t)steps; t++) {
		memcpy(model->tokens + t * n, x + 2 * t * n, n * sizeof *x);
		memcpy(given + t * n, x + (2 * t + 1) * n, n * sizeof *x);
	}
	model->source.steps = steps;
	model->source.lengths = model->lengths;
	model->source.given = given;
	return model->tokens;
}

void model_clear_source(struct model *model)
{
	const struct source *source = &model->source;
	if (source->decoder < 0)
		return;
	size_t width = (size_t)model->layers[source->decoder].in.width;
	memset(source->gradient, 0, (size_t)source->steps * width * (size_t)model->batch * sizeof(double));
}

void model_encode(struct model *model, const double *x, int steps, int batch)
{
	const double *in = x;
	model->source.steps = steps;
	model->source.lengths = model->lengths;
	model->watch.abandoned = false;
	for (int k = 0; k < model->source.decoder; k++) {
		struct layer *layer = &model->layers[k];
		layer_forward(layer, NULL, in, steps, batch, model->outputs[k]);
		in = model->outputs[k];
	}
}

void model_decode(struct model *model, const double *given, int batch, double *y)
{
	const double *in = model->outputs[model->source.decoder - 1];
	model->source.given = given;
	for (int k = model->source.decoder; k < model->config.n_layers; k++) {
		struct layer *layer = &model->layers[k];
		layer_forward(layer, NULL, in, 1, batch, model->outputs[k]);
		in = model->outputs[k];
	}
	memcpy(y, in, (size_t)model->config.n_outputs * (size_t)batch * sizeof *y);
}

bool model_decodes(const struct model *model)
{
	return model->source.decoder >= 0;
}
