/* The quantum layer: a circuit on every step, or on the vector, that it is given.
 *
 *   y = <P_w> for the measured wires w of the ansatz's circuit, the features being angles: encoder(x)
 *
 * The circuit takes as many features as come in, and gives as many values as wires are measured: all n, the even ones
 * 0, 2, 4, .. (half of n, rounded up), or wire 0 alone. The tensor "circuits" is [1][the ansatz's shape]. */
#include "engine/nn/layer.h"
#include "engine/nn/quantum_circuit.h"

#include <stdlib.h>
#include <string.h>

struct quantum {
	struct quantum_block circuit;
	int frames, batch; /* of the last forward */
};

static struct ansatz_config measured(const struct quantum_config *config)
{
	const int n = config->circuit.n_qubits,
	          outputs[] = {[MEASUREMENT_ALL] = n, [MEASUREMENT_EVEN] = (n + 1) / 2, [MEASUREMENT_SINGLE] = 1};
	struct ansatz_config circuit = quantum_circuit_config(&config->circuit, 0, outputs[config->measurement]);
	circuit.output_step = config->measurement == MEASUREMENT_EVEN ? 2 : 1;
	circuit.encoder = config->encoder;
	return circuit;
}

static int quantum_check(const struct layer_config *config, struct shape in, struct shape *out,
                         struct qlstm_error *error)
{
	const struct circuit_config *circuit = &config->quantum.circuit;
	const struct ansatz *ansatz;
	int rc = quantum_circuit_check(circuit, error);
	if (rc == 0)
		rc = quantum_circuit_ansatz(circuit, "qdi", &ansatz, error);
	if (rc != 0)
		return rc;
	struct ansatz_config ansatz_config = measured(&config->quantum);
	int wanted = ansatz->features(&ansatz_config);
	if (wanted != in.width)
		return error_set(error, ERR_INVALID, "/n_qubits",
		                 "n_qubits is %d, so that the circuit of ansatz %s takes %d values; %d come in: fit "
		                 "n_qubits, or put a dense layer of %d units before it",
		                 circuit->n_qubits, ansatz->name, wanted, in.width, wanted);
	*out = (struct shape){SHAPE_REALS, in.form, ansatz_config.n_outputs};
	return 0;
}

static int quantum_open(struct layer *layer, struct qlstm_error *error)
{
	struct quantum *own = calloc(1, sizeof *own);
	if (own == NULL)
		return error_set(error, ERR_OUT_OF_MEMORY, "", "out of memory");
	layer->own = own;
	const struct circuit_config *circuit = &layer->config.quantum.circuit;
	struct quantum_design design = {"layer", QUANTUM_EVERY_STEP, 1, NULL, measured(&layer->config.quantum)};
	int rc = quantum_circuit_ansatz(circuit, "qdi", &design.ansatz, error);
	if (rc == 0)
		rc = quantum_block_open(&own->circuit, &design, &layer->circuits, error);
	if (rc != 0)
		return rc;
	int tensor = quantum_angles_add(layer->params, layer->name, &design, 1, circuit->angle_init);
	if (tensor < 0)
		return error_set(error, ERR_OUT_OF_MEMORY, "", "out of memory");
	quantum_block_bind(&own->circuit, layer->params, tensor, 0);
	return 0;
}

static void quantum_forward(struct layer *layer, const struct training_context *training, const double *x, int frames,
                            int batch, double *y)
{
	(void)training;
	struct quantum *own = layer->own;
	size_t in = (size_t)layer->in.width * (size_t)batch, out = (size_t)layer->out.width * (size_t)batch;
	own->frames = frames;
	own->batch = batch;
	for (size_t t = 0; t < (size_t)frames; t++) {
		quantum_block_forward(&own->circuit, (int)t, x + t * in, batch, y + t * out);
		if (watch_tick(layer->watch))
			return;
	}
}

static void quantum_backward(struct layer *layer, const double *x, const double *dy, double *dx)
{
	const struct quantum *own = layer->own;
	size_t in = (size_t)layer->in.width * (size_t)own->batch, out = (size_t)layer->out.width * (size_t)own->batch;
	if (dx != NULL)
		memset(dx, 0, (size_t)own->frames * in * sizeof(double));
	for (size_t t = 0; t < (size_t)own->frames; t++) {
		quantum_block_backward(&own->circuit, (int)t, x + t * in, own->batch, dy + t * out,
		                       dx != NULL ? dx + t * in : NULL);
		if (watch_tick(layer->watch))
			return;
	}
}

static void quantum_close(struct layer *layer)
{
	struct quantum *own = layer->own;
	if (own == NULL)
		return;
	quantum_block_close(&own->circuit);
	free(own);
}

int quantum_wires(const struct layer_config *config)
{
	return config->quantum.circuit.n_qubits;
}

const struct layer_ops quantum_ops = {
    .check = quantum_check,
    .open = quantum_open,
    .cost = layer_cost_products,
    .forward = quantum_forward,
    .backward = quantum_backward,
    .close = quantum_close,
};
