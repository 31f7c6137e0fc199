/* Plans against full-matrix algebra, against finite differences and against each other, on random programs. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>
#include <string.h>

#include "engine/circuit/isa.h"
#include "engine/circuit/plan.h"
#include "tests/unit/oracle.h"

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

/* On every instruction set that this processor has. */
static void plans_agree(void **state)
{
	(void)state;
	static const size_t batches[] = {1, 7, 8, 9, 20};
	const struct isa *chosen = isa_pick();
	for (int i = 0; isa_at(i) != NULL; i++) {
		if (!isa_at(i)->supported())
			continue;
		struct oracle_random random = {3};
		isa_force(isa_at(i));
		assert_string_equal(plan_isa(), isa_at(i)->name);
		for (int round = 0; round < 240; round++)
			compare_with_reference(&random, 1 + round % 6, batches[round % 5]);
	}
	isa_force(chosen);
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

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(plans_match_matrices),
	    cmocka_unit_test(gradients_match_finite_differences),
	    cmocka_unit_test(plans_agree),
	    cmocka_unit_test(results_do_not_depend_on_the_tile),
	    cmocka_unit_test(unwanted_gradients_may_be_null),
	    cmocka_unit_test(extreme_features),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
