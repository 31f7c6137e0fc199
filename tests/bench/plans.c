/* Side-by-side timings in one run, as ratios: the plans against each other on V(n, L) and TQ42's circuit, and a
 * training step of each cell against the classical LSTM's. Minimum over many short windows; one thread.
 *
 * V(n, L): RY(x_q) on every wire; L times { RY, RZ on every wire, CNOT ring }; <Z> of all wires; forward and gradient
 * with respect to inputs and weights. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "engine/circuit/planner.h"
#include "engine/qlstm.h"

static double seconds(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

/* The shortest of many calls, within about a fifth of a second. */
static double shortest(void (*call)(void *), void *context)
{
	double best = 1e30, end = seconds() + 0.2;
	call(context);
	do {
		double start = seconds();
		call(context);
		double taken = seconds() - start;
		best = taken < best ? taken : best;
	} while (seconds() < end);
	return best;
}

static struct circuit_program *benchmark_circuit(int n, int layers)
{
	struct circuit_program *program = program_new(n);
	for (int w = 0; w < n; w++)
		program_rotation(program, GATE_RY, w, angle_feature(w, ENCODER_X));
	for (int l = 0, k = 0; l < layers; l++) {
		for (int w = 0; w < n; w++) {
			program_rotation(program, GATE_RY, w, angle_weight(k++));
			program_rotation(program, GATE_RZ, w, angle_weight(k++));
		}
		for (int w = 0; w < n; w++)
			program_cnot(program, w, (w + 1) % n);
	}
	for (int w = 0; w < n; w++)
		program_observe(program, PAULI_Z, w);
	return program;
}

struct circuit_case {
	struct plan *plan;
	size_t batch;
	double *features, *weights, *outputs, *cotangents, *d_features, *d_weights;
};

static void circuit_call(void *context)
{
	struct circuit_case *c = context;
	plan_forward(c->plan, c->features, c->weights, c->batch, c->outputs);
	plan_backward(c->plan, c->features, c->weights, c->batch, c->cotangents, c->d_features, c->d_weights);
}

static double *numbers(size_t n)
{
	double *values = malloc(n * sizeof *values);
	for (size_t k = 0; values != NULL && k < n; k++)
		values[k] = 0.1 + 0.01 * (double)(k % 97);
	return values;
}

/* Seconds per sample, forward and gradient; consumes the program. Negative when the plan does not apply. */
static double time_precision(struct circuit_program *program, size_t batch, const char *kind, enum precision precision)
{
	struct circuit_case c = {.batch = batch};
	if (plan_new_precision(&c.plan, program, kind, precision, NULL) != 0) {
		program_free(program);
		return -1.0;
	}
	size_t features = (size_t)program->n_features * batch, angles = (size_t)program->n_weights;
	size_t outputs = (size_t)program->n_observables * batch;
	c.features = numbers(features);
	c.weights = numbers(angles);
	c.outputs = numbers(outputs);
	c.cotangents = numbers(outputs);
	c.d_features = numbers(features);
	c.d_weights = numbers(angles);
	double taken = shortest(circuit_call, &c) / (double)batch;
	double *arrays[] = {c.features, c.weights, c.outputs, c.cotangents, c.d_features, c.d_weights};
	for (size_t k = 0; k < sizeof arrays / sizeof arrays[0]; k++)
		free(arrays[k]);
	plan_free(c.plan);
	program_free(program);
	return taken;
}

static double time_program(struct circuit_program *program, size_t batch, const char *kind)
{
	return time_precision(program, batch, kind, PRECISION_FLOAT64);
}

static double time_circuit(int n, int layers, size_t batch, const char *kind)
{
	return time_program(benchmark_circuit(n, layers), batch, kind);
}

/* TQ42's circuit with its defaults: one layer before and one after an RZ embedding, Y of all wires; layers is not used.
 */
static struct circuit_program *tq42_circuit(int n, int layers)
{
	struct ansatz_config config = {.n_wires = n, .n_blocks = 1, .depth = 1, .rotation = PAULI_Z};
	struct circuit_program *program;
	(void)layers;
	config.measure = PAULI_Y;
	if (ansatz_build(ansatz_find("qdi"), &config, &program, NULL) != 0)
		exit(1);
	return program;
}

/* The local plan beside the statevectors: `wide` is the plain one where `batch` is too large. */
static void print_shortcuts(void)
{
	static const struct {
		const char *name;
		struct circuit_program *(*build)(int n, int layers);
		int n, layers;
		size_t batch;
		const char *statevector;
	} rows[] = {
	    {"V(8,1)", benchmark_circuit, 8, 1, 256, "batch"},   {"V(12,1)", benchmark_circuit, 12, 1, 16, "batch"},
	    {"V(20,1)", benchmark_circuit, 20, 1, 256, "wide"},  {"V(25,1)", benchmark_circuit, 25, 1, 256, NULL},
	    {"V(8,2)", benchmark_circuit, 8, 2, 256, "batch"},   {"V(12,2)", benchmark_circuit, 12, 2, 16, "batch"},
	    {"V(16,2)", benchmark_circuit, 16, 2, 256, "batch"}, {"V(20,2)", benchmark_circuit, 20, 2, 256, "wide"},
	    {"V(25,2)", benchmark_circuit, 25, 2, 256, NULL},    {"V(12,3)", benchmark_circuit, 12, 3, 16, "batch"},
	    {"V(25,3)", benchmark_circuit, 25, 3, 16, NULL},     {"qdi, n = 4", tq42_circuit, 4, 0, 256, "batch"},
	    {"qdi, n = 12", tq42_circuit, 12, 0, 16, "batch"},   {"qdi, n = 20", tq42_circuit, 20, 0, 256, "wide"},
	    {"qdi, n = 25", tq42_circuit, 25, 0, 256, NULL},
	};
	printf("\ncircuit        batch   local plan, us/sample   statevector, us/sample   plan\n");
	for (size_t k = 0; k < sizeof rows / sizeof rows[0]; k++) {
		double local = time_program(rows[k].build(rows[k].n, rows[k].layers), rows[k].batch, "local");
		printf("%-12s   %5zu   %21.3f", rows[k].name, rows[k].batch, 1e6 * local);
		if (rows[k].statevector == NULL) {
			printf("   %22s   1 GiB and seconds; see n = 20\n", "-");
			continue;
		}
		/* One sample at a time: a small batch says the same. */
		size_t batch = strcmp(rows[k].statevector, "wide") == 0 ? 1 : rows[k].batch < 16 ? rows[k].batch : 16;
		double plain = time_program(rows[k].build(rows[k].n, rows[k].layers), batch, rows[k].statevector);
		printf("   %22.3f   %s\n", 1e6 * plain, rows[k].statevector);
	}
}

/* Both plain statevectors on both sides of the border between them. */
static void print_wide(void)
{
	printf("\ncircuit    wide plan, ms/sample   batch plan, ms/sample\n");
	for (int n = 12; n <= 22; n += 2) {
		double wide = time_circuit(n, 2, 1, "wide");
		double batch = n <= 18 ? time_circuit(n, 2, 8, "batch") : -1.0;
		printf("V(%2d,2)   %20.3f", n, 1e3 * wide);
		if (batch >= 0.0)
			printf("   %21.3f\n", 1e3 * batch);
		else
			printf("   %21s\n", "-");
	}
}

/* What the planner thinks beside what is measured, for the constants in engine/circuit/planner.c. */
static void print_estimates(void)
{
	static const struct {
		int n, layers;
		size_t batch;
	} rows[] = {{2, 1, 256}, {4, 1, 256}, {4, 2, 256}, {4, 2, 10}, {6, 2, 256},
	            {8, 2, 256}, {10, 2, 64}, {12, 2, 16}, {14, 2, 8}, {16, 2, 8}};
	printf("\ncircuit        batch   plan batch, us/sample   estimated   float32   estimated\n");
	for (size_t k = 0; k < 2 * sizeof rows / sizeof rows[0]; k++) {
		bool qdi = k % 2 == 1;
		struct circuit_program *(*build)(int n, int layers) = qdi ? tq42_circuit : benchmark_circuit;
		double taken[2], estimated[2];
		for (int p = 0; p < 2; p++) {
			struct circuit_program *program = build(rows[k / 2].n, rows[k / 2].layers);
			struct plan_request request = planner_defaults("batch", (enum precision)p);
			struct plan_estimate estimate;
			request.batch = rows[k / 2].batch;
			plan_estimate(program, &request, &estimate);
			estimated[p] = 1e-3 * estimate.ns_per_sample;
			taken[p] = 1e6 * time_precision(program, rows[k / 2].batch, "batch", (enum precision)p);
		}
		printf("%s(%2d,%d)   %8zu   %21.4f   %9.4f   %7.4f   %9.4f\n", qdi ? "qdi" : "V  ", rows[k / 2].n,
		       rows[k / 2].layers, rows[k / 2].batch, taken[0], estimated[0], taken[1], estimated[1]);
	}
}

struct step_case {
	struct model *model;
	int steps, batch;
	double *x, *y, *dy;
};

static void step_call(void *context)
{
	struct step_case *c = context;
	params_zero_gradients(model_params(c->model));
	model_forward(c->model, c->x, c->steps, c->batch, c->y);
	model_backward(c->model, c->dy, NULL);
}

/* Seconds for forward and gradient of one batch. */
static double time_step(struct layer_config layer, int steps, int batch, double *estimated)
{
	struct model_config config = {.n_inputs = 1, .n_outputs = 1, .n_layers = 2, .plan = "auto"};
	config.layers[0] = layer;
	config.layers[1] = (struct layer_config){.type = "dense", .units = 1, .bias = true};
	struct step_case c = {.steps = steps, .batch = batch};
	if (model_estimate(&config, steps, batch, estimated, NULL) != 0)
		exit(1);
	if (model_new(&c.model, &config, NULL) != 0 || model_reserve(c.model, steps, batch, NULL) != 0)
		exit(1);
	params_initialise(model_params(c.model), 1);
	c.x = numbers((size_t)(steps * batch));
	c.y = numbers((size_t)batch);
	c.dy = numbers((size_t)batch);
	double taken = shortest(step_call, &c);
	free(c.x);
	free(c.y);
	free(c.dy);
	model_free(c.model);
	return taken;
}

int main(void)
{
	static const struct {
		int n, layers;
		size_t batch;
	} circuits[] = {{4, 1, 256}, {4, 2, 256}, {4, 2, 10}, {6, 2, 256}, {8, 2, 256}, {10, 2, 64}, {12, 2, 16}};
	printf("instruction set %s, one thread, float64, forward and gradient\n\n", plan_isa());
	printf("circuit    batch   batch plan, us/sample   reference plan is slower by\n");
	for (size_t k = 0; k < sizeof circuits / sizeof circuits[0]; k++) {
		int n = circuits[k].n, layers = circuits[k].layers;
		double batch = time_circuit(n, layers, circuits[k].batch, "batch");
		double reference = time_circuit(n, layers, 2, "reference");
		printf("V(%2d,%d)   %5zu   %21.4f   %18.0f x\n", n, layers, circuits[k].batch, 1e6 * batch,
		       reference / batch);
	}

	print_shortcuts();
	print_wide();
	print_estimates();

	struct layer_config lstm = {.type = "lstm", .hidden_size = 5};
	struct layer_config chen = {.type = "qlstm", .variant = "chen2020", .hidden_size = 3, .n_qubits = 4};
	chen.n_qlayers = 1, chen.depth = 2, chen.hadamard = true, chen.measure = PAULI_Z;
	struct layer_config qdi = {.type = "qlstm", .variant = "qdi", .hidden_size = 17, .n_qubits = 4};
	qdi.n_qlayers = 1, qdi.depth = 1, qdi.rotation = PAULI_Z, qdi.measure = PAULI_Y;
	printf("\ntraining step, T = 4         batch   ms/step   estimated   of the classical LSTM's time\n");
	static const int batches[] = {1, 10, 256};
	for (size_t k = 0; k < 3; k++) {
		double estimated, base = time_step(lstm, 4, batches[k], &estimated);
		printf("lstm, hidden 5             %7d   %7.4f   %9.4f\n", batches[k], 1e3 * base, 1e3 * estimated);
		double taken = time_step(chen, 4, batches[k], &estimated);
		printf("qlstm chen2020, 149 params %7d   %7.4f   %9.4f   %18.1f x\n", batches[k], 1e3 * taken,
		       1e3 * estimated, taken / base);
		taken = time_step(qdi, 4, batches[k], &estimated);
		printf("qlstm qdi, hidden 17       %7d   %7.4f   %9.4f   %18.1f x\n", batches[k], 1e3 * taken,
		       1e3 * estimated, taken / base);
	}
	return 0;
}
