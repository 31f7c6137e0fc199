/* The planner: estimates, refusals and the choice. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "engine/circuit/ansatz/ansatz.h"
#include "engine/circuit/plan.h"
#include "engine/circuit/planner.h"
#include "tests/unit/circuits.h"

static struct plan_estimate estimate_of(const struct circuit_program *program, const char *kind, size_t limit)
{
	struct plan_estimate estimate;
	struct plan_request request = {kind, PRECISION_FLOAT64, 64, limit, DIFF_ADJOINT, NULL};
	assert_int_equal(plan_estimate(program, &request, &estimate), 0);
	return estimate;
}

/* What a fresh plan of that kind, or of the planner's choice, is called; NULL when it is refused. */
static const char *name_of(const struct circuit_program *program, const char *kind, struct qlstm_error *error)
{
	struct plan *plan;
	if (plan_new(&plan, program, kind, error) != 0) {
		assert_null(plan);
		return NULL;
	}
	const char *name = plan_name(plan);
	plan_free(plan);
	return name;
}

static void every_kind_has_an_estimate(void **state)
{
	(void)state;
	struct circuit_program *program = circuits_benchmark(4, 2);
	for (int k = 0; plan_kind_name(k) != NULL; k++) {
		struct plan_estimate estimate = estimate_of(program, plan_kind_name(k), PLANNER_MEMORY_DEFAULT);
		assert_string_equal(estimate.kind, plan_kind_name(k));
		assert_true(estimate.possible && estimate.reason == NULL);
		assert_true(estimate.ns_per_sample > 1.0 && estimate.ns_per_sample < 1e6);
		assert_true(estimate.bytes > 100 && estimate.bytes < 1 << 20);
		assert_int_equal(estimate.bytes, plan_bytes(program, plan_kind_name(k)));
	}
	struct plan_estimate none;
	struct plan_request unknown = {"teleport", PRECISION_FLOAT64, 64, SIZE_MAX, DIFF_ADJOINT, NULL};
	assert_int_equal(plan_estimate(program, &unknown, &none), ERR_NOT_FOUND);
	assert_int_equal(plan_bytes(program, "teleport"), 0);
	struct qlstm_error error = {0};
	assert_null(name_of(program, "teleport", &error));
	assert_int_equal(error.code, ERR_NOT_FOUND);
	program_free(program);
}

static void auto_is_the_cheapest(void **state)
{
	(void)state;
	struct oracle_random random = {21};
	for (int round = 0; round < 40; round++) {
		struct circuit_program *program = circuits_random(&random, 2 + round % 6, 1 + oracle_below(&random, 3));
		struct plan_estimate best = estimate_of(program, "auto", PLANNER_MEMORY_DEFAULT);
		assert_true(best.possible);
		for (int k = 0; plan_kind_name(k) != NULL; k++) {
			struct plan_estimate other = estimate_of(program, plan_kind_name(k), PLANNER_MEMORY_DEFAULT);
			assert_true(!other.possible || other.ns_per_sample >= best.ns_per_sample);
		}
		assert_string_equal(name_of(program, NULL, NULL), best.kind);
		assert_int_equal(plan_bytes(program, "auto"), best.bytes);
		program_free(program);
	}
}

static void many_shallow_wires_go_local(void **state)
{
	(void)state;
	struct circuit_program *program = circuits_benchmark(25, 2);
	assert_string_equal(name_of(program, "auto", NULL), "local");
	assert_true(plan_bytes(program, "auto") < 1 << 20);
	program_free(program);
	struct ansatz_config config = {.n_wires = 25, .n_blocks = 1, .depth = 1, .rotation = PAULI_Z};
	config.measure = PAULI_Y;
	assert_int_equal(ansatz_build(ansatz_find("qdi"), &config, &program, NULL), 0);
	assert_string_equal(name_of(program, "auto", NULL), "local");
	program_free(program);
}

/* Before anything is allocated: this test would not survive 10 GiB. */
static void too_much_memory_is_refused(void **state)
{
	(void)state;
	struct circuit_program *program = circuits_benchmark(25, 8);
	struct qlstm_error error = {0};
	assert_null(name_of(program, "batch", &error));
	assert_int_equal(error.code, ERR_TOO_LARGE);
	assert_non_null(strstr(error.message, "memory"));
	assert_true(estimate_of(program, "batch", SIZE_MAX).possible);
	assert_true(estimate_of(program, "batch", SIZE_MAX).bytes > (size_t)8 << 30);
	struct plan_estimate tight = estimate_of(program, "auto", 1 << 20);
	assert_false(tight.possible);
	assert_non_null(tight.reason);
	assert_int_equal(plan_bytes(program, "local"), PLAN_BYTES_NEVER);
	program_free(program);
}

/* An odd sample costs a whole tile, of 2 samples at least. */
static void small_batches_cost_more_a_sample(void **state)
{
	(void)state;
	struct circuit_program *program = circuits_benchmark(6, 2);
	struct plan_estimate one, many;
	struct plan_request request = {"batch", PRECISION_FLOAT64, 1, SIZE_MAX, DIFF_ADJOINT, NULL};
	assert_int_equal(plan_estimate(program, &request, &one), 0);
	request.batch = 64;
	assert_int_equal(plan_estimate(program, &request, &many), 0);
	assert_true(one.ns_per_sample > 1.9 * many.ns_per_sample);
	program_free(program);
}

/* A plan made for a batch is the cheapest of all for that batch, which need not be so for another. */
static void auto_has_the_batch_in_mind(void **state)
{
	(void)state;
	static const size_t batches[] = {1, 4, 10, 64, 256};
	struct circuit_program *program = circuits_benchmark(4, 2);
	for (size_t b = 0; b < sizeof batches / sizeof batches[0]; b++) {
		struct plan_request request = {"auto", PRECISION_FLOAT64, batches[b], SIZE_MAX, DIFF_ADJOINT, NULL};
		struct plan_estimate other;
		struct plan *plan;
		assert_int_equal(plan_new_request(&plan, program, &request, NULL), 0);
		for (int k = 0; plan_kind_name(k) != NULL; k++) {
			request.kind = plan_kind_name(k);
			assert_int_equal(plan_estimate(program, &request, &other), 0);
			assert_true(plan_estimated(plan)->ns_per_sample <= other.ns_per_sample);
		}
		plan_free(plan);
	}
	program_free(program);
}

/* float32 costs less where the kind has it and is computed in float64 elsewhere. */
static void float32_is_leave(void **state)
{
	(void)state;
	struct circuit_program *program = circuits_benchmark(6, 2);
	for (int k = 0; plan_kind_name(k) != NULL; k++) {
		struct plan_request request = planner_defaults(plan_kind_name(k), PRECISION_FLOAT64);
		struct plan_estimate wide, narrow;
		struct plan *plan;
		assert_int_equal(plan_estimate(program, &request, &wide), 0);
		request.precision = PRECISION_FLOAT32;
		assert_int_equal(plan_estimate(program, &request, &narrow), 0);
		bool has = strcmp(plan_kind_name(k), "reference") != 0;
		assert_int_equal(narrow.precision, has ? PRECISION_FLOAT32 : PRECISION_FLOAT64);
		assert_true(has ? narrow.ns_per_sample < wide.ns_per_sample : narrow.bytes == wide.bytes);
		assert_int_equal(plan_bytes_precision(program, request.kind, PRECISION_FLOAT32), narrow.bytes);
		assert_int_equal(plan_new_precision(&plan, program, request.kind, PRECISION_FLOAT32, NULL), 0);
		assert_int_equal(plan_precision(plan), narrow.precision);
		plan_free(plan);
	}
	struct plan *plan;
	assert_int_equal(plan_new_precision(&plan, program, NULL, PRECISION_FLOAT32, NULL), 0);
	assert_string_equal(plan_name(plan), plan_choice_precision(program, "auto", PRECISION_FLOAT32));
	plan_free(plan);
	program_free(program);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(every_kind_has_an_estimate),
	    cmocka_unit_test(auto_is_the_cheapest),
	    cmocka_unit_test(many_shallow_wires_go_local),
	    cmocka_unit_test(too_much_memory_is_refused),
	    cmocka_unit_test(small_batches_cost_more_a_sample),
	    cmocka_unit_test(auto_has_the_batch_in_mind),
	    cmocka_unit_test(float32_is_leave),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
