/* What a model takes, in memory and in time, before anything is allocated or run. */
#include <stdio.h>

#include "engine/circuit/planner.h"
#include "engine/nn/model_state.h"

bool model_circuit(const struct model *model, int layer, int index, int steps, struct layer_circuit *out)
{
	if (layer < 0 || layer >= model->config.n_layers || index < 0 || index >= MODEL_MAX_CIRCUITS)
		return false;
	const struct layer *at = &model->layers[layer];
	return at->ops->circuit != NULL && at->ops->circuit(at, index, steps, out);
}

struct plan_request model_plan_request(const struct model_config *config)
{
	struct plan_request plans = planner_defaults(config->plan, config->precision);
	if (config->batch > 0)
		plans.batch = (size_t)config->batch;
	return plans;
}

const struct plan_estimate *model_circuit_estimate(struct model *model, int layer, int index)
{
	struct layer_circuit circuit;
	if (!model_circuit(model, layer, index, 1, &circuit))
		return NULL;
	if (circuit.plan != NULL)
		return plan_estimated(circuit.plan);
	struct plan_estimate *estimate = &model->estimates[layer][index].is;
	const struct plan_request plans = model_plan_request(&model->config);
	if (!model->estimates[layer][index].known)
		plan_estimate(circuit.program, &plans, estimate); /* of an unknown kind it says "not possible" */
	model->estimates[layer][index].known = true;
	return estimate;
}

const char *model_plan_kind(struct model *model)
{
	for (int k = 0; k < model->config.n_layers; k++) {
		const struct plan_estimate *estimate = model_circuit_estimate(model, k, 0);
		if (estimate != NULL)
			return estimate->kind;
	}
	return "none";
}

size_t model_plan_bytes(struct model *model, int threads)
{
	size_t bytes = 0;
	struct layer_circuit circuit;
	for (int k = 0; k < model->config.n_layers; k++)
		for (int i = 0; model_circuit(model, k, i, 1, &circuit); i++)
			bytes +=
			    (size_t)circuit.plans * plan_estimate_bytes(model_circuit_estimate(model, k, i), threads);
	return bytes;
}

size_t model_bytes(struct model *model, int steps, int batch, int threads)
{
	return model_activations(model, steps, batch, NULL) + 2 * params_elements(&model->params) * sizeof(double) +
	       model_plan_bytes(model, threads);
}

static double model_classical_ns(struct model *model, int steps, int batch)
{
	size_t elements[MODEL_MAX_LAYERS];
	double ns = 0.0;
	model_activations(model, steps, batch, elements);
	for (int k = 0; k < model->config.n_layers; k++) {
		const struct layer *layer = &model->layers[k];
		const struct layer_work work = {shape_frames(layer->in, steps), batch, elements[k]};
		ns += layer->ops->cost(layer, &work);
	}
	return ns;
}

int model_estimate(struct model *model, int steps, int batch, double *seconds_per_batch, struct qlstm_error *error)
{
	double ns = model_classical_ns(model, steps, batch);
	struct layer_circuit circuit;
	for (int k = 0; k < model->config.n_layers; k++)
		for (int i = 0; model_circuit(model, k, i, steps, &circuit); i++) {
			const struct plan_estimate *estimate = model_circuit_estimate(model, k, i);
			char pointer[32];
			snprintf(pointer, sizeof pointer, "/layers/%d", k);
			if (!estimate->possible)
				return error_set(error, ERR_TOO_LARGE, pointer,
				                 "plan '%s' does not take this circuit of %d wires: %s", estimate->kind,
				                 circuit.program->n_wires, estimate->reason);
			ns += circuit.calls * plan_estimate_ns(estimate, (size_t)batch);
		}
	*seconds_per_batch = 1e-9 * ns;
	return 0;
}

#define CLASSICAL_LANES 8

int model_batch_multiple(const struct model *model)
{
	size_t lanes = CLASSICAL_LANES;
	struct layer_circuit circuit;
	for (int k = 0; k < model->config.n_layers; k++)
		for (int i = 0; model_circuit(model, k, i, 1, &circuit); i++)
			if (circuit.plan != NULL && plan_estimated(circuit.plan)->lanes > lanes)
				lanes = plan_estimated(circuit.plan)->lanes;
	return (int)lanes;
}
