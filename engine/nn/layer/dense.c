/* The dense layer: y = W x + b on every step it is given. Tied, W is the weight of the embedding that the model begins
 * with, [classes][dimension] (Press and Wolf 2017); behind a decoder that of the decoder's tokens. */
#include "engine/nn/layer.h"
#include "engine/nn/linear.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct dense {
	int weight, bias; /* parameter indices; bias -1: none */
	int steps, batch; /* of the last forward */
};

static int dense_check(const struct layer_config *config, struct shape in, struct shape *out, struct qlstm_error *error)
{
	if (config->dense.units < 1)
		return error_set(error, ERR_OUT_OF_RANGE, "/units", "units is %d; it must be at least 1",
		                 config->dense.units);
	*out = (struct shape){SHAPE_REALS, in.form, config->dense.units};
	return 0;
}

/* The embedding's weight, where it has the shape that is needed. */
static int find_tied(const struct layer *layer, struct qlstm_error *error)
{
	char pointer[40], name[PARAM_NAME_SIZE];
	snprintf(name, sizeof name, "layers.%d.weight", layer->source->decoder >= 0 ? layer->source->decoder : 0);
	const struct param *weight = params_find(layer->params, name);
	snprintf(pointer, sizeof pointer, "/layers/%d/tied", layer->index);
	if (weight == NULL || weight->rank != 2 || weight->dims[0] != (size_t)layer->out.width ||
	    weight->dims[1] != (size_t)layer->in.width)
		return error_set(
		    error, ERR_INVALID, pointer,
		    "tied takes the weight of %s: it has %zu classes of %zu numbers, this layer gives %d from %d",
		    layer->source->decoder >= 0 ? "the decoder" : "the embedding that the model begins with",
		    weight != NULL ? weight->dims[0] : 0, weight != NULL ? weight->dims[1] : 0, layer->out.width,
		    layer->in.width);
	return (int)(weight - layer->params->items);
}

static int dense_open(struct layer *layer, struct qlstm_error *error)
{
	struct dense *own = calloc(1, sizeof *own);
	if (own == NULL)
		return error_set(error, ERR_OUT_OF_MEMORY, "", "out of memory");
	layer->own = own;
	char name[PARAM_NAME_SIZE];
	double scale = 1.0 / sqrt((double)layer->in.width); /* torch.nn.Linear's default */
	snprintf(name, sizeof name, "%s.weight", layer->name);
	if (layer->config.dense.tied)
		own->weight = find_tied(layer, error);
	else
		own->weight = params_add(layer->params, name, PARAM_CLASSICAL, INIT_UNIFORM, scale, 2,
		                         (size_t[]){(size_t)layer->out.width, (size_t)layer->in.width});
	if (layer->config.dense.tied && own->weight < 0)
		return ERR_INVALID;
	own->bias = -1;
	if (layer->config.dense.bias && own->weight >= 0) {
		snprintf(name, sizeof name, "%s.bias", layer->name);
		own->bias = params_add(layer->params, name, PARAM_CLASSICAL, INIT_UNIFORM, scale, 1,
		                       (size_t[]){(size_t)layer->out.width});
		if (own->bias < 0)
			own->weight = -1;
	}
	return own->weight < 0 ? error_set(error, ERR_OUT_OF_MEMORY, "", "out of memory") : 0;
}

static struct linear dense_linear(const struct layer *layer)
{
	const struct dense *own = layer->own;
	const struct params *p = layer->params;
	struct linear linear = {.n_in = layer->in.width, .n_out = layer->out.width};
	linear.weight = p->values + p->items[own->weight].offset;
	linear.d_weight = p->gradients + p->items[own->weight].offset;
	if (own->bias >= 0) {
		linear.bias = p->values + p->items[own->bias].offset;
		linear.d_bias = p->gradients + p->items[own->bias].offset;
	}
	return linear;
}

static void dense_forward(struct layer *layer, const struct training_context *training, const double *x, int steps,
                          int batch, double *y)
{
	(void)training;
	struct dense *own = layer->own;
	struct linear linear = dense_linear(layer);
	own->steps = steps;
	own->batch = batch;
	linear_forward(&linear, x, steps, batch, y);
}

static void dense_backward(struct layer *layer, const double *x, const double *dy, double *dx)
{
	const struct dense *own = layer->own;
	struct linear linear = dense_linear(layer);
	linear_backward(&linear, x, dy, own->steps, own->batch, dx);
}

/* A tied weight is another layer's. */
static double dense_cost(const struct layer *layer, const struct layer_work *work)
{
	size_t shared = layer->config.dense.tied ? (size_t)layer->in.width * (size_t)layer->out.width : 0;
	return layer_cost_products(layer, work) + layer_cost_weights(shared, work);
}

const struct layer_ops dense_ops = {
    .check = dense_check,
    .open = dense_open,
    .cost = dense_cost,
    .forward = dense_forward,
    .backward = dense_backward,
};
