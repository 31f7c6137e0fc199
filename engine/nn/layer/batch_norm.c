/* Batch normalisation with torch.nn.BatchNorm1d's equations (Ioffe and Szegedy 2015): of each row over the samples, and
 * over the steps of a sequence.
 *
 *   training:   y = weight (x - mean) / sqrt(variance + epsilon) + bias, mean and variance (biased) those of the batch;
 *               running += momentum (the batch's - running), the variance unbiased
 *   evaluation: the same with the running values
 *
 * Tensors, all [width]: weight, bias, and the state running_mean, running_var. A batch of a single value has no
 * unbiased variance: then running_var stays. */
#include "engine/nn/layer.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { WEIGHT, BIAS, RUNNING_MEAN, RUNNING_VAR, N_TENSORS };

struct batch_norm {
	int tensors[N_TENSORS]; /* parameter indices */
	double *normal;         /* [frames][width][batch] of the last forward: (x - mean) / deviation */
	double *deviation;      /* [width] of the last forward */
	size_t frames, batch;   /* of the last forward */
	bool training;          /* whether it was a part of training */
};

static int batch_norm_check(const struct layer_config *config, struct shape in, struct shape *out,
                            struct qlstm_error *error)
{
	const struct norm_config *norm = &config->norm;
	*out = in;
	if (!(norm->epsilon > 0.0 && norm->epsilon <= 1.0))
		return error_set(error, ERR_OUT_OF_RANGE, "/epsilon",
		                 "epsilon is %g; allowed are numbers above 0, to 1", norm->epsilon);
	if (!(norm->momentum >= 0.0 && norm->momentum <= 1.0))
		return error_set(error, ERR_OUT_OF_RANGE, "/momentum", "momentum is %g; allowed are 0 to 1",
		                 norm->momentum);
	return 0;
}

static int batch_norm_open(struct layer *layer, struct qlstm_error *error)
{
	static const struct {
		const char *name;
		enum param_kind kind;
		double value;
	} tensors[N_TENSORS] = {
	    [WEIGHT] = {"weight", PARAM_CLASSICAL, 1.0},
	    [BIAS] = {"bias", PARAM_CLASSICAL, 0.0},
	    [RUNNING_MEAN] = {"running_mean", PARAM_STATE, 0.0},
	    [RUNNING_VAR] = {"running_var", PARAM_STATE, 1.0},
	};
	struct batch_norm *own = calloc(1, sizeof *own);
	if (own == NULL)
		return error_set(error, ERR_OUT_OF_MEMORY, "", "out of memory");
	layer->own = own;
	for (int k = 0; k < N_TENSORS; k++) {
		char name[PARAM_NAME_SIZE];
		snprintf(name, sizeof name, "%s.%s", layer->name, tensors[k].name);
		own->tensors[k] = params_add(layer->params, name, tensors[k].kind, INIT_CONSTANT, tensors[k].value, 1,
		                             (size_t[]){(size_t)layer->in.width});
		if (own->tensors[k] < 0)
			return error_set(error, ERR_OUT_OF_MEMORY, "", "out of memory");
	}
	return 0;
}

static void batch_norm_lay_out(struct layer *layer, struct arena *arena, int frames, int batch)
{
	struct batch_norm *own = layer->own;
	size_t width = (size_t)layer->in.width;
	own->normal = arena_take_numbers(arena, (size_t)frames * width * (size_t)batch);
	own->deviation = arena_take_numbers(arena, width);
}

/* In ns: a call; a value forward and backward. */
static double batch_norm_cost(const struct layer *layer, const struct layer_work *work)
{
	return 100.0 + 4.0 * (double)layer->in.width * work->frames * work->batch;
}

static double *tensor(const struct layer *layer, double *block, int which)
{
	const struct batch_norm *own = layer->own;
	return block + layer->params->items[own->tensors[which]].offset;
}

/* Sum over samples and steps of one row of `a`, each number less `less`, squared where wanted. */
static double row_sum(const struct batch_norm *own, const double *a, size_t width, size_t row, double less,
                      bool squared)
{
	double sum = 0.0;
	for (size_t t = 0; t < own->frames; t++)
		for (size_t b = 0; b < own->batch; b++) {
			double value = a[(t * width + row) * own->batch + b] - less;
			sum += squared ? value * value : value;
		}
	return sum;
}

/* Mean and biased variance of a row of the batch; what the state moves by is added to its sums. */
static void measure(struct layer *layer, const double *x, size_t row, double *mean, double *variance)
{
	struct batch_norm *own = layer->own;
	size_t width = (size_t)layer->in.width;
	double n = (double)(own->frames * own->batch), kept = tensor(layer, layer->params->values, RUNNING_VAR)[row];
	*mean = row_sum(own, x, width, row, 0.0, false) / n;
	double squares = row_sum(own, x, width, row, *mean, true);
	*variance = squares / n;
	tensor(layer, layer->params->gradients, RUNNING_MEAN)[row] += *mean;
	tensor(layer, layer->params->gradients, RUNNING_VAR)[row] += n > 1.0 ? squares / (n - 1.0) : kept;
}

static void batch_norm_forward(struct layer *layer, const struct training_context *training, const double *x,
                               int frames, int batch, double *y)
{
	struct batch_norm *own = layer->own;
	double *values = layer->params->values;
	const double *weight = tensor(layer, values, WEIGHT), *bias = tensor(layer, values, BIAS);
	size_t width = (size_t)layer->in.width, n = (size_t)batch;
	own->frames = (size_t)frames;
	own->batch = n;
	own->training = training != NULL;
	for (size_t row = 0; row < width; row++) {
		double mean = tensor(layer, values, RUNNING_MEAN)[row],
		       variance = tensor(layer, values, RUNNING_VAR)[row];
		if (own->training)
			measure(layer, x, row, &mean, &variance);
		own->deviation[row] = sqrt(variance + layer->config.norm.epsilon);
		for (size_t t = 0; t < own->frames; t++)
			for (size_t k = (t * width + row) * n; k < (t * width + row + 1) * n; k++) {
				own->normal[k] = (x[k] - mean) / own->deviation[row];
				y[k] = weight[row] * own->normal[k] + bias[row];
			}
	}
}

/* In training mean and variance depend on every value of the row:
 * dx = weight / deviation (dy - mean(dy) - normal mean(dy normal)). */
static void batch_norm_backward(struct layer *layer, const double *x, const double *dy, double *dx)
{
	(void)x;
	const struct batch_norm *own = layer->own;
	const double *weight = tensor(layer, layer->params->values, WEIGHT);
	double *d_weight = tensor(layer, layer->params->gradients, WEIGHT),
	       *d_bias = tensor(layer, layer->params->gradients, BIAS);
	size_t width = (size_t)layer->in.width, n = own->batch;
	double count = (double)(own->frames * n);
	for (size_t row = 0; row < width; row++) {
		double sum = row_sum(own, dy, width, row, 0.0, false), along = 0.0;
		for (size_t t = 0; t < own->frames; t++)
			for (size_t k = (t * width + row) * n; k < (t * width + row + 1) * n; k++)
				along += dy[k] * own->normal[k];
		d_weight[row] += along;
		d_bias[row] += sum;
		double scale = weight[row] / own->deviation[row], mean = own->training ? sum / count : 0.0,
		       slope = own->training ? along / count : 0.0;
		for (size_t t = 0; dx != NULL && t < own->frames; t++)
			for (size_t k = (t * width + row) * n; k < (t * width + row + 1) * n; k++)
				dx[k] = scale * (dy[k] - mean - own->normal[k] * slope);
	}
}

static void batch_norm_update(struct layer *layer)
{
	double momentum = layer->config.norm.momentum;
	for (int which = RUNNING_MEAN; which <= RUNNING_VAR; which++) {
		double *running = tensor(layer, layer->params->values, which);
		const double *seen = tensor(layer, layer->params->gradients, which);
		for (size_t row = 0; row < (size_t)layer->in.width; row++)
			running[row] += momentum * (seen[row] - running[row]);
	}
}

const struct layer_ops batch_norm_ops = {
    .check = batch_norm_check,
    .open = batch_norm_open,
    .lay_out = batch_norm_lay_out,
    .cost = batch_norm_cost,
    .forward = batch_norm_forward,
    .backward = batch_norm_backward,
    .update_state = batch_norm_update,
};
