/* Estimates of a classical model, by the formula that model_cost.c states; what a cell's circuits add. */
#include "tests/unit/nn_fixture.h"

#include "engine/nn/model_state.h"

static double seconds_of(struct model *model, int steps, int batch)
{
	double seconds = -1;
	assert_int_equal(model_estimate(model, steps, batch, &seconds, NULL), 0);
	return seconds;
}

/* ns: 1.5 an activation, 0.14 a weight, step and sample, 0.25 a weight and step, 400 a layer and step. */
static double classical(struct model *model, int steps, int batch)
{
	double weights = (double)params_count(model_params(model), PARAM_CLASSICAL) * steps, activations = 0;
	size_t elements[MODEL_MAX_LAYERS];
	model_activations(model, steps, batch, elements);
	for (int k = 0; k < model_config(model)->n_layers; k++)
		activations += (double)elements[k];
	return 1e-9 *
	       (1.5 * activations + (0.14 * batch + 0.25) * weights + 400.0 * model_config(model)->n_layers * steps);
}

static void classical_models(void **state)
{
	(void)state;
	static const int shapes[][2] = {{1, 1}, {4, 10}, {8, 256}, {100, 3}};
	struct model_config config = one_layer(lstm_layer(16), 3, 2, "auto");
	struct model *model = NULL;
	assert_int_equal(model_new(&model, &config, NULL), 0);
	for (size_t k = 0; k < sizeof shapes / sizeof shapes[0]; k++) {
		double expected = classical(model, shapes[k][0], shapes[k][1]);
		assert_near(seconds_of(model, shapes[k][0], shapes[k][1]), expected, 1e-12 * expected);
		size_t activations = model_activations(model, shapes[k][0], shapes[k][1], NULL) / sizeof(double);
		assert_int_equal(model_bytes(model, shapes[k][0], shapes[k][1], 1),
		                 (activations + 2 * model_params(model)->size) * sizeof(double));
	}
	assert_int_equal(model_plan_bytes(model, 1), 0);
	assert_int_equal(model_batch_multiple(model), 8);
	assert_string_equal(model_plan_kind(model), "none");
	assert_null(model_circuit_estimate(model, 0, 0));
	model_free(model);
}

/* Each circuit's own estimate, as often as it is called; of both directions. */
static void quantum_models(void **state)
{
	(void)state;
	struct model_config config = one_layer(qlstm_layer("chen2020"), 1, 1, "batch");
	config.layers[0].recurrent.bidirectional = true;
	struct model *model = NULL;
	assert_int_equal(model_new(&model, &config, NULL), 0);
	double expected = classical(model, 4, 10);
	size_t bytes = 0;
	/* Gates 4 a step, hidden in every step but the last, output once, each in two directions. */
	static const double calls[] = {2 * 16, 2 * 3, 2 * 1};
	for (int i = 0; i < 3; i++) {
		struct layer_circuit circuit;
		assert_true(model_circuit(model, 0, i, 4, &circuit));
		assert_near(circuit.calls, calls[i], 0);
		assert_int_equal(circuit.plans, 2);
		const struct plan_estimate *estimate = model_circuit_estimate(model, 0, i);
		/* All states are kept. */
		expected += 0.85 * 1e-9 * calls[i] / circuit.sets * plan_estimate_ns(estimate, circuit.sets, 10);
		bytes += 2 * plan_estimate_bytes(estimate, 3);
	}
	struct layer_circuit none;
	assert_false(model_circuit(model, 0, 3, 4, &none));
	assert_false(model_circuit(model, 1, 0, 4, &none));
	assert_near(seconds_of(model, 4, 10), expected, 1e-12 * expected);
	assert_int_equal(model_plan_bytes(model, 3), bytes);
	/* What circuits keep, in every replica: of 10 samples two tiles, a set and a step each. */
	size_t kept = 0;
	for (int i = 0; i < 3; i++)
		kept += (size_t)(2 * 2 * 4 * (i == 0 ? 4 : 1)) * model_circuit_estimate(model, 0, i)->kept;
	assert_true(kept > 0);
	assert_int_equal(model_bytes(model, 4, 10, 3) - model_bytes(model, 4, 10, 1),
	                 bytes - model_plan_bytes(model, 1) + 2 * kept);
	assert_string_equal(model_plan_kind(model), "batch");
	model_free(model);
}

/* Without a way back there is no room for what the way forward would leave for it; what is said is the same. */
static void models_without_a_way_back(void **state)
{
	(void)state;
	struct model_config config = one_layer(qlstm_layer("chen2020"), 1, 1, "batch");
	struct model *models[2];
	size_t bytes[2];
	double x[4 * 10], y[2][10];
	for (size_t k = 0; k < sizeof x / sizeof x[0]; k++)
		x[k] = 0.01 * (double)k;
	for (int k = 0; k < 2; k++) {
		config.forward_only = k == 1;
		assert_int_equal(model_new(&models[k], &config, NULL), 0);
		params_initialise(model_params(models[k]), 5);
		bytes[k] = model_bytes(models[k], 4, 10, 1);
		assert_int_equal(model_reserve(models[k], 4, 10, NULL), 0);
		model_forward(models[k], x, 4, 10, y[k]);
	}
	size_t kept = 0;
	for (int i = 0; i < 3; i++)
		kept += (size_t)(2 * 4 * (i == 0 ? 4 : 1)) * model_circuit_estimate(models[0], 0, i)->kept;
	assert_int_equal(bytes[0] - bytes[1], kept);
	assert_memory_equal(y[0], y[1], sizeof y[0]);
	model_free(models[0]);
	model_free(models[1]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(classical_models), cmocka_unit_test(quantum_models),
	                                   cmocka_unit_test(models_without_a_way_back)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
