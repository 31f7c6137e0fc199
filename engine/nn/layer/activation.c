/* The layer that applies an activation (engine/nn/activation.h) to every value, of a sequence or a vector. */
#include "engine/nn/activation.h"

#include <stdlib.h>

#include "engine/nn/layer.h"

struct activation_layer {
	const struct activation *activation;
	const double *y; /* of the last forward; borrowed */
	size_t size;     /* of the last forward */
};

static int activation_check(const struct layer_config *config, struct shape in, struct shape *out,
                            struct qlstm_error *error)
{
	*out = in;
	if (activation_find(config->activation.function) == NULL)
		return error_set(error, ERR_NOT_FOUND, "/function", "unknown function '%s'",
		                 config->activation.function);
	return 0;
}

static int activation_open(struct layer *layer, struct qlstm_error *error)
{
	struct activation_layer *own = calloc(1, sizeof *own);
	if (own == NULL)
		return error_set(error, ERR_OUT_OF_MEMORY, "", "out of memory");
	own->activation = activation_find(layer->config.activation.function);
	layer->own = own;
	return 0;
}

/* A call, and its values, in ns. */
static double activation_cost(const struct layer *layer, const struct layer_work *work)
{
	const struct activation_layer *own = layer->own;
	return 50.0 + own->activation->ns * layer->in.width * work->frames * work->batch;
}

static void activation_layer_forward(struct layer *layer, const struct training_context *training, const double *x,
                                     int frames, int batch, double *y)
{
	(void)training;
	struct activation_layer *own = layer->own;
	own->y = y;
	own->size = (size_t)frames * (size_t)layer->in.width * (size_t)batch;
	own->activation->forward(&layer->config.activation, x, own->size, y);
}

static void activation_layer_backward(struct layer *layer, const double *x, const double *dy, double *dx)
{
	const struct activation_layer *own = layer->own;
	if (dx != NULL)
		own->activation->backward(&layer->config.activation, x, own->y, dy, own->size, dx);
}

const struct layer_ops activation_ops = {
    .check = activation_check,
    .open = activation_open,
    .cost = activation_cost,
    .forward = activation_layer_forward,
    .backward = activation_layer_backward,
};
