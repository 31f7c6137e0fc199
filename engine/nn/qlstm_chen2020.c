/* The six-circuit quantum LSTM cell of Chen, Yoo and Fang (arXiv 2009.01783, Eq. 1a-1g):
 *
 *   v = [x; h_prev]
 *   f, i, g, o = sigmoid / sigmoid / tanh / sigmoid of VQC1..4(v)      n_qubits values each
 *   c = f c_prev + i g,  m = o tanh(c)
 *   h = the first n_hidden values of VQC5(m),  out = VQC6(m)            no activation
 *
 * c and m are n_qubits wide. VQC5 is skipped where h is not needed (last step), VQC6 where out is not. */
#include "engine/nn/cell.h"
#include "engine/nn/gates.h"
#include "engine/nn/qlstm_variant.h"

#include <stdlib.h>
#include <string.h>

/* The three programs: they differ in the number of features and of outputs only. */
enum chen_program { CHEN_GATE, CHEN_HIDDEN, CHEN_OUTPUT, CHEN_PROGRAMS };

struct chen2020 {
	struct circuit_program *programs[CHEN_PROGRAMS];
	struct plan *plans[CHEN_PROGRAMS];
	int circuits;             /* parameter index */
	size_t angles;            /* of one circuit */
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
	int rc = qlstm_check_sizes(config, error);
	if (rc == 0)
		rc = qlstm_check_features(config, n_in, error);
	*n_out = config->qlstm.n_qubits;
	return rc;
}

static int chen2020_open(struct cell *cell, const char *prefix, struct qlstm_error *error)
{
	struct chen2020 *own = calloc(1, sizeof *own);
	if (own == NULL)
		return error_set(error, ERR_OUT_OF_MEMORY, "", "out of memory");
	cell->own = own;
	cell->n_hidden = cell->config.recurrent.hidden_size;
	cell->n_cell = cell->n_out = cell->config.qlstm.n_qubits;
	cell->n_saved = cell->n_in + cell->n_hidden + (GATES_ARRAYS + 1) * cell->n_cell;

	const struct ansatz *ansatz;
	int rc = qlstm_ansatz(&cell->config, &ansatz, error);
	if (rc != 0)
		return rc;
	struct ansatz_config circuits[CHEN_PROGRAMS] = {
	    [CHEN_GATE] = qlstm_ansatz_config(&cell->config, cell->n_in + cell->n_hidden, cell->n_cell),
	    [CHEN_HIDDEN] = qlstm_ansatz_config(&cell->config, cell->n_cell, cell->n_hidden),
	    [CHEN_OUTPUT] = qlstm_ansatz_config(&cell->config, cell->n_cell, cell->n_out),
	};
	for (int k = 0; k < CHEN_PROGRAMS; k++) {
		rc = ansatz_build(ansatz, &circuits[k], &own->programs[k], error);
		if (rc != 0)
			return rc;
	}
	own->angles = (size_t)own->programs[CHEN_GATE]->n_weights;
	own->circuits = qlstm_add_circuits(cell, prefix, ansatz, &circuits[CHEN_GATE], 6);
	if (own->circuits < 0)
		return error_set(error, ERR_OUT_OF_MEMORY, "", "out of memory");
	return 0;
}

static int chen2020_prepare(struct cell *cell, const struct plan_request *plans, struct qlstm_error *error)
{
	struct chen2020 *own = cell->own;
	for (int k = 0; k < CHEN_PROGRAMS; k++) {
		if (own->plans[k] != NULL)
			continue;
		int rc = plan_new_request(&own->plans[k], own->programs[k], plans, error);
		if (rc != 0)
			return rc;
	}
	return 0;
}

static struct plan *chen2020_plan_at(const struct cell *cell, int index)
{
	const struct chen2020 *own = cell->own;
	return index < CHEN_PROGRAMS ? own->plans[index] : NULL;
}

static bool chen2020_circuit(const struct cell *cell, int index, int steps, int outs, struct layer_circuit *out)
{
	const struct chen2020 *own = cell->own;
	const struct layer_circuit circuits[CHEN_PROGRAMS] = {
	    [CHEN_GATE] = {"gates", own->programs[CHEN_GATE], own->plans[CHEN_GATE], 4, 1, 4.0 * steps},
	    [CHEN_HIDDEN] = {"hidden", own->programs[CHEN_HIDDEN], own->plans[CHEN_HIDDEN], 1, 1, steps - 1.0},
	    [CHEN_OUTPUT] = {"output", own->programs[CHEN_OUTPUT], own->plans[CHEN_OUTPUT], 1, 1, outs},
	};
	if (index >= CHEN_PROGRAMS)
		return false;
	*out = circuits[index];
	return true;
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

/* The angles of circuit k (0..5: f, i, g, o, h, y) and their gradients. */
static const double *chen2020_angles(const struct cell *cell, size_t k)
{
	const struct chen2020 *own = cell->own;
	return cell->params->values + cell->params->items[own->circuits].offset + k * own->angles;
}

static double *chen2020_d_angles(const struct cell *cell, size_t k)
{
	const struct chen2020 *own = cell->own;
	return cell->params->gradients + cell->params->items[own->circuits].offset + k * own->angles;
}

static void chen2020_forward(struct cell *cell, const struct cell_step *step)
{
	struct chen2020 *own = cell->own;
	size_t n = (size_t)step->batch, x_size = (size_t)cell->n_in * n;
	struct chen2020_saved at = chen2020_saved_at(cell, step->saved, step->batch);
	memcpy(at.v, step->x, x_size * sizeof(double));
	memcpy(at.v + x_size, step->h_prev, (size_t)cell->n_hidden * n * sizeof(double));

	struct gates gates = gates_at(at.gates, (size_t)cell->n_cell * n);
	/* gates_at deals f, i, g, o one behind the other, as circuits 0..3 follow one another. */
	plan_forward_many(own->plans[CHEN_GATE], at.v, chen2020_angles(cell, 0), 4, n, gates.f);
	gates_forward(&gates, step->c_prev, (size_t)cell->n_cell * n, step->c, at.m);
	if (step->h != NULL)
		plan_forward(own->plans[CHEN_HIDDEN], at.m, chen2020_angles(cell, 4), n, step->h);
	if (step->out != NULL)
		plan_forward(own->plans[CHEN_OUTPUT], at.m, chen2020_angles(cell, 5), n, step->out);
}

static void chen2020_backward(struct cell *cell, const struct cell_step *step, const struct cell_gradient *gradient)
{
	struct chen2020 *own = cell->own;
	size_t n = (size_t)step->batch, x_size = (size_t)cell->n_in * n, m_size = (size_t)cell->n_cell * n;
	struct chen2020_saved at = chen2020_saved_at(cell, step->saved, step->batch);
	memset(own->d_m, 0, m_size * sizeof(double));
	if (gradient->d_h != NULL)
		plan_backward(own->plans[CHEN_HIDDEN], at.m, chen2020_angles(cell, 4), n, gradient->d_h, own->d_m,
		              chen2020_d_angles(cell, 4));
	if (gradient->d_out != NULL)
		plan_backward(own->plans[CHEN_OUTPUT], at.m, chen2020_angles(cell, 5), n, gradient->d_out, own->d_m,
		              chen2020_d_angles(cell, 5));

	struct gates gates = gates_at(at.gates, m_size), d_pre = gates_at(own->d_pre, m_size);
	gates_backward(&gates, step->c_prev, own->d_m, m_size, gradient->d_c, &d_pre);
	memset(own->dv, 0, (size_t)(cell->n_in + cell->n_hidden) * n * sizeof(double));
	plan_backward_many(own->plans[CHEN_GATE], at.v, chen2020_angles(cell, 0), 4, n, d_pre.f, own->dv,
	                   chen2020_d_angles(cell, 0));
	if (gradient->d_x != NULL)
		memcpy(gradient->d_x, own->dv, x_size * sizeof(double));
	memcpy(gradient->d_h_prev, own->dv + x_size, (size_t)cell->n_hidden * n * sizeof(double));
}

static void chen2020_close(struct cell *cell)
{
	struct chen2020 *own = cell->own;
	if (own == NULL)
		return;
	for (int k = 0; k < CHEN_PROGRAMS; k++) {
		plan_free(own->plans[k]);
		program_free(own->programs[k]);
	}
	free(own);
}

const struct cell_ops qlstm_chen2020_ops = {
    .check = chen2020_check,
    .open = chen2020_open,
    .prepare = chen2020_prepare,
    .plan_at = chen2020_plan_at,
    .circuit = chen2020_circuit,
    .lay_out = chen2020_lay_out,
    .forward = chen2020_forward,
    .backward = chen2020_backward,
    .close = chen2020_close,
};
