/* The quantum gated recurrent unit: the GRU of Cho et al. (arXiv 1406.1078, with the reset gate before the map, as in
 * their Eq. 8) whose gates are circuits between two linear maps that all of them share.
 *
 *   q = Lin_in [h_prev; x]
 *   r = sigmoid(Lin_out QC_r(q)),  z = sigmoid(Lin_out QC_z(q))
 *   n = tanh(Lin_out QC_n(Lin_in [r h_prev; x]))
 *   h = (1 - z) n + z h_prev
 *
 * No publication defines it; the composition is that of the quantum LSTM's variants linear and qdi. The tensor
 * "circuits" has the rows r, z, n. */
#include "engine/nn/cell/qgru.h"

#include <stdlib.h>
#include <string.h>

#include "engine/nn/cell.h"
#include "engine/nn/kernel/gates_kernel.h"
#include "engine/nn/linear_tensors.h"
#include "engine/nn/quantum_circuit.h"
#include "engine/vector/isa.h"

static const struct qgru_variant variants[] = {{"qdi", "qdi"}, {"linear", "basic"}};

const struct qgru_variant *qgru_variant_at(int index)
{
	return index >= 0 && (size_t)index < sizeof variants / sizeof variants[0] ? &variants[index] : NULL;
}

int qgru_wires(const struct layer_config *config)
{
	return config->qgru.circuit.n_qubits;
}

static int qgru_ansatz(const struct qgru_config *config, const struct ansatz **out, struct qlstm_error *error)
{
	const struct qgru_variant *variant;
	for (int k = 0; (variant = qgru_variant_at(k)) != NULL; k++)
		if (strcmp(variant->name, config->variant) == 0)
			return quantum_circuit_ansatz(&config->circuit, variant->ansatz, out, error);
	return error_set(error, ERR_NOT_FOUND, "/variant", "unknown variant '%s'", config->variant);
}

struct qgru {
	struct linear_tensors in, out;
	struct quantum_block gates, candidate;                      /* r and z on the same features; n */
	double *d_pre, *d_gates, *d_expectations, *d_features, *dv; /* scratch of backward */
};

/* Saved of a step, rows: what goes into Lin_in (v, v_n), what comes out of it (q, q_n), what the circuits say (e of r
 * and z, e_n), the activations r, z and n. */
struct qgru_saved {
	double *v, *v_n, *q, *q_n, *e, *e_n, *r, *z, *n;
};

static struct qgru_saved qgru_saved_at(const struct cell *cell, double *saved, size_t batch)
{
	const struct qgru *own = cell->own;
	size_t width = (size_t)own->in.n_in * batch, features = (size_t)own->in.n_out * batch;
	size_t values = (size_t)own->out.n_in * batch, hidden = (size_t)cell->n_hidden * batch;
	struct qgru_saved at = {.v = saved, .v_n = saved + width};
	at.q = at.v_n + width;
	at.q_n = at.q + features;
	at.e = at.q_n + features;
	at.e_n = at.e + 2 * values;
	at.r = at.e_n + values;
	at.z = at.r + hidden;
	at.n = at.z + hidden;
	return at;
}

static int qgru_check(const struct layer_config *config, int n_in, int *n_out, struct qlstm_error *error)
{
	(void)n_in;
	const struct ansatz *ansatz;
	int rc = quantum_circuit_check(&config->qgru.circuit, error);
	if (rc == 0)
		rc = qgru_ansatz(&config->qgru, &ansatz, error);
	*n_out = config->recurrent.hidden_size;
	return rc;
}

/* Tensors are declared in the order in which the cell uses them. */
static int qgru_declare(struct cell *cell, const char *prefix, const struct quantum_design *design,
                        struct qlstm_error *error)
{
	struct qgru *own = cell->own;
	struct params *params = cell->params;
	int rc = linear_tensors_add(&own->in, params, prefix, "linear_in", cell->n_hidden + cell->n_in,
	                            own->gates.n_features);
	int tensor = quantum_angles_add(params, prefix, design, 3, cell->config.qgru.circuit.angle_init);
	if (rc == 0)
		rc = linear_tensors_add(&own->out, params, prefix, "linear_out", own->gates.n_expectations,
		                        cell->n_hidden);
	if (rc != 0 || tensor < 0)
		return error_set(error, ERR_OUT_OF_MEMORY, "", "out of memory");
	quantum_block_bind(&own->gates, params, tensor, 0);
	quantum_block_bind(&own->candidate, params, tensor, 2);
	return 0;
}

static int qgru_open(struct cell *cell, const char *prefix, struct qlstm_error *error)
{
	struct qgru *own = calloc(1, sizeof *own);
	if (own == NULL)
		return error_set(error, ERR_OUT_OF_MEMORY, "", "out of memory");
	cell->own = own;
	cell->n_hidden = cell->n_out = cell->config.recurrent.hidden_size;
	cell->out_is_h = true;

	struct quantum_design gates = {"gates", QUANTUM_EVERY_STEP, 2, NULL,
	                               quantum_circuit_config(&cell->config.qgru.circuit, 0, 0)};
	int rc = qgru_ansatz(&cell->config.qgru, &gates.ansatz, error);
	struct quantum_design candidate = gates;
	candidate.role = "candidate";
	candidate.sets = 1;
	if (rc == 0)
		rc = quantum_block_open(&own->gates, &gates, cell->circuits, error);
	if (rc == 0)
		rc = quantum_block_open(&own->candidate, &candidate, cell->circuits, error);
	if (rc == 0)
		rc = qgru_declare(cell, prefix, &gates, error);
	cell->n_saved = 2 * (own->in.n_in + own->in.n_out) + 3 * (own->out.n_in + cell->n_hidden);
	return rc;
}

static void qgru_lay_out(struct cell *cell, struct arena *arena, int steps, int batch)
{
	(void)steps;
	struct qgru *own = cell->own;
	size_t n = (size_t)batch, hidden = (size_t)cell->n_hidden * n;
	own->d_pre = arena_take_numbers(arena, hidden);
	own->d_gates = arena_take_numbers(arena, 2 * hidden);
	own->d_expectations = arena_take_numbers(arena, 2 * (size_t)own->out.n_in * n);
	own->d_features = arena_take_numbers(arena, (size_t)own->in.n_out * n);
	own->dv = arena_take_numbers(arena, (size_t)own->in.n_in * n);
}

static void qgru_forward(struct cell *cell, const struct cell_step *step)
{
	const struct qgru *own = cell->own;
	const struct gates_kernels *kernels = isa_pick()->gates;
	size_t n = (size_t)step->batch, h_size = (size_t)cell->n_hidden * n, x_size = (size_t)cell->n_in * n;
	const struct qgru_saved at = qgru_saved_at(cell, step->saved, n);
	struct linear in = linear_tensors_map(&own->in, cell->params),
	              out = linear_tensors_map(&own->out, cell->params);

	memcpy(at.v, step->h_prev, h_size * sizeof(double));
	memcpy(at.v + h_size, step->x, x_size * sizeof(double));
	linear_forward(&in, at.v, 1, step->batch, at.q);
	quantum_block_forward(&own->gates, step->number, at.q, step->batch, at.e);
	linear_forward(&out, at.e, 2, step->batch, at.r); /* z lies behind r */
	kernels->sigmoid_in_place(at.r, 2 * h_size);

	for (size_t k = 0; k < h_size; k++)
		at.v_n[k] = at.r[k] * step->h_prev[k];
	memcpy(at.v_n + h_size, step->x, x_size * sizeof(double));
	linear_forward(&in, at.v_n, 1, step->batch, at.q_n);
	quantum_block_forward(&own->candidate, step->number, at.q_n, step->batch, at.e_n);
	linear_forward(&out, at.e_n, 1, step->batch, at.n);
	kernels->tanh_in_place(at.n, h_size);

	for (size_t k = 0; k < h_size; k++)
		step->h[k] = (1.0 - at.z[k]) * at.n[k] + at.z[k] * step->h_prev[k];
}

/* From the gradient on the pre-activations of a block's gates to own->dv, that on what went into Lin_in. */
static void qgru_backward_block(struct cell *cell, const struct quantum_block *block, const struct cell_step *step,
                                const double *v, const double *q, const double *e, const double *d_pre)
{
	const struct qgru *own = cell->own;
	struct linear in = linear_tensors_map(&own->in, cell->params),
	              out = linear_tensors_map(&own->out, cell->params);
	linear_backward(&out, e, d_pre, block->sets, step->batch, own->d_expectations);
	memset(own->d_features, 0, (size_t)own->in.n_out * (size_t)step->batch * sizeof(double));
	quantum_block_backward(block, step->number, q, step->batch, own->d_expectations, own->d_features);
	linear_backward(&in, v, own->d_features, 1, step->batch, own->dv);
}

static void qgru_backward(struct cell *cell, const struct cell_step *step, const struct cell_gradient *gradient)
{
	const struct qgru *own = cell->own;
	size_t n = (size_t)step->batch, h_size = (size_t)cell->n_hidden * n, x_size = (size_t)cell->n_in * n;
	const struct qgru_saved at = qgru_saved_at(cell, step->saved, n);
	double *d_pre = own->d_pre, *d_r = own->d_gates, *d_z = own->d_gates + h_size, *d_h_prev = gradient->d_h_prev;

	for (size_t k = 0; k < h_size; k++)
		d_pre[k] = gradient->d_h[k] * (1.0 - at.z[k]) * (1.0 - at.n[k] * at.n[k]);
	qgru_backward_block(cell, &own->candidate, step, at.v_n, at.q_n, at.e_n, d_pre);
	for (size_t k = 0; k < h_size; k++) {
		double d_h = gradient->d_h[k], h_prev = step->h_prev[k], r = at.r[k], z = at.z[k];
		d_r[k] = own->dv[k] * h_prev * r * (1.0 - r);
		d_z[k] = d_h * (h_prev - at.n[k]) * z * (1.0 - z);
		d_h_prev[k] = d_h * z + own->dv[k] * r;
	}
	if (gradient->d_x != NULL)
		memcpy(gradient->d_x, own->dv + h_size, x_size * sizeof(double));

	qgru_backward_block(cell, &own->gates, step, at.v, at.q, at.e, own->d_gates);
	for (size_t k = 0; k < h_size; k++)
		d_h_prev[k] += own->dv[k];
	for (size_t k = 0; gradient->d_x != NULL && k < x_size; k++)
		gradient->d_x[k] += own->dv[h_size + k];
}

static void qgru_close(struct cell *cell)
{
	struct qgru *own = cell->own;
	if (own == NULL)
		return;
	quantum_block_close(&own->gates);
	quantum_block_close(&own->candidate);
	free(own);
}

const struct cell_ops qgru_ops = {
    .check = qgru_check,
    .open = qgru_open,
    .lay_out = qgru_lay_out,
    .forward = qgru_forward,
    .backward = qgru_backward,
    .close = qgru_close,
};
