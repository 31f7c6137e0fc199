/* `circuit`: expectation values and gradients of one circuit program, for comparison with anybody else's simulator. */
#include <stdlib.h>
#include <string.h>

#include "engine/circuit/plan.h"
#include "server/worker/command.h"
#include "server/worker/input.h"
#include "server/worker/listing.h"
#include "server/worker/reply.h"
#include "server/worker/tensors.h"

enum { OPT_GRADIENT, OPT_PLAN };

static const struct option options[] = {
    [OPT_GRADIENT] = {"--gradient", OPTION_FLAG, false, NULL, NULL, "of every output by features and weights"},
    [OPT_PLAN] = {"--plan", OPTION_TEXT, false, "KIND", "auto", "auto, batch or reference"},
    {0}};

/* The results, batch innermost as the engine has them; freed by one free of `block`. */
struct results {
	double *block;
	double *outputs;    /* [n_outputs][batch] */
	double *d_outputs;  /* [n_outputs][batch], scratch */
	double *d_features; /* [n_outputs][n_features][batch] */
	double *d_weights;  /* [n_outputs][n_weights][batch] */
	double *sample;     /* [n_features], scratch */
};

static int results_open(struct results *results, const struct listing *listing, struct qlstm_error *error)
{
	size_t batch = (size_t)listing->batch, n_outputs = (size_t)listing->program->n_observables;
	size_t n_features = (size_t)listing->n_features, n_weights = (size_t)listing->n_weights;
	size_t row = n_outputs * batch;
	results->block = calloc(row * (2 + n_features + n_weights) + n_features + 1, sizeof(double));
	if (results->block == NULL)
		return error_set(error, ERR_OUT_OF_MEMORY, NULL, "out of memory for %zu samples", batch);
	results->outputs = results->block;
	results->d_outputs = results->outputs + row;
	results->d_features = results->d_outputs + row;
	results->d_weights = results->d_features + row * n_features;
	results->sample = results->d_weights + row * n_weights;
	return 0;
}

/* One backward pass an output: with the cotangent 1 for every sample, d_features keeps the samples apart. */
static void features_gradient(struct plan *plan, const struct listing *listing, struct results *r)
{
	size_t batch = (size_t)listing->batch, n_outputs = (size_t)listing->program->n_observables;
	for (size_t o = 0; o < n_outputs; o++) {
		memset(r->d_outputs, 0, n_outputs * batch * sizeof(double));
		for (size_t b = 0; b < batch; b++)
			r->d_outputs[o * batch + b] = 1;
		plan_backward(plan, listing->features, listing->weights, batch, r->d_outputs,
		              r->d_features + o * (size_t)listing->n_features * batch, NULL);
	}
}

/* plan_backward sums d_weights over the samples, so each sample is a batch of its own here. */
static void weights_gradient(struct plan *plan, const struct listing *listing, struct results *r, double *row)
{
	size_t batch = (size_t)listing->batch, n_outputs = (size_t)listing->program->n_observables;
	size_t n_weights = (size_t)listing->n_weights;
	for (size_t b = 0; b < batch; b++) {
		for (int f = 0; f < listing->n_features; f++)
			r->sample[f] = listing->features[(size_t)f * batch + b];
		for (size_t o = 0; o < n_outputs; o++) {
			memset(r->d_outputs, 0, n_outputs * sizeof(double));
			memset(row, 0, n_weights * sizeof(double));
			r->d_outputs[o] = 1;
			plan_backward(plan, r->sample, listing->weights, 1, r->d_outputs, NULL, row);
			for (size_t k = 0; k < n_weights; k++)
				r->d_weights[(o * n_weights + k) * batch + b] = row[k];
		}
	}
}

/* [batch][outer][inner] from [outer][inner][batch]; the batch axis only where the listing had one. */
static json_t *by_sample(const struct listing *listing, const double *values, int inner)
{
	size_t batch = (size_t)listing->batch, rows = (size_t)inner;
	const size_t dims[3] = {batch, (size_t)listing->program->n_observables, rows};
	const size_t strides[3] = {1, rows * batch, batch};
	int skip = listing->batched ? 0 : 1;
	return tensor_json(3 - skip, dims + skip, strides + skip, values);
}

static json_t *outputs_json(const struct listing *listing, const double *outputs)
{
	const size_t dims[2] = {(size_t)listing->batch, (size_t)listing->program->n_observables};
	const size_t strides[2] = {1, (size_t)listing->batch};
	int skip = listing->batched ? 0 : 1;
	return tensor_json(2 - skip, dims + skip, strides + skip, outputs);
}

/* New reference, NULL when out of memory. */
static json_t *compute(struct plan *plan, const struct listing *listing, struct results *results, bool gradient)
{
	plan_forward(plan, listing->features, listing->weights, (size_t)listing->batch, results->outputs);
	json_t *reply = json_pack("{s:s, s:i, s:o}", "plan", plan_name(plan), "n_qubits", listing->program->n_wires,
	                          "outputs", outputs_json(listing, results->outputs));
	if (!gradient || reply == NULL)
		return reply;
	double *row = calloc((size_t)listing->n_weights + 1, sizeof *row);
	if (row == NULL)
		goto failed;
	features_gradient(plan, listing, results);
	weights_gradient(plan, listing, results, row);
	free(row);
	json_t *parts =
	    json_pack("{s:o, s:o}", "features", by_sample(listing, results->d_features, listing->n_features), "weights",
	              by_sample(listing, results->d_weights, listing->n_weights));
	if (json_object_set_new(reply, "gradient", parts) == 0)
		return reply;
failed:
	json_decref(reply);
	return NULL;
}

static int read_listing(const char *path, struct listing *listing, struct qlstm_error *error)
{
	json_t *json = NULL;
	int rc = input_json(path, &json, error);
	if (rc != 0)
		return rc;
	rc = listing_read(json, listing, error);
	json_decref(json);
	return rc;
}

static int circuit(const char *path, const struct option_value *values)
{
	struct qlstm_error error = {0};
	struct listing listing = {0};
	struct results results = {0};
	struct plan *plan = NULL;
	int rc = read_listing(path, &listing, &error);
	if (rc == 0)
		rc = plan_new(&plan, listing.program, values[OPT_PLAN].text, &error);
	if (rc == 0)
		rc = results_open(&results, &listing, &error);
	int status = rc == 0 ? reply_print(compute(plan, &listing, &results, values[OPT_GRADIENT].given))
	                     : reply_problem(&error);
	free(results.block);
	plan_free(plan);
	listing_free(&listing);
	return status;
}

const struct command command_circuit = {"circuit", "PROGRAM.json", options, circuit,
                                        "Print the expectation values, and the gradients, of a circuit program."};
