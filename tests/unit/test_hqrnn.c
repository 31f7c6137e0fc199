/* The hybrid network as a layer: gradients, dropout, draws, precisions, tensors, refusals. */
#include "tests/unit/hqrnn_fixture.h"

/* d(u . y) against central differences of fourth order: angles of pi tanh bend too much for those of second order. */
static void check_slopes(const struct model_config *config, const char *what)
{
	enum { steps = 3, batch = 3 };
	struct model *model = open_model(config, steps, batch);
	struct params *params = model_params(model);
	double x[steps * 2 * batch], dx[steps * 2 * batch], u[64];
	params_initialise(params, 7);
	for (size_t k = 0; k < steps * 2 * batch; k++)
		x[k] = sin(1.7 * (double)k);
	for (size_t k = 0; k < 64; k++)
		u[k] = cos(2.3 * (double)k);
	for (size_t k = 0; k < params->size; k++)
		params->values[k] += 0.3 * sin(3.1 * (double)k);
	weighted_output(model, x, steps, batch, u);
	params_zero_gradients(params);
	model_backward(model, u, dx);
	for (size_t k = 0; k < params->size + steps * 2 * batch; k++) {
		double *at = k < params->size ? &params->values[k] : &x[k - params->size];
		double given = k < params->size ? params->gradients[k] : dx[k - params->size], kept = *at, slope = 0.0;
		static const double weights[4] = {1.0, -8.0, 8.0, -1.0}, places[4] = {-2.0, -1.0, 1.0, 2.0};
		for (int j = 0; j < 4; j++) {
			*at = kept + 1e-3 * places[j];
			slope += weights[j] * weighted_output(model, x, steps, batch, u) / 12e-3;
		}
		*at = kept;
		if (!(fabs(given - slope) <= 1e-8 * (1.0 + fabs(slope))))
			fail_msg("%s: value %zu: gradient %.12g, differences %.12g", what, k, given, slope);
	}
	model_free(model);
}

/* Every choice beside every other one once at least, as a vector and as a sequence. */
static void test_gradients(void **state)
{
	(void)state;
	for (int k = 0; k < 12; k++) {
		struct layer_config layer = hqrnn_layer();
		struct hqrnn_config *hqrnn = &layer.hqrnn;
		char what[64];
		hqrnn->n_qubits = 1 + k % 4;
		hqrnn->depth = 1 + k % 3;
		hqrnn->hidden_size = 2;
		hqrnn->controller = (enum hqrnn_controller)(k % 4);
		hqrnn->rotations = (enum hybrid_rotations)(k % 3);
		hqrnn->entangler = (enum hybrid_entangler)((k / 2) % 4);
		hqrnn->readouts = (enum hybrid_readouts)((k / 3) % 3);
		hqrnn->squash = (enum hqrnn_squash)(k / 2 % 2);
		hqrnn->initial_state = (enum hqrnn_initial_state)(k % 2);
		struct model_config config = one_layer(layer, 2, 2, "auto");
		config.output = k % 5 < 2 ? MODEL_OUTPUT_SEQUENCE : MODEL_OUTPUT_VECTOR;
		snprintf(what, sizeof what, "hqrnn, case %d", k);
		check_slopes(&config, what);
	}
}

enum { STEPS = 4, BATCH = 6, WIDTH = 2 };

static void fill(double *values, size_t n)
{
	for (size_t k = 0; k < n; k++)
		values[k] = sin(0.9 * (double)(k + 1));
}

/* Training with dropout: the gradient is that of what was computed, and the factors are the sample's own. */
static void test_dropout(void **state)
{
	(void)state;
	struct layer_config layer = hqrnn_layer();
	layer.hqrnn.dropout = 0.4;
	struct model_config config = one_layer(layer, WIDTH, 1, "auto");
	struct model *model = open_model(&config, STEPS, BATCH);
	struct params *params = model_params(model);
	struct training_context training = {.seed = 3, .epoch = 2};
	double x[STEPS * WIDTH * BATCH], y[BATCH], plain[BATCH], up[BATCH], down[BATCH], one[STEPS * WIDTH], y_one;
	const double ones[BATCH] = {1, 1, 1, 1, 1, 1}, h = 1e-5;
	params_initialise(params, 3);
	fill(x, STEPS * WIDTH * BATCH);
	model_forward(model, x, STEPS, BATCH, plain);
	model_forward_training(model, &training, x, STEPS, BATCH, y);
	assert_true(memcmp(plain, y, sizeof y) != 0);
	params_zero_gradients(params);
	model_backward(model, ones, NULL);
	for (size_t k = 0; k < params->size; k++) {
		double kept = params->values[k], slope = 0.0;
		params->values[k] = kept + h;
		model_forward_training(model, &training, x, STEPS, BATCH, up);
		params->values[k] = kept - h;
		model_forward_training(model, &training, x, STEPS, BATCH, down);
		params->values[k] = kept;
		for (size_t b = 0; b < BATCH; b++)
			slope += (up[b] - down[b]) / (2 * h);
		assert_near(params->gradients[k], slope, 1e-8);
	}
	for (size_t b = 0; b < BATCH; b++) {
		for (size_t j = 0; j < STEPS * WIDTH; j++)
			one[j] = x[j * BATCH + b];
		training.first = b;
		model_forward_training(model, &training, one, STEPS, 1, &y_one);
		assert_true(y_one == y[b]);
	}
	model_free(model);
}

/* Readouts that are drawn: 1 or -1, a sample's own, the same at every evaluation, others by another seed; training
 * reads expectations. */
static void test_draws(void **state)
{
	(void)state;
	for (int reading = READING_PROJECTIVE; reading <= READING_COLLAPSE; reading++) {
		struct layer_config layer = hqrnn_layer();
		struct training_context training = {.seed = 3, .epoch = 1};
		struct model_config config = one_layer(layer, WIDTH, 1, "auto");
		struct model *expecting = open_model(&config, STEPS, BATCH);
		config.layers[0].hqrnn.reading = (enum hqrnn_reading)reading;
		struct model *model = open_model(&config, STEPS, BATCH);
		double x[STEPS * WIDTH * BATCH], y[BATCH], again[BATCH], one[STEPS * WIDTH], y_one;
		int width;
		params_initialise(model_params(model), 3);
		params_initialise(model_params(expecting), 3);
		fill(x, STEPS * WIDTH * BATCH);
		model_forward_training(model, &training, x, STEPS, BATCH, y);
		model_forward(expecting, x, STEPS, BATCH, again);
		assert_memory_equal(y, again, sizeof y);
		struct word_guide guide = {.seed = 5};
		model_guide(model, &guide);
		model_forward(model, x, STEPS, BATCH, y);
		const double *z = model_hidden(model, &width);
		for (size_t k = 0; k < (size_t)width * BATCH; k++)
			assert_true(fabs(z[k]) == 1.0);
		model_forward(model, x, STEPS, BATCH, again);
		assert_memory_equal(y, again, sizeof y);
		for (size_t b = 0; b < BATCH; b++) {
			for (size_t j = 0; j < STEPS * WIDTH; j++)
				one[j] = x[j * BATCH + b];
			guide.first = b;
			model_forward(model, one, STEPS, 1, &y_one);
			assert_true(y_one == y[b]);
		}
		guide = (struct word_guide){.seed = 6};
		model_forward(model, x, STEPS, BATCH, again);
		assert_true(memcmp(y, again, sizeof y) != 0);
		model_free(model);
		model_free(expecting);
	}
}

static void test_precision(void **state)
{
	(void)state;
	struct model_config config = one_layer(hqrnn_layer(), WIDTH, 1, "auto");
	struct model *whole = open_model(&config, STEPS, BATCH);
	config.precision = PRECISION_FLOAT32;
	struct model *half = open_model(&config, STEPS, BATCH);
	double x[STEPS * WIDTH * BATCH], y[BATCH], z[BATCH];
	const double ones[BATCH] = {1, 1, 1, 1, 1, 1};
	struct model *models[2] = {whole, half};
	fill(x, STEPS * WIDTH * BATCH);
	for (int k = 0; k < 2; k++) {
		params_initialise(model_params(models[k]), 3);
		model_forward(models[k], x, STEPS, BATCH, k == 0 ? y : z);
		params_zero_gradients(model_params(models[k]));
		model_backward(models[k], ones, NULL);
	}
	assert_true(memcmp(y, z, sizeof y) != 0);
	assert_values(z, y, BATCH, 1e-6);
	assert_values(model_params(half)->gradients, model_params(whole)->gradients, model_params(whole)->size, 1e-4);
	assert_int_equal(model_batch_multiple(whole), 8);
	assert_int_equal(model_batch_multiple(half), 16);
	model_free(whole);
	model_free(half);
}

static void test_tensors(void **state)
{
	(void)state;
	static const struct {
		const char *name;
		size_t size;
	} rows[] = {{"layers.0.linear_in.weight", 8 * 11},
	            {"layers.0.linear_in.bias", 8},
	            {"layers.0.linear_out.weight", 9 * 4},
	            {"layers.0.linear_out.bias", 9},
	            {"layers.0.initial_angles", 9},
	            {"layers.1.weight", 9},
	            {"layers.1.bias", 1}};
	struct layer_config layer = hqrnn_layer();
	layer.hqrnn.initial_state = INITIAL_LEARNED;
	const struct model_config config = one_layer(layer, 2, 1, "auto");
	struct model *model = open_model(&config, STEPS, BATCH);
	assert_int_equal(model_params(model)->count, sizeof rows / sizeof *rows);
	for (size_t k = 0; k < sizeof rows / sizeof *rows; k++)
		tensor(model, rows[k].name, rows[k].size);
	model_free(model);
}

static void test_refusals(void **state)
{
	(void)state;
	struct model_config cases[4];
	static const char *const pointers[] = {"/layers/0/n_qubits", "/layers/0/depth", "/layers/0/hidden_size",
	                                       "/layers/0/dropout_p"};
	for (size_t k = 0; k < 4; k++)
		cases[k] = one_layer(hqrnn_layer(), 2, 1, "auto");
	cases[0].layers[0].hqrnn.n_qubits = 21;
	cases[1].layers[0].hqrnn.depth = 0;
	cases[2].layers[0].hqrnn.hidden_size = 0;
	cases[3].layers[0].hqrnn.dropout = 1.5;
	for (size_t k = 0; k < 4; k++) {
		struct qlstm_error error = {0};
		assert_int_equal(model_check(&cases[k], &error), ERR_OUT_OF_RANGE);
		assert_string_equal(error.pointer, pointers[k]);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_gradients), cmocka_unit_test(test_dropout), cmocka_unit_test(test_draws),
	    cmocka_unit_test(test_precision), cmocka_unit_test(test_tensors), cmocka_unit_test(test_refusals),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
