/* The `wide` plan against the others. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "engine/circuit/ansatz.h"
#include "engine/circuit/isa.h"
#include "engine/circuit/planner.h"
#include "engine/circuit/wide_circuit.h"
#include "tests/unit/circuits.h"
#include "tests/unit/plan_run.h"

/* Small ones need one tile, large ones many; wide against batch. */
static void agrees_with_batch(void **state)
{
	(void)state;
	const struct isa *chosen = isa_pick();
	for (int i = 0; isa_at(i) != NULL; i++) {
		if (!isa_at(i)->supported())
			continue;
		struct oracle_random random = {31};
		isa_force(isa_at(i));
		for (int round = 0; round < 120; round++) {
			int n = 1 + round % 12, layers = 1 + oracle_below(&random, 4);
			struct circuit_program *program = circuits_random(&random, n, layers);
			assert_true(run_agrees(&random, program, "wide", n < 4 ? "reference" : "batch", 3));
			program_free(program);
		}
		for (int n = 13; n <= 16; n++) {
			struct circuit_program *program = circuits_random(&random, n, 3);
			assert_true(run_agrees(&random, program, "wide", "batch", 2));
			program_free(program);
		}
	}
	isa_force(chosen);
}

static void agrees_on_every_ansatz(void **state)
{
	(void)state;
	struct oracle_random random = {32};
	for (int i = 0; ansatz_at(i) != NULL; i++)
		for (int k = 0; k < 6; k++) {
			struct ansatz_config config = {.n_wires = 9 + k, .n_blocks = 1 + k % 2, .depth = 1 + k / 2 % 2};
			config.hadamard = k % 3 != 0;
			config.rotation = (enum pauli)(k % 3);
			config.measure = (enum pauli)((k + 1) % 3);
			config.entangling = (enum entangling)(k % 2);
			struct circuit_program *program;
			assert_int_equal(ansatz_build(ansatz_at(i), &config, &program, NULL), 0);
			assert_true(run_agrees(&random, program, "wide", "batch", 2));
			program_free(program);
		}
}

/* One plan follows its closed form, the other not: depth one at 18 wires. */
static void agrees_with_local_beyond_the_tile(void **state)
{
	(void)state;
	struct oracle_random random = {33};
	for (int layers = 1; layers <= 2; layers++) {
		struct circuit_program *program = circuits_benchmark(18, layers);
		assert_true(run_agrees(&random, program, "wide", "local", 1));
		program_free(program);
	}
}

/* The yardstick of performance.md: a layer of RY, RZ and a ring in at most three sweeps over memory. */
static void a_layer_takes_three_sweeps(void **state)
{
	(void)state;
	for (int n = 14; n <= 25; n++)
		for (int layers = 1; layers <= 4; layers++) {
			struct circuit_program *program = circuits_benchmark(n, layers);
			struct wide_circuit *circuit = wide_circuit_new(program);
			assert_non_null(circuit);
			assert_true(circuit->n_sweeps <= 3 * layers);
			wide_circuit_free(circuit);
			program_free(program);
		}
}

static void memory_is_two_states(void **state)
{
	(void)state;
	struct circuit_program *program = circuits_benchmark(25, 8);
	struct plan_estimate estimate;
	struct plan_request request = {"wide", PRECISION_FLOAT64, 1, PLANNER_MEMORY_DEFAULT};
	assert_int_equal(plan_estimate(program, &request, &estimate), 0);
	assert_true(estimate.possible);
	assert_true(estimate.bytes >= (size_t)1 << 30 && estimate.bytes < ((size_t)1 << 30) + (4u << 20));
	request.memory_limit = (size_t)1 << 30;
	assert_int_equal(plan_estimate(program, &request, &estimate), 0);
	assert_false(estimate.possible);
	request = (struct plan_request){"auto", PRECISION_FLOAT64, 1, PLANNER_MEMORY_DEFAULT};
	assert_int_equal(plan_estimate(program, &request, &estimate), 0);
	assert_string_equal(estimate.kind, "wide");
	program_free(program);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(agrees_with_batch),
	    cmocka_unit_test(agrees_on_every_ansatz),
	    cmocka_unit_test(agrees_with_local_beyond_the_tile),
	    cmocka_unit_test(a_layer_takes_three_sweeps),
	    cmocka_unit_test(memory_is_two_states),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
