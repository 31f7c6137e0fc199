/* Side-by-side timings in one run, as ratios: the plans against each other on V(n, L), and a training step of each cell
 * against the classical LSTM's. Minimum over many short windows; one thread.
 *
 * V(n, L): RY(x_q) on every wire; L times { RY, RZ on every wire, CNOT ring }; <Z> of all wires; forward and gradient
 * with respect to inputs and weights. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

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

/* Seconds per sample, forward and gradient. */
static double time_circuit(int n, int layers, size_t batch, const char *kind)
{
	struct circuit_program *program = benchmark_circuit(n, layers);
	struct circuit_case c = {.batch = batch};
	if (plan_new(&c.plan, program, kind, NULL) != 0)
		exit(1);
	size_t wires = (size_t)n, angles = (size_t)program->n_weights;
	c.features = numbers(wires * batch);
	c.weights = numbers(angles);
	c.outputs = numbers(wires * batch);
	c.cotangents = numbers(wires * batch);
	c.d_features = numbers(wires * batch);
	c.d_weights = numbers(angles);
	double taken = shortest(circuit_call, &c) / (double)batch;
	double *arrays[] = {c.features, c.weights, c.outputs, c.cotangents, c.d_features, c.d_weights};
	for (size_t k = 0; k < sizeof arrays / sizeof arrays[0]; k++)
		free(arrays[k]);
	plan_free(c.plan);
	program_free(program);
	return taken;
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
static double time_step(struct layer_config layer, int steps, int batch)
{
	struct model_config config = {.n_inputs = 1, .n_outputs = 1, .n_layers = 2, .plan = "auto"};
	config.layers[0] = layer;
	config.layers[1] = (struct layer_config){.type = "dense", .units = 1, .bias = true};
	struct step_case c = {.steps = steps, .batch = batch};
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

	struct layer_config lstm = {.type = "lstm", .hidden_size = 5};
	struct layer_config chen = {.type = "qlstm", .variant = "chen2020", .hidden_size = 3, .n_qubits = 4};
	chen.n_qlayers = 1, chen.depth = 2, chen.hadamard = true, chen.measure = PAULI_Z;
	struct layer_config qdi = {.type = "qlstm", .variant = "qdi", .hidden_size = 17, .n_qubits = 4};
	qdi.n_qlayers = 1, qdi.depth = 1, qdi.rotation = PAULI_Z, qdi.measure = PAULI_Y;
	printf("\ntraining step, T = 4         batch   ms/step   of the classical LSTM's time\n");
	static const int batches[] = {1, 10, 256};
	for (size_t k = 0; k < 3; k++) {
		double base = time_step(lstm, 4, batches[k]);
		printf("lstm, hidden 5             %7d   %7.4f\n", batches[k], 1e3 * base);
		double taken = time_step(chen, 4, batches[k]);
		printf("qlstm chen2020, 149 params %7d   %7.4f   %18.1f x\n", batches[k], 1e3 * taken, taken / base);
		taken = time_step(qdi, 4, batches[k]);
		printf("qlstm qdi, hidden 17       %7d   %7.4f   %18.1f x\n", batches[k], 1e3 * taken, taken / base);
	}
	return 0;
}
