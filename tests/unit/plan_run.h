/* Running a plan on random inputs, for the tests of the plans that are made for many wires. */
#ifndef QLSTM_TESTS_PLAN_RUN_H
#define QLSTM_TESTS_PLAN_RUN_H

#include <math.h>
#include <string.h>

#include "engine/circuit/plan.h"
#include "tests/unit/oracle.h"

/* Inputs and results of one program on one batch, allocated to size so that a sanitizer sees every overrun. */
struct run {
	const struct circuit_program *program;
	size_t batch, n_features, n_outputs, n_weights;
	double *features, *weights, *cotangents, *outputs, *d_features, *d_weights;
};

static inline double *random_numbers(struct oracle_random *random, size_t count, double range)
{
	double *numbers = calloc(count + 1, sizeof *numbers);
	for (size_t i = 0; i < count; i++)
		numbers[i] = oracle_uniform(random, -range, range);
	return numbers;
}

static inline struct run run_new(struct oracle_random *random, const struct circuit_program *program, size_t batch)
{
	struct run run = {program,
	                  batch,
	                  (size_t)program->n_features * batch,
	                  (size_t)program->n_observables * batch,
	                  (size_t)program->n_weights,
	                  NULL,
	                  NULL,
	                  NULL,
	                  NULL,
	                  NULL,
	                  NULL};
	run.features = random_numbers(random, run.n_features, 0.9);
	run.weights = random_numbers(random, run.n_weights, 7);
	run.cotangents = random_numbers(random, run.n_outputs, 1);
	run.outputs = calloc(run.n_outputs, sizeof(double));
	run.d_features = calloc(run.n_features + 1, sizeof(double));
	run.d_weights = calloc(run.n_weights + 1, sizeof(double));
	return run;
}

static inline void run_free(struct run *run)
{
	double *arrays[] = {run->features, run->weights,    run->cotangents,
	                    run->outputs,  run->d_features, run->d_weights};
	for (size_t i = 0; i < sizeof arrays / sizeof *arrays; i++)
		free(arrays[i]);
}

/* False when the plan refuses. */
static inline bool run_plan(struct run *run, const char *kind)
{
	struct plan *plan;
	int code = plan_new(&plan, run->program, kind, NULL);
	if (code == ERR_TOO_LARGE)
		return false;
	assert_int_equal(code, 0);
	memset(run->d_features, 0, run->n_features * sizeof(double));
	memset(run->d_weights, 0, run->n_weights * sizeof(double));
	plan_forward(plan, run->features, run->weights, run->batch, run->outputs);
	plan_backward(plan, run->features, run->weights, run->batch, run->cotangents, run->d_features, run->d_weights);
	plan_free(plan);
	return true;
}

static inline void assert_near(const char *what, const double *found, const double *wanted, size_t count,
                               double tolerance)
{
	for (size_t i = 0; i < count; i++)
		if (!(fabs(found[i] - wanted[i]) <= tolerance))
			fail_msg("%s %zu: %.15g is not %.15g", what, i, found[i], wanted[i]);
}

/* True when `kind` applies; then it must give what `oracle` gives. */
static inline bool run_agrees(struct oracle_random *random, const struct circuit_program *program, const char *kind,
                              const char *oracle, size_t batch)
{
	uint64_t state = random->state;
	struct run found = run_new(random, program, batch);
	random->state = state;
	struct run wanted = run_new(random, program, batch);
	bool applies = run_plan(&found, kind);
	if (applies) {
		assert_true(run_plan(&wanted, oracle));
		assert_near("output", found.outputs, wanted.outputs, found.n_outputs, 1e-10);
		assert_near("d_features", found.d_features, wanted.d_features, found.n_features, 1e-10);
		assert_near("d_weights", found.d_weights, wanted.d_weights, found.n_weights, 1e-10);
	}
	run_free(&found);
	run_free(&wanted);
	return applies;
}

#endif
