/* Attention against a slow reference, its gradients, and that padding changes nothing. */
#include "tests/unit/nn_fixture.h"

enum { STEPS = 5, WIDTH = 3, UNITS = 4, BATCH = 9 };

static struct model *attention_model(enum attention_score score, int outputs)
{
	struct model_config config = {.n_inputs = WIDTH,
	                              .n_outputs = outputs,
	                              .output = MODEL_OUTPUT_SEQUENCE,
	                              .ragged = true,
	                              .n_layers = 2,
	                              .plan = "auto"};
	config.layers[0] = (struct layer_config){.type = "attention", .attention = {.score = score, .units = UNITS}};
	config.layers[1] = (struct layer_config){.type = "dense", .dense = {.units = outputs, .bias = true}};
	struct model *model = NULL;
	struct qlstm_error error = {0};
	if (model_new(&model, &config, &error) != 0)
		fail_msg("%s: %s", error.pointer, error.message);
	params_initialise(model_params(model), 3);
	assert_int_equal(model_reserve(model, STEPS, BATCH, &error), 0);
	return model;
}

static const double *numbers_of(struct model *model, const char *name)
{
	const struct param *param = params_find(model_params(model), name);
	return param != NULL ? model_params(model)->values + param->offset : NULL;
}

/* The score of steps t and j of one sample, x [step][row]. */
static double slow_score(struct model *model, enum attention_score score, const double (*x)[WIDTH], int t, int j)
{
	const double *query = numbers_of(model, "layers.0.query"), *key = numbers_of(model, "layers.0.key"),
	             *bias = numbers_of(model, "layers.0.bias"), *v = numbers_of(model, "layers.0.score"),
	             *w = numbers_of(model, "layers.0.weight");
	double sum = 0;
	for (int u = 0; score == ATTENTION_ADDITIVE && u < UNITS; u++) {
		double inner = bias[u];
		for (int r = 0; r < WIDTH; r++)
			inner += query[u * WIDTH + r] * x[t][r] + key[u * WIDTH + r] * x[j][r];
		sum += v[u] * tanh(inner);
	}
	for (int r = 0; score == ATTENTION_DOT && r < WIDTH; r++)
		sum += x[t][r] * x[j][r];
	for (int r = 0; score == ATTENTION_GENERAL && r < WIDTH; r++)
		for (int c = 0; c < WIDTH; c++)
			sum += x[t][r] * w[r * WIDTH + c] * x[j][c];
	return sum;
}

/* y [step][2 WIDTH] */
static void slow_attention(struct model *model, enum attention_score score, const double (*x)[WIDTH],
                           double (*y)[2 * WIDTH])
{
	for (int t = 0; t < STEPS; t++) {
		double weights[STEPS], sum = 0;
		for (int j = 0; j <= t; j++)
			sum += weights[j] = exp(slow_score(model, score, x, t, j));
		for (int r = 0; r < WIDTH; r++) {
			y[t][r] = x[t][r];
			y[t][WIDTH + r] = 0;
			for (int j = 0; j <= t; j++)
				y[t][WIDTH + r] += weights[j] / sum * x[j][r];
		}
	}
}

static double value_of(size_t k)
{
	return sin(1.7 * (double)k + 0.3);
}

static void agrees_with_the_slow_one(void **state)
{
	(void)state;
	for (enum attention_score score = ATTENTION_ADDITIVE; score <= ATTENTION_GENERAL; score++) {
		struct model *model = attention_model(score, 2 * WIDTH);
		struct params *params = model_params(model);
		const struct param *head = params_find(params, "layers.1.weight");
		double x[STEPS * WIDTH * BATCH], y[STEPS * 2 * WIDTH * BATCH], one[STEPS][WIDTH],
		    expected[STEPS][2 * WIDTH];
		/* The head hands on what attention says. */
		for (size_t k = 0; k < head->size; k++)
			params->values[head->offset + k] = k % (2 * WIDTH + 1) == 0;
		const struct param *bias = params_find(params, "layers.1.bias");
		memset(params->values + bias->offset, 0, bias->size * sizeof(double));
		for (size_t k = 0; k < STEPS * WIDTH * BATCH; k++)
			x[k] = value_of(k);
		model_forward(model, x, STEPS, BATCH, y);
		for (size_t b = 0; b < BATCH; b++) {
			for (size_t k = 0; k < STEPS * WIDTH; k++)
				(&one[0][0])[k] = x[k * BATCH + b];
			slow_attention(model, score, (const double(*)[WIDTH])one, expected);
			for (size_t k = 0; k < STEPS * 2 * WIDTH; k++)
				assert_true(fabs(y[k * BATCH + b] - (&expected[0][0])[k]) < 1e-14);
		}
		model_free(model);
	}
}

/* x_0 = (1, 0), x_1 = (0, ln 3): scores of step 1 are 0 and (ln 3)^2. */
static void by_hand(void **state)
{
	(void)state;
	struct model_config config = {
	    .n_inputs = 2, .n_outputs = 1, .output = MODEL_OUTPUT_SEQUENCE, .n_layers = 2, .plan = "auto"};
	config.layers[0] = (struct layer_config){.type = "attention", .attention = {.score = ATTENTION_DOT}};
	config.layers[1] = (struct layer_config){.type = "dense", .dense = {.units = 1}};
	struct model *model = NULL;
	assert_int_equal(model_new(&model, &config, NULL), 0);
	assert_int_equal(model_params(model)->count, 1);
	assert_int_equal(model_reserve(model, 2, 1, NULL), 0);
	const double x[] = {1, 0, 0, log(3)}, weights[] = {0, 0, 1, 0};
	double y[2];
	memcpy(model_params(model)->values, weights, sizeof weights);
	model_forward(model, x, 2, 1, y);
	assert_true(fabs(y[0] - 1) < 1e-15 && fabs(y[1] - 1 / (1 + exp(log(3) * log(3)))) < 1e-15);
	model_free(model);
}

static double loss_of(struct model *model, const double *x, double *dy)
{
	double y[STEPS * 2 * 3], sum = 0;
	model_forward(model, x, STEPS, 3, y);
	for (size_t k = 0; k < STEPS * 2 * 3; k++) {
		sum += cos((double)k) * y[k];
		if (dy != NULL)
			dy[k] = cos((double)k);
	}
	return sum;
}

static void gradients(void **state)
{
	(void)state;
	const double h = 1e-6;
	for (enum attention_score score = ATTENTION_ADDITIVE; score <= ATTENTION_GENERAL; score++) {
		struct model *model = attention_model(score, 2);
		struct params *params = model_params(model);
		double x[STEPS * WIDTH * 3], dx[STEPS * WIDTH * 3], dy[STEPS * 2 * 3];
		for (size_t k = 0; k < STEPS * WIDTH * 3; k++)
			x[k] = value_of(k);
		params_zero_gradients(params);
		loss_of(model, x, dy);
		model_backward(model, dy, dx);
		for (size_t k = 0; k < params->size + STEPS * WIDTH * 3; k++) {
			double *at = k < params->size ? &params->values[k] : &x[k - params->size], kept = *at;
			double got = k < params->size ? params->gradients[k] : dx[k - params->size];
			*at = kept + h;
			double up = loss_of(model, x, NULL);
			*at = kept - h;
			double down = loss_of(model, x, NULL);
			*at = kept;
			if (!(fabs(got - (up - down) / (2 * h)) < 1e-7))
				fail_msg("%d, %zu: %.10g is not %.10g", (int)score, k, got, (up - down) / (2 * h));
		}
		model_free(model);
	}
}

/* A sample alone has the bytes that it has beside others, whatever stands behind its end. */
static void padding_changes_no_byte(void **state)
{
	(void)state;
	for (enum attention_score score = ATTENTION_ADDITIVE; score <= ATTENTION_GENERAL; score++) {
		struct model *model = attention_model(score, 2);
		double x[STEPS * WIDTH * BATCH], y[STEPS * 2 * BATCH], own[STEPS * WIDTH], alone[STEPS * 2];
		for (size_t k = 0; k < STEPS * WIDTH * BATCH; k++)
			x[k] = value_of(k);
		model_forward(model, x, STEPS, BATCH, y);
		for (size_t b = 0; b < BATCH; b++) {
			int length = (int)(b % STEPS) + 1;
			for (size_t k = 0; k < (size_t)length * WIDTH; k++)
				own[k] = x[k * BATCH + b];
			model_forward(model, own, length, 1, alone);
			for (size_t k = 0; k < (size_t)length * 2; k++)
				assert_memory_equal(&alone[k], &y[k * BATCH + b], sizeof(double));
		}
		model_free(model);
	}
}

static void what_it_takes(void **state)
{
	(void)state;
	struct model_config config = {.n_inputs = 2, .n_outputs = 1, .n_layers = 3, .plan = "auto"};
	config.layers[0] = (struct layer_config){.type = "lstm", .recurrent = {.hidden_size = 2}};
	config.layers[1] = (struct layer_config){.type = "attention", .attention = {.score = ATTENTION_DOT}};
	config.layers[2] = (struct layer_config){.type = "dense", .dense = {.units = 1}};
	struct qlstm_error error = {0};
	assert_int_equal(model_check(&config, &error), ERR_INVALID); /* a single vector */
	assert_string_equal(error.pointer, "/layers/1/type");
	error = (struct qlstm_error){0};
	config.layers[0] = (struct layer_config){.type = "attention", .attention = {.score = ATTENTION_ADDITIVE}};
	config.layers[1] = (struct layer_config){.type = "gru", .recurrent = {.hidden_size = 2}};
	assert_int_equal(model_check(&config, &error), ERR_OUT_OF_RANGE);
	assert_string_equal(error.pointer, "/layers/0/units");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(agrees_with_the_slow_one), cmocka_unit_test(by_hand),       cmocka_unit_test(gradients),
	    cmocka_unit_test(padding_changes_no_byte),  cmocka_unit_test(what_it_takes),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
