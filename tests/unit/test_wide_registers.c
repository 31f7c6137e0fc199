/* Registers of 64 bytes give the bytes of narrower ones: every family of kernels, compiled for both (wide_registers.h),
 * on the same inputs. The registers' circuits are in test_register_batch.c. */
#include "tests/unit/nn_fixture.h"

#include <stdlib.h>

#include "engine/circuit/plan.h"
#include "engine/nn/kernel/gates_kernel.h"
#include "engine/nn/kernel/gates_kernel_f32.h"
#include "engine/data/words.h"
#include "engine/nn/kernel/gemm_kernel.h"
#include "engine/train/pass.h"
#include "tests/unit/oracle.h"
#include "tests/unit/wide_registers.h"

static const enum precision precisions[] = {PRECISION_FLOAT64, PRECISION_FLOAT32};

static void fill(double *values, size_t n, double pace)
{
	for (size_t k = 0; k < n; k++)
		values[k] = sin(pace * (double)(k + 1));
}

static double *sines(size_t n, double pace)
{
	double *values = calloc(n + 1, sizeof *values);
	assert_non_null(values);
	fill(values, n, pace);
	return values;
}

static void skip_without(void)
{
	if (wide_registers() == NULL)
		skip();
}

/* ---- Circuits ---- */

enum { FEATURES = 4, WEIGHTS = 6, OBSERVABLES = 4, BATCH = 33 };

struct evaluation {
	double outputs[OBSERVABLES * BATCH], d_features[FEATURES * BATCH], d_weights[WEIGHTS];
};

/* False when the plan does not apply. */
static bool evaluate(const struct isa *isa, const struct circuit_program *program, const char *kind,
                     enum precision precision, size_t batch, struct evaluation *out)
{
	double features[FEATURES * BATCH], weights[WEIGHTS], cotangents[OBSERVABLES * BATCH];
	struct plan *plan;
	fill(features, FEATURES * BATCH, 0.7);
	fill(weights, WEIGHTS, 1.3);
	fill(cotangents, OBSERVABLES * BATCH, 0.9);
	memset(out, 0, sizeof *out);
	isa_force(isa);
	if (plan_new_precision(&plan, program, kind, precision, NULL) != 0)
		return false;
	plan_forward(plan, features, weights, batch, out->outputs);
	plan_backward(plan, features, weights, batch, cotangents, out->d_features, out->d_weights);
	plan_free(plan);
	return true;
}

static int compare_program(const struct circuit_program *program, size_t batch, int round)
{
	int compared = 0;
	for (int k = 0; plan_kind_name(k) != NULL; k++)
		for (int p = 0; p < 2; p++) {
			struct evaluation narrow, wide;
			bool applies = evaluate(fused_isa(), program, plan_kind_name(k), precisions[p], batch, &narrow);
			assert_int_equal(
			    evaluate(wide_registers(), program, plan_kind_name(k), precisions[p], batch, &wide),
			    applies);
			if (applies && memcmp(&narrow, &wide, sizeof wide) != 0)
				fail_msg("round %d, plan %s, precision %d: other bytes", round, plan_kind_name(k), p);
			compared += applies;
		}
	return compared;
}

static void test_circuits(void **state)
{
	(void)state;
	static const size_t batches[] = {1, 4, 8, 9, 16, 20, 33};
	struct oracle_random random = {17};
	const struct isa *chosen = isa_pick();
	int compared = 0;
	skip_without();
	for (int round = 0; round < 140; round++) {
		struct circuit_program *program = oracle_random_program(&random, 1 + round % 10);
		compared += compare_program(program, batches[round % 7], round);
		program_free(program);
	}
	isa_force(chosen);
	assert_true(compared > 6 * 140);
}

/* ---- Layers ---- */

/* Everything that a forward and a backward pass give, one behind the other. */
static double *pass_of(const struct isa *isa, const struct model_config *config, int steps, int batch, size_t *count)
{
	isa_force(isa);
	struct model *model = open_model(config, steps, batch);
	struct params *params = model_params(model);
	size_t n_x = (size_t)(steps * config->n_inputs * batch), n_y = (size_t)(config->n_outputs * batch);
	double *x = sines(n_x, 0.7), *u = sines(n_y, 0.3);
	params_initialise(params, 5);
	*count = n_y + n_x + params->size;
	double *all = calloc(*count, sizeof *all);
	model_forward(model, x, steps, batch, all);
	params_zero_gradients(params);
	model_backward(model, u, all + n_y);
	memcpy(all + n_y + n_x, params->gradients, params->size * sizeof *all);
	model_free(model);
	free(x);
	free(u);
	return all;
}

static void compare_layer(struct layer_config layer, int n_inputs, int batch)
{
	for (int p = 0; p < 2; p++) {
		struct model_config config = one_layer(layer, n_inputs, 2, "auto");
		config.precision = precisions[p];
		size_t count;
		double *narrow = pass_of(fused_isa(), &config, 3, batch, &count);
		double *wide = pass_of(wide_registers(), &config, 3, batch, &count);
		if (memcmp(narrow, wide, count * sizeof *wide) != 0)
			fail_msg("%s, batch %d, precision %d: other bytes", layer.type, batch, p);
		free(narrow);
		free(wide);
	}
}

static void test_layers(void **state)
{
	(void)state;
	const struct layer_config gru = {.type = "gru", .gru = {{.hidden_size = 19}}};
	const struct layer_config rnn = {.type = "rnn", .rnn = {.recurrent = {.hidden_size = 13}}};
	const struct layer_config hqrnn = {
	    .type = "hqrnn", .hqrnn = {.n_qubits = 5, .depth = 2, .hidden_size = 7, .controller = CONTROLLER_GLU}};
	const struct layer_config layers[] = {
	    lstm_layer(3),           lstm_layer(37),      gru, rnn, hqrnn, qlstm_layer("qdi"),
	    qlstm_layer("chen2020"), qgru_layer("linear")};
	static const int batches[] = {1, 3, 8, 10, 24, 31, 64, 101};
	const struct isa *chosen = isa_pick();
	skip_without();
	for (size_t k = 0; k < sizeof layers / sizeof layers[0]; k++)
		for (size_t b = 0; b < sizeof batches / sizeof batches[0]; b++)
			compare_layer(layers[k], strcmp(layers[k].type, "qlstm") == 0 ? 1 : 5, batches[b]);
	isa_force(chosen);
}

/* ---- Bausch's network ---- */

enum { WORDS = 40, WORD_STEPS = 5, WORD_BITS = 2 };

static const struct layer_config qrnn = {.type = "qrnn",
                                         .qrnn = {.workspace = 5,
                                                  .stages = 2,
                                                  .order = 2,
                                                  .degree = 2,
                                                  .input_bits = WORD_BITS,
                                                  .bias = 0.7,
                                                  .bias_spread = 0.3,
                                                  .weight_spread = 0.3,
                                                  .rotation_spread = 0.3}};

/* A batch's loss, and its gradient in *gradients. */
static double words_pass(const struct isa *isa, enum precision precision, double **gradients, size_t *count)
{
	static uint8_t words[3][WORDS * WORD_STEPS];
	struct model_config config = {.n_inputs = WORD_BITS,
	                              .n_outputs = 1 << WORD_BITS,
	                              .n_layers = 1,
	                              .layers = {qrnn},
	                              .output = MODEL_OUTPUT_SEQUENCE,
	                              .precision = precision,
	                              .plan = "auto"};
	struct word_sequences sequences = {.steps = WORD_STEPS,
	                                   .bits = WORD_BITS,
	                                   .parts = {.train = WORDS},
	                                   .inputs = words[0],
	                                   .targets = words[1],
	                                   .scored = words[2]};
	size_t order[WORDS];
	for (size_t k = 0; k < WORDS; k++)
		order[k] = k;
	for (size_t k = 0; k < WORDS * WORD_STEPS; k++) {
		words[0][k] = (uint8_t)(k * k % 7 % 4);
		words[1][k] = (uint8_t)(k % 3);
		words[2][k] = k % 2;
	}
	isa_force(isa);
	struct model *model = NULL;
	struct pass *pass = NULL;
	assert_int_equal(model_new(&model, &config, NULL), 0);
	params_initialise(model_params(model), 3);
	const struct pass_config of = {.model = model,
	                               .samples = words_samples(&sequences, TARGET_WORDS),
	                               .loss = loss_find("probability_cross_entropy"),
	                               .batch = WORDS,
	                               .seed = 1};
	assert_int_equal(pass_new(&pass, &of, NULL), 0);
	double loss = pass_train(pass, 1, order, WORDS);
	*count = model_params(model)->size;
	*gradients = malloc(*count * sizeof **gradients);
	memcpy(*gradients, model_params(model)->gradients, *count * sizeof **gradients);
	pass_free(pass);
	model_free(model);
	return loss;
}

static void test_neurons(void **state)
{
	(void)state;
	const struct isa *chosen = isa_pick();
	skip_without();
	for (int p = 0; p < 2; p++) {
		double *narrow, *wide;
		size_t count;
		double loss = words_pass(fused_isa(), precisions[p], &narrow, &count);
		assert_true(loss == words_pass(wide_registers(), precisions[p], &wide, &count) && loss > 0.1);
		assert_memory_equal(narrow, wide, count * sizeof *wide);
		free(narrow);
		free(wide);
	}
	isa_force(chosen);
}

/* ---- Products and gates ---- */

static void compare_products(size_t rows, size_t terms, size_t batch)
{
	const struct gemm_kernels *const gemm[2] = {fused_isa()->gemm, wide_registers()->gemm};
	double *a = sines(rows * terms, 1.0), *x = sines(terms * batch, 0.3), *bias = sines(rows, 0.4), *y[2], *d[2];
	const struct product product = {a, terms, 1, x, (ptrdiff_t)batch, terms};
	for (int k = 0; k < 2; k++) {
		y[k] = sines(rows * batch, 0.2);
		d[k] = sines(rows * terms, 0.9);
		gemm[k]->sum(&product, 1, (struct gemm_start){.bias = bias}, rows, batch, y[k]);
		gemm[k]->outer(y[k], rows, x, terms, 1, batch, d[k]);
		gemm[k]->totals(y[k], rows, 1, batch, d[k]);
	}
	assert_memory_equal(y[0], y[1], rows * batch * sizeof(double));
	assert_memory_equal(d[0], d[1], rows * terms * sizeof(double));
	double *arrays[] = {a, x, bias, y[0], y[1], d[0], d[1]};
	for (size_t k = 0; k < sizeof arrays / sizeof arrays[0]; k++)
		free(arrays[k]);
}

static float *float_sines(size_t n, double pace)
{
	float *values = calloc(n, sizeof *values);
	assert_non_null(values);
	for (size_t k = 0; k < n; k++)
		values[k] = (float)sin(pace * (double)(k + 1));
	return values;
}

static void compare_products_f32(size_t rows, size_t terms, size_t batch)
{
	const struct gemm_kernels_f32 *const gemm[2] = {fused_isa()->gemm_f32, wide_registers()->gemm_f32};
	float *a = float_sines(rows * terms, 1.0), *x = float_sines(terms * batch, 0.3), *bias = float_sines(rows, 0.4);
	float *y[2], *t[2];
	const struct product_f32 product = {a, terms, 1, x, (ptrdiff_t)batch, terms};
	for (int k = 0; k < 2; k++) {
		y[k] = float_sines(rows * batch, 0.2);
		t[k] = float_sines(batch * (rows + 3), 0.2);
		gemm[k]->sum(&product, 1, (struct gemm_start_f32){.bias = bias}, rows, batch, y[k]);
		gemm[k]->transpose(y[k], rows, batch, t[k], rows + 3);
	}
	assert_memory_equal(y[0], y[1], rows * batch * sizeof(float));
	assert_memory_equal(t[0], t[1], batch * (rows + 3) * sizeof(float));
	float *arrays[] = {a, x, bias, y[0], y[1], t[0], t[1]};
	for (size_t k = 0; k < sizeof arrays / sizeof arrays[0]; k++)
		free(arrays[k]);
}

static void test_products(void **state)
{
	(void)state;
	static const size_t sizes[] = {1, 2, 3, 5, 8, 16, 27, 64, 100},
	                    batches[] = {1, 2, 7, 8, 9, 16, 17, 31, 33, 48, 256};
	skip_without();
	for (size_t r = 0; r < sizeof sizes / sizeof sizes[0]; r++)
		for (size_t t = 0; t < sizeof sizes / sizeof sizes[0]; t++)
			for (size_t b = 0; b < sizeof batches / sizeof batches[0]; b++)
				compare_products(sizes[r], sizes[t], batches[b]),
				    compare_products_f32(sizes[r], sizes[t], batches[b]);
	compare_products(13, 3000, 40);
	compare_products_f32(13, 3000, 40);
}

static void test_gates(void **state)
{
	(void)state;
	enum { N = 4001 };
	static double block[2][GATES_ARRAYS * N], c[2][N], m[2][N], dm[2][N], dc[2][N], c_prev[N];
	skip_without();
	const struct gates_kernels *const kernels[2] = {fused_isa()->gates, wide_registers()->gates};
	fill(c_prev, N, 0.4);
	for (int k = 0; k < 2; k++) {
		struct gates gates = gates_at(block[k], N);
		fill(block[k], GATES_ARRAYS * N, 0.01);
		for (size_t i = 0; i < GATES_ARRAYS * N; i++)
			block[k][i] *= exp(0.002 * (double)(i % N));
		fill(dm[k], N, 0.6);
		fill(dc[k], N, 0.8);
		kernels[k]->forward(&gates, c_prev, N, c[k], m[k]);
		kernels[k]->backward(&gates, c_prev, dm[k], N, dc[k], &gates);
	}
	assert_memory_equal(block[0], block[1], sizeof block[0]);
	assert_memory_equal(c[0], c[1], sizeof c[0]);
	assert_memory_equal(m[0], m[1], sizeof m[0]);
	assert_memory_equal(dc[0], dc[1], sizeof dc[0]);
}

static void test_gates_f32(void **state)
{
	(void)state;
	enum { N = 4001 };
	static float block[2][5][N], m32[2][N];
	static double c[2][N], m[2][N], dm[2][N], dc[2][N], c_prev[N];
	skip_without();
	const struct gates_kernels_f32 *const kernels[2] = {fused_isa()->gates_f32, wide_registers()->gates_f32};
	fill(c_prev, N, 0.4);
	for (int k = 0; k < 2; k++) {
		const struct gates_f32 gates = {block[k][0], block[k][1], block[k][2], block[k][3], block[k][4]};
		for (size_t i = 0; i < 5 * N; i++)
			block[k][i / N][i % N] = (float)(sin(0.01 * (double)i) * exp(0.001 * (double)(i % N)));
		fill(dm[k], N, 0.6);
		fill(dc[k], N, 0.8);
		kernels[k]->forward(&gates, c_prev, N, c[k], m[k], m32[k]);
		kernels[k]->backward(&gates, c_prev, dm[k], N, dc[k]);
		kernels[k]->narrow(m[k], N, m32[k]);
		kernels[k]->add(m32[k], N, c[k]);
	}
	assert_memory_equal(block[0], block[1], sizeof block[0]);
	assert_memory_equal(c[0], c[1], sizeof c[0]);
	assert_memory_equal(m[0], m[1], sizeof m[0]);
	assert_memory_equal(m32[0], m32[1], sizeof m32[0]);
	assert_memory_equal(dc[0], dc[1], sizeof dc[0]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_circuits), cmocka_unit_test(test_layers), cmocka_unit_test(test_neurons),
	    cmocka_unit_test(test_products), cmocka_unit_test(test_gates),  cmocka_unit_test(test_gates_f32),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
