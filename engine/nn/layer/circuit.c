/* The layer of a circuit that the user wrote, on every step, or on the vector, that it is given.
 *
 *   y = the expectation values that the text names; its features are the values that come in, in their order
 *
 * The tensor "circuits" is [1][n_weights]: the trained angles in the order of their declaration, in radians. Where an
 * angle of the program is a multiple of one of them, or of an encoded feature (of a controlled rotation the half), the
 * block and this layer multiply. */
#include "engine/nn/layer.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/circuit/qasm/qasm.h"

struct circuit {
	struct qasm_circuit text; /* its program is the block's */
	struct quantum_block block;
	struct angle_multiple *multiples; /* [program->n_weights] */
	struct feature_made *made;        /* [program->n_features] */
	double *features, *d_features;    /* [program->n_features][batch], scratch */
	int frames, batch;                /* of the last forward */
};

static int circuit_check(const struct layer_config *config, struct shape in, struct shape *out,
                         struct qlstm_error *error)
{
	struct qasm_circuit text;
	if (config->written.qasm == NULL)
		return error_set(error, ERR_MISSING, "/qasm", "the circuit is missing");
	int rc = qasm_read(config->written.qasm, &text, error);
	if (rc != 0)
		return rc;
	*out = (struct shape){SHAPE_REALS, in.form, text.program->n_observables};
	if (text.n_features != in.width)
		rc = error_set(
		    error, ERR_INVALID, "/qasm",
		    "the circuit reads %d features (x0, x1, ..); %d values come in: fit it, or put a dense layer "
		    "of %d units before it",
		    text.n_features, in.width, text.n_features);
	else if (text.n_weights == 0)
		rc = error_set(error, ERR_INVALID, "/qasm",
		               "the circuit has no trained angle: an input whose name is no feature's, such as theta0");
	qasm_free(&text);
	return rc;
}

/* Takes the lists of the text into the structs that the block and its readers know. */
static int take_lists(struct circuit *own)
{
	const struct circuit_program *program = own->text.program;
	own->multiples = calloc((size_t)program->n_weights + 1, sizeof *own->multiples);
	own->made = calloc((size_t)program->n_features + 1, sizeof *own->made);
	if (own->multiples == NULL || own->made == NULL)
		return ERR_OUT_OF_MEMORY;
	for (int k = 0; k < program->n_weights; k++)
		own->multiples[k] = (struct angle_multiple){own->text.weights[k].source, own->text.weights[k].scale};
	for (int k = 0; k < program->n_features; k++)
		own->made[k] = (struct feature_made){own->text.features[k].source, own->text.features[k].encoder,
		                                     own->text.features[k].scale};
	return 0;
}

static int circuit_open(struct layer *layer, struct qlstm_error *error)
{
	struct circuit *own = calloc(1, sizeof *own);
	if (own == NULL)
		return error_set(error, ERR_OUT_OF_MEMORY, "", "out of memory");
	layer->own = own;
	int rc = qasm_read(layer->config.written.qasm, &own->text, error);
	if (rc != 0)
		return rc;
	struct circuit_program *program = own->text.program;
	rc = take_lists(own);
	if (rc != 0)
		return error_set(error, ERR_OUT_OF_MEMORY, "", "out of memory");
	own->text.program = NULL;
	rc = quantum_block_adopt(&own->block, "layer", program, own->multiples, &layer->circuits, error);
	if (rc != 0)
		return rc;
	own->block.made = own->made;
	char name[PARAM_NAME_SIZE];
	bool uniform = layer->config.written.angle_init == ANGLE_INIT_UNIFORM;
	snprintf(name, sizeof name, "%s.circuits", layer->name);
	int tensor = params_add(layer->params, name, PARAM_QUANTUM, uniform ? INIT_ANGLE : INIT_NORMAL,
	                        uniform ? 2.0 * M_PI : 0.01, 2, (size_t[]){1, (size_t)own->text.n_weights});
	if (tensor < 0)
		return error_set(error, ERR_OUT_OF_MEMORY, "", "out of memory");
	quantum_block_bind(&own->block, layer->params, tensor, 0);
	return 0;
}

static void circuit_lay_out(struct layer *layer, struct arena *arena, int frames, int batch)
{
	(void)frames;
	struct circuit *own = layer->own;
	size_t size = (size_t)own->block.n_features * (size_t)batch;
	own->features = arena_take_numbers(arena, size);
	own->d_features = arena_take_numbers(arena, size);
}

/* The program's features of one step. */
static void make_features(const struct circuit *own, const double *x)
{
	size_t n = (size_t)own->batch;
	for (size_t k = 0; k < (size_t)own->block.n_features; k++) {
		const struct feature_made *made = &own->made[k];
		for (size_t b = 0; b < n; b++)
			own->features[k * n + b] =
			    made->scale * encoder_angle(made->encoder, x[(size_t)made->source * n + b]);
	}
}

static void circuit_forward(struct layer *layer, const struct training_context *training, const double *x, int frames,
                            int batch, double *y)
{
	(void)training;
	struct circuit *own = layer->own;
	size_t in = (size_t)layer->in.width * (size_t)batch, out = (size_t)layer->out.width * (size_t)batch;
	own->frames = frames;
	own->batch = batch;
	for (size_t t = 0; t < (size_t)frames; t++) {
		make_features(own, x + t * in);
		quantum_block_forward(&own->block, (int)t, own->features, batch, y + t * out);
		if (watch_tick(layer->watch))
			return;
	}
}

/* dx of one step, from the gradient on the program's features. */
static void add_slopes(const struct circuit *own, const double *x, double *dx)
{
	size_t n = (size_t)own->batch;
	for (size_t k = 0; k < (size_t)own->block.n_features; k++) {
		const struct feature_made *made = &own->made[k];
		size_t row = (size_t)made->source * n;
		for (size_t b = 0; b < n; b++)
			dx[row + b] +=
			    made->scale * encoder_derivative(made->encoder, x[row + b]) * own->d_features[k * n + b];
	}
}

static void circuit_backward(struct layer *layer, const double *x, const double *dy, double *dx)
{
	struct circuit *own = layer->own;
	size_t n = (size_t)own->batch, in = (size_t)layer->in.width * n, out = (size_t)layer->out.width * n;
	if (dx != NULL)
		memset(dx, 0, (size_t)own->frames * in * sizeof(double));
	for (size_t t = 0; t < (size_t)own->frames; t++) {
		make_features(own, x + t * in);
		memset(own->d_features, 0, (size_t)own->block.n_features * n * sizeof(double));
		quantum_block_backward(&own->block, (int)t, own->features, own->batch, dy + t * out,
		                       dx != NULL ? own->d_features : NULL);
		if (dx != NULL)
			add_slopes(own, x + t * in, dx + t * in);
		if (watch_tick(layer->watch))
			return;
	}
}

static void circuit_close(struct layer *layer)
{
	struct circuit *own = layer->own;
	if (own == NULL)
		return;
	quantum_block_close(&own->block);
	qasm_free(&own->text);
	free(own->multiples);
	free(own->made);
	free(own);
}

int circuit_wires(const struct layer_config *config)
{
	struct qasm_circuit text;
	if (config->written.qasm == NULL || qasm_read(config->written.qasm, &text, NULL) != 0)
		return 0;
	int wires = text.program->n_wires;
	qasm_free(&text);
	return wires;
}

const struct layer_ops circuit_ops = {
    .check = circuit_check,
    .open = circuit_open,
    .lay_out = circuit_lay_out,
    .cost = layer_cost_products,
    .forward = circuit_forward,
    .backward = circuit_backward,
    .close = circuit_close,
};
