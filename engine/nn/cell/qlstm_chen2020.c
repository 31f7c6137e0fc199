/* The six-circuit quantum LSTM cell of Chen, Yoo and Fang (arXiv 2009.01783, Eq. 1a-1g):
 *
 *   v = [x; h_prev]
 *   f, i, g, o = sigmoid / sigmoid / tanh / sigmoid of VQC1..4(v)      n_qubits values each
 *   c = f c_prev + i g,  m = o tanh(c)
 *   h = the first n_hidden values of VQC5(m),  out = VQC6(m)            no activation
 *
 * c and m are n_qubits wide. VQC5 is skipped where h is not needed (last step), VQC6 where out is not. */
#include "engine/nn/cell.h"
#include "engine/nn/kernel/gates.h"
#include "engine/nn/cell/qlstm_variant.h"

#include <stdlib.h>
#include <string.h>

/* The six circuits in three blocks, which differ in the number of features and of outputs only. Their angles are one
 * tensor: rows f, i, g, o, then that of h, then that of the output. */
enum chen_block { CHEN_GATES, CHEN_HIDDEN, CHEN_OUTPUT, CHEN_BLOCKS };

struct chen2020 {
	struct quantum_block blocks[CHEN_BLOCKS];
	double *d_pre, *d_m, *dv; /* scratch */
};

/* Saved of a step, rows: v [n_in + n_hidden], activations [5 n_cell], m [n_cell]. */
struct chen2020_saved {
	double *v, *gates, *m;
};

static struct chen2020_saved chen2020_saved_at(const struct cell *cell, double *saved, int batch)
{
	size_t n = (size_t)batch;
	struct chen2020_saved at = {.v = saved};
	at.gates = at.v + (size_t)(cell->n_in + cell->n_hidden) * n;
	at.m = at.gates + GATES_ARRAYS * (size_t)cell->n_cell * n;
	return at;
}

static int chen2020_check(const struct layer_config *config, int n_in, int *n_out, struct qlstm_error *error)
{
	int rc = quantum_circuit_check(&config->qlstm.circuit, error);
	if (rc == 0)
		rc = qlstm_check_features(config, n_in, error);
	*n_out = config->qlstm.circuit.n_qubits;
	return rc;
}

static int chen2020_open_blocks(struct cell *cell, const char *prefix, struct qlstm_error *error)
{
	struct chen2020 *own = cell->own;
	const struct ansatz *ansatz;
	int rc = qlstm_ansatz(&cell->config, &ansatz, error);
	if (rc != 0)
		return rc;
	int x_h = cell->n_in + cell->n_hidden, m = cell->n_cell;
	const struct circuit_config *config = &cell->config.qlstm.circuit;
	const struct quantum_design designs[CHEN_BLOCKS] = {
	    [CHEN_GATES] = {"gates", QUANTUM_EVERY_STEP, 4, ansatz, quantum_circuit_config(config, x_h, m)},
	    [CHEN_HIDDEN] = {"hidden", QUANTUM_BETWEEN_STEPS, 1, ansatz,
	                     quantum_circuit_config(config, m, cell->n_hidden)},
	    [CHEN_OUTPUT] = {"output", QUANTUM_OUTPUTS, 1, ansatz, quantum_circuit_config(config, m, cell->n_out)},
	};
	int tensor = quantum_angles_add(cell->params, prefix, &designs[CHEN_GATES], 6, config->angle_init);
	if (tensor < 0)
		return error_set(error, ERR_OUT_OF_MEMORY, "", "out of memory");
	for (int k = 0, row = 0; k < CHEN_BLOCKS; row += designs[k++].sets) {
		rc = quantum_block_open(&own->blocks[k], &designs[k], cell->circuits, error);
		if (rc != 0)
			return rc;
		quantum_block_bind(&own->blocks[k], cell->params, tensor, row);
	}
	return 0;
}

static int chen2020_open(struct cell *cell, const char *prefix, struct qlstm_error *error)
{
	struct chen2020 *own = calloc(1, sizeof *own);
	if (own == NULL)
		return error_set(error, ERR_OUT_OF_MEMORY, "", "out of memory");
	cell->own = own;
	cell->n_hidden = cell->config.recurrent.hidden_size;
	cell->n_cell = cell->n_out = cell->config.qlstm.circuit.n_qubits;
	cell->n_saved = cell->n_in + cell->n_hidden + (GATES_ARRAYS + 1) * cell->n_cell;

	return chen2020_open_blocks(cell, prefix, error);
}

static void chen2020_lay_out(struct cell *cell, struct arena *arena, int steps, int batch)
{
	(void)steps;
	struct chen2020 *own = cell->own;
	size_t n = (size_t)batch;
	own->d_pre = arena_take_numbers(arena, GATES_ARRAYS * (size_t)cell->n_cell * n);
	own->d_m = arena_take_numbers(arena, (size_t)cell->n_cell * n);
	own->dv = arena_take_numbers(arena, (size_t)(cell->n_in + cell->n_hidden) * n);
}

static void chen2020_forward(struct cell *cell, const struct cell_step *step)
{
	struct chen2020 *own = cell->own;
	size_t n = (size_t)step->batch, x_size = (size_t)cell->n_in * n;
	struct chen2020_saved at = chen2020_saved_at(cell, step->saved, step->batch);
	memcpy(at.v, step->x, x_size * sizeof(double));
	memcpy(at.v + x_size, step->h_prev, (size_t)cell->n_hidden * n * sizeof(double));

	struct gates gates = gates_at(at.gates, (size_t)cell->n_cell * n);
	/* gates_at gives f, i, g, o one behind the other, as circuits 0..3 follow one another. */
	quantum_block_forward(&own->blocks[CHEN_GATES], step->number, at.v, step->batch, gates.f);
	gates_forward(&gates, step->c_prev, (size_t)cell->n_cell * n, step->c, at.m);
	if (step->h != NULL)
		quantum_block_forward(&own->blocks[CHEN_HIDDEN], step->number, at.m, step->batch, step->h);
	if (step->out != NULL)
		quantum_block_forward(&own->blocks[CHEN_OUTPUT], step->number, at.m, step->batch, step->out);
}

static void chen2020_backward(struct cell *cell, const struct cell_step *step, const struct cell_gradient *gradient)
{
	struct chen2020 *own = cell->own;
	size_t n = (size_t)step->batch, x_size = (size_t)cell->n_in * n, m_size = (size_t)cell->n_cell * n;
	struct chen2020_saved at = chen2020_saved_at(cell, step->saved, step->batch);
	memset(own->d_m, 0, m_size * sizeof(double));
	if (gradient->d_h != NULL)
		quantum_block_backward(&own->blocks[CHEN_HIDDEN], step->number, at.m, step->batch, gradient->d_h,
		                       own->d_m);
	if (gradient->d_out != NULL)
		quantum_block_backward(&own->blocks[CHEN_OUTPUT], step->number, at.m, step->batch, gradient->d_out,
		                       own->d_m);

	struct gates gates = gates_at(at.gates, m_size), d_pre = gates_at(own->d_pre, m_size);
	gates_backward(&gates, step->c_prev, own->d_m, m_size, gradient->d_c, &d_pre);
	memset(own->dv, 0, (size_t)(cell->n_in + cell->n_hidden) * n * sizeof(double));
	quantum_block_backward(&own->blocks[CHEN_GATES], step->number, at.v, step->batch, d_pre.f, own->dv);
	if (gradient->d_x != NULL)
		memcpy(gradient->d_x, own->dv, x_size * sizeof(double));
	memcpy(gradient->d_h_prev, own->dv + x_size, (size_t)cell->n_hidden * n * sizeof(double));
}

static void chen2020_close(struct cell *cell)
{
	struct chen2020 *own = cell->own;
	if (own == NULL)
		return;
	for (int k = 0; k < CHEN_BLOCKS; k++)
		quantum_block_close(&own->blocks[k]);
	free(own);
}

const struct cell_ops qlstm_chen2020_ops = {
    .check = chen2020_check,
    .open = chen2020_open,
    .lay_out = chen2020_lay_out,
    .forward = chen2020_forward,
    .backward = chen2020_backward,
    .close = chen2020_close,
};
