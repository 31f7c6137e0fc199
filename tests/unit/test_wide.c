/* The `wide` plan against the others. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "engine/circuit/ansatz/ansatz.h"
#include "engine/vector/isa.h"
#include "engine/circuit/planner.h"
#include "engine/circuit/wide/wide_circuit.h"
#include "engine/team.h"
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

/* One plan follows its closed form, the other not: depth one at 18 wires, larger tiles at 20 and 22. */
static void agrees_with_local_beyond_the_tile(void **state)
{
	(void)state;
	struct oracle_random random = {33};
	static const int rows[][2] = {{18, 1}, {18, 2}, {20, 2}, {22, 2}};
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct circuit_program *program = circuits_benchmark(rows[i][0], rows[i][1]);
		assert_true(run_agrees(&random, program, "wide", "local", 1));
		program_free(program);
	}
}

/* The yardstick: layers of RY, RZ and a ring. The first is a product state, the second takes two sweeps over memory,
 * each one more at most three. */
static void layers_take_few_sweeps(void **state)
{
	(void)state;
	for (int n = 14; n <= 25; n++)
		for (int layers = 1; layers <= 4; layers++) {
			struct circuit_program *program = circuits_benchmark(n, layers);
			struct wide_circuit *circuit = wide_circuit_new(program);
			assert_non_null(circuit);
			int most = layers == 2 ? 2 : 3 * (layers - 1);
			assert_true(circuit->n_sweeps <= (layers == 1 ? 1 : most));
			assert_in_range(circuit->tile_bits, WIDE_TILE_BITS, WIDE_TILE_BITS_MOST);
			wide_circuit_free(circuit);
			program_free(program);
		}
}

static struct plan *new_plan(const struct circuit_program *program, enum precision precision, struct team *team)
{
	struct plan *plan;
	assert_int_equal(plan_new_precision(&plan, program, "wide", precision, NULL), 0);
	assert_int_equal(plan_precision(plan), precision);
	assert_true(plan_set_team(plan, team));
	return plan;
}

static void run_again(struct run *run, struct plan *plan)
{
	memset(run->d_features, 0, run->n_features * sizeof(double));
	memset(run->d_weights, 0, run->n_weights * sizeof(double));
	plan_forward(plan, run->features, run->weights, run->batch, run->outputs);
	plan_backward(plan, run->features, run->weights, run->batch, run->cotangents, run->d_features, run->d_weights);
	plan_free(plan);
}

static double largest(const double *numbers, size_t count)
{
	double most = 0.0;
	for (size_t i = 0; i < count; i++)
		most = fabs(numbers[i]) > most ? fabs(numbers[i]) : most;
	return most;
}

/* Within 1e-4 of the largest component, on every instruction set; not in float64 by accident. */
static void float32_is_near(void **state)
{
	(void)state;
	const struct isa *chosen = isa_pick();
	for (int i = 0; isa_at(i) != NULL; i++) {
		if (!isa_at(i)->supported())
			continue;
		struct oracle_random random = {34};
		isa_force(isa_at(i));
		for (int n = 1; n <= 16; n++) {
			bool plain = n % 2 == 0;
			struct circuit_program *program =
			    plain ? circuits_benchmark(n, 3) : circuits_random(&random, n, 3);
			uint64_t seed = random.state;
			struct run exact = run_new(&random, program, 2);
			random.state = seed;
			struct run near = run_new(&random, program, 2);
			run_again(&exact, new_plan(program, PRECISION_FLOAT64, NULL));
			run_again(&near, new_plan(program, PRECISION_FLOAT32, NULL));
			double features = 1e-4 * largest(exact.d_features, exact.n_features) + 1e-6;
			double weights = 1e-4 * largest(exact.d_weights, exact.n_weights) + 1e-6;
			assert_near("output", near.outputs, exact.outputs, near.n_outputs, 1e-5);
			assert_near("d_features", near.d_features, exact.d_features, near.n_features, features);
			assert_near("d_weights", near.d_weights, exact.d_weights, near.n_weights, weights);
			if (plain && n > 4)
				assert_memory_not_equal(near.outputs, exact.outputs, near.n_outputs * sizeof(double));
			run_free(&near);
			run_free(&exact);
			program_free(program);
		}
	}
	isa_force(chosen);
}

/* Whether diagonal or not, in both precisions, with more threads than parts too; at 22 wires tiles are stored past the
 * caches and the next one is asked for. */
static void threads_do_not_change_a_bit(void **state)
{
	(void)state;
	static const int numbers[] = {2, 3, 11};
	struct oracle_random random = {35};
	static const struct {
		int n, layers, kinds;
	} rows[] = {{13, 3, 4}, {15, 3, 4}, {17, 3, 2}, {22, 2, 1}};
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
		for (int kind = 0; kind < rows[i].kinds; kind++) {
			int n = rows[i].n, layers = rows[i].layers;
			enum precision precision = kind % 2 == 0 ? PRECISION_FLOAT64 : PRECISION_FLOAT32;
			struct circuit_program *program =
			    kind < 2 ? circuits_benchmark(n, layers) : circuits_random(&random, n, layers);
			struct run run = run_new(&random, program, 1);
			size_t wanted = run.n_outputs + run.n_features + run.n_weights;
			double *results[2] = {calloc(wanted, sizeof(double)), calloc(wanted, sizeof(double))};
			for (int t = 0; t <= 3; t++) {
				struct team *team = NULL;
				if (t > 0)
					assert_int_equal(team_new(&team, numbers[t - 1], NULL), 0);
				run_again(&run, new_plan(program, precision, team));
				double *to = results[t > 0];
				memcpy(to, run.outputs, run.n_outputs * sizeof(double));
				memcpy(to + run.n_outputs, run.d_features, run.n_features * sizeof(double));
				memcpy(to + run.n_outputs + run.n_features, run.d_weights,
				       run.n_weights * sizeof(double));
				if (t > 0)
					assert_memory_equal(results[0], results[1], wanted * sizeof(double));
				team_free(team);
			}
			free(results[0]);
			free(results[1]);
			run_free(&run);
			program_free(program);
		}
}

/* The gradients of `run` by a plan that has just been forward on `before`, twice when asked; NULL: a new plan's. */
static double *gradients_after(const struct run *run, const struct run *before, bool twice)
{
	struct plan *plan = new_plan(run->program, PRECISION_FLOAT64, NULL);
	double *found = calloc(run->n_features + run->n_weights, sizeof *found);
	assert_non_null(found);
	if (before != NULL)
		plan_forward(plan, before->features, before->weights, before->batch, before->outputs);
	for (int i = twice ? 0 : 1; i < 2; i++) {
		memset(found, 0, (run->n_features + run->n_weights) * sizeof *found);
		plan_backward(plan, run->features, run->weights, run->batch, run->cotangents, found,
		              found + run->n_features);
	}
	plan_free(plan);
	return found;
}

/* The state that a forward call ends with serves the backward call only where it is that of its first sample. */
static void a_call_does_not_depend_on_the_one_before(void **state)
{
	(void)state;
	struct oracle_random random = {37};
	for (int kind = 0; kind < 4; kind++) {
		struct circuit_program *program =
		    kind % 2 == 0 ? circuits_benchmark(14, 2) : circuits_random(&random, 14, 3);
		struct run run = run_new(&random, program, kind < 2 ? 1 : 3), other = run_new(&random, program, 1);
		double *expected = gradients_after(&run, NULL, false);
		size_t bytes = (run.n_features + run.n_weights) * sizeof(double);
		for (int round = 0; round < 6; round++) {
			/* The same; then one feature is another one; then one weight. */
			for (size_t f = 0; f < other.n_features; f++)
				other.features[f] =
				    run.features[f * run.batch] + (round / 2 == 1 && f == 1 ? 0.5 : 0.0);
			memcpy(other.weights, run.weights, run.n_weights * sizeof(double));
			other.weights[2] += round / 2 == 2 ? 0.25 : 0.0;
			double *found = gradients_after(&run, &other, round % 2 != 0);
			assert_memory_equal(found, expected, bytes);
			free(found);
		}
		free(expected);
		run_free(&other);
		run_free(&run);
		program_free(program);
	}
}

/* Angles at which sine or cosine vanish: a rotation by tangent alone would divide by zero. */
static void right_angles_are_exact(void **state)
{
	(void)state;
	struct oracle_random random = {36};
	struct circuit_program *program = circuits_benchmark(14, 3);
	struct run wide = run_new(&random, program, 1), batch;
	for (size_t i = 0; i < wide.n_weights; i++)
		wide.weights[i] = M_PI_2 * (double)oracle_below(&random, 9);
	batch = wide;
	batch.outputs = calloc(batch.n_outputs, sizeof(double));
	batch.d_features = calloc(batch.n_features, sizeof(double));
	batch.d_weights = calloc(batch.n_weights, sizeof(double));
	assert_true(run_plan(&wide, "wide") && run_plan(&batch, "batch"));
	assert_near("output", wide.outputs, batch.outputs, wide.n_outputs, 1e-10);
	assert_near("d_features", wide.d_features, batch.d_features, wide.n_features, 1e-10);
	assert_near("d_weights", wide.d_weights, batch.d_weights, wide.n_weights, 1e-10);
	free(batch.outputs);
	free(batch.d_features);
	free(batch.d_weights);
	run_free(&wide);
	program_free(program);
}

static void memory_is_two_states(void **state)
{
	(void)state;
	struct circuit_program *program = circuits_benchmark(25, 8);
	struct plan_estimate estimate;
	struct plan_request request = {"wide", PRECISION_FLOAT64, 1, PLANNER_MEMORY_DEFAULT, DIFF_ADJOINT, NULL};
	assert_int_equal(plan_estimate(program, &request, &estimate), 0);
	assert_true(estimate.possible);
	assert_true(estimate.bytes >= (size_t)1 << 30 && estimate.bytes < ((size_t)1 << 30) + (18u << 20));
	request.memory_limit = (size_t)1 << 30;
	assert_int_equal(plan_estimate(program, &request, &estimate), 0);
	assert_false(estimate.possible);
	request = (struct plan_request){"auto", PRECISION_FLOAT64, 1, PLANNER_MEMORY_DEFAULT, DIFF_ADJOINT, NULL};
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
	    cmocka_unit_test(layers_take_few_sweeps),
	    cmocka_unit_test(float32_is_near),
	    cmocka_unit_test(threads_do_not_change_a_bit),
	    cmocka_unit_test(a_call_does_not_depend_on_the_one_before),
	    cmocka_unit_test(right_angles_are_exact),
	    cmocka_unit_test(memory_is_two_states),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
