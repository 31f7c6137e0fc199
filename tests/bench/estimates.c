/* The planner's estimates beside what is measured, for the constants in engine/circuit/planner.c, and both plain
 * statevectors on both sides of the border between them. One thread, forward and gradient, minimum over many windows.
 */
#include "engine/circuit/planner.h"
#include "tests/bench/timing.h"

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

int main(void)
{
	print_wide();
	print_estimates();
	return 0;
}
