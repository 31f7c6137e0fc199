/* Dropout (Srivastava et al. 2014, with the scaling of torch.nn.Dropout): while it trains, each value is set to zero
 * with probability p, else divided by 1 - p, so that its expectation stays; when it does not, nothing is changed.
 *
 * Value (t, k) of a sample, step t and row k, is dropped by word t * width + k of what the generator says for (seed,
 * layer, epoch, sample): not by when, where or beside whom the sample is computed. */
#include <stdlib.h>
#include <string.h>

#include "engine/nn/drop_factors.h"
#include "engine/nn/layer.h"

struct dropout {
	double *factors; /* [frames][width][batch] of the last forward: 0 or 1 / (1 - p) */
	size_t size;     /* of the last forward */
	bool drops;      /* whether the last forward was a part of training */
};

static int dropout_check(const struct layer_config *config, struct shape in, struct shape *out,
                         struct qlstm_error *error)
{
	*out = in;
	if (!(config->dropout.p >= 0.0 && config->dropout.p <= 1.0))
		return error_set(error, ERR_OUT_OF_RANGE, "/p", "p is %g; allowed are 0 to 1", config->dropout.p);
	return 0;
}

static int dropout_open(struct layer *layer, struct qlstm_error *error)
{
	layer->own = calloc(1, sizeof(struct dropout));
	return layer->own != NULL ? 0 : error_set(error, ERR_OUT_OF_MEMORY, "", "out of memory");
}

static void dropout_lay_out(struct layer *layer, struct arena *arena, int frames, int batch)
{
	struct dropout *own = layer->own;
	own->factors = arena_take_numbers(arena, (size_t)frames * (size_t)layer->in.width * (size_t)batch);
}

/* In ns, measured: a call; a word of the generator and the passes over its value. */
static double dropout_cost(const struct layer *layer, const struct layer_work *work)
{
	return 100.0 + 10.0 * (double)layer->in.width * work->frames * work->batch;
}

static void dropout_forward(struct layer *layer, const struct training_context *training, const double *x, int frames,
                            int batch, double *y)
{
	struct dropout *own = layer->own;
	size_t units = (size_t)frames * (size_t)layer->in.width;
	own->size = units * (size_t)batch;
	own->drops = training != NULL;
	if (!own->drops) {
		memcpy(y, x, own->size * sizeof(double));
		return;
	}
	drop_factors_draw(training, layer->index, layer->config.dropout.p, units, (size_t)batch, own->factors);
	for (size_t k = 0; k < own->size; k++)
		y[k] = own->factors[k] * x[k];
}

static void dropout_backward(struct layer *layer, const double *x, const double *dy, double *dx)
{
	(void)x;
	const struct dropout *own = layer->own;
	for (size_t k = 0; dx != NULL && k < own->size; k++)
		dx[k] = own->drops ? own->factors[k] * dy[k] : dy[k];
}

const struct layer_ops dropout_ops = {
    .check = dropout_check,
    .open = dropout_open,
    .lay_out = dropout_lay_out,
    .cost = dropout_cost,
    .forward = dropout_forward,
    .backward = dropout_backward,
};
