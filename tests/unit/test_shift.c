/* The parameter-shift rule: gradients of the adjoint method, on every kind of plan that evaluates the circuit. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>
#include <string.h>

#include "engine/circuit/plan.h"
#include "engine/circuit/planner.h"
#include "tests/unit/oracle.h"

/* More samples than are shifted at once. */
enum { FEATURES = 4, WEIGHTS = 6, OBSERVABLES = 4, SETS = 2, MOST = 131 };

struct data {
	double features[FEATURES * MOST], weights[SETS * WEIGHTS], cotangents[SETS * OBSERVABLES * MOST];
};

struct result {
	double outputs[SETS * OBSERVABLES * MOST], d_features[FEATURES * MOST], d_weights[SETS * WEIGHTS];
};

static void fill(struct oracle_random *random, double *values, size_t count, double most)
{
	for (size_t i = 0; i < count; i++)
		values[i] = oracle_uniform(random, -most, most);
}

/* False when the kind does not apply. */
static bool evaluate(const struct circuit_program *program, const char *kind, enum diff_method method, size_t batch,
                     const struct data *data, struct result *out)
{
	struct plan *plan;
	struct plan_request request = planner_defaults(kind, PRECISION_FLOAT64);
	request.diff_method = method;
	int rc = plan_new_request(&plan, program, &request, NULL);
	if (rc == ERR_TOO_LARGE && strcmp(kind, "local") == 0)
		return false;
	assert_int_equal(rc, 0);
	assert_string_equal(plan_name(plan), kind);
	memset(out, 0, sizeof *out);
	plan_forward_many(plan, data->features, data->weights, SETS, batch, out->outputs);
	plan_backward_many(plan, data->features, data->weights, SETS, batch, data->cotangents, out->d_features,
	                   out->d_weights);
	plan_free(plan);
	return true;
}

static void assert_near(const char *what, const double *found, const double *wanted, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (!(fabs(found[i] - wanted[i]) <= 1e-10))
			fail_msg("%s %zu: %.15g is not %.15g", what, i, found[i], wanted[i]);
}

static void equals_the_adjoint_method(void **state)
{
	(void)state;
	static struct data data;
	static struct result adjoint, shifted;
	struct oracle_random random = {7};
	for (int round = 0; round < 30; round++) {
		struct circuit_program *program = oracle_random_program(&random, 1 + round % ORACLE_WIRES);
		size_t batch = round % 3 == 0 ? MOST : (size_t)(1 + round % 3);
		fill(&random, data.features, FEATURES * MOST, 0.9);
		fill(&random, data.weights, SETS * WEIGHTS, 7);
		fill(&random, data.cotangents, SETS * OBSERVABLES * MOST, 1);
		assert_true(evaluate(program, "batch", DIFF_ADJOINT, batch, &data, &adjoint));
		for (int k = 0; plan_kind_name(k) != NULL; k++) {
			if (!evaluate(program, plan_kind_name(k), DIFF_PARAMETER_SHIFT, batch, &data, &shifted))
				continue;
			assert_near("output", shifted.outputs, adjoint.outputs, SETS * OBSERVABLES * MOST);
			assert_near("slope by feature", shifted.d_features, adjoint.d_features, FEATURES * MOST);
			assert_near("slope by weight", shifted.d_weights, adjoint.d_weights, SETS * WEIGHTS);
		}
		program_free(program);
	}
}

/* What is not wanted is not touched. */
static void parts_of_the_gradient(void **state)
{
	(void)state;
	struct circuit_program *program = program_new(1);
	program_rotation(program, GATE_RX, 0, angle_feature(0, ENCODER_X));
	program_rotation(program, GATE_RY, 0, angle_weight(0));
	program_observe(program, PAULI_Z, 0);
	struct plan *plan;
	struct plan_request request = planner_defaults("auto", PRECISION_FLOAT64);
	request.diff_method = DIFF_PARAMETER_SHIFT;
	assert_int_equal(plan_new_request(&plan, program, &request, NULL), 0);
	const double x = 0.3, w = 0.4, one = 1;
	double by_feature = 0.5, by_weight = 0.5;
	/* <Z> = cos(x) cos(w) */
	plan_backward(plan, &x, &w, 1, &one, &by_feature, NULL);
	assert_true(fabs(by_feature - (0.5 - sin(x) * cos(w))) < 1e-14 && by_weight == 0.5);
	plan_backward(plan, &x, &w, 1, &one, NULL, &by_weight);
	assert_true(fabs(by_weight - (0.5 - cos(x) * sin(w))) < 1e-14);
	/* Two variable gates are five evaluations; an adjoint gradient counts as three. */
	struct plan_estimate adjoint;
	request.diff_method = DIFF_ADJOINT;
	request.kind = plan_name(plan);
	assert_int_equal(plan_estimate(program, &request, &adjoint), 0);
	assert_true(plan_estimated(plan)->ns_per_tile > 1.5 * adjoint.ns_per_tile);
	plan_free(plan);
	program_free(program);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(equals_the_adjoint_method),
	    cmocka_unit_test(parts_of_the_gradient),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
