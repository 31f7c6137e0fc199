/* Bausch's quantum recurrent network as a layer: words come in as bits, the probabilities of the next word go out, step
 * by step. What it computes, and its parameters: engine/circuit/neuron/neuron.h. It is a model by itself: its states
 * are measured, so nothing flows to another layer, and words have no gradient. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/circuit/neuron/neuron.h"
#include "engine/nn/layer.h"
#include "engine/philox.h"
#include "engine/rows.h"

struct qrnn {
	struct neuron_cell *cell;
	double *flat, *d_flat; /* [parameters], in the cell's order */
	uint8_t *inputs, *outcomes;
	double *uniforms; /* likewise [steps][batch] */
	int steps, batch; /* of the last forward */
};

static struct neuron_shape shape_of(const struct layer_config *config)
{
	const struct qrnn_config *qrnn = &config->qrnn;
	return (struct neuron_shape){.workspace = qrnn->workspace,
	                             .stages = qrnn->stages,
	                             .order = qrnn->order,
	                             .degree = qrnn->degree,
	                             .input_bits = qrnn->input_bits,
	                             .bias = qrnn->bias};
}

static int qrnn_check(const struct layer_config *config, struct shape in, struct shape *out, struct qlstm_error *error)
{
	const struct neuron_shape shape = shape_of(config);
	int rc = neuron_check(&shape, error);
	if (rc == 0 && in.width != shape.input_bits)
		rc = error_set(error, ERR_INVALID, "/input_bits", "input_bits is %d; words of %d bits come in",
		               shape.input_bits, in.width);
	*out = (struct shape){SHAPE_REALS, SHAPE_SEQUENCE, 1 << shape.input_bits};
	return rc;
}

/* ---- Parameters: tensors here, one vector in the cell ---- */

/* The tensors of neurons on `rows` targets, in the order in which they are added: their weights, their thetas. */
static int add_neurons(struct layer *layer, const char *part, size_t rows)
{
	const struct qrnn_config *config = &layer->config.qrnn;
	const struct neuron_shape shape = shape_of(&layer->config);
	const size_t dims[2] = {rows, neuron_weights(&shape)};
	char name[PARAM_NAME_SIZE];
	snprintf(name, sizeof name, "%s.%s.weights", layer->name, part);
	if (params_add(layer->params, name, PARAM_QUANTUM, INIT_NORMAL, config->weight_spread, 2, dims) < 0)
		return ERR_OUT_OF_MEMORY;
	snprintf(name, sizeof name, "%s.%s.biases", layer->name, part);
	return params_add(layer->params, name, PARAM_QUANTUM, INIT_NORMAL, config->bias_spread, 1, dims);
}

static int add_parameters(struct layer *layer)
{
	const struct qrnn_config *config = &layer->config.qrnn;
	const size_t lanes = (size_t)config->workspace;
	int rc = add_neurons(layer, "input", lanes);
	for (int stage = 0; rc >= 0 && stage < config->stages; stage++) {
		char part[32], name[PARAM_NAME_SIZE];
		snprintf(part, sizeof part, "stages.%d", stage);
		snprintf(name, sizeof name, "%s.%s.rotations", layer->name, part);
		rc = params_add(layer->params, name, PARAM_QUANTUM, INIT_NORMAL, config->rotation_spread, 1, &lanes);
		if (rc >= 0)
			rc = add_neurons(layer, part, lanes);
	}
	return rc >= 0 ? add_neurons(layer, "output", (size_t)config->input_bits) : rc;
}

/* The layer's tensors are one piece of the model's block; in it a group of neurons has its weights, then its thetas,
 * where the cell has them neuron by neuron. Rotations stand first in both. To the cell it copies, from it it adds. */
static void match_parameters(const struct neuron_shape *shape, const double *from, double *to, bool to_cell)
{
	size_t weights = neuron_weights(shape), groups = (size_t)shape->stages + 2, block = 0, vector = 0;
	for (size_t group = 0; group < groups; group++) {
		size_t lanes = (size_t)(group + 1 < groups ? shape->workspace : shape->input_bits);
		size_t rotations = group > 0 && group + 1 < groups ? lanes : 0;
		for (size_t k = 0; k < rotations + lanes * (weights + 1); k++) {
			size_t in_group = k - rotations, lane = in_group / (weights + 1),
			       term = in_group % (weights + 1);
			size_t at = k < rotations    ? k
			            : term < weights ? rotations + lane * weights + term
			                             : rotations + lanes * weights + lane;
			if (to_cell)
				to[vector + k] = from[block + at];
			else
				to[block + at] += from[vector + k];
		}
		block += rotations + lanes * (weights + 1);
		vector = block;
	}
}

static size_t first_parameter(const struct layer *layer)
{
	return layer->params->items[layer->first_param].offset;
}

static int qrnn_open(struct layer *layer, struct qlstm_error *error)
{
	const struct neuron_shape shape = shape_of(&layer->config);
	struct qrnn *own = calloc(1, sizeof *own);
	layer->own = own;
	if (own != NULL) {
		own->flat = calloc(2 * neuron_parameters(&shape), sizeof(double));
		own->d_flat = own->flat + neuron_parameters(&shape);
	}
	if (own == NULL || own->flat == NULL || add_parameters(layer) < 0)
		return error_set(error, ERR_OUT_OF_MEMORY, "", "out of memory");
	return neuron_open(&own->cell, &shape, layer->precision, error);
}

static void qrnn_lay_out(struct layer *layer, struct arena *arena, int steps, int batch)
{
	struct qrnn *own = layer->own;
	size_t count = (size_t)steps * (size_t)batch;
	own->inputs = arena_take(arena, count);
	own->outcomes = arena_take(arena, count);
	own->uniforms = arena_take_numbers(arena, count);
	neuron_lay_out(own->cell, arena, steps, batch);
}

static size_t qrnn_fixed_bytes(const struct layer *layer)
{
	const struct qrnn *own = layer->own;
	return neuron_table_bytes(own->cell);
}

static double qrnn_cost(const struct layer *layer, const struct layer_work *work)
{
	const struct neuron_shape shape = shape_of(&layer->config);
	return neuron_table_cost(&shape) + neuron_cost(&shape, layer->precision) * work->steps * work->batch;
}

/* ---- Words ---- */

/* x [steps][bits][batch], the first bit is the highest. */
static void read_words(const struct layer *layer, const double *x)
{
	struct qrnn *own = layer->own;
	size_t batch = (size_t)own->batch, bits = (size_t)layer->in.width;
	for (size_t t = 0; t < (size_t)own->steps; t++)
		for (size_t b = 0; b < batch; b++) {
			unsigned word = 0;
			for (size_t k = 0; k < bits; k++)
				word = word << 1 | (x[(t * bits + k) * batch + b] >= 0.5);
			own->inputs[t * batch + b] = (uint8_t)word;
		}
}

/* Outside training draws are those of epoch 0, so that every evaluation of a sample has the same numbers. */
static void draw_uniforms(const struct layer *layer, const struct word_guide *guide, uint32_t epoch)
{
	struct qrnn *own = layer->own;
	size_t batch = (size_t)own->batch;
	for (size_t b = 0; b < batch; b++) {
		struct philox rng;
		size_t sample = guide == NULL ? b : guide->order != NULL ? guide->order[b] : guide->first + b;
		philox_open_place(
		    &rng, guide != NULL ? guide->seed : 0,
		    &(struct philox_place){.layer = (uint32_t)layer->index, .epoch = epoch, .sample = sample});
		for (size_t t = 0; t < (size_t)own->steps; t++)
			own->uniforms[t * batch + b] = philox_uniform(&rng);
	}
}

/* Whether the outcome at place k is the guide's word. */
static bool is_postselected(const struct layer *layer, const struct word_guide *guide, size_t k, bool training)
{
	if (guide == NULL)
		return false;
	if (layer->config.qrnn.measure)
		return guide->mask != NULL && guide->mask[k] == ROW_GIVEN;
	return training || (guide->mask != NULL && guide->mask[k] != ROW_DRAWN);
}

static void choose_outcomes(const struct layer *layer, const struct word_guide *guide,
                            const struct training_context *training)
{
	struct qrnn *own = layer->own;
	size_t count = (size_t)own->steps * (size_t)own->batch;
	for (size_t k = 0; k < count; k++)
		own->outcomes[k] =
		    is_postselected(layer, guide, k, training != NULL) ? (uint8_t)guide->words[k] : NEURON_DRAW;
	if (training == NULL || guide == NULL || layer->config.qrnn.measure)
		draw_uniforms(layer, guide, training != NULL ? training->epoch : 0);
}

static struct neuron_sequence sequence_of(const struct qrnn *own)
{
	return (struct neuron_sequence){own->steps, own->batch, own->inputs, own->outcomes, own->uniforms};
}

static void qrnn_forward(struct layer *layer, const struct training_context *training, const double *x, int frames,
                         int batch, double *y)
{
	struct qrnn *own = layer->own;
	const struct neuron_shape shape = shape_of(&layer->config);
	const struct word_guide *guide = *layer->guide;
	own->steps = frames;
	own->batch = batch;
	read_words(layer, x);
	choose_outcomes(layer, guide, training);
	match_parameters(&shape, layer->params->values + first_parameter(layer), own->flat, true);
	neuron_set(own->cell, own->flat);
	const struct neuron_sequence sequence = sequence_of(own);
	for (size_t b = 0; b < (size_t)batch; b++) {
		neuron_forward(own->cell, &sequence, b, y);
		if (watch_tick(layer->watch))
			return;
	}
	for (size_t k = 0; guide != NULL && guide->outcomes != NULL && k < (size_t)frames * (size_t)batch; k++)
		guide->outcomes[k] = own->outcomes[k];
}

/* Of words there is no gradient. */
static void qrnn_backward(struct layer *layer, const double *x, const double *dy, double *dx)
{
	struct qrnn *own = layer->own;
	const struct neuron_shape shape = shape_of(&layer->config);
	const struct neuron_sequence sequence = sequence_of(own);
	(void)x;
	if (dx != NULL)
		memset(dx, 0, (size_t)own->steps * (size_t)layer->in.width * (size_t)own->batch * sizeof *dx);
	neuron_gradient_clear(own->cell);
	for (size_t b = 0; b < (size_t)own->batch; b++) {
		neuron_backward(own->cell, &sequence, b, dy);
		if (watch_tick(layer->watch))
			return;
	}
	memset(own->d_flat, 0, neuron_parameters(&shape) * sizeof *own->d_flat);
	neuron_gradient_take(own->cell, own->d_flat);
	match_parameters(&shape, own->d_flat, layer->params->gradients + first_parameter(layer), false);
}

static void qrnn_close(struct layer *layer)
{
	struct qrnn *own = layer->own;
	if (own == NULL)
		return;
	neuron_close(own->cell);
	free(own->flat);
	free(own);
}

const struct layer_ops qrnn_ops = {
    .check = qrnn_check,
    .open = qrnn_open,
    .lay_out = qrnn_lay_out,
    .fixed_bytes = qrnn_fixed_bytes,
    .cost = qrnn_cost,
    .forward = qrnn_forward,
    .backward = qrnn_backward,
    .close = qrnn_close,
};
