/* Side-by-side timings in one run, as ratios: the plans against each other on V(n, L), and a training step of each cell
 * against the classical LSTM's. Minimum over many short windows; one thread.
 *
 * V(n, L): RY(x_q) on every wire; L times { RY, RZ on every wire, CNOT ring }; <Z> of all wires; forward and gradient
 * with respect to inputs and weights. */
#include "tests/bench/timing.h"

struct circuit_case {
	struct plan *plan;
	int sets; /* of weights */
	size_t batch;
	double *features, *weights, *outputs, *cotangents, *d_features, *d_weights;
};

static void circuit_call(void *context)
{
	struct circuit_case *c = context;
	plan_forward_many(c->plan, c->features, c->weights, c->sets, c->batch, c->outputs);
	plan_backward_many(c->plan, c->features, c->weights, c->sets, c->batch, c->cotangents, c->d_features,
	                   c->d_weights);
}

/* Seconds per sample and set of weights, forward and gradient. */
static double time_circuit(int n, int layers, size_t batch, int sets, const char *kind, enum precision precision)
{
	struct circuit_program *program = benchmark_circuit(n, layers);
	struct circuit_case c = {.batch = batch, .sets = sets};
	if (plan_new_precision(&c.plan, program, kind, precision, NULL) != 0)
		exit(1);
	size_t wires = (size_t)n, angles = (size_t)(program->n_weights * sets), outputs = wires * (size_t)sets;
	c.features = numbers(wires * batch);
	c.weights = numbers(angles);
	c.outputs = numbers(outputs * batch);
	c.cotangents = numbers(outputs * batch);
	c.d_features = numbers(wires * batch);
	c.d_weights = numbers(angles);
	double taken = shortest(circuit_call, &c) / (double)(batch * (size_t)sets);
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
static double time_step(struct layer_config layer, int steps, int batch, enum precision precision)
{
	struct model_config config = {.n_inputs = 1, .n_outputs = 1, .n_layers = 2, .plan = "auto"};
	config.precision = precision;
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

static void circuits(void)
{
	static const struct {
		int n, layers;
		size_t batch;
		int sets;
	} cases[] = {{4, 1, 256, 1}, {4, 2, 256, 1}, {4, 2, 256, 4}, {4, 2, 10, 4},  {4, 2, 4, 4},
	             {4, 2, 1, 4},   {6, 2, 256, 1}, {8, 2, 256, 1}, {10, 2, 64, 1}, {12, 2, 16, 1}};
	printf("circuit    batch   sets   us/sample   float32   reference plan is slower by\n");
	for (size_t k = 0; k < sizeof cases / sizeof cases[0]; k++) {
		int n = cases[k].n, layers = cases[k].layers, sets = cases[k].sets;
		size_t batch = cases[k].batch;
		double wide = time_circuit(n, layers, batch, sets, "batch", PRECISION_FLOAT64);
		double narrow = time_circuit(n, layers, batch, sets, "batch", PRECISION_FLOAT32);
		double reference = time_circuit(n, layers, 2, 1, "reference", PRECISION_FLOAT64);
		printf("V(%2d,%d)   %5zu   %4d   %9.4f   %5.2f x   %8.0f x\n", n, layers, batch, sets, 1e6 * wide,
		       narrow / wide, reference / wide);
	}
}

static void steps(void)
{
	struct layer_config lstm = {.type = "lstm", .hidden_size = 5};
	struct layer_config chen = {.type = "qlstm", .variant = "chen2020", .hidden_size = 3, .n_qubits = 4};
	chen.n_qlayers = 1, chen.depth = 2, chen.hadamard = true, chen.measure = PAULI_Z;
	struct layer_config brick = {.type = "qlstm", .variant = "chen2024", .hidden_size = 5, .n_qubits = 6};
	brick.n_qlayers = 1, brick.depth = 5, brick.hadamard = true, brick.measure = PAULI_Z;
	struct layer_config qdi = {.type = "qlstm", .variant = "qdi", .hidden_size = 17, .n_qubits = 4};
	qdi.n_qlayers = 1, qdi.depth = 1, qdi.rotation = PAULI_Z, qdi.measure = PAULI_Y;
	const struct {
		const char *name;
		const struct layer_config *layer;
	} cells[] = {{"chen2020, 149 params", &chen}, {"chen2024, 6 wires", &brick}, {"qdi, hidden 17", &qdi}};
	static const int batches[] = {1, 4, 10, 256};
	printf("\ntraining step, T = 4         batch   ms/step   float32   of the classical LSTM's time\n");
	for (size_t k = 0; k < sizeof batches / sizeof batches[0]; k++) {
		double base = time_step(lstm, 4, batches[k], PRECISION_FLOAT64);
		printf("lstm, hidden 5             %7d   %7.4f\n", batches[k], 1e3 * base);
		for (size_t c = 0; c < sizeof cells / sizeof cells[0]; c++) {
			double wide = time_step(*cells[c].layer, 4, batches[k], PRECISION_FLOAT64);
			double narrow = time_step(*cells[c].layer, 4, batches[k], PRECISION_FLOAT32);
			printf("qlstm %-20s %7d   %7.4f   %5.2f x   %18.1f x\n", cells[c].name, batches[k], 1e3 * wide,
			       narrow / wide, wide / base);
		}
	}
}

int main(void)
{
	printf("instruction set %s, one thread, forward and gradient\n\n", plan_isa());
	circuits();
	steps();
	return 0;
}
