/* The embedding layer (torch.nn.Embedding): each value that comes in is a whole number from 0 to classes - 1 and
 * becomes the row of that number in the tensor weight [classes][dimension]. Width k in is k dimension out, value by
 * value. Any other number has no row: what comes out is NaN. Whole numbers have no gradient: dx is zero. */
#include "engine/nn/layer/token_table.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

struct embedding {
	int weight;        /* parameter index */
	int frames, batch; /* of the last forward */
};

static int embedding_check(const struct layer_config *config, struct shape in, struct shape *out,
                           struct qlstm_error *error)
{
	const struct embedding_config *embedding = &config->embedding;
	int rc = token_table_check(embedding->classes, embedding->dimension, error);
	if (rc != 0)
		return rc;
	*out = (struct shape){SHAPE_REALS, in.form, in.width * embedding->dimension};
	return 0;
}

static int embedding_open(struct layer *layer, struct qlstm_error *error)
{
	const struct embedding_config *config = &layer->config.embedding;
	struct embedding *own = calloc(1, sizeof *own);
	if (own == NULL)
		return error_set(error, ERR_OUT_OF_MEMORY, "", "out of memory");
	layer->own = own;
	return token_table_add(layer, config->classes, config->dimension, &own->weight, error);
}

/* In ns: a call; a value that goes out, forward and backward. */
static double embedding_cost(const struct layer *layer, const struct layer_work *work)
{
	return 100.0 + 2.0 * (double)layer->out.width * work->frames * work->batch;
}

/* The row of a value in `block`, NULL where it has none. */
static double *row_of(const struct layer *layer, double *block, double value)
{
	const struct embedding_config *config = &layer->config.embedding;
	const struct embedding *own = layer->own;
	if (!(value >= 0.0 && value < config->classes) || value != floor(value))
		return NULL;
	return block + layer->params->items[own->weight].offset + (size_t)value * (size_t)config->dimension;
}

static void embedding_forward(struct layer *layer, const struct training_context *training, const double *x, int frames,
                              int batch, double *y)
{
	(void)training;
	struct embedding *own = layer->own;
	size_t n = (size_t)batch, dimension = (size_t)layer->config.embedding.dimension;
	own->frames = frames;
	own->batch = batch;
	for (size_t k = 0; k < (size_t)frames * (size_t)layer->in.width; k++)
		for (size_t b = 0; b < n; b++) {
			const double *row = row_of(layer, layer->params->values, x[k * n + b]);
			for (size_t j = 0; j < dimension; j++)
				y[(k * dimension + j) * n + b] = row != NULL ? row[j] : NAN;
		}
}

static void embedding_backward(struct layer *layer, const double *x, const double *dy, double *dx)
{
	const struct embedding *own = layer->own;
	size_t n = (size_t)own->batch, dimension = (size_t)layer->config.embedding.dimension,
	       values = (size_t)own->frames * (size_t)layer->in.width;
	if (dx != NULL)
		memset(dx, 0, values * n * sizeof(double));
	for (size_t k = 0; k < values; k++)
		for (size_t b = 0; b < n; b++) {
			double *row = row_of(layer, layer->params->gradients, x[k * n + b]);
			for (size_t j = 0; row != NULL && j < dimension; j++)
				row[j] += dy[(k * dimension + j) * n + b];
		}
}

const struct layer_ops embedding_ops = {
    .check = embedding_check,
    .open = embedding_open,
    .cost = embedding_cost,
    .forward = embedding_forward,
    .backward = embedding_backward,
};
