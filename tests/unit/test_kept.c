/* A backward call that begins with what its forward call kept gives the bytes of one that goes forward again. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>

#include "engine/vector/isa.h"
#include "tests/unit/circuits.h"
#include "tests/unit/plan_run.h"

struct results {
	double *outputs, *d_features, *d_weights;
	size_t n_outputs, n_features, n_weights;
};

static struct results results_new(const struct circuit_program *program, int sets, size_t batch)
{
	struct results r = {.n_outputs = (size_t)(program->n_observables * sets) * batch,
	                    .n_features = (size_t)program->n_features * batch,
	                    .n_weights = (size_t)(program->n_weights * sets)};
	r.outputs = calloc(r.n_outputs + 1, sizeof(double));
	r.d_features = calloc(r.n_features + 1, sizeof(double));
	r.d_weights = calloc(r.n_weights + 1, sizeof(double));
	return r;
}

static void results_free(struct results *r)
{
	free(r->outputs);
	free(r->d_features);
	free(r->d_weights);
}

static void assert_same(const struct results *a, const struct results *b)
{
	assert_memory_equal(a->outputs, b->outputs, a->n_outputs * sizeof(double) + 1);
	assert_memory_equal(a->d_features, b->d_features, a->n_features * sizeof(double) + 1);
	assert_memory_equal(a->d_weights, b->d_weights, a->n_weights * sizeof(double) + 1);
}

/* Two calls, forward one after the other and then backward, the second with other features: what one keeps is not the
 * other's. The second one has less room than it would take, in most cases. Whether the plan keeps anything. */
static bool check(const struct circuit_program *program, const char *kind, enum precision precision, int sets,
                  size_t batch, struct oracle_random *random)
{
	struct plan *plan;
	if (plan_new_precision(&plan, program, kind, precision, NULL) != 0)
		return false;
	size_t bytes = plan_kept_bytes(plan, sets, batch);
	struct results found[2], wanted[2];
	double *features[2], *weights = random_numbers(random, (size_t)(program->n_weights * sets), 7);
	struct plan_room kept[2] = {{NULL, 0}, {NULL, 0}};
	for (int k = 0; k < 2; k++) {
		found[k] = results_new(program, sets, batch);
		wanted[k] = results_new(program, sets, batch);
		features[k] = random_numbers(random, found[k].n_features, 0.9);
		size_t room = k == 0 ? bytes : bytes / 64 * (size_t)oracle_below(random, 65) / 64 * 64;
		if (room > 0)
			kept[k] = (struct plan_room){aligned_alloc(64, room), room};
		plan_forward_kept(plan, features[k], weights, sets, batch, found[k].outputs, kept[k]);
	}
	double *cotangents = random_numbers(random, found[0].n_outputs, 1);
	for (int k = 0; k < 2; k++) {
		plan_forward_many(plan, features[k], weights, sets, batch, wanted[k].outputs);
		plan_backward_many(plan, features[k], weights, sets, batch, cotangents, wanted[k].d_features,
		                   wanted[k].d_weights);
		plan_backward_kept(plan, features[k], weights, sets, batch, cotangents, found[k].d_features,
		                   found[k].d_weights, kept[k]);
		assert_same(&found[k], &wanted[k]);
		results_free(&found[k]);
		results_free(&wanted[k]);
		free(features[k]);
		free(kept[k].at);
	}
	free(weights);
	free(cotangents);
	plan_free(plan);
	return bytes > 0;
}

/* All instruction sets and precisions, of the plan that keeps states. */
static int check_all(struct circuit_program *program, int sets, size_t batch, struct oracle_random *random)
{
	const struct isa *chosen = isa_pick(), *isa;
	int keeping = 0;
	for (int i = 0; (isa = isa_at(i)) != NULL; i++) {
		if (!isa->supported())
			continue;
		isa_force(isa);
		for (int p = 0; p < 2; p++)
			keeping += check(program, "batch", (enum precision)p, sets, batch, random);
	}
	isa_force(chosen);
	program_free(program);
	return keeping;
}

static void test_random_programs(void **state)
{
	(void)state;
	struct oracle_random random = {71};
	int keeping = 0;
	for (int round = 0; round < 200; round++) {
		int n = 1 + oracle_below(&random, 6), sets = 1 + oracle_below(&random, round % 10 == 0 ? 11 : 5);
		size_t batch = (size_t)(1 + oracle_below(&random, round % 10 == 0 ? 300 : 40));
		keeping += check_all(oracle_random_program(&random, n), sets, batch, &random);
	}
	assert_true(keeping > 400);
}

static void test_layers_of_gates(void **state)
{
	(void)state;
	struct oracle_random random = {72};
	int keeping = 0;
	for (int round = 0; round < 40; round++) {
		int n = 1 + oracle_below(&random, 10);
		keeping += check_all(circuits_random(&random, n, 1 + oracle_below(&random, 4)),
		                     1 + oracle_below(&random, 3), (size_t)(1 + oracle_below(&random, 20)), &random);
	}
	assert_true(keeping > 40);
}

/* A circuit whose states are undone, not kept, and plans other than `batch` keep nothing. */
static void test_nothing_kept(void **state)
{
	(void)state;
	struct circuit_program *small = circuits_benchmark(4, 2), *large = circuits_benchmark(14, 2);
	struct plan *plan;
	assert_int_equal(plan_new(&plan, large, "batch", NULL), 0);
	assert_int_equal(plan_kept_bytes(plan, 1, 1), 0);
	plan_free(plan);
	assert_int_equal(plan_new(&plan, small, "reference", NULL), 0);
	assert_int_equal(plan_kept_bytes(plan, 1, 1), 0);
	plan_free(plan);
	assert_int_equal(plan_new(&plan, small, "batch", NULL), 0);
	assert_true(plan_kept_bytes(plan, 2, 9) == 4 * plan_kept_bytes(plan, 1, 8));
	assert_true(plan_kept_bytes(plan, 1, 8) > 0);
	plan_free(plan);
	struct oracle_random random = {74};
	for (int k = 0; plan_kind_name(k) != NULL; k++)
		assert_true(check(small, plan_kind_name(k), PRECISION_FLOAT64, 2, 5, &random) ==
		            (strcmp(plan_kind_name(k), "batch") == 0));
	program_free(small);
	program_free(large);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_random_programs),
	    cmocka_unit_test(test_layers_of_gates),
	    cmocka_unit_test(test_nothing_kept),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
