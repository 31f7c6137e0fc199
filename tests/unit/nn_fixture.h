/* What the tests of cells and models share: layers as the schema's defaults would give them, models of one recurrent
 * layer, finite differences. */
#ifndef QLSTM_TESTS_NN_FIXTURE_H
#define QLSTM_TESTS_NN_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "engine/nn/model.h"
#include "engine/philox.h"

/* The layer as the schema's defaults would give it. */
static inline struct layer_config qlstm_layer(const char *variant)
{
	struct layer_config layer = {.type = "qlstm",
	                             .qlstm = {.circuit = {.n_qlayers = 1, .hadamard = true, .measure = PAULI_Z}}};
	struct qlstm_config *q = &layer.qlstm;
	snprintf(q->variant, sizeof q->variant, "%s", variant);
	if (strcmp(variant, "chen2020") == 0) {
		q->recurrent.hidden_size = 3, q->circuit.n_qubits = 4, q->circuit.depth = 2,
		q->circuit.rotation = PAULI_Y;
	} else if (strcmp(variant, "chen2024") == 0) {
		q->recurrent.hidden_size = 5, q->circuit.n_qubits = 6, q->circuit.depth = 5,
		q->circuit.rotation = PAULI_Y;
	} else {
		bool qdi = strcmp(variant, "qdi") == 0;
		q->recurrent.hidden_size = 3, q->circuit.n_qubits = 4, q->circuit.depth = 1;
		q->circuit.rotation = qdi ? PAULI_Z : PAULI_X;
		q->circuit.measure = qdi ? PAULI_Y : PAULI_Z;
		q->circuit.angle_init = ANGLE_INIT_UNIFORM;
	}
	return layer;
}

static inline struct layer_config qgru_layer(const char *variant)
{
	const struct layer_config qlstm = qlstm_layer(variant);
	struct layer_config layer = {.type = "qgru",
	                             .qgru = {.recurrent = qlstm.recurrent, .circuit = qlstm.qlstm.circuit}};
	snprintf(layer.qgru.variant, sizeof layer.qgru.variant, "%s", variant);
	return layer;
}

static inline struct layer_config quantum_layer(const char *ansatz, int n_qubits)
{
	struct layer_config layer = {.type = "quantum",
	                             .quantum.circuit = {.n_qubits = n_qubits,
	                                                 .n_qlayers = 1,
	                                                 .depth = 1,
	                                                 .hadamard = true,
	                                                 .rotation = PAULI_Y,
	                                                 .measure = PAULI_Z,
	                                                 .entangling = ENTANGLING_STRONG,
	                                                 .angle_init = ANGLE_INIT_UNIFORM}};
	snprintf(layer.quantum.circuit.ansatz, sizeof layer.quantum.circuit.ansatz, "%s", ansatz);
	return layer;
}

static inline struct layer_config lstm_layer(int hidden)
{
	return (struct layer_config){.type = "lstm", .lstm = {{.hidden_size = hidden}}};
}

static inline struct model_config one_layer(struct layer_config layer, int n_inputs, int n_outputs, const char *plan)
{
	struct model_config config = {.n_inputs = n_inputs, .n_outputs = n_outputs, .n_layers = 2};
	config.layers[0] = layer;
	config.layers[1] = (struct layer_config){.type = "dense", .dense = {.units = n_outputs, .bias = true}};
	snprintf(config.plan, sizeof config.plan, "%s", plan);
	return config;
}

static inline struct model *open_model(const struct model_config *config, int steps, int batch)
{
	struct model *model = NULL;
	struct qlstm_error error = {0};
	if (model_new(&model, config, &error) != 0 || model_reserve(model, steps, batch, &error) != 0)
		fail_msg("%s: %s", error.pointer, error.message);
	return model;
}

static inline double *tensor(struct model *model, const char *name, size_t size)
{
	struct params *params = model_params(model);
	const struct param *param = params_find(params, name);
	assert_non_null(param);
	assert_int_equal(param->size, size);
	return params->values + param->offset;
}

static inline void assert_near(double value, double expected, double tolerance)
{
	if (!(fabs(value - expected) <= tolerance))
		fail_msg("%.15g is not %.15g within %g", value, expected, tolerance);
}

/* Values of y for `steps` and `batch`. */
static inline size_t output_size(const struct model_config *config, int steps, int batch)
{
	return (size_t)(config->n_outputs * batch * (config->output == MODEL_OUTPUT_SEQUENCE ? steps : 1));
}

static inline double weighted_output(struct model *model, const double *x, int steps, int batch, const double *u)
{
	double y[64], sum = 0.0;
	size_t n = output_size(model_config(model), steps, batch);
	assert_in_range(n, 1, 64);
	model_forward(model, x, steps, batch, y);
	for (size_t k = 0; k < n; k++)
		sum += u[k] * y[k];
	return sum;
}

/* d(u . y) against central differences, for every parameter and every input. */
static inline void check_gradient(const struct model_config *config, const char *what)
{
	enum { steps = 3, batch = 3 };
	struct model *model = open_model(config, steps, batch);
	struct params *params = model_params(model);
	params_initialise(params, 7);
	struct philox rng;
	philox_open(&rng, 11, PHILOX_TEST, 0);
	size_t n_x = (size_t)(steps * config->n_inputs * batch), n_u = output_size(config, steps, batch);
	double x[64], dx[64], u[64];
	assert_in_range(n_x, 1, 64);
	for (size_t k = 0; k < n_x; k++)
		x[k] = philox_normal(&rng);
	for (size_t k = 0; k < n_u; k++)
		u[k] = philox_normal(&rng);
	for (size_t k = 0; k < params->size; k++)
		params->values[k] += 0.3 * philox_normal(&rng);
	weighted_output(model, x, steps, batch, u);
	params_zero_gradients(params);
	model_backward(model, u, dx);
	const double e = 1e-5;
	for (size_t k = 0; k < params->size + n_x; k++) {
		double *at = k < params->size ? &params->values[k] : &x[k - params->size];
		double given = k < params->size ? params->gradients[k] : dx[k - params->size], kept = *at;
		*at = kept + e;
		double up = weighted_output(model, x, steps, batch, u);
		*at = kept - e;
		double down = weighted_output(model, x, steps, batch, u);
		*at = kept;
		double numeric = (up - down) / (2.0 * e);
		if (!(fabs(given - numeric) <= 1e-8 * (1.0 + fabs(numeric))))
			fail_msg("%s: value %zu: gradient %.12g, differences %.12g", what, k, given, numeric);
	}
	model_free(model);
}

#endif
