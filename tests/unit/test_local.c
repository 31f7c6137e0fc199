/* The `local` plan against the other plans where they can follow, and beyond them against closed forms and finite
 * differences. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>
#include <string.h>

#include "engine/circuit/ansatz/ansatz.h"
#include "engine/vector/isa.h"
#include "engine/circuit/local/local_compile.h"
#include "engine/circuit/plan.h"
#include "tests/unit/circuits.h"
#include "tests/unit/plan_run.h"

static void agrees_with_the_statevector(void **state)
{
	(void)state;
	static const size_t batches[] = {1, 7, 16, 17, 40};
	const struct isa *chosen = isa_pick();
	for (int i = 0; isa_at(i) != NULL; i++) {
		if (!isa_at(i)->supported())
			continue;
		struct oracle_random random = {11};
		int applied = 0, rounds = 150;
		isa_force(isa_at(i));
		for (int round = 0; round < rounds; round++) {
			int n = 1 + round % 10, layers = 1 + oracle_below(&random, 4);
			struct circuit_program *program = circuits_random(&random, n, layers);
			applied +=
			    run_agrees(&random, program, "local", n < 4 ? "reference" : "batch", batches[round % 5]);
			program_free(program);
		}
		assert_true(applied > rounds / 2);
	}
	isa_force(chosen);
}

static void agrees_on_every_ansatz(void **state)
{
	(void)state;
	struct oracle_random random = {12};
	int applied = 0;
	for (int i = 0; ansatz_at(i) != NULL; i++)
		for (int k = 0; k < 36; k++) {
			struct ansatz_config config = {
			    .n_wires = 2 + k % 6, .n_blocks = 1 + k / 6 % 2, .depth = 1 + k / 12};
			config.hadamard = k % 5 != 0;
			config.rotation = (enum pauli)(k % 3);
			config.measure = (enum pauli)((k + k / 3) % 3);
			config.entangling = (enum entangling)(k / 2 % 2);
			struct circuit_program *program;
			assert_int_equal(ansatz_build(ansatz_at(i), &config, &program, NULL), 0);
			bool applies = run_agrees(&random, program, "local", "batch", 5);
			assert_true(applies || config.depth * config.n_blocks > 1);
			applied += applies;
			program_free(program);
		}
	assert_true(applied > 90);
}

/* With t_q = cos(x_q + w_q), <Z_i> = prod_{q <= i} t_q for i >= 1, and <Z_0> = prod_{q >= 1} t_q. */
static void depth_one_is_a_product_of_cosines(void **state)
{
	(void)state;
	enum { N = 25 };
	struct oracle_random random = {13};
	struct circuit_program *program = circuits_benchmark(N, 1);
	struct run run = run_new(&random, program, 3);
	assert_true(run_plan(&run, "local"));
	for (size_t b = 0; b < run.batch; b++) {
		double t[N], slope[N] = {0};
		for (size_t q = 0; q < N; q++)
			t[q] = cos(run.features[q * run.batch + b] + run.weights[2 * q]);
		for (size_t i = 0; i < N; i++) {
			size_t first = i == 0 ? 1 : 0, last = i == 0 ? N - 1 : i;
			double product = 1.0;
			for (size_t q = first; q <= last; q++)
				product *= t[q];
			assert_near("output", &run.outputs[i * run.batch + b], &product, 1, 1e-13);
			for (size_t q = first; q <= last; q++)
				slope[q] -= run.cotangents[i * run.batch + b] * product / t[q] *
				            sin(run.features[q * run.batch + b] + run.weights[2 * q]);
		}
		for (size_t q = 0; q < N; q++)
			assert_near("d_feature", &run.d_features[q * run.batch + b], &slope[q], 1, 1e-12);
	}
	run_free(&run);
	program_free(program);
}

static double weighted_sum(const struct run *run, struct plan *plan)
{
	double sum = 0.0, *outputs = calloc(run->n_outputs, sizeof *outputs);
	plan_forward(plan, run->features, run->weights, run->batch, outputs);
	for (size_t i = 0; i < run->n_outputs; i++)
		sum += run->cotangents[i] * outputs[i];
	free(outputs);
	return sum;
}

static void check_slopes(const struct run *run, struct plan *plan, double *inputs, const double *gradient, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		double keep = inputs[i], h = 1e-5;
		inputs[i] = keep + h;
		double above = weighted_sum(run, plan);
		inputs[i] = keep - h;
		double slope = (above - weighted_sum(run, plan)) / (2 * h);
		inputs[i] = keep;
		assert_near("slope", &gradient[i], &slope, 1, 1e-7);
	}
}

static void check_finite_differences(struct oracle_random *random, struct circuit_program *program)
{
	struct run run = run_new(random, program, 2);
	struct plan *plan;
	assert_true(run_plan(&run, "local"));
	assert_int_equal(plan_new(&plan, program, "local", NULL), 0);
	check_slopes(&run, plan, run.features, run.d_features, run.n_features);
	check_slopes(&run, plan, run.weights, run.d_weights, run.n_weights);
	plan_free(plan);
	run_free(&run);
	program_free(program);
}

static void gradients_at_25_wires(void **state)
{
	(void)state;
	struct oracle_random random = {14};
	check_finite_differences(&random, circuits_benchmark(25, 1));
	check_finite_differences(&random, circuits_benchmark(25, 2));
	/* TQ42's defaults. */
	struct ansatz_config config = {.n_wires = 25, .n_blocks = 1, .depth = 1, .rotation = PAULI_Z};
	config.measure = PAULI_Y;
	struct circuit_program *program;
	assert_int_equal(ansatz_build(ansatz_find("qdi"), &config, &program, NULL), 0);
	check_finite_differences(&random, program);
}

/* Wires that nothing connects do not see each other, so the first four of 25 must be as if alone. */
static void wires_beyond_do_not_matter(void **state)
{
	(void)state;
	struct oracle_random random = {15};
	struct circuit_program *few = circuits_random(&random, 4, 3);
	struct circuit_program *many = program_new(25);
	for (int i = 0; i < few->n_ops; i++) {
		const struct circuit_op *op = &few->ops[i];
		if (gate_wires(op->gate) == 2)
			program_gate2(many, op->gate, op->wires[0], op->wires[1]);
		else if (gate_takes_angle(op->gate))
			program_rotation(many, op->gate, op->wires[0], op->angle);
		else
			program_gate(many, op->gate, op->wires[0]);
	}
	for (int w = 4; w < 24; w++)
		program_cnot(many, w, w + 1);
	for (int o = 0; o < few->n_observables; o++)
		program_observe_string(many, few->observables[o]);
	uint64_t seed = random.state;
	struct run wanted = run_new(&random, few, 4);
	random.state = seed;
	struct run found = run_new(&random, many, 4);
	assert_true(run_plan(&wanted, "batch") && run_plan(&found, "local"));
	assert_near("output", found.outputs, wanted.outputs, found.n_outputs, 1e-12);
	assert_near("d_features", found.d_features, wanted.d_features, found.n_features, 1e-12);
	run_free(&wanted);
	run_free(&found);
	program_free(few);
	program_free(many);
}

/* A feature and a weight about one axis, either way round, are one angle; not so where another gate reads the feature
 * or stands in between. */
static void rotations_in_a_row(void **state)
{
	(void)state;
	struct oracle_random random = {16};
	struct circuit_program *program = program_new(4);
	program_rotation(program, GATE_RX, 0, angle_feature(0, ENCODER_X));
	program_rotation(program, GATE_RX, 0, angle_weight(0));
	program_rotation(program, GATE_RX, 0, angle_weight(1));
	program_rotation(program, GATE_RY, 1, angle_weight(1));
	program_rotation(program, GATE_RY, 1, angle_feature(1, ENCODER_PI_X));
	program_rotation(program, GATE_RX, 2, angle_feature(2, ENCODER_X));
	program_rotation(program, GATE_RX, 2, angle_weight(2));
	program_rotation(program, GATE_RY, 3, angle_feature(3, ENCODER_X));
	program_gate(program, GATE_H, 3);
	program_rotation(program, GATE_RY, 3, angle_weight(3));
	for (int w = 0; w < 4; w++)
		program_cnot(program, w, (w + 1) % 4);
	program_rotation(program, GATE_RY, 0, angle_feature(2, ENCODER_X));
	program_rotation(program, GATE_RX, 1, angle_feature(4, ENCODER_TANH));
	program_rotation(program, GATE_RX, 1, angle_weight(0));
	for (int w = 0; w < 4; w++)
		program_observe(program, (enum pauli)(w % 3), w);
	assert_true(run_agrees(&random, program, "local", "reference", 21));
	program_free(program);
}

/* So many samples that float32 gradients of weights move to their float64 sums on the way. */
static void float32_over_many_tiles(void **state)
{
	(void)state;
	struct oracle_random random = {17};
	struct circuit_program *program = circuits_benchmark(5, 2);
	struct run run = run_new(&random, program, 1300);
	assert_true(run_plan(&run, "local"));
	double *narrow = calloc(run.n_weights, sizeof *narrow), largest = 0.0;
	struct plan *plan;
	assert_int_equal(plan_new_precision(&plan, program, "local", PRECISION_FLOAT32, NULL), 0);
	assert_int_equal(plan_precision(plan), PRECISION_FLOAT32);
	plan_backward(plan, run.features, run.weights, run.batch, run.cotangents, NULL, narrow);
	for (size_t i = 0; i < run.n_weights; i++)
		largest = fmax(largest, fabs(run.d_weights[i]));
	assert_near("d_weights", narrow, run.d_weights, run.n_weights, 1e-6 * largest);
	plan_free(plan);
	free(narrow);
	run_free(&run);
	program_free(program);
}

static void too_much_entanglement_is_refused(void **state)
{
	(void)state;
	struct circuit_program *program = circuits_benchmark(25, 6);
	struct qlstm_error error = {0};
	struct plan *plan;
	assert_int_equal(plan_new(&plan, program, "local", &error), ERR_TOO_LARGE);
	assert_null(plan);
	assert_non_null(strstr(error.message, "local"));
	program_free(program);
}

/* FNV-1a over the instructions. */
static uint64_t hash_of(const struct local_code *code)
{
	uint64_t hash = UINT64_C(14695981039346656037);
	const struct local_instruction *at = code->instructions;
	for (int phase = 0; phase < LOCAL_PHASES; phase++)
		for (uint32_t i = 0; i < code->n_instructions[phase]; i++, at++) {
			hash = (hash ^ at->out) * UINT64_C(1099511628211);
			for (int k = 0; k < LOCAL_OPERANDS; k++)
				hash = (hash ^ at->in[k]) * UINT64_C(1099511628211);
		}
	return hash;
}

/* Another order of the instructions means other last digits: no compiler, and no processor, may decide on it. */
static void compiles_to_the_same_instructions(void **state)
{
	(void)state;
	static const struct {
		int wires, layers;
		uint64_t forward, gradient;
	} rows[] = {{3, 3, 0x7d79e5689454614d, 0x6f05b7ddd67714df},
	            {5, 2, 0x4e40d2c4e3f0b9d7, 0x0dd8216ec33ce5e7},
	            {9, 1, 0xa9f94f5b42b9e397, 0xf09f8f1f75a0bef5}};
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct circuit_program *program = circuits_benchmark(rows[i].wires, rows[i].layers);
		struct local_codes codes = local_compile(program);
		assert_int_equal(hash_of(codes.forward), rows[i].forward);
		assert_int_equal(hash_of(codes.gradient), rows[i].gradient);
		local_codes_free(&codes);
		program_free(program);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(agrees_with_the_statevector),       cmocka_unit_test(agrees_on_every_ansatz),
	    cmocka_unit_test(depth_one_is_a_product_of_cosines), cmocka_unit_test(gradients_at_25_wires),
	    cmocka_unit_test(wires_beyond_do_not_matter),        cmocka_unit_test(rotations_in_a_row),
	    cmocka_unit_test(float32_over_many_tiles),           cmocka_unit_test(too_much_entanglement_is_refused),
	    cmocka_unit_test(compiles_to_the_same_instructions),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
