/* The hybrid quantum-classical recurrent network (Xu, arXiv 2510.25557) as a layer: a controller reads what was read
 * from the quantum state and what comes in, and its outputs are the angles of the step (the circuit:
 * engine/circuit/hybrid/hybrid.h). For step t, z_0 the readouts of the initial state:
 *
 *     u = [z_{t-1}; x_t]    a = W1 u + b1    h = act(a)    theta = W2 h + b2, or pi tanh of it
 *     psi_t = U(theta) psi_{t-1}             z_t = the readouts of psi_t, which go out
 *
 * act: the identity, relu, gelu, or glu: h_k = a_k sigmoid(a_{H+k}), W1 with 2 H rows. The initial state is |0..0>, or
 * U(theta_0)|0..0> with angles theta_0 that are trained. Dropout, of x_t and of h, never touches the quantum state.
 *
 * Back, the two quantum states go through time once, and dL/dtheta and dL/da take the places of theta and a, so that
 * the weights' gradients are two products over all steps at the end. Outside training READING_PROJECTIVE and
 * READING_COLLAPSE draw 1 or -1 for each readout instead of its expectation, by seed, sample and step of the batch
 * alone.
 *
 * What goes on from batch to batch and from a source to its target, and where a sequence ends that is shorter than its
 * batch: hqrnn_states.c. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/nn/activation.h"
#include "engine/nn/drop_factors.h"
#include "engine/nn/kernel/gates_kernel.h"
#include "engine/nn/kernel/gemm_kernel.h"
#include "engine/nn/layer/hqrnn.h"
#include "engine/nn/linear.h"
#include "engine/philox.h"
#include "engine/vector/isa.h"

enum { HIDDEN_MOST = 1 << 20 };

int hqrnn_wires(const struct layer_config *config)
{
	return config->hqrnn.n_qubits;
}

static int hqrnn_check(const struct layer_config *config, struct shape in, struct shape *out, struct qlstm_error *error)
{
	(void)in;
	const struct hqrnn_config *hqrnn = &config->hqrnn;
	const struct hybrid_shape shape = hqrnn_shape(hqrnn);
	int rc = hybrid_check(&shape, error);
	if (rc != 0)
		return rc;
	if (hqrnn->hidden_size < 1 || hqrnn->hidden_size > HIDDEN_MOST)
		return error_set(error, ERR_OUT_OF_RANGE, "/hidden_size", "hidden_size is %d; allowed are 1 to %d",
		                 hqrnn->hidden_size, HIDDEN_MOST);
	if (!(hqrnn->dropout >= 0.0 && hqrnn->dropout <= 1.0))
		return error_set(error, ERR_OUT_OF_RANGE, "/dropout_p", "dropout_p is %g; allowed are 0 to 1",
		                 hqrnn->dropout);
	*out = (struct shape){SHAPE_REALS, SHAPE_SEQUENCE, (int)hybrid_readouts(&shape)};
	return 0;
}

/* ---- Parameters and memory ---- */

static int add_tensor(struct layer *layer, const char *part, enum param_init init, double scale, int rank,
                      const size_t *dims)
{
	char name[PARAM_NAME_SIZE];
	snprintf(name, sizeof name, "%s.%s", layer->name, part);
	return params_add(layer->params, name, PARAM_CLASSICAL, init, scale, rank, dims);
}

/* 0.1 N(0, 1) for the angles that depend on nothing: the circuit begins near a permutation, far from barren plateaus.
 */
#define ANGLE_SPREAD 0.1

static int add_parameters(struct layer *layer)
{
	struct hqrnn *own = layer->own;
	const struct hqrnn_config *config = &layer->config.hqrnn;
	size_t inputs = own->readouts + (size_t)layer->in.width, qubits = (size_t)config->n_qubits;
	const size_t in[2] = {own->rows, inputs}, out[2] = {own->angles, own->hidden};
	const size_t initial[3] = {(size_t)config->depth, qubits, own->angles / qubits / (size_t)config->depth};
	own->in_weight = add_tensor(layer, "linear_in.weight", INIT_UNIFORM, 1.0 / sqrt((double)inputs), 2, in);
	own->in_bias = add_tensor(layer, "linear_in.bias", INIT_ZERO, 0.0, 1, in);
	own->out_weight = add_tensor(layer, "linear_out.weight", INIT_UNIFORM, 1.0 / sqrt((double)own->hidden), 2, out);
	own->out_bias = add_tensor(layer, "linear_out.bias", INIT_NORMAL, ANGLE_SPREAD, 1, out);
	own->initial = -1;
	if (own->in_weight < 0 || own->in_bias < 0 || own->out_weight < 0 || own->out_bias < 0)
		return ERR_OUT_OF_MEMORY;
	if (config->initial_state == INITIAL_ZERO)
		return 0;
	char name[PARAM_NAME_SIZE];
	snprintf(name, sizeof name, "%s.initial_angles", layer->name);
	own->initial = params_add(layer->params, name, PARAM_QUANTUM, INIT_NORMAL, ANGLE_SPREAD, 3, initial);
	return own->initial < 0 ? ERR_OUT_OF_MEMORY : 0;
}

static int hqrnn_open(struct layer *layer, struct qlstm_error *error)
{
	static const char *const activations[] = {
	    [CONTROLLER_LINEAR] = "identity", [CONTROLLER_RELU] = "relu", [CONTROLLER_GELU] = "gelu"};
	const struct hqrnn_config *config = &layer->config.hqrnn;
	const struct hybrid_shape shape = hqrnn_shape(&layer->config.hqrnn);
	struct hqrnn *own = calloc(1, sizeof *own);
	if (own == NULL)
		return error_set(error, ERR_OUT_OF_MEMORY, "", "out of memory");
	layer->own = own;
	bool glu = config->controller == CONTROLLER_GLU;
	own->activation = glu ? NULL : activation_find(activations[config->controller]);
	own->readouts = hybrid_readouts(&shape);
	own->angles = hybrid_angles(&shape);
	own->hidden = (size_t)config->hidden_size;
	own->rows = (glu ? 2 : 1) * own->hidden;
	if (add_parameters(layer) != 0)
		return error_set(error, ERR_OUT_OF_MEMORY, "", "out of memory");
	return hybrid_open(&own->cell, &shape, layer->precision, error);
}

static void hqrnn_lay_out(struct layer *layer, struct arena *arena, int steps, int batch)
{
	struct hqrnn *own = layer->own;
	const struct hqrnn_config *config = &layer->config.hqrnn;
	size_t t = (size_t)steps, n = (size_t)batch, d = (size_t)layer->in.width, width = own->readouts + d;
	own->u = arena_take_numbers(arena, (t + 1) * width * n);
	own->a = arena_take_numbers(arena, t * own->rows * n);
	own->h = arena_take_numbers(arena, t * own->hidden * n);
	own->theta = arena_take_numbers(arena, t * own->angles * n);
	own->factors = config->dropout > 0.0 ? arena_take_numbers(arena, t * (d + own->hidden) * n) : NULL;
	own->start = arena_take_numbers(arena, own->angles * n);
	own->d_theta = arena_take_numbers(arena, own->angles * n);
	own->d_h = arena_take_numbers(arena, own->rows * n);
	own->d_u = arena_take_numbers(arena, width * n);
	own->d_z = arena_take_numbers(arena, own->readouts * n);
	bool draws = config->reading != READING_EXPECTATION;
	own->ends = hqrnn_keeps_ends(layer) ? arena_take_numbers(arena, ((size_t)2 << config->n_qubits) * n) : NULL;
	own->uniforms = draws ? arena_take_numbers(arena, own->readouts * n) : NULL;
	own->draws = draws ? arena_take(arena, n * sizeof *own->draws) : NULL;
	hybrid_lay_out(own->cell, arena, batch);
}

static size_t hqrnn_fixed_bytes(const struct layer *layer)
{
	const struct hqrnn *own = layer->own;
	return hybrid_fixed_bytes(own->cell);
}

static double hqrnn_cost(const struct layer *layer, const struct layer_work *work)
{
	const struct hybrid_shape shape = hqrnn_shape(&layer->config.hqrnn);
	return layer_cost_products(layer, work) +
	       hybrid_cost(&shape, layer->precision) * (double)work->steps * (double)work->batch;
}

static int hqrnn_multiple(const struct layer *layer)
{
	return hybrid_multiple(layer->precision);
}

/* ---- The controller ---- */

static struct linear map_of(const struct layer *layer, int weight, int bias)
{
	const struct params *params = layer->params;
	const struct param *w = &params->items[weight], *b = &params->items[bias];
	return (struct linear){.n_in = (int)w->dims[1],
	                       .n_out = (int)w->dims[0],
	                       .weight = params->values + w->offset,
	                       .bias = params->values + b->offset,
	                       .d_weight = params->gradients + w->offset,
	                       .d_bias = params->gradients + b->offset};
}

static const double pi = 3.14159265358979323846;
static const struct activation_config no_slopes = {.function = ""};

/* h = act(a); of glu a's second half becomes its sigmoid. */
static void activate(const struct hqrnn *own, double *a, size_t n, double *h)
{
	size_t count = own->hidden * n;
	if (own->activation != NULL) {
		own->activation->forward(&no_slopes, a, count, h);
		return;
	}
	isa_pick()->gates->sigmoid_in_place(a + count, count);
	for (size_t k = 0; k < count; k++)
		h[k] = a[k] * a[count + k];
}

/* a = dL/da; d_h [rows][batch] has dL/dh in its first rows and is overwritten. */
static void activate_back(const struct hqrnn *own, const double *h, size_t n, double *d_h, double *a)
{
	size_t count = own->hidden * n;
	if (own->activation != NULL) {
		own->activation->backward(&no_slopes, a, h, d_h, count, d_h);
		memcpy(a, d_h, count * sizeof *a);
		return;
	}
	for (size_t k = 0; k < count; k++) {
		double value = a[k], gate = a[count + k];
		a[k] = d_h[k] * gate;
		a[count + k] = d_h[k] * value * gate * (1.0 - gate);
	}
}

static void multiply(double *values, const double *factors, size_t n)
{
	for (size_t k = 0; k < n; k++)
		values[k] *= factors[k];
}

/* From u of the step, whose readouts are there, to the angles. */
static void control(const struct layer *layer, const double *x, size_t t)
{
	const struct hqrnn *own = layer->own;
	size_t n = (size_t)own->batch, d = (size_t)layer->in.width, width = own->readouts + d;
	double *u = own->u + t * width * n, *a = own->a + t * own->rows * n, *h = own->h + t * own->hidden * n;
	double *theta = own->theta + t * own->angles * n, *in = u + own->readouts * n;
	const double *factors = own->drops ? own->factors + t * (d + own->hidden) * n : NULL;
	const struct linear first = map_of(layer, own->in_weight, own->in_bias);
	const struct linear second = map_of(layer, own->out_weight, own->out_bias);
	memcpy(in, x + t * d * n, d * n * sizeof *in);
	if (factors != NULL)
		multiply(in, factors, d * n);
	linear_forward(&first, u, 1, own->batch, a);
	activate(own, a, n, h);
	if (factors != NULL)
		multiply(h, factors + d * n, own->hidden * n);
	linear_forward(&second, h, 1, own->batch, theta);
	if (layer->config.hqrnn.squash == SQUASH_NONE)
		return;
	isa_pick()->gates->tanh_in_place(theta, own->angles * n);
	for (size_t k = 0; k < own->angles * n; k++)
		theta[k] *= pi;
}

/* From d_theta of the step to d_u; dL/dtheta and dL/da take the places of theta and a. */
static void control_back(const struct layer *layer, size_t t)
{
	const struct hqrnn *own = layer->own;
	size_t n = (size_t)own->batch, d = (size_t)layer->in.width, width = own->readouts + d;
	double *a = own->a + t * own->rows * n, *h = own->h + t * own->hidden * n;
	double *theta = own->theta + t * own->angles * n;
	const double *factors = own->drops ? own->factors + t * (d + own->hidden) * n : NULL;
	const struct linear first = map_of(layer, own->in_weight, own->in_bias);
	const struct linear second = map_of(layer, own->out_weight, own->out_bias);
	bool squashed = layer->config.hqrnn.squash == SQUASH_PI_TANH;
	for (size_t k = 0; k < own->angles * n; k++) {
		double of_pi = theta[k] / pi;
		theta[k] = squashed ? own->d_theta[k] * (pi * (1.0 - of_pi * of_pi)) : own->d_theta[k];
	}
	memset(own->d_h, 0, own->hidden * n * sizeof *own->d_h);
	linear_add_input(&second, theta, 1, own->batch, own->d_h);
	if (factors != NULL)
		multiply(own->d_h, factors + d * n, own->hidden * n);
	activate_back(own, h, n, own->d_h, a);
	memset(own->d_u, 0, width * n * sizeof *own->d_u);
	linear_add_input(&first, a, 1, own->batch, own->d_u);
	if (factors != NULL)
		multiply(own->d_u + own->readouts * n, factors, d * n);
}

/* ---- Forward ---- */

/* Draws are those of a sample; outside training those of epoch 0, so that every evaluation has the same. */
static void open_draws(const struct layer *layer)
{
	const struct hqrnn *own = layer->own;
	const struct word_guide *guide = *layer->guide;
	for (size_t b = 0; b < (size_t)own->batch; b++) {
		size_t sample = guide == NULL ? b : guide->order != NULL ? guide->order[b] : guide->first + b;
		philox_open_place(&own->draws[b], guide != NULL ? guide->seed : 0,
		                  &(struct philox_place){.layer = (uint32_t)layer->index, .sample = sample});
	}
}

/* z: the expectations of the state, instead of which draws are to be. */
static void draw_readouts(const struct layer *layer, double *z)
{
	const struct hqrnn *own = layer->own;
	size_t n = (size_t)own->batch;
	for (size_t b = 0; b < n; b++)
		for (size_t k = 0; k < own->readouts; k++)
			own->uniforms[k * n + b] = philox_uniform(&own->draws[b]);
	if (layer->config.hqrnn.reading == READING_COLLAPSE) {
		hybrid_measure(own->cell, own->uniforms, z);
		return;
	}
	for (size_t k = 0; k < own->readouts * n; k++)
		z[k] = own->uniforms[k] < 0.5 * (1.0 + z[k]) ? 1.0 : -1.0;
}

/* The initial state and its readouts. */
static void start(const struct layer *layer, double *z)
{
	const struct hqrnn *own = layer->own;
	size_t n = (size_t)own->batch, paulis = own->readouts / (size_t)layer->config.hqrnn.n_qubits;
	hybrid_start(own->cell, own->batch);
	if (own->initial < 0) {
		for (size_t k = 0; k < own->readouts; k++)
			for (size_t b = 0; b < n; b++)
				z[k * n + b] = k % paulis + 1 == paulis ? 1.0 : 0.0;
		return;
	}
	const double *angles = layer->params->values + layer->params->items[own->initial].offset;
	for (size_t k = 0; k < own->angles; k++)
		for (size_t b = 0; b < n; b++)
			own->start[k * n + b] = angles[k];
	hybrid_step(own->cell, own->start, z);
}

/* z of step t to where it goes out. */
static void put_output(const struct layer *layer, size_t t, const double *z, double *y)
{
	const struct hqrnn *own = layer->own;
	size_t n = (size_t)own->batch, rows = own->readouts * n;
	if (layer->out.form == SHAPE_SEQUENCE)
		memcpy(y + t * rows, z, rows * sizeof *y);
	for (size_t b = 0; layer->out.form == SHAPE_VECTOR && b < n; b++)
		for (size_t k = 0; hqrnn_ends_with(layer, b, t) && k < own->readouts; k++)
			y[k * n + b] = z[k * n + b];
}

static void hqrnn_forward(struct layer *layer, const struct training_context *training, const double *x, int steps,
                          int batch, double *y)
{
	struct hqrnn *own = layer->own;
	const struct hqrnn_config *config = &layer->config.hqrnn;
	size_t n = (size_t)batch, d = (size_t)layer->in.width, width = own->readouts + d;
	bool draws = training == NULL && config->reading != READING_EXPECTATION;
	own->steps = steps;
	own->batch = batch;
	own->drops = training != NULL && config->dropout > 0.0;
	if (own->drops)
		drop_factors_draw(training, layer->index, config->dropout, (size_t)steps * (d + own->hidden), n,
		                  own->factors);
	if (draws)
		open_draws(layer);
	start(layer, own->u);
	if (draws)
		draw_readouts(layer, own->u);
	hqrnn_take_carried(layer, own->u);
	for (size_t t = 0; t < (size_t)steps; t++) {
		double *z = own->u + (t + 1) * width * n;
		if (layer->asks != NULL)
			attention_asking.ask(layer->asks, t, own->u + t * width * n);
		control(layer, x, t);
		hybrid_step(own->cell, own->theta + t * own->angles * n, z);
		if (draws)
			draw_readouts(layer, z);
		hqrnn_keep_ends(layer, t);
		put_output(layer, t, z, y);
		if (watch_tick(layer->watch))
			return;
	}
	hqrnn_leave_carried(layer, own->u + (size_t)steps * width * n);
}

/* ---- Backward ---- */

static void add(double *sum, const double *more, size_t n)
{
	for (size_t k = 0; k < n; k++)
		sum[k] += more[k];
}

/* What dy hands to the readouts of step t. */
static void add_output(const struct layer *layer, size_t t, const double *dy, double *d_z)
{
	const struct hqrnn *own = layer->own;
	size_t n = (size_t)own->batch, rows = own->readouts * n;
	if (layer->out.form == SHAPE_SEQUENCE)
		add(d_z, dy + t * rows, rows);
	for (size_t b = 0; layer->out.form == SHAPE_VECTOR && b < n; b++)
		for (size_t k = 0; hqrnn_ends_with(layer, b, t) && k < own->readouts; k++)
			d_z[k * n + b] += dy[k * n + b];
}

/* The gradient on the initial angles; d_z: on their readouts. */
static void start_back(const struct layer *layer)
{
	const struct hqrnn *own = layer->own;
	const struct param *initial = &layer->params->items[own->initial];
	hybrid_step_back(own->cell, own->start, own->d_z, own->d_theta);
	isa_pick()->gemm->totals(own->d_theta, own->angles, 1, (size_t)own->batch,
	                         layer->params->gradients + initial->offset);
}

static void add_weights(const struct layer *layer)
{
	const struct hqrnn *own = layer->own;
	const struct linear first = map_of(layer, own->in_weight, own->in_bias);
	const struct linear second = map_of(layer, own->out_weight, own->out_bias);
	linear_backward_weights(&second, own->h, own->theta, own->steps, own->batch);
	linear_backward_weights(&first, own->u, own->a, own->steps, own->batch);
}

static void hqrnn_backward(struct layer *layer, const double *x, const double *dy, double *dx)
{
	(void)x;
	struct hqrnn *own = layer->own;
	size_t n = (size_t)own->batch, d = (size_t)layer->in.width, rows = own->readouts * n;
	memset(own->d_z, 0, rows * sizeof *own->d_z);
	hybrid_start_back(own->cell);
	hqrnn_take_ends(layer, (size_t)own->steps - 1);
	add_output(layer, (size_t)own->steps - 1, dy, own->d_z);
	for (size_t t = (size_t)own->steps; t-- > 0;) {
		hybrid_step_back(own->cell, own->theta + t * own->angles * n, own->d_z, own->d_theta);
		control_back(layer, t);
		if (dx != NULL)
			memcpy(dx + t * d * n, own->d_u + rows, d * n * sizeof *dx);
		if (layer->asks != NULL)
			attention_asking.ask_back(layer->asks, t, own->d_u + rows, own->d_u);
		memcpy(own->d_z, own->d_u, rows * sizeof *own->d_z);
		if (t > 0) {
			hqrnn_take_ends(layer, t - 1);
			add_output(layer, t - 1, dy, own->d_z);
		}
		if (watch_tick(layer->watch))
			return;
	}
	add_weights(layer);
	hqrnn_hand_back(layer);
	if (own->initial >= 0 && !own->carried)
		start_back(layer);
}

static void hqrnn_close(struct layer *layer)
{
	struct hqrnn *own = layer->own;
	if (own == NULL)
		return;
	hybrid_close(own->cell);
	free(own);
}

const struct layer_ops hqrnn_ops = {
    .check = hqrnn_check,
    .open = hqrnn_open,
    .lay_out = hqrnn_lay_out,
    .fixed_bytes = hqrnn_fixed_bytes,
    .cost = hqrnn_cost,
    .multiple = hqrnn_multiple,
    .forward = hqrnn_forward,
    .backward = hqrnn_backward,
    .carries = hqrnn_carries,
    .last_state = hqrnn_last_state,
    .close = hqrnn_close,
};
