/* Training steps under the clock: a batch through a recurrent layer with a dense head, forward and gradient, without
 * the optimiser. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/data/windows.h"
#include "engine/train/pass.h"
#include "server/worker/bench/bench.h"
#include "server/worker/bench/bench_count.h"

struct training {
	struct model *model;
	struct windows windows; /* as many as the batch */
	size_t *order;
	struct pass *pass;
	double loss; /* of the last step: mean over the batch */
};

static void step_call(void *context)
{
	struct training *training = context;
	training->loss = pass_train(training->pass, 1, training->order, training->windows.parts.train);
}

static void training_close(struct training *training)
{
	pass_free(training->pass);
	model_free(training->model);
	free(training->order);
	windows_free(&training->windows);
}

static int make_windows(struct training *training, const struct bench_case *row, struct qlstm_error *error)
{
	struct windows *w = &training->windows;
	size_t batch = (size_t)row->batch, inputs = (size_t)row->steps * batch;
	*w = (struct windows){.n_inputs = 1, .n_targets = 1, .steps = row->steps, .parts = {.train = batch}};
	w->x = calloc(inputs, sizeof(double));
	w->y = calloc(batch, sizeof(double));
	training->order = calloc(batch, sizeof *training->order);
	if (w->x == NULL || w->y == NULL || training->order == NULL)
		return error_set(error, ERR_OUT_OF_MEMORY, NULL, "out of memory");
	bench_fill(w->x, inputs);
	bench_fill(w->y, batch);
	for (size_t k = 0; k < batch; k++)
		training->order[k] = k;
	return 0;
}

static int training_open(struct training *training, const struct bench_case *row, struct team *team,
                         struct qlstm_error *error)
{
	struct model_config config = {.n_inputs = 1, .n_outputs = 1, .n_layers = 2, .precision = row->precision};
	snprintf(config.plan, sizeof config.plan, "%s", row->plan);
	config.layers[0] = *row->model;
	config.layers[1] = (struct layer_config){.type = "dense", .dense = {.units = 1, .bias = true}};
	*training = (struct training){0};
	int rc = make_windows(training, row, error);
	if (rc == 0)
		rc = model_new(&training->model, &config, error);
	if (rc == 0) {
		params_initialise(model_params(training->model), 1);
		const struct pass_config pass = {.model = training->model,
		                                 .samples = windows_samples(&training->windows),
		                                 .loss = loss_find("mse"),
		                                 .batch = row->batch,
		                                 .team = team,
		                                 .seed = 1};
		rc = pass_new(&training->pass, &pass, error);
	}
	if (rc != 0)
		training_close(training);
	return rc;
}

/* The circuits' operations, of an hqrnn those that hybrid_flop counts, without its controller; of a classical layer,
 * those of its matrix products: forward once, backward twice. */
static double count_operations(const struct model *model, const struct bench_case *row)
{
	if (strcmp(row->model->type, "hqrnn") == 0) {
		const struct hybrid_shape shape = hqrnn_shape(&row->model->hqrnn);
		return hybrid_flop(&shape) * row->steps * row->batch;
	}
	double operations = 0.0, hidden = row->model->recurrent.hidden_size;
	struct layer_circuit circuit;
	for (int k = 0; model_circuit(model, 0, k, row->steps, &circuit); k++) {
		struct bench_count count = bench_count_program(circuit.program);
		operations += row->batch * circuit.calls * (count.forward + count.backward);
	}
	return operations > 0.0 ? operations : 3.0 * 2.0 * 4.0 * hidden * (1.0 + hidden) * row->steps * row->batch;
}

int bench_step(const struct bench_case *row, const struct bench_setup *setup, struct bench_result *out,
               struct qlstm_error *error)
{
	struct training training;
	int rc = training_open(&training, row, setup->team, error);
	if (rc != 0)
		return rc;
	*out = (struct bench_result){.plan = model_plan_kind(training.model), .precision = row->precision};
	out->time = bench_measure(step_call, &training, setup->seconds);
	out->check = training.loss;
	out->samples = row->batch;
	if (bench_is_statevector(out->plan))
		out->operations = count_operations(training.model, row);
	training_close(&training);
	return 0;
}
