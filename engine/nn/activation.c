/* The table of activations.
 *
 *   identity x      relu max(0, x)      leaky_relu x > 0 ? x : slope x      elu x > 0 ? x : alpha (exp(x) - 1)
 *   sigmoid 1 / (1 + exp(-x))      tanh      softplus log(1 + exp(x)), x beyond 20      gelu x Phi(x)
 *
 * Phi is the normal distribution's, by the error function (torch.nn.GELU's exact form). relu's and leaky_relu's slopes
 * at 0 are PyTorch's: those of the left side. */
#include "engine/nn/activation.h"

#include <math.h>
#include <string.h>

#include "engine/elementary/elementary.h"
#include "engine/nn/kernel/gates_kernel.h"
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
ELEMENTWISE(elu, x > 0.0 ? x : config->alpha * elementary_expm1(x), x > 0.0 ? 1.0 : y + config->alpha)
ELEMENTWISE(softplus, x > SOFTPLUS_LINEAR ? x : elementary_log1p(elementary_exp(x)),
            x > SOFTPLUS_LINEAR ? 1.0 : 1.0 / (1.0 + elementary_exp(-x)))
ELEMENTWISE(gelu, 0.5 * x * (1.0 + elementary_erf(x * M_SQRT1_2)),
            0.5 * (1.0 + elementary_erf(x * M_SQRT1_2)) +
                x * elementary_exp(-0.5 * x * x) * (0.5 * M_2_SQRTPI * M_SQRT1_2))

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
