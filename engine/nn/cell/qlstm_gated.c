/* The four-circuit quantum LSTM cell: chen2024, linear and qdi.
 *
 *   v = [x; h_prev] or [h_prev; x]
 *   z = Lin_in v                         without linear maps: z = v
 *   pre_k = Lin_out QC_k(z), k = f,i,g,o without linear maps: pre_k = the first n_hidden expectations
 *   c = f c_prev + i g,  h = o tanh(c)
 *
 * Sources: engine/nn/cell/qlstm_variant.c. Both linear maps are shared by the four gates. */
#include "engine/nn/cell.h"
#include "engine/nn/kernel/gates.h"
#include "engine/nn/linear_tensors.h"
#include "engine/nn/cell/qlstm_variant.h"

#include <stdlib.h>
#include <string.h>

struct gated {
	const struct qlstm_variant *variant;
	struct quantum_block circuits;                    /* one set for each gate */
	struct linear_tensors in, out;                    /* unused without linear maps */
	double *d_pre, *d_expectations, *d_features, *dv; /* scratch of backward */
};

/* Saved of a step, rows: v, z, four blocks of expectations (linear maps only), gate activations. */
struct gated_saved {
	double *v, *z, *expectations, *gates;
};

static struct gated_saved gated_saved_at(const struct cell *cell, double *saved, int batch)
{
	const struct gated *own = cell->own;
	size_t n = (size_t)batch;
	struct gated_saved at = {.v = saved};
	double *next = saved + (size_t)(cell->n_in + cell->n_hidden) * n;
	if (own->variant->linear_maps) {
		at.z = next;
		at.expectations = at.z + (size_t)own->circuits.n_features * n;
		at.gates = at.expectations + 4 * (size_t)own->circuits.n_expectations * n;
	} else {
		at.z = at.v;
		at.gates = next;
	}
	return at;
}

static int gated_check(const struct layer_config *config, int n_in, int *n_out, struct qlstm_error *error)
{
	const struct ansatz *ansatz;
	int rc = quantum_circuit_check(&config->qlstm.circuit, error);
	if (rc == 0)
		rc = qlstm_ansatz(config, &ansatz, error);
	if (rc == 0 && !qlstm_variant_find(config->qlstm.variant)->linear_maps)
		rc = qlstm_check_features(config, n_in, error);
	*n_out = config->recurrent.hidden_size;
	return rc;
}

/* Tensors are declared in the order in which the cell uses them. */
static int gated_declare(struct cell *cell, const char *prefix, const struct quantum_design *design)
{
	struct gated *own = cell->own;
	bool linear = own->variant->linear_maps;
	int width = cell->n_hidden + cell->n_in;
	if (linear &&
	    linear_tensors_add(&own->in, cell->params, prefix, "linear_in", width, own->circuits.n_features) != 0)
		return ERR_OUT_OF_MEMORY;
	int tensor =
	    quantum_angles_add(cell->params, prefix, design, design->sets, cell->config.qlstm.circuit.angle_init);
	if (tensor < 0)
		return ERR_OUT_OF_MEMORY;
	quantum_block_bind(&own->circuits, cell->params, tensor, 0);
	if (linear && linear_tensors_add(&own->out, cell->params, prefix, "linear_out", own->circuits.n_expectations,
	                                 cell->n_hidden) != 0)
		return ERR_OUT_OF_MEMORY;
	return 0;
}

static int gated_open(struct cell *cell, const char *prefix, struct qlstm_error *error)
{
	struct gated *own = calloc(1, sizeof *own);
	if (own == NULL)
		return error_set(error, ERR_OUT_OF_MEMORY, "", "out of memory");
	cell->own = own;
	own->variant = qlstm_variant_find(cell->config.qlstm.variant);
	bool linear = own->variant->linear_maps;
	cell->n_hidden = cell->n_cell = cell->n_out = cell->config.recurrent.hidden_size;
	cell->out_is_h = true;

	const struct ansatz *ansatz;
	int rc = qlstm_ansatz(&cell->config, &ansatz, error);
	if (rc != 0)
		return rc;
	const struct quantum_design design = {"gates", QUANTUM_EVERY_STEP, 4, ansatz,
	                                      quantum_circuit_config(&cell->config.qlstm.circuit,
	                                                             linear ? 0 : cell->n_in + cell->n_hidden,
	                                                             linear ? 0 : cell->n_hidden)};
	rc = quantum_block_open(&own->circuits, &design, cell->circuits, error);
	if (rc != 0)
		return rc;
	cell->n_saved = cell->n_in + cell->n_hidden + GATES_ARRAYS * cell->n_hidden +
	                (linear ? own->circuits.n_features + 4 * own->circuits.n_expectations : 0);
	if (gated_declare(cell, prefix, &design) != 0)
		return error_set(error, ERR_OUT_OF_MEMORY, "", "out of memory");
	return 0;
}

static void gated_lay_out(struct cell *cell, struct arena *arena, int steps, int batch)
{
	(void)steps;
	struct gated *own = cell->own;
	size_t n = (size_t)batch;
	own->d_pre = arena_take_numbers(arena, GATES_ARRAYS * (size_t)cell->n_hidden * n);
	own->d_expectations = arena_take_numbers(arena, 4 * (size_t)own->circuits.n_expectations * n);
	own->d_features = arena_take_numbers(arena, (size_t)own->circuits.n_features * n);
	own->dv = arena_take_numbers(arena, (size_t)(cell->n_in + cell->n_hidden) * n);
}

/* The gates in the order of the weight tensor: circuit k has block k. */
static struct gates gated_gates(const struct qlstm_variant *variant, double *block, size_t n)
{
	return (struct gates){.f = block + (size_t)variant->f * n,
	                      .i = block + (size_t)variant->i * n,
	                      .g = block + (size_t)variant->g * n,
	                      .o = block + (size_t)variant->o * n,
	                      .tanh_c = block + 4 * n};
}

static void gated_forward(struct cell *cell, const struct cell_step *step)
{
	struct gated *own = cell->own;
	size_t n = (size_t)step->batch, x_size = (size_t)cell->n_in * n, h_size = (size_t)cell->n_hidden * n;
	struct gated_saved at = gated_saved_at(cell, step->saved, step->batch);
	bool x_first = own->variant->x_first, linear = own->variant->linear_maps;
	memcpy(at.v + (x_first ? 0 : h_size), step->x, x_size * sizeof(double));
	memcpy(at.v + (x_first ? x_size : 0), step->h_prev, h_size * sizeof(double));

	if (linear) {
		struct linear in = linear_tensors_map(&own->in, cell->params);
		linear_forward(&in, at.v, 1, step->batch, at.z);
	}
	quantum_block_forward(&own->circuits, step->number, at.z, step->batch, linear ? at.expectations : at.gates);
	if (linear) {
		struct linear out = linear_tensors_map(&own->out, cell->params);
		linear_forward(&out, at.expectations, 4, step->batch, at.gates);
	}
	struct gates gates = gated_gates(own->variant, at.gates, h_size);
	gates_forward(&gates, step->c_prev, h_size, step->c, step->h);
}

static void gated_backward(struct cell *cell, const struct cell_step *step, const struct cell_gradient *gradient)
{
	struct gated *own = cell->own;
	size_t n = (size_t)step->batch, x_size = (size_t)cell->n_in * n, h_size = (size_t)cell->n_hidden * n;
	struct gated_saved at = gated_saved_at(cell, step->saved, step->batch);
	bool x_first = own->variant->x_first, linear = own->variant->linear_maps;
	struct gates gates = gated_gates(own->variant, at.gates, h_size);
	struct gates d_pre = gated_gates(own->variant, own->d_pre, h_size);
	gates_backward(&gates, step->c_prev, gradient->d_h, h_size, gradient->d_c, &d_pre);

	double *dz = linear ? own->d_features : own->dv;
	const double *dq = linear ? own->d_expectations : own->d_pre;
	if (linear) {
		struct linear out = linear_tensors_map(&own->out, cell->params);
		linear_backward(&out, at.expectations, own->d_pre, 4, step->batch, own->d_expectations);
	}
	memset(dz, 0, (size_t)own->circuits.n_features * n * sizeof(double));
	quantum_block_backward(&own->circuits, step->number, at.z, step->batch, dq, dz);
	if (linear) {
		struct linear in = linear_tensors_map(&own->in, cell->params);
		linear_backward(&in, at.v, dz, 1, step->batch, own->dv);
	}
	if (gradient->d_x != NULL)
		memcpy(gradient->d_x, own->dv + (x_first ? 0 : h_size), x_size * sizeof(double));
	memcpy(gradient->d_h_prev, own->dv + (x_first ? x_size : 0), h_size * sizeof(double));
}

static void gated_close(struct cell *cell)
{
	struct gated *own = cell->own;
	if (own == NULL)
		return;
	quantum_block_close(&own->circuits);
	free(own);
}

const struct cell_ops qlstm_gated_ops = {
    .check = gated_check,
    .open = gated_open,
    .lay_out = gated_lay_out,
    .forward = gated_forward,
    .backward = gated_backward,
    .close = gated_close,
};
