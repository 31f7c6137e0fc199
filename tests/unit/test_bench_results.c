/* What `bench` has computed under the clock, computed once more by hand: the numbers are right, and are all there. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "engine/circuit/ansatz/ansatz.h"
#include "engine/circuit/plan.h"
#include "server/worker/bench/bench.h"
#include "server/worker/bench/bench_count.h"
#include "server/worker/bench/bench_peak.h"

enum { TRIES = 20 }; /* where a time is compared with another one */

static void assert_near(double value, double expected, double tolerance)
{
	if (!(fabs(value - expected) <= tolerance * (1 + fabs(expected))))
		fail_msg("%.17g is not %.17g to %g", value, expected, tolerance);
}

static struct circuit_program *build(const struct bench_case *row)
{
	bool qdi = strcmp(row->ansatz, "qdi") == 0;
	struct circuit_program *program = NULL;
	const struct ansatz_config config = {.n_wires = row->wires,
	                                     .n_blocks = 1,
	                                     .depth = row->layers,
	                                     .rotation = qdi ? PAULI_Z : PAULI_Y,
	                                     .measure = qdi ? PAULI_Y : PAULI_Z};
	assert_int_equal(ansatz_build(ansatz_find(row->ansatz), &config, &program, NULL), 0);
	return program;
}

/* The sum of the outputs of `batch` samples and, where asked for, of all derivatives, set of weights by set. */
static double expected_sum(const struct bench_case *row, size_t batch, bool gradient)
{
	struct circuit_program *program = build(row);
	struct plan *plan = NULL;
	assert_int_equal(plan_new(&plan, program, "reference", NULL), 0);
	size_t features = (size_t)program->n_features * batch, outputs = (size_t)program->n_observables * batch;
	size_t weights = (size_t)program->n_weights, sets = (size_t)row->sets;
	double *x = calloc(features, sizeof *x), *dx = calloc(features, sizeof *dx);
	double *y = calloc(outputs, sizeof *y), *dy = calloc(outputs * sets, sizeof *dy);
	double *w = calloc(weights * sets, sizeof *w), *dw = calloc(weights, sizeof *dw);
	assert_true(x != NULL && dx != NULL && y != NULL && dy != NULL && w != NULL && dw != NULL);
	bench_fill(x, features);
	bench_fill(dy, outputs * sets);
	bench_fill(w, weights * sets);
	double sum = 0.0;
	for (size_t s = 0; s < sets; s++) {
		plan_forward(plan, x, w + s * weights, batch, y);
		for (size_t k = 0; k < outputs; k++)
			sum += y[k];
		if (!gradient)
			continue;
		memset(dw, 0, weights * sizeof *dw);
		plan_backward(plan, x, w + s * weights, batch, dy + s * outputs, dx, dw);
		for (size_t k = 0; k < weights; k++)
			sum += dw[k];
	}
	for (size_t k = 0; k < features; k++) /* added up over the sets */
		sum += dx[k];
	free(x), free(dx), free(y), free(dy), free(w), free(dw);
	plan_free(plan);
	program_free(program);
	return sum;
}

static struct bench_result run(const struct bench_case *row, int threads)
{
	struct bench_setup setup = {.threads = threads, .seconds = 0.0};
	struct bench_result result;
	assert_int_equal(team_new(&setup.team, threads, NULL), 0);
	assert_int_equal(row->run(row, &setup, &result, NULL), 0);
	team_free(setup.team);
	return result;
}

#define HARDWARE_EFFICIENT .ansatz = "hardware_efficient", .run = bench_circuit

static void circuits(void **state)
{
	(void)state;
	static const struct bench_case rows[] = {
	    {HARDWARE_EFFICIENT, .plan = "batch", .batch = 20, .wires = 4, .layers = 2, .sets = 1},
	    {HARDWARE_EFFICIENT, .plan = "reference", .batch = 3, .wires = 3, .layers = 1, .sets = 1},
	    {HARDWARE_EFFICIENT, .plan = "local", .batch = 5, .wires = 5, .layers = 1, .sets = 1},
	    {HARDWARE_EFFICIENT, .plan = "wide", .batch = 2, .wires = 6, .layers = 2, .sets = 1},
	    {HARDWARE_EFFICIENT, .plan = "batch", .batch = 5, .wires = 4, .layers = 2, .sets = 4},
	    {.ansatz = "qdi", .run = bench_circuit, .plan = "batch", .batch = 9, .wires = 4, .layers = 1, .sets = 1},
	};
	for (size_t k = 0; k < sizeof rows / sizeof rows[0]; k++) {
		struct bench_result result = run(&rows[k], 1);
		assert_near(result.check, expected_sum(&rows[k], (size_t)rows[k].batch, true), 1e-9);
		assert_string_equal(result.plan, rows[k].plan);
		assert_int_equal(result.precision, PRECISION_FLOAT64);
		assert_true(result.samples == rows[k].batch * rows[k].sets);
		struct circuit_program *program = build(&rows[k]);
		struct bench_count count = bench_count_program(program);
		bool statevector = strcmp(rows[k].plan, "local") != 0;
		assert_true(result.operations == (statevector ? result.samples * (count.forward + count.backward) : 0));
		program_free(program);
	}
}

/* Single precision where the plan has it, and nothing measured where it has not. */
static void precisions(void **state)
{
	(void)state;
	struct bench_case row = {HARDWARE_EFFICIENT, .plan = "batch", .precision = PRECISION_FLOAT32,
	                         .batch = 16,        .wires = 4,      .layers = 2,
	                         .sets = 1};
	struct bench_result result = run(&row, 1);
	assert_int_equal(result.precision, PRECISION_FLOAT32);
	assert_near(result.check, expected_sum(&row, 16, true), 1e-4);
	assert_true(result.time.repeats > 0);
	row.plan = "reference";
	result = run(&row, 1);
	assert_int_equal(result.precision, PRECISION_FLOAT64);
	assert_int_equal(result.time.repeats, 0);
}

/* Members share the samples in whole tiles; each begins the same pattern of numbers anew, and all derivatives by
 * weights are added up. */
static void teams(void **state)
{
	(void)state;
	struct bench_case row = {HARDWARE_EFFICIENT, .plan = "batch", .batch = 64, .wires = 4, .layers = 2, .sets = 2};
	double half = expected_sum(&row, 32, true);
	assert_near(run(&row, 2).check, 2 * half, 1e-9);
	/* One sample: one member has it. */
	row.batch = 1;
	assert_near(run(&row, 3).check, expected_sum(&row, 1, true), 1e-9);
	/* A plan that takes a team has all samples. */
	row.plan = "wide", row.batch = 4, row.wires = 6, row.sets = 1;
	assert_near(run(&row, 2).check, expected_sum(&row, 4, true), 1e-9);
	/* Seven samples for three members: 3, 2 and 2. */
	row.plan = "reference", row.batch = 7, row.wires = 3;
	struct bench_result result = run(&row, 3);
	assert_true(result.samples == 7);
	assert_near(result.check, expected_sum(&row, 3, true) + 2 * expected_sum(&row, 2, true), 1e-9);
}

/* Four layers more: a quarter of their operations, and about of their time, wherever they come on top. */
static void layers(void **state)
{
	(void)state;
	struct bench_case row = {.ansatz = "hardware_efficient",
	                         .run = bench_layer,
	                         .plan = "reference",
	                         .batch = 1,
	                         .wires = 8,
	                         .layers = 1,
	                         .sets = 1};
	struct bench_result result = run(&row, 1);
	struct bench_case deep = row;
	deep.layers = 5;
	assert_near(result.check, expected_sum(&deep, 1, false), 1e-9);
	struct circuit_program *one = build(&row), *two = build(&deep);
	double expected = (bench_count_program(two).forward - bench_count_program(one).forward) / 4;
	assert_true(expected > 0 && result.operations == expected);
	program_free(one);
	program_free(two);
	bool alike = false;
	for (int k = 0; k < TRIES && !alike; k++) {
		struct bench_setup setup = {.threads = 1, .seconds = 0.02};
		struct bench_result first, last;
		row.layers = 1, deep.layers = 40;
		assert_int_equal(bench_layer(&row, &setup, &first, NULL), 0);
		assert_int_equal(bench_layer(&deep, &setup, &last, NULL), 0);
		alike = last.time.minimum < 3 * first.time.minimum && last.time.median < 3 * first.time.median;
	}
	assert_true(alike);
}

/* The loss of a model with the initial weights of seed 1, on the windows that bench_fill makes. */
static double expected_loss(const struct bench_case *row)
{
	struct model *model = NULL;
	struct model_config config = {.n_inputs = 1, .n_outputs = 1, .n_layers = 2, .plan = "auto"};
	config.layers[0] = *row->model;
	config.layers[1] = (struct layer_config){.type = "dense", .dense = {.units = 1, .bias = true}};
	assert_int_equal(model_new(&model, &config, NULL), 0);
	params_initialise(model_params(model), 1);
	assert_int_equal(model_reserve(model, row->steps, row->batch, NULL), 0);
	size_t batch = (size_t)row->batch, steps = (size_t)row->steps;
	double *windows = calloc(steps * batch, sizeof *windows), *x = calloc(steps * batch, sizeof *x);
	double *y = calloc(batch, sizeof *y), *target = calloc(batch, sizeof *target);
	assert_true(windows != NULL && x != NULL && y != NULL && target != NULL);
	bench_fill(windows, steps * batch);
	bench_fill(target, batch);
	for (size_t b = 0; b < batch; b++) /* windows are [sample][step], the model's inputs [step][sample] */
		for (size_t t = 0; t < steps; t++)
			x[t * batch + b] = windows[b * steps + t];
	model_forward(model, x, row->steps, row->batch, y);
	double loss = 0.0;
	for (size_t b = 0; b < batch; b++)
		loss += (y[b] - target[b]) * (y[b] - target[b]) / (double)batch;
	free(windows), free(x), free(y), free(target);
	model_free(model);
	return loss;
}

static const struct layer_config lstm = {.type = "lstm", .lstm = {{.hidden_size = 3}}};
static const struct layer_config chen2020 = {.type = "qlstm",
                                             .qlstm = {.recurrent = {.hidden_size = 2},
                                                       .variant = "chen2020",
                                                       .circuit.n_qubits = 3,
                                                       .circuit.n_qlayers = 1,
                                                       .circuit.depth = 1,
                                                       .circuit.hadamard = true,
                                                       .circuit.measure = PAULI_Z}};

static void training_steps(void **state)
{
	(void)state;
	struct bench_case row = {.run = bench_step, .plan = "auto", .batch = 5, .model = &lstm, .steps = 4};
	struct bench_result result = run(&row, 1);
	double loss = expected_loss(&row);
	assert_true(loss > 0);
	assert_near(result.check, loss, 1e-12);
	assert_near(run(&row, 2).check, loss, 1e-12);
	assert_true(result.samples == 5);
	assert_string_equal(result.plan, "none");
	/* Three products of matrices, forward once and backward twice: 2 * 4 * 3 * (1 + 3) operations a step. */
	assert_true(result.operations == 3 * 2 * 4 * 3 * (1 + 3) * 4 * 5);
	row.model = &chen2020, row.plan = "batch", row.batch = 2;
	result = run(&row, 1);
	assert_near(result.check, expected_loss(&row), 1e-12);
	assert_string_equal(result.plan, "batch");
	/* Its circuits: four gates a step, one circuit for the hidden state and one for the output at the ends. */
	struct model *model = NULL;
	struct model_config config = {.n_inputs = 1, .n_outputs = 1, .n_layers = 2, .plan = "auto"};
	config.layers[0] = chen2020;
	config.layers[1] = (struct layer_config){.type = "dense", .dense = {.units = 1, .bias = true}};
	assert_int_equal(model_new(&model, &config, NULL), 0);
	struct layer_circuit circuit;
	double operations = 0;
	int circuits_seen = 0;
	for (; model_circuit(model, 0, circuits_seen, 4, &circuit); circuits_seen++) {
		struct bench_count count = bench_count_program(circuit.program);
		operations += 2 * circuit.calls * (count.forward + count.backward);
	}
	assert_int_equal(circuits_seen, 3);
	assert_true(operations > 0 && result.operations == operations);
	model_free(model);
}

/* The burst is that of the instruction set which the kernels use, as wide as its registers. */
static void bursts(void **state)
{
	(void)state;
	static const struct {
		const char *isa;
		size_t bytes;
	} registers[] = {{"x86-64-v4", 64}, {"x86-64-v3", 32}, {"x86-64", 16}};
	const struct bench_burst *own = bench_burst_find(plan_isa()), *plain = bench_burst_find("none");
#if defined __x86_64__
	for (size_t k = 0; k < 3; k++) {
		const struct bench_burst *burst = bench_burst_find(registers[k].isa);
		assert_string_equal(burst->isa, registers[k].isa);
		assert_int_equal((size_t)burst->lanes[PRECISION_FLOAT64] * sizeof(double), registers[k].bytes);
		assert_int_equal((size_t)burst->lanes[PRECISION_FLOAT32] * sizeof(float), registers[k].bytes);
	}
	assert_string_equal(own->isa, plan_isa());
	assert_ptr_equal(plain, bench_burst_find("x86-64"));
#else
	(void)registers;
#endif
	assert_int_equal((size_t)plain->lanes[PRECISION_FLOAT64] * sizeof(double), 16);
	for (int k = 0; k < 2; k++) {
		assert_near(own->run[k](), 12, 1e-3); /* a dozen chains, each of which tends to 1 */
		assert_near(plain->run[k](), 12, 1e-3);
		assert_true(own->run[k] != own->run[1 - k]);
		/* 12 chains, 40,000 times, two operations a number. */
		enum precision precision = (enum precision)k;
		assert_true(bench_burst_operations(own, precision) == 960000.0 * own->lanes[k]);
	}
}

static void run_burst(void *context)
{
	double (*const *function)(void) = context;
	assert_true((*function)() > 0);
}

/* Operations over the shortest time of a run, which is measured here once more. */
static void the_peak(void **state)
{
	(void)state;
	for (int k = 0; k < 2; k++) {
		const struct bench_burst *burst = bench_burst_find(plan_isa());
		double (*function)(void) = burst->run[k];
		bool near = false;
		for (int try = 0; try < TRIES && !near; try++) {
			double peak = bench_peak_gflops(NULL, (enum precision)k);
			struct bench_time time = bench_measure(run_burst, &function, 0.1);
			double expected = 1e-9 * bench_burst_operations(burst, (enum precision)k) / time.minimum;
			near = peak > 0.75 * expected && peak < expected / 0.75;
		}
		assert_true(near);
	}
}

/* What cannot be built is refused and leaves nothing. */
static void refused(void **state)
{
	(void)state;
	struct bench_setup setup = {.threads = 1};
	struct bench_result result;
	struct qlstm_error error = {0};
	struct bench_case row = {HARDWARE_EFFICIENT, .plan = "batch", .batch = 1, .wires = 25, .layers = 1, .sets = 1};
	assert_int_not_equal(bench_circuit(&row, &setup, &result, &error), 0);
	assert_int_not_equal(error.code, 0);
	row.run = bench_layer;
	error_clear(&error);
	assert_int_not_equal(bench_layer(&row, &setup, &result, &error), 0);
	assert_int_not_equal(error.code, 0);
	row.wires = 99; /* no program has so many */
	error_clear(&error);
	assert_int_not_equal(bench_layer(&row, &setup, &result, &error), 0);
	assert_int_not_equal(error.code, 0);
	row =
	    (struct bench_case){.run = bench_step, .plan = "none of them", .batch = 1, .model = &chen2020, .steps = 1};
	error_clear(&error);
	assert_int_not_equal(bench_step(&row, &setup, &result, &error), 0);
	assert_int_not_equal(error.code, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(circuits),       cmocka_unit_test(precisions), cmocka_unit_test(teams),
	    cmocka_unit_test(layers),         cmocka_unit_test(bursts),     cmocka_unit_test(the_peak),
	    cmocka_unit_test(training_steps), cmocka_unit_test(refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
