/* The table of activations, and the layer that applies one.
 *
 *   identity x      relu max(0, x)      leaky_relu x > 0 ? x : slope x      elu x > 0 ? x : alpha (exp(x) - 1)
 *   sigmoid 1 / (1 + exp(-x))      tanh      softplus log(1 + exp(x)), x beyond 20      gelu x Phi(x)
 *
 * Phi is the normal distribution's, by the error function (torch.nn.GELU's exact form). relu's and leaky_relu's slopes
 * at 0 are PyTorch's: those of the left side. */
#include "engine/nn/activation.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "engine/nn/gates_kernel.h"
#include "engine/nn/layer.h"
#include "engine/vector/isa.h"

#define SOFTPLUS_LINEAR 20.0

/* forward: f(x) of one value; backward: its slope, from x and y. */
#define ELEMENTWISE(name, value, slope)                                                                                \
	static void name##_forward(const struct activation_config *config, const double *from, size_t n, double *to)   \
	{                                                                                                              \
		(void)config;                                                                                          \
		for (size_t k = 0; k < n; k++) {                                                                       \
			double x = from[k];                                                                            \
			to[k] = value;                                                                                 \
		}                                                                                                      \
	}                                                                                                              \
	static void name##_backward(const struct activation_config *config, const double *xs, const double *ys,        \
	                            const double *dy, size_t n, double *dx)                                            \
	{                                                                                                              \
		(void)config, (void)xs, (void)ys;                                                                      \
		for (size_t k = 0; k < n; k++) {                                                                       \
			double x = xs[k], y = ys[k];                                                                   \
			(void)x, (void)y;                                                                              \
			dx[k] = dy[k] * (slope);                                                                       \
		}                                                                                                      \
	}

ELEMENTWISE(identity, x, 1.0)
ELEMENTWISE(relu, x <= 0.0 ? 0.0 : x, x > 0.0 ? 1.0 : 0.0)
ELEMENTWISE(leaky_relu, x > 0.0 ? x : config->negative_slope * x, x > 0.0 ? 1.0 : config->negative_slope)
ELEMENTWISE(elu, x > 0.0 ? x : config->alpha * expm1(x), x > 0.0 ? 1.0 : y + config->alpha)
ELEMENTWISE(softplus, x > SOFTPLUS_LINEAR ? x : log1p(exp(x)), x > SOFTPLUS_LINEAR ? 1.0 : 1.0 / (1.0 + exp(-x)))
ELEMENTWISE(gelu, 0.5 * x * (1.0 + erf(x * M_SQRT1_2)),
            0.5 * (1.0 + erf(x * M_SQRT1_2)) + x * exp(-0.5 * x * x) * (0.5 * M_2_SQRTPI * M_SQRT1_2))

static void sigmoid_forward(const struct activation_config *config, const double *x, size_t n, double *y)
{
	(void)config;
	memmove(y, x, n * sizeof(double));
	isa_pick()->gates->sigmoid_in_place(y, n);
}

static void sigmoid_backward(const struct activation_config *config, const double *x, const double *y, const double *dy,
                             size_t n, double *dx)
{
	(void)config, (void)x;
	for (size_t k = 0; k < n; k++)
		dx[k] = dy[k] * y[k] * (1.0 - y[k]);
}

static void tanh_forward(const struct activation_config *config, const double *x, size_t n, double *y)
{
	(void)config;
	memmove(y, x, n * sizeof(double));
	isa_pick()->gates->tanh_in_place(y, n);
}

static void tanh_backward(const struct activation_config *config, const double *x, const double *y, const double *dy,
                          size_t n, double *dx)
{
	(void)config, (void)x;
	for (size_t k = 0; k < n; k++)
		dx[k] = dy[k] * (1.0 - y[k] * y[k]);
}

static const struct activation rows[] = {
    {"relu", relu_forward, relu_backward, 3.0},
    {"tanh", tanh_forward, tanh_backward, 3.0},
    {"sigmoid", sigmoid_forward, sigmoid_backward, 3.0},
    {"gelu", gelu_forward, gelu_backward, 17.0},
    {"leaky_relu", leaky_relu_forward, leaky_relu_backward, 3.0},
    {"elu", elu_forward, elu_backward, 6.0},
    {"softplus", softplus_forward, softplus_backward, 22.0},
    {"identity", identity_forward, identity_backward, 2.0},
};

const struct activation *activation_at(int index)
{
	return index >= 0 && (size_t)index < sizeof rows / sizeof rows[0] ? &rows[index] : NULL;
}

const struct activation *activation_find(const char *name)
{
	const struct activation *row;
	for (int k = 0; (row = activation_at(k)) != NULL; k++)
		if (strcmp(row->name, name) == 0)
			return row;
	return NULL;
}

/* The layer. */

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
