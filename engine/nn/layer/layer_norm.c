/* Layer normalisation with torch.nn.LayerNorm's equations (Ba, Kiros and Hinton 2016): of each sample, at each step,
 * over its rows: y = weight (x - mean) / sqrt(variance + epsilon) + bias, the variance biased. Tensors, both [width]:
 * weight, bias. */
#include "engine/nn/layer.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

struct layer_norm {
	int weight, bias;  /* parameter indices */
	double *normal;    /* [frames][width][batch] of the last forward: (x - mean) / deviation */
	double *deviation; /* [frames][batch] of the last forward */
	size_t frames, batch;
};

static int layer_norm_check(const struct layer_config *config, struct shape in, struct shape *out,
                            struct qlstm_error *error)
{
	*out = in;
	if (!(config->norm.epsilon > 0.0 && config->norm.epsilon <= 1.0))
		return error_set(error, ERR_OUT_OF_RANGE, "/epsilon",
		                 "epsilon is %g; allowed are numbers above 0, to 1", config->norm.epsilon);
	return 0;
}

static int layer_norm_open(struct layer *layer, struct qlstm_error *error)
{
	struct layer_norm *own = calloc(1, sizeof *own);
	if (own == NULL)
		return error_set(error, ERR_OUT_OF_MEMORY, "", "out of memory");
	layer->own = own;
	char name[PARAM_NAME_SIZE];
	const size_t dims[] = {(size_t)layer->in.width};
	snprintf(name, sizeof name, "%s.weight", layer->name);
	own->weight = params_add(layer->params, name, PARAM_CLASSICAL, INIT_CONSTANT, 1.0, 1, dims);
	snprintf(name, sizeof name, "%s.bias", layer->name);
	own->bias = params_add(layer->params, name, PARAM_CLASSICAL, INIT_ZERO, 0.0, 1, dims);
	return own->weight < 0 || own->bias < 0 ? error_set(error, ERR_OUT_OF_MEMORY, "", "out of memory") : 0;
}

static void layer_norm_lay_out(struct layer *layer, struct arena *arena, int frames, int batch)
{
	struct layer_norm *own = layer->own;
	own->normal = arena_take_numbers(arena, (size_t)frames * (size_t)layer->in.width * (size_t)batch);
	own->deviation = arena_take_numbers(arena, (size_t)frames * (size_t)batch);
}

/* In ns: a call; a value forward and backward. */
static double layer_norm_cost(const struct layer *layer, const struct layer_work *work)
{
	return 100.0 + 5.0 * (double)layer->in.width * work->frames * work->batch;
}

static double mean_of(const double *values, size_t count, size_t stride)
{
	double sum = 0.0;
	for (size_t k = 0; k < count; k++)
		sum += values[k * stride];
	return sum / (double)count;
}

/* One sample at one step; its rows stand `n` apart. */
static double normalise(const double *x, size_t width, size_t n, double epsilon, double *normal)
{
	double mean = mean_of(x, width, n), squares = 0.0;
	for (size_t row = 0; row < width; row++)
		squares += (x[row * n] - mean) * (x[row * n] - mean);
	double deviation = sqrt(squares / (double)width + epsilon);
	for (size_t row = 0; row < width; row++)
		normal[row * n] = (x[row * n] - mean) / deviation;
	return deviation;
}

static void layer_norm_forward(struct layer *layer, const struct training_context *training, const double *x,
                               int frames, int batch, double *y)
{
	(void)training;
	struct layer_norm *own = layer->own;
	const double *weight = layer->params->values + layer->params->items[own->weight].offset,
	             *bias = layer->params->values + layer->params->items[own->bias].offset;
	size_t width = (size_t)layer->in.width, n = (size_t)batch;
	own->frames = (size_t)frames;
	own->batch = n;
	for (size_t t = 0; t < own->frames; t++)
		for (size_t b = 0; b < n; b++) {
			size_t at = t * width * n + b;
			own->deviation[t * n + b] =
			    normalise(x + at, width, n, layer->config.norm.epsilon, own->normal + at);
			for (size_t row = 0; row < width; row++)
				y[at + row * n] = weight[row] * own->normal[at + row * n] + bias[row];
		}
}

/* dx = (g - mean(g) - normal mean(g normal)) / deviation with g = weight dy, the means over the rows. */
static void layer_norm_backward(struct layer *layer, const double *x, const double *dy, double *dx)
{
	(void)x;
	const struct layer_norm *own = layer->own;
	const double *weight = layer->params->values + layer->params->items[own->weight].offset;
	double *d_weight = layer->params->gradients + layer->params->items[own->weight].offset,
	       *d_bias = layer->params->gradients + layer->params->items[own->bias].offset;
	size_t width = (size_t)layer->in.width, n = own->batch;
	for (size_t t = 0; t < own->frames; t++)
		for (size_t b = 0; b < n; b++) {
			const double *normal = own->normal + t * width * n + b, *d = dy + t * width * n + b;
			double sum = 0.0, along = 0.0;
			for (size_t row = 0; row < width; row++) {
				d_weight[row] += d[row * n] * normal[row * n];
				d_bias[row] += d[row * n];
				sum += weight[row] * d[row * n];
				along += weight[row] * d[row * n] * normal[row * n];
			}
			for (size_t row = 0; dx != NULL && row < width; row++)
				dx[(t * width + row) * n + b] =
				    (weight[row] * d[row * n] - (sum + normal[row * n] * along) / (double)width) /
				    own->deviation[t * n + b];
		}
}

const struct layer_ops layer_norm_ops = {
    .check = layer_norm_check,
    .open = layer_norm_open,
    .lay_out = layer_norm_lay_out,
    .cost = layer_norm_cost,
    .forward = layer_norm_forward,
    .backward = layer_norm_backward,
};
