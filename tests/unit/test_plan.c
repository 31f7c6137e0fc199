/* Plans against full-matrix algebra, against finite differences and against each other, on random programs. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>
#include <string.h>

#include "engine/vector/isa.h"
#include "engine/circuit/plan.h"
#include "tests/unit/oracle.h"
#include "tests/unit/wide_registers.h"

enum { FEATURES = 4, WEIGHTS = 6, OBSERVABLES = 4, BATCH = 20 };

/* Inputs and results of one program; rows as in plan.h. */
struct data {
	double features[FEATURES * BATCH], weights[WEIGHTS], cotangents[OBSERVABLES * BATCH];
	double outputs[OBSERVABLES * BATCH], d_features[FEATURES * BATCH], d_weights[WEIGHTS];
};

static void fill(struct oracle_random *random, struct data *data)
{
	for (int i = 0; i < FEATURES * BATCH; i++)
		data->features[i] = oracle_uniform(random, -0.9, 0.9); /* asin and acos end at 1 */
	for (int i = 0; i < WEIGHTS; i++)
		data->weights[i] = oracle_uniform(random, -7, 7);
	for (int i = 0; i < OBSERVABLES * BATCH; i++)
		data->cotangents[i] = oracle_uniform(random, -1, 1);
}

/* Gradients start from 0.5, since they must be added to what is there. False when the plan does not apply. */
static bool evaluate(const struct circuit_program *program, const char *kind, size_t batch, struct data *data)
{
	struct plan *plan;
	int code = plan_new(&plan, program, kind, NULL);
	if (code == ERR_TOO_LARGE && strcmp(kind, "local") == 0)
		return false;
	assert_int_equal(code, 0);
	assert_string_equal(plan_name(plan), kind);
	for (int i = 0; i < FEATURES * BATCH; i++)
		data->d_features[i] = 0.5;
	for (int i = 0; i < WEIGHTS; i++)
		data->d_weights[i] = 0.5;
	plan_forward(plan, data->features, data->weights, batch, data->outputs);
	plan_backward(plan, data->features, data->weights, batch, data->cotangents, data->d_features, data->d_weights);
	plan_free(plan);
	return true;
}

static void assert_near(const char *what, const double *found, const double *wanted, size_t count, double tolerance)
{
	for (size_t i = 0; i < count; i++)
		if (!(fabs(found[i] - wanted[i]) <= tolerance))
			fail_msg("%s %zu: %.15g is not %.15g", what, i, found[i], wanted[i]);
}

static void plans_match_matrices(void **state)
{
	(void)state;
	struct oracle_random random = {1};
	for (int round = 0; round < 80; round++) {
		struct circuit_program *program = oracle_random_program(&random, 1 + round % ORACLE_WIRES);
		struct data data;
		double expected[OBSERVABLES], sample[FEATURES];
		fill(&random, &data);
		for (int k = 0; plan_kind_name(k) != NULL; k++) {
			if (!evaluate(program, plan_kind_name(k), 3, &data))
				continue;
			for (size_t b = 0; b < 3; b++) {
				for (size_t f = 0; f < FEATURES; f++)
					sample[f] = data.features[f * 3 + b];
				oracle_evaluate(program, sample, data.weights, expected);
				for (size_t o = 0; o < (size_t)program->n_observables; o++)
					assert_near(plan_kind_name(k), &data.outputs[o * 3 + b], &expected[o], 1,
					            1e-12);
			}
		}
		program_free(program);
	}
}

/* sum of cotangent times output, the function whose gradient plan_backward adds. */
static double weighted_sum(struct plan *plan, int n_observables, const struct data *data, size_t batch)
{
	double outputs[OBSERVABLES * BATCH], sum = 0.0;
	plan_forward(plan, data->features, data->weights, batch, outputs);
	for (size_t i = 0; i < (size_t)n_observables * batch; i++)
		sum += data->cotangents[i] * outputs[i];
	return sum;
}

static double finite_difference(struct plan *plan, int n_observables, struct data *data, size_t batch, double *variable)
{
	double keep = *variable, h = 1e-5;
	*variable = keep + h;
	double above = weighted_sum(plan, n_observables, data, batch);
	*variable = keep - h;
	double below = weighted_sum(plan, n_observables, data, batch);
	*variable = keep;
	return (above - below) / (2 * h);
}

static void gradients_match_finite_differences(void **state)
{
	(void)state;
	struct oracle_random random = {2};
	for (int round = 0; round < 60; round++) {
		struct circuit_program *program = oracle_random_program(&random, 1 + round % 5);
		struct data data;
		size_t batch = 3;
		fill(&random, &data);
		for (int k = 0; plan_kind_name(k) != NULL; k++) {
			struct plan *plan;
			if (!evaluate(program, plan_kind_name(k), batch, &data))
				continue;
			assert_int_equal(plan_new(&plan, program, plan_kind_name(k), NULL), 0);
			for (int i = 0; i < program->n_weights; i++) {
				double slope = 0.5 + finite_difference(plan, program->n_observables, &data, batch,
				                                       &data.weights[i]);
				assert_near("weight", &data.d_weights[i], &slope, 1, 1e-7);
			}
			for (size_t i = 0; i < (size_t)program->n_features * batch; i++) {
				double slope = 0.5 + finite_difference(plan, program->n_observables, &data, batch,
				                                       &data.features[i]);
				assert_near("feature", &data.d_features[i], &slope, 1, 1e-7);
			}
			plan_free(plan);
		}
		program_free(program);
	}
}

static void compare_with_reference(struct oracle_random *random, int n_wires, size_t batch)
{
	struct circuit_program *program = oracle_random_program(random, n_wires);
	struct data data, expected;
	fill(random, &data);
	expected = data;
	evaluate(program, "reference", batch, &expected);
	for (int k = 0; plan_kind_name(k) != NULL; k++) {
		if (!evaluate(program, plan_kind_name(k), batch, &data))
			continue;
		assert_near("output", data.outputs, expected.outputs, (size_t)program->n_observables * batch, 1e-10);
		assert_near("d_features", data.d_features, expected.d_features, FEATURES * BATCH, 1e-10);
		assert_near("d_weights", data.d_weights, expected.d_weights, WEIGHTS, 1e-10);
	}
	program_free(program);
}

/* The i-th instruction set that this processor has; last, registers of 64 bytes. */
static const struct isa *isa_to_test(int i)
{
	for (int k = 0; isa_at(k) != NULL; k++)
		if (isa_at(k)->supported() && i-- == 0)
			return isa_at(k);
	return i == 0 ? wide_registers() : NULL;
}

static void on_every_isa(void (*check)(void))
{
	const struct isa *chosen = isa_pick();
	for (int i = 0; isa_to_test(i) != NULL; i++) {
		isa_force(isa_to_test(i));
		assert_string_equal(plan_isa(), isa_to_test(i)->name);
		check();
	}
	isa_force(chosen);
}

static void compare_many_with_reference(void)
{
	static const size_t batches[] = {1, 4, 8, 9, 20};
	struct oracle_random random = {3};
	for (int round = 0; round < 1000; round++)
		compare_with_reference(&random, 1 + round % 6, batches[round % 5]);
}

static void plans_agree(void **state)
{
	(void)state;
	on_every_isa(compare_many_with_reference);
}

/* float32: outputs within 1e-5, gradients within 1e-4 of the largest of them. */
static void compare_float32(const struct circuit_program *program, const char *kind, size_t batch,
                            const struct data *inputs)
{
	struct data wide = *inputs, narrow = *inputs;
	struct plan *plan;
	if (!evaluate(program, kind, batch, &wide))
		return;
	memset(narrow.d_features, 0, sizeof narrow.d_features);
	memset(narrow.d_weights, 0, sizeof narrow.d_weights);
	assert_int_equal(plan_new_precision(&plan, program, kind, PRECISION_FLOAT32, NULL), 0);
	plan_forward(plan, narrow.features, narrow.weights, batch, narrow.outputs);
	plan_backward(plan, narrow.features, narrow.weights, batch, narrow.cotangents, narrow.d_features,
	              narrow.d_weights);
	double largest = 1.0;
	for (int k = 0; k < FEATURES * BATCH; k++)
		largest = fmax(largest, fabs(wide.d_features[k] -= 0.5));
	for (int k = 0; k < WEIGHTS; k++)
		largest = fmax(largest, fabs(wide.d_weights[k] -= 0.5));
	assert_near("output", narrow.outputs, wide.outputs, (size_t)program->n_observables * batch, 1e-5);
	assert_near("d_features", narrow.d_features, wide.d_features, FEATURES * BATCH, 1e-4 * largest);
	assert_near("d_weights", narrow.d_weights, wide.d_weights, WEIGHTS, 1e-4 * largest);
	plan_free(plan);
}

static void compare_precisions(void)
{
	struct oracle_random random = {6};
	for (int round = 0; round < 200; round++) {
		struct circuit_program *program = oracle_random_program(&random, 1 + round % 6);
		struct data data;
		fill(&random, &data);
		for (int k = 0; plan_kind_name(k) != NULL; k++)
			compare_float32(program, plan_kind_name(k), 1 + (size_t)round % BATCH, &data);
		program_free(program);
	}
}

static void float32_is_close(void **state)
{
	(void)state;
	on_every_isa(compare_precisions);
}

/* Several sets of weights in one call are as many calls; more sets than a kernel takes at a time among them. */
static void compare_sets_with_calls(void)
{
	enum { SETS = 11 };
	struct oracle_random random = {7};
	for (int round = 0; round < 200; round++) {
		struct circuit_program *program = oracle_random_program(&random, 1 + round % 6);
		size_t batch = 1 + (size_t)round % BATCH, outputs = (size_t)program->n_observables * batch;
		size_t weights = (size_t)program->n_weights;
		double w[SETS * WEIGHTS], g[SETS * OBSERVABLES * BATCH], o[2][SETS * OBSERVABLES * BATCH];
		double df[2][FEATURES * BATCH], dw[2][SETS * WEIGHTS];
		struct data data;
		fill(&random, &data);
		for (size_t i = 0; i < SETS * WEIGHTS; i++)
			w[i] = oracle_uniform(&random, -4, 4);
		for (size_t i = 0; i < SETS * OBSERVABLES * BATCH; i++)
			g[i] = oracle_uniform(&random, -1, 1);
		for (int k = 0; plan_kind_name(k) != NULL; k++) {
			struct plan *plan;
			int code = plan_new(&plan, program, plan_kind_name(k), NULL);
			if (code == ERR_TOO_LARGE && strcmp(plan_kind_name(k), "local") == 0)
				continue;
			assert_int_equal(code, 0);
			for (int i = 0; i < FEATURES * BATCH; i++)
				df[0][i] = df[1][i] = 0.25;
			for (int i = 0; i < SETS * WEIGHTS; i++)
				dw[0][i] = dw[1][i] = 0.25;
			plan_forward_many(plan, data.features, w, SETS, batch, o[0]);
			plan_backward_many(plan, data.features, w, SETS, batch, g, df[0], dw[0]);
			for (size_t j = 0; j < SETS; j++) {
				plan_forward(plan, data.features, w + j * weights, batch, o[1] + j * outputs);
				plan_backward(plan, data.features, w + j * weights, batch, g + j * outputs, df[1],
				              dw[1] + j * weights);
			}
			assert_memory_equal(o[0], o[1], SETS * outputs * sizeof(double));
			assert_near("d_features", df[0], df[1], FEATURES * BATCH, 1e-12);
			assert_near("d_weights", dw[0], dw[1], SETS * weights, 1e-12);
			plan_free(plan);
		}
		program_free(program);
	}
}

static void sets_are_calls(void **state)
{
	(void)state;
	on_every_isa(compare_sets_with_calls);
}

/* Long batches, where gradients move to their totals on the way, and wires beyond those with kernels of their own,
 * where states are undone. */
static void compare_large_cases(void)
{
	enum { LONG = 300, WIRES = 10 };
	static const struct {
		int wires, layers;
		size_t batch;
	} cases[] = {{2, 2, LONG}, {WIRES, 3, 3}};
	for (size_t c = 0; c < 2; c++) {
		int n = cases[c].wires, weights = 0;
		size_t batch = cases[c].batch, rows = (size_t)n * batch;
		struct circuit_program *program = program_new(n);
		for (int w = 0; w < n; w++)
			program_rotation(program, GATE_RY, w, angle_feature(w, ENCODER_X));
		for (int l = 0; l < cases[c].layers; l++, weights += 3 * n)
			for (int w = 0; w < n; w++) {
				program_gate2(program, w % 2 ? GATE_CZ : GATE_CNOT, w, (w + 1) % n);
				program_rot(program, w, weights + 3 * w);
				program_rotation(program, GATE_RX, w, angle_weight(weights + 3 * w));
				program_rotation(program, GATE_RZ, w, angle_feature(w, ENCODER_TANH));
			}
		for (int w = 0; w < n; w++)
			program_observe(program, (enum pauli)(w % 3), w);
		static double x[2 * LONG], g[2 * LONG], o[2][2 * LONG], df[2][2 * LONG], dw[2][9 * WIRES], a[9 * WIRES];
		struct oracle_random random = {8};
		memset(df, 0, sizeof df);
		memset(dw, 0, sizeof dw);
		for (size_t i = 0; i < rows; i++)
			x[i] = oracle_uniform(&random, -1, 1), g[i] = oracle_uniform(&random, -1, 1);
		for (int i = 0; i < weights; i++)
			a[i] = oracle_uniform(&random, -4, 4);
		for (int k = 0; k < 2; k++) {
			struct plan *plan;
			assert_int_equal(plan_new(&plan, program, plan_kind_name(k), NULL), 0);
			plan_forward(plan, x, a, batch, o[k]);
			plan_backward(plan, x, a, batch, g, df[k], dw[k]);
			plan_free(plan);
		}
		assert_near("output", o[1], o[0], rows, 1e-10);
		assert_near("d_features", df[1], df[0], rows, 1e-10);
		assert_near("d_weights", dw[1], dw[0], (size_t)weights, 1e-9);
		program_free(program);
	}
}

static void large_cases(void **state)
{
	(void)state;
	on_every_isa(compare_large_cases);
}

/* Left-over lanes must not change the others, nor one sample another, nor one call the next. */
static void results_do_not_depend_on_the_tile(void **state)
{
	(void)state;
	struct oracle_random random = {4};
	struct circuit_program *program = oracle_random_program(&random, 4);
	struct data data, again;
	fill(&random, &data);
	evaluate(program, "batch", BATCH, &data);
	again = data;
	evaluate(program, "batch", BATCH, &again);
	assert_memory_equal(&data, &again, sizeof data);
	struct plan *plan;
	assert_int_equal(plan_new(&plan, program, "batch", NULL), 0);
	for (size_t b = 0; b < BATCH; b++) {
		double sample[FEATURES], outputs[OBSERVABLES];
		for (size_t f = 0; f < FEATURES; f++)
			sample[f] = data.features[f * BATCH + b];
		plan_forward(plan, sample, data.weights, 1, outputs);
		for (size_t o = 0; o < (size_t)program->n_observables; o++)
			assert_memory_equal(&outputs[o], &data.outputs[o * BATCH + b], sizeof *outputs);
	}
	plan_free(plan);
	program_free(program);
}

static void unwanted_gradients_may_be_null(void **state)
{
	(void)state;
	struct oracle_random random = {5};
	struct circuit_program *program = oracle_random_program(&random, 4);
	struct data data;
	fill(&random, &data);
	for (int k = 0; plan_kind_name(k) != NULL; k++) {
		struct plan *plan;
		double d_features[FEATURES * BATCH], d_weights[WEIGHTS];
		if (!evaluate(program, plan_kind_name(k), BATCH, &data))
			continue;
		assert_int_equal(plan_new(&plan, program, plan_kind_name(k), NULL), 0);
		for (int i = 0; i < FEATURES * BATCH; i++)
			d_features[i] = 0.5;
		for (int i = 0; i < WEIGHTS; i++)
			d_weights[i] = 0.5;
		plan_backward(plan, data.features, data.weights, BATCH, data.cotangents, NULL, d_weights);
		plan_backward(plan, data.features, data.weights, BATCH, data.cotangents, d_features, NULL);
		plan_backward(plan, data.features, data.weights, BATCH, data.cotangents, NULL, NULL);
		assert_memory_equal(d_features, data.d_features, sizeof d_features);
		assert_memory_equal(d_weights, data.d_weights, sizeof d_weights);
		plan_free(plan);
	}
	program_free(program);
}

/* Angles beyond the fast range reduction, steep arctangents, and a NaN, which must stay in its own sample. */
static void extreme_features(void **state)
{
	(void)state;
	struct circuit_program *program = program_new(2);
	program_rotation(program, GATE_RX, 0, angle_feature(0, ENCODER_X));
	program_rotation(program, GATE_RX, 1, angle_feature(0, ENCODER_ATAN));
	program_cnot(program, 0, 1);
	program_rotation(program, GATE_RY, 0, angle_feature(0, ENCODER_ATAN_SQUARE));
	program_rotation(program, GATE_RZ, 1, angle_feature(0, ENCODER_PI_X));
	program_rotation(program, GATE_RX, 1, angle_weight(0));
	program_observe(program, PAULI_Z, 0);
	program_observe(program, PAULI_Y, 1);
	static const double x[] = {0, -1e-300, 1e5, -123456.789, 1e9, 1e200, NAN, 3.0, -1e-9, -77777.7, 9.9e4};
	enum { COUNT = sizeof x / sizeof *x };
	enum { KINDS = 3 };
	double weight = 1e8, outputs[KINDS][2 * COUNT];
	for (int k = 0; k < KINDS; k++) {
		struct plan *plan;
		assert_int_equal(plan_new(&plan, program, plan_kind_name(k), NULL), 0);
		plan_forward(plan, x, &weight, COUNT, outputs[k]);
		plan_free(plan);
	}
	for (size_t i = 0; i < (size_t)2 * COUNT; i++)
		for (int k = 1; k < KINDS; k++) {
			if (isnan(x[i % COUNT]))
				assert_true(isnan(outputs[0][i]) && isnan(outputs[k][i]));
			else
				assert_near("output", &outputs[k][i], &outputs[0][i], 1, 1e-10);
		}
	program_free(program);
}

/* <Z> of R(x) on |0> is cos x, its slope -sin x, also where x + pi / 2 is x: libm knows both for any x. */
static void slopes_at_huge_angles(void **state)
{
	(void)state;
	static const enum gate gates[] = {GATE_RX, GATE_RY};
	static const double x[] = {1e5, 1e9, 1e13, -1e17, 1e22, 1e200};
	enum { COUNT = sizeof x / sizeof *x };
	for (size_t g = 0; g < 2; g++)
		for (int k = 0; plan_kind_name(k) != NULL; k++) {
			struct circuit_program *program = program_new(1);
			program_rotation(program, gates[g], 0, angle_feature(0, ENCODER_X));
			program_rotation(program, gates[g], 0, angle_weight(0));
			program_observe(program, PAULI_Z, 0);
			double weight = 0, outputs[COUNT], cotangents[COUNT], slopes[COUNT] = {0}, sum = 0,
			       expected = 0;
			for (int i = 0; i < COUNT; i++)
				cotangents[i] = 1;
			struct plan *plan;
			assert_int_equal(plan_new(&plan, program, plan_kind_name(k), NULL), 0);
			plan_forward(plan, x, &weight, COUNT, outputs);
			plan_backward(plan, x, &weight, COUNT, cotangents, slopes, &sum);
			for (int i = 0; i < COUNT; i++) {
				const double cosine = cos(x[i]), slope = -sin(x[i]);
				expected += slope;
				assert_near("output", &outputs[i], &cosine, 1, 1e-12);
				assert_near("slope", &slopes[i], &slope, 1, 1e-12);
			}
			assert_near("weight", &sum, &expected, 1, 1e-11);
			plan_free(plan);
			program_free(program);
		}
}

/* The slope of atan x^2 goes to 0 as x grows; 2 x does not fit a double at the end. */
static void atan_square_at_the_end(void **state)
{
	(void)state;
	static const double x[] = {1.7e308, -1.7e308, 1e200, 1e100, 1e77};
	enum { COUNT = sizeof x / sizeof *x };
	for (int k = 0; plan_kind_name(k) != NULL; k++) {
		struct circuit_program *program = program_new(1);
		program_rotation(program, GATE_RY, 0, angle_feature(0, ENCODER_ATAN_SQUARE));
		program_observe(program, PAULI_Z, 0);
		double outputs[COUNT], cotangents[COUNT], slopes[COUNT] = {0};
		for (int i = 0; i < COUNT; i++)
			cotangents[i] = 1;
		struct plan *plan;
		assert_int_equal(plan_new(&plan, program, plan_kind_name(k), NULL), 0);
		plan_forward(plan, x, NULL, COUNT, outputs);
		plan_backward(plan, x, NULL, COUNT, cotangents, slopes, NULL);
		for (int i = 0; i < COUNT; i++) {
			assert_true(fabs(outputs[i]) < 1e-15);
			assert_true(fabs(slopes[i]) < 1e-200);
		}
		plan_free(plan);
		program_free(program);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(plans_match_matrices),
	    cmocka_unit_test(gradients_match_finite_differences),
	    cmocka_unit_test(plans_agree),
	    cmocka_unit_test(float32_is_close),
	    cmocka_unit_test(sets_are_calls),
	    cmocka_unit_test(large_cases),
	    cmocka_unit_test(results_do_not_depend_on_the_tile),
	    cmocka_unit_test(unwanted_gradients_may_be_null),
	    cmocka_unit_test(extreme_features),
	    cmocka_unit_test(slopes_at_huge_angles),
	    cmocka_unit_test(atan_square_at_the_end),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
