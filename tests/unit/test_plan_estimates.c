/* Kept estimates of circuits: found by all that they depend on, the least wanted forgotten. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>
#include <pthread.h>
#include <string.h>

#include "engine/circuit/plan_estimates.h"

static struct plan_estimates *known;

static int setup(void **state)
{
	(void)state;
	return plan_estimates_new(&known, NULL);
}

static int teardown(void **state)
{
	(void)state;
	plan_estimates_free(known);
	return 0;
}

static const struct plan_request usual = {.kind = "auto", .batch = 8, .memory_limit = 1 << 20};

/* RY(number) on one of two wires, a feature and a weight. */
static struct circuit_program *circuit(int number)
{
	struct circuit_program *program = program_new(2);
	assert_non_null(program);
	program_rotation(program, GATE_RY, 0, angle_constant(number));
	program_rotation(program, GATE_RX, 1, angle_feature(0, ENCODER_ATAN));
	program_rotation(program, GATE_RZ, 1, angle_weight(0));
	program_cnot(program, 0, 1);
	program_observe(program, PAULI_Z, 0);
	return program;
}

static void keep(int number)
{
	struct circuit_program *program = circuit(number);
	const struct plan_estimate estimate = {.kind = "batch", .possible = true, .bytes = (size_t)number};
	plan_estimates_keep(known, program, &usual, &estimate);
	program_free(program);
}

static bool find(int number)
{
	struct circuit_program *program = circuit(number);
	struct plan_estimate found = {0};
	bool there = plan_estimates_find(known, program, &usual, &found);
	program_free(program);
	if (there)
		assert_true(found.bytes == (size_t)number && found.possible && strcmp(found.kind, "batch") == 0);
	return there;
}

static void test_what_was_kept_is_found(void **state)
{
	(void)state;
	assert_false(find(1));
	keep(1);
	keep(2);
	keep(2);
	assert_true(find(1) && find(2) && !find(3));
}

static void test_without_any(void **state)
{
	(void)state;
	struct circuit_program *program = circuit(1);
	struct plan_estimate estimate = {0};
	assert_false(plan_estimates_find(NULL, program, &usual, &estimate));
	plan_estimates_keep(NULL, program, &usual, &estimate);
	plan_estimates_free(NULL);
	program_free(program);
}

static void test_the_least_wanted_is_forgotten(void **state)
{
	(void)state;
	for (int i = 0; i < PLAN_ESTIMATES_MAX; i++)
		keep(i);
	assert_true(find(0)); /* wanted again: 1 is the oldest now */
	keep(1000);
	assert_true(find(0) && find(2) && find(1000));
	assert_false(find(1));
}

/* A circuit like the first one in all but one thing is another one. */
static void test_whatever_an_estimate_depends_on(void **state)
{
	(void)state;
	struct plan_estimate found;
	struct circuit_program *program = circuit(1);
	keep(1);
	const struct plan_request others[] = {
	    {.kind = "local", .batch = 8, .memory_limit = 1 << 20},
	    {.kind = "auto", .batch = 9, .memory_limit = 1 << 20},
	    {.kind = "auto", .batch = 8, .memory_limit = 1 << 21},
	    {.kind = "auto", .batch = 8, .memory_limit = 1 << 20, .precision = PRECISION_FLOAT32},
	    {.batch = 8, .memory_limit = 1 << 20},
	};
	for (size_t i = 0; i < sizeof others / sizeof others[0]; i++)
		assert_false(plan_estimates_find(known, program, &others[i], &found));
	assert_true(plan_estimates_find(known, program, &usual, &found));
	program->ops[0].gate = GATE_RX;
	assert_false(plan_estimates_find(known, program, &usual, &found));
	program->ops[0].gate = GATE_RY;
	program->ops[0].wires[0] = 1;
	assert_false(plan_estimates_find(known, program, &usual, &found));
	program->ops[0].wires[0] = 0;
	program->ops[1].angle.encoder = ENCODER_TANH;
	assert_false(plan_estimates_find(known, program, &usual, &found));
	program->ops[1].angle.encoder = ENCODER_ATAN;
	program->ops[2].angle.index = 1;
	assert_false(plan_estimates_find(known, program, &usual, &found));
	program->ops[2].angle.index = 0;
	program->ops[3].wires[1] = 0;
	assert_false(plan_estimates_find(known, program, &usual, &found));
	program->ops[3].wires[1] = 1;
	assert_true(plan_estimates_find(known, program, &usual, &found));
	program_observe(program, PAULI_Z, 1);
	assert_false(plan_estimates_find(known, program, &usual, &found));
	program_free(program);
}

static void test_long_circuits_are_not_kept(void **state)
{
	(void)state;
	struct plan_estimate estimate = {.kind = "batch"};
	struct circuit_program *program = circuit(1);
	while (program->n_ops + program->n_observables < PLAN_ESTIMATES_MAX_OPS)
		program_gate(program, GATE_H, 0);
	plan_estimates_keep(known, program, &usual, &estimate);
	assert_true(plan_estimates_find(known, program, &usual, &estimate));
	program_gate(program, GATE_H, 0);
	plan_estimates_keep(known, program, &usual, &estimate);
	assert_false(plan_estimates_find(known, program, &usual, &estimate));
	program_free(program);
}

/* The planner asks, and answers the same with and without. */
static void test_the_planner_keeps(void **state)
{
	(void)state;
	struct circuit_program *program = circuit(4);
	struct plan_request request = planner_defaults("auto", PRECISION_FLOAT64);
	struct plan_estimate fresh, first, again;
	assert_int_equal(plan_estimate(program, &request, &fresh), 0);
	request.known = known;
	assert_int_equal(plan_estimate(program, &request, &first), 0);
	assert_true(plan_estimates_find(known, program, &request, &again));
	assert_true(first.ns_per_tile == fresh.ns_per_tile && again.bytes == fresh.bytes && again.kind == fresh.kind);
	again.bytes = 77; /* from here on the table answers */
	struct circuit_program *other = circuit(5);
	plan_estimates_keep(known, other, &request, &again);
	assert_int_equal(plan_estimate(other, &request, &first), 0);
	assert_int_equal(first.bytes, 77);
	request.kind = "none";
	assert_int_equal(plan_estimate(other, &request, &first), ERR_NOT_FOUND);
	assert_false(plan_estimates_find(known, other, &request, &first));
	program_free(other);
	program_free(program);
}

static void *keep_and_find(void *argument)
{
	for (int i = 0; i < 2000; i++) {
		keep((int)(intptr_t)argument * 150 + i % 200);
		find(i % 800);
	}
	return NULL;
}

static void test_threads(void **state)
{
	(void)state;
	pthread_t threads[4];
	for (int i = 0; i < 4; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, keep_and_find, (void *)(intptr_t)i), 0);
	for (int i = 0; i < 4; i++)
		pthread_join(threads[i], NULL);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(test_what_was_kept_is_found),
	    TEST(test_without_any),
	    TEST(test_the_least_wanted_is_forgotten),
	    TEST(test_whatever_an_estimate_depends_on),
	    TEST(test_long_circuits_are_not_kept),
	    TEST(test_the_planner_keeps),
	    TEST(test_threads),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
