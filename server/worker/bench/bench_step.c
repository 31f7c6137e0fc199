/* Training steps under the clock: a batch through a recurrent layer with a dense head, or through one that measures
 * words, forward and gradient, without the optimiser. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/data/windows.h"
#include "engine/data/words.h"
#include "engine/train/pass.h"
#include "server/worker/bench/bench.h"
#include "server/worker/bench/bench_count.h"

struct training {
	struct model *model;
	struct windows windows;      /* as many as the batch; or */
	struct word_sequences words; /* likewise */
	size_t batch, *order;
	struct pass *pass;
	double loss; /* of the last step: mean over the batch */
};

static bool measures_words(const struct bench_case *row)
{
	return strcmp(row->model->type, "qrnn") == 0;
}

static void step_call(void *context)
{
	struct training *training = context;
	training->loss = pass_train(training->pass, 1, training->order, training->batch);
}

static void training_close(struct training *training)
{
	pass_free(training->pass);
	model_free(training->model);
	free(training->order);
	windows_free(&training->windows);
	words_free(&training->words);
}

static int make_windows(struct training *training, const struct bench_case *row, struct qlstm_error *error)
{
	struct windows *w = &training->windows;
	size_t batch = (size_t)row->batch, inputs = (size_t)row->steps * batch;
	*w = (struct windows){.n_inputs = 1, .n_targets = 1, .steps = row->steps, .parts = {.train = batch}};
	w->x = calloc(inputs, sizeof(double));
	w->y = calloc(batch, sizeof(double));
	if (w->x == NULL || w->y == NULL)
		return error_set(error, ERR_OUT_OF_MEMORY, NULL, "out of memory");
	bench_fill(w->x, inputs);
	bench_fill(w->y, batch);
	return 0;
}

/* Every step is postselected on the word 0, the last one is scored: a class for a whole sequence. */
static int make_words(struct training *training, const struct bench_case *row, struct qlstm_error *error)
{
	struct word_sequences *w = &training->words;
	size_t batch = (size_t)row->batch, steps = (size_t)row->steps, n = steps * batch;
	*w = (struct word_sequences){
	    .steps = row->steps, .bits = row->model->qrnn.input_bits, .parts = {.train = batch}};
	double *numbers = calloc(n, sizeof *numbers);
	w->inputs = calloc(n, 3);
	if (numbers == NULL || w->inputs == NULL) {
		free(numbers);
		return error_set(error, ERR_OUT_OF_MEMORY, NULL, "out of memory");
	}
	w->targets = w->inputs + n;
	w->scored = w->targets + n;
	bench_fill(numbers, n);
	for (size_t k = 0; k < n; k++) {
		w->inputs[k] = (uint8_t)((int)(1e6 * (1 + numbers[k])) % (1 << w->bits));
		w->scored[k] = k % steps == steps - 1;
	}
	free(numbers);
	return 0;
}

static struct samples samples_of(const struct training *training)
{
	return training->words.inputs != NULL ? words_samples(&training->words, TARGET_WORDS)
	                                      : windows_samples(&training->windows);
}

static int make_order(struct training *training, const struct bench_case *row, struct qlstm_error *error)
{
	training->batch = (size_t)row->batch;
	training->order = calloc(training->batch, sizeof *training->order);
	if (training->order == NULL)
		return error_set(error, ERR_OUT_OF_MEMORY, NULL, "out of memory");
	for (size_t k = 0; k < training->batch; k++)
		training->order[k] = k;
	return measures_words(row) ? make_words(training, row, error) : make_windows(training, row, error);
}

static struct model_config config_of(const struct bench_case *row)
{
	struct model_config config = {.n_inputs = 1, .n_outputs = 1, .n_layers = 2, .precision = row->precision};
	snprintf(config.plan, sizeof config.plan, "%s", row->plan);
	config.layers[0] = *row->model;
	config.layers[1] = (struct layer_config){.type = "dense", .dense = {.units = 1, .bias = true}};
	if (measures_words(row)) {
		config.n_layers = 1;
		config.n_inputs = row->model->qrnn.input_bits;
		config.n_outputs = 1 << config.n_inputs;
		config.output = MODEL_OUTPUT_SEQUENCE;
	}
	return config;
}

static int training_open(struct training *training, const struct bench_case *row, struct team *team,
                         struct qlstm_error *error)
{
	const struct model_config config = config_of(row);
	*training = (struct training){0};
	int rc = make_order(training, row, error);
	if (rc == 0)
		rc = model_new(&training->model, &config, error);
	if (rc == 0) {
		params_initialise(model_params(training->model), 1);
		const struct pass_config pass = {
		    .model = training->model,
		    .samples = samples_of(training),
		    .loss = loss_find(measures_words(row) ? "probability_cross_entropy" : "mse"),
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
	if (measures_words(row))
		return (double)row->steps * row->batch * bench_count_neurons(&row->model->qrnn);
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
