/* What a model takes, in memory and in time, before anything is allocated or run. */
#include <stdio.h>

#include "engine/circuit/planner.h"
#include "engine/nn/model_state.h"

bool model_circuit(const struct model *model, int layer, int index, int steps, struct layer_circuit *out)
{
	const struct layer *at = &model->layers[layer];
	return at->ops->circuit != NULL && at->ops->circuit(at, index, steps, out);
}

struct plan_request model_plans(const struct model_config *config)
{
	struct plan_request plans = planner_defaults(config->plan, config->precision);
	if (config->batch > 0)
		plans.batch = (size_t)config->batch;
	return plans;
}

static const char *circuit_plan(const struct layer_circuit *circuit, const struct model_config *config)
{
	const struct plan_request plans = model_plans(config);
	struct plan_estimate estimate;
	if (circuit->plan != NULL)
		return plan_name(circuit->plan);
	return plan_estimate(circuit->program, &plans, &estimate) == 0 ? estimate.kind : NULL;
}

const char *model_plan(const struct model *model)
{
	struct layer_circuit circuit;
	for (int k = 0; k < model->config.n_layers; k++)
		if (model_circuit(model, k, 0, 1, &circuit))
			return circuit_plan(&circuit, &model->config);
	return "none";
}

int model_bytes(const struct model_config *config, int steps, int batch, size_t *bytes, struct qlstm_error *error)
{
	return model_bytes_threads(config, steps, batch, 1, bytes, error);
}

int model_bytes_threads(const struct model_config *config, int steps, int batch, int threads, size_t *bytes,
                        struct qlstm_error *error)
{
	struct model *model = NULL;
	int rc = model_new(&model, config, error);
	if (model == NULL)
		return rc;
	*bytes = (model_activations(model, steps, batch) + 2 * model->params.size) * sizeof(double);
	const struct plan_request plans = model_plans(config);
	struct layer_circuit circuit;
	for (int k = 0; k < config->n_layers; k++)
		for (int i = 0; model_circuit(model, k, i, steps, &circuit); i++)
			*bytes += (size_t)circuit.plans * plan_bytes_threads(circuit.program, &plans, threads);
	model_free(model);
	return 0;
}

/* Forward and backward, in ns: an activation, a weight on a sample, a weight whatever the batch, a layer's step. */
#define NS_PER_ACTIVATION 1.5
#define NS_PER_WEIGHT     0.14
#define NS_PER_WEIGHT_USE 0.25
#define NS_PER_STEP       400.0

static double model_classical_ns(struct model *model, int steps, int batch)
{
	double weights = (double)params_count(&model->params, PARAM_CLASSICAL) * steps;
	return NS_PER_ACTIVATION * (double)model_activations(model, steps, batch) +
	       (NS_PER_WEIGHT * batch + NS_PER_WEIGHT_USE) * weights + NS_PER_STEP * model->config.n_layers * steps;
}

static int circuit_estimate(const struct model *model, const struct layer_circuit *circuit,
                            struct plan_estimate *estimate, struct qlstm_error *error)
{
	const struct plan_request request = model_plans(&model->config);
	if (circuit->plan != NULL) {
		*estimate = *plan_estimated(circuit->plan);
		return 0;
	}
	int rc = plan_estimate(circuit->program, &request, estimate);
	if (rc != 0)
		return error_set(error, rc, NULL, "no plan is called '%s'", request.kind);
	if (!estimate->possible)
		return error_set(error, ERR_TOO_LARGE, NULL, "plan '%s' does not take this circuit of %d wires: %s",
		                 estimate->kind, circuit->program->n_wires, estimate->reason);
	return 0;
}

static int model_add_ns(struct model *model, int steps, int batch, double *ns, struct qlstm_error *error)
{
	*ns = model_classical_ns(model, steps, batch);
	struct layer_circuit circuit;
	for (int k = 0; k < model->config.n_layers; k++)
		for (int i = 0; model_circuit(model, k, i, steps, &circuit); i++) {
			struct plan_estimate estimate;
			struct qlstm_error local = {0};
			char pointer[32];
			snprintf(pointer, sizeof pointer, "/layers/%d", k);
			if (circuit_estimate(model, &circuit, &estimate, &local) != 0)
				return error_set(error, local.code, pointer, "%s", local.message);
			*ns += circuit.calls * plan_estimate_ns(&estimate, (size_t)batch);
		}
	return 0;
}

int model_estimate(const struct model_config *config, int steps, int batch, double *seconds_per_batch,
                   struct qlstm_error *error)
{
	struct model *model = NULL;
	int rc = model_new(&model, config, error);
	if (rc != 0)
		return rc;
	double ns = 0.0;
	rc = model_add_ns(model, steps, batch, &ns, error);
	model_free(model);
	*seconds_per_batch = 1e-9 * ns;
	return rc;
}

double model_estimate_ns(struct model *model, int steps, int batch)
{
	double ns = 0.0;
	model_add_ns(model, steps, batch, &ns, NULL);
	return ns;
}

#define CLASSICAL_LANES 8

int model_lanes(const struct model *model)
{
	size_t lanes = CLASSICAL_LANES;
	struct layer_circuit circuit;
	for (int k = 0; k < model->config.n_layers; k++)
		for (int i = 0; model_circuit(model, k, i, 1, &circuit); i++)
			if (circuit.plan != NULL && plan_estimated(circuit.plan)->lanes > lanes)
				lanes = plan_estimated(circuit.plan)->lanes;
	return (int)lanes;
}
