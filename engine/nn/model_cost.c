/* What a model takes, in memory and in time, before anything is allocated or run. */
#include <stdio.h>
#include <string.h>

#include "engine/circuit/planner.h"
#include "engine/nn/model_state.h"

/* The index-th of a layer's circuits. Blocks of one role are one circuit: the directions of a bidirectional layer have
 * a block each. */
static struct quantum_block *circuit_at(const struct model *model, int layer, int index)
{
	if (layer < 0 || layer >= model->config.n_layers)
		return NULL;
	const struct quantum_list *list = &model->layers[layer].circuits;
	for (struct quantum_block *block = list->first; block != NULL; block = block->next)
		if (quantum_list_find(list, block->role) == block && index-- == 0)
			return block;
	return NULL;
}

bool model_circuit(const struct model *model, int layer, int index, int steps, struct layer_circuit *out)
{
	const struct quantum_block *first = circuit_at(model, layer, index);
	if (first == NULL)
		return false;
	const struct layer *at = &model->layers[layer];
	*out = (struct layer_circuit){
	    .role = first->role, .program = first->program, .plan = first->plan, .sets = first->sets};
	for (const struct quantum_block *block = first; block != NULL; block = block->next) {
		if (strcmp(block->role, first->role) != 0)
			continue;
		out->plans++;
		out->calls +=
		    quantum_block_evaluations(block, shape_frames(at->in, steps), shape_frames(at->out, steps));
	}
	return true;
}

struct plan_request model_plan_request(const struct model_config *config)
{
	struct plan_request plans = planner_defaults(config->plan, config->precision);
	if (config->batch > 0)
		plans.batch = (size_t)config->batch;
	plans.known = config->known_plans;
	plans.diff_method = config->diff_method;
	return plans;
}

const struct plan_estimate *model_circuit_estimate(struct model *model, int layer, int index)
{
	const struct plan_request plans = model_plan_request(&model->config);
	struct quantum_block *block = circuit_at(model, layer, index);
	return block != NULL ? quantum_block_estimate(block, &plans) : NULL;
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

/* What the replicas beside the first have of their own whatever the batch is, and what their circuits' calls keep. */
static size_t model_replica_bytes(const struct model *model, int steps, int batch, int threads)
{
	const struct plan_request plans = model_plan_request(&model->config);
	size_t bytes = 0;
	for (int k = 0; k < model->config.n_layers; k++) {
		const struct layer *layer = &model->layers[k];
		bytes += quantum_list_kept(&layer->circuits, &plans, shape_frames(layer->in, steps), batch);
		if (layer->ops->fixed_bytes != NULL)
			bytes += layer->ops->fixed_bytes(layer);
	}
	return threads > 1 ? (size_t)(threads - 1) * bytes : 0;
}

size_t model_bytes(struct model *model, int steps, int batch, int threads)
{
	return model_replica_bytes(model, steps, batch, threads) + model_activations(model, steps, batch, NULL) +
	       2 * params_elements(&model->params) * sizeof(double) + model_plan_bytes(model, threads);
}

/* What layers take outside circuits; *classical: of it, layers without a wire. */
static double model_layers_ns(struct model *model, int steps, int batch, double *classical)
{
	size_t elements[MODEL_MAX_LAYERS];
	double ns = *classical = 0.0;
	model_activations(model, steps, batch, elements);
	for (int k = 0; k < model->config.n_layers; k++) {
		const struct layer *layer = &model->layers[k];
		const struct layer_work work = {steps, shape_frames(layer->in, steps), batch, elements[k]};
		double own = layer->ops->cost(layer, &work);
		ns += own;
		if (layer_wires(&layer->config) == 0)
			*classical += own;
	}
	return ns;
}

/* What a circuit's calls take of the estimate of forward and gradient, where all of what they may keep is kept: they go
 * forward once, not twice. Measured: qlstm of V(4,2), chen2020. */
#define KEPT_COST 0.85

/* Between KEPT_COST and 1, by the time steps whose states are kept. */
static double kept_factor(const struct model *model, int layer, const struct layer_circuit *circuit,
                          const struct plan_estimate *estimate, int steps, int batch)
{
	const struct plan_request plans = model_plan_request(&model->config);
	const struct layer *at = &model->layers[layer];
	int frames = shape_frames(at->in, steps);
	double all = (double)frames * (double)plan_estimate_kept(estimate, circuit->sets, (size_t)batch);
	struct quantum_block *block = quantum_list_find(&at->circuits, circuit->role);
	double kept = (double)quantum_block_kept(&at->circuits, block, &plans, frames, batch);
	return all > 0 ? 1.0 - (1.0 - KEPT_COST) * kept / all : 1.0;
}

double model_circuit_ns(struct model *model, int layer, int index, int steps, int batch)
{
	struct layer_circuit circuit;
	if (!model_circuit(model, layer, index, steps, &circuit))
		return 0.0;
	const struct plan_estimate *estimate = model_circuit_estimate(model, layer, index);
	if (!estimate->possible)
		return 0.0;
	return circuit.calls / circuit.sets * plan_estimate_ns(estimate, circuit.sets, (size_t)batch) *
	       kept_factor(model, layer, &circuit, estimate, steps, batch);
}

int model_estimate(struct model *model, int steps, int batch, double *seconds_per_batch, struct qlstm_error *error)
{
	double classical, ns = model_layers_ns(model, steps, batch, &classical);
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
			ns += model_circuit_ns(model, k, i, steps, batch);
		}
	*seconds_per_batch = 1e-9 * ns;
	return 0;
}

bool model_is_classical(struct model *model, int steps, int batch)
{
	double seconds = 0.0, classical;
	model_layers_ns(model, steps, batch, &classical);
	return model_estimate(model, steps, batch, &seconds, NULL) == 0 && 1e-9 * classical > 0.5 * seconds;
}

#define CLASSICAL_LANES 8

int model_batch_multiple(struct model *model)
{
	const struct plan_request plans = model_plan_request(&model->config);
	size_t lanes = CLASSICAL_LANES;
	for (int k = 0; k < model->config.n_layers; k++) {
		const struct layer *layer = &model->layers[k];
		struct quantum_block *block = layer->circuits.first;
		if (layer->ops->multiple != NULL && (size_t)layer->ops->multiple(layer) > lanes)
			lanes = (size_t)layer->ops->multiple(layer);
		for (; block != NULL; block = block->next)
			if (quantum_block_estimate(block, &plans)->lanes > lanes)
				lanes = quantum_block_estimate(block, &plans)->lanes;
	}
	return (int)lanes;
}

bool model_shares_samples(struct model *model)
{
	const struct plan_request plans = model_plan_request(&model->config);
	for (int k = 0; k < model->config.n_layers; k++) {
		struct quantum_block *block = model->layers[k].circuits.first;
		for (; block != NULL; block = block->next)
			if (block->plan != NULL ? plan_takes_team(block->plan)
			                        : plan_estimate_takes_team(quantum_block_estimate(block, &plans)))
				return true;
	}
	return false;
}
