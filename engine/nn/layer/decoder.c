/* The decoder: where a model turns from what it reads to what it says (Cho et al. 2014). The layers before it are the
 * encoder, their outputs x [source steps] the source (source.h); behind it stand the layers that say the target, token
 * by token. Step t gives the row of the token that stands before target t, in the tensor weight [classes][dimension],
 * and, with HANDOVER_MEAN, beside it the mean of the source's steps:
 *
 *     y_t = [weight[given_t] ; sum_j x_j / length]
 *
 * With HANDOVER_STATE it gives the row alone (Sutskever, Vinyals and Le 2014; Luong, Pham and Manning 2015): the
 * recurrent layers behind it begin with the last states of those before it, which the model hands over.
 *
 * While it trains given_t is the true token before t (teacher forcing), afterwards the one that was said. Attention
 * layers behind it look at the source, step by step. Any other number than 0 to classes - 1 has no row: NaN. */
#include "engine/nn/layer/token_table.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

struct decoder {
	int weight;        /* parameter index */
	double *mean;      /* [width][batch]; NULL: the state is handed over */
	int frames, batch; /* of the last forward */
};

static int decoder_check(const struct layer_config *config, struct shape in, struct shape *out,
                         struct qlstm_error *error)
{
	const struct decoder_config *decoder = &config->decoder;
	int rc = token_table_check(decoder->classes, decoder->dimension, error);
	if (rc != 0)
		return rc;
	int mean = decoder->handover == HANDOVER_MEAN ? in.width : 0;
	*out = (struct shape){SHAPE_REALS, SHAPE_SEQUENCE, decoder->dimension + mean};
	return 0;
}

static int decoder_open(struct layer *layer, struct qlstm_error *error)
{
	const struct decoder_config *config = &layer->config.decoder;
	struct decoder *own = calloc(1, sizeof *own);
	if (own == NULL)
		return error_set(error, ERR_OUT_OF_MEMORY, "", "out of memory");
	layer->own = own;
	return token_table_add(layer, config->classes, config->dimension, &own->weight, error);
}

static void decoder_lay_out(struct layer *layer, struct arena *arena, int steps, int batch)
{
	struct decoder *own = layer->own;
	size_t width = (size_t)layer->in.width, n = (size_t)batch;
	own->mean = layer->config.decoder.handover == HANDOVER_MEAN ? arena_take_numbers(arena, width * n) : NULL;
	layer->source->gradient = arena_take_numbers(arena, (size_t)steps * width * n);
}

/* In ns: a call; a value that goes out, forward and backward. */
static double decoder_cost(const struct layer *layer, const struct layer_work *work)
{
	return 100.0 + 3.0 * (double)layer->out.width * work->frames * work->batch;
}

/* The row of a token in `block`, NULL where it has none. */
static double *row_of(const struct layer *layer, double *block, double token)
{
	const struct decoder_config *config = &layer->config.decoder;
	const struct decoder *own = layer->own;
	if (!(token >= 0.0 && token < config->classes) || token != floor(token))
		return NULL;
	return block + layer->params->items[own->weight].offset + (size_t)token * (size_t)config->dimension;
}

/* The mean of the steps that count, added up in their order. */
static void find_mean(const struct layer *layer, const double *x)
{
	const struct decoder *own = layer->own;
	const struct source *source = layer->source;
	size_t width = (size_t)layer->in.width, n = (size_t)own->batch;
	for (size_t r = 0; r < width; r++)
		for (size_t b = 0; b < n; b++) {
			size_t length = source_length(source, b);
			double sum = 0.0;
			for (size_t j = 0; j < length; j++)
				sum += x[(j * width + r) * n + b];
			own->mean[r * n + b] = sum / (double)length;
		}
}

static void decoder_forward(struct layer *layer, const struct training_context *training, const double *x, int frames,
                            int batch, double *y)
{
	(void)training;
	struct decoder *own = layer->own;
	struct source *source = layer->source;
	size_t n = (size_t)batch, dimension = (size_t)layer->config.decoder.dimension, width = (size_t)layer->out.width;
	own->frames = frames;
	own->batch = batch;
	source->values = x;
	if (own->mean != NULL)
		find_mean(layer, x);
	for (size_t t = 0; t < (size_t)frames; t++) {
		double *out = y + t * width * n;
		for (size_t b = 0; b < n; b++) {
			const double *row = row_of(layer, layer->params->values, source->given[t * n + b]);
			for (size_t k = 0; k < dimension; k++)
				out[k * n + b] = row != NULL ? row[k] : (double)NAN;
		}
		if (own->mean != NULL)
			memcpy(out + dimension * n, own->mean, (width - dimension) * n * sizeof *out);
	}
}

/* What the rows of step t get. */
static void rows_backward(const struct layer *layer, size_t t, const double *dy)
{
	const struct decoder *own = layer->own;
	size_t n = (size_t)own->batch, dimension = (size_t)layer->config.decoder.dimension;
	for (size_t b = 0; b < n; b++) {
		double *row = row_of(layer, layer->params->gradients, layer->source->given[t * n + b]);
		for (size_t k = 0; row != NULL && k < dimension; k++)
			row[k] += dy[k * n + b];
	}
}

/* dx: what the steps of the source get of the mean's gradient, on top. */
static void mean_backward(struct layer *layer, const double *dy, double *dx)
{
	struct decoder *own = layer->own;
	const struct source *source = layer->source;
	size_t n = (size_t)own->batch, in = (size_t)layer->in.width, width = (size_t)layer->out.width;
	double *d_mean = own->mean;
	memset(d_mean, 0, in * n * sizeof *d_mean);
	for (size_t t = 0; t < (size_t)own->frames; t++)
		for (size_t k = 0; k < in * n; k++)
			d_mean[k] += dy[(t * width + width - in) * n + k];
	for (size_t b = 0; b < n; b++) {
		size_t length = source_length(source, b);
		for (size_t r = 0; r < in; r++)
			for (size_t j = 0; j < length; j++)
				dx[(j * in + r) * n + b] += d_mean[r * n + b] / (double)length;
	}
}

static void decoder_backward(struct layer *layer, const double *x, const double *dy, double *dx)
{
	(void)x;
	const struct decoder *own = layer->own;
	const struct source *source = layer->source;
	size_t n = (size_t)own->batch, in = (size_t)layer->in.width, width = (size_t)layer->out.width;
	for (size_t t = 0; t < (size_t)own->frames; t++)
		rows_backward(layer, t, dy + t * width * n);
	if (dx == NULL)
		return;
	memcpy(dx, source->gradient, (size_t)source->steps * in * n * sizeof *dx);
	if (own->mean != NULL)
		mean_backward(layer, dy, dx);
}

const struct layer_ops decoder_ops = {
    .check = decoder_check,
    .open = decoder_open,
    .lay_out = decoder_lay_out,
    .cost = decoder_cost,
    .forward = decoder_forward,
    .backward = decoder_backward,
};
