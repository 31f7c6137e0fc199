/* `circuit`: expectation values and gradients of one circuit program, for comparison with anybody else's simulator. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/circuit/plan.h"
#include "server/worker/command.h"
#include "server/worker/input.h"
#include "server/worker/tools/program_json.h"
#include "server/worker/reply.h"
#include "server/common/tensors.h"

enum { OPT_PLAN, OPT_PRECISION, OPT_GRADIENT };
enum { OUTPUTS_AT_ONCE = 64 };

/* Behind the table of options. */
#define PROGRAM_FORMAT                                                                                                 \
	"\n\nPROGRAM.json, whole and ready to run:\n\n"                                                                \
	"  {\"n_qubits\": 2,\n"                                                                                        \
	"   \"gates\": [{\"gate\": \"H\", \"wires\": [0]},\n"                                                          \
	"             {\"gate\": \"RY\", \"wires\": [0], \"angle\": {\"feature\": 0, \"encoder\": \"atan\"}},\n"       \
	"             {\"gate\": \"Rot\", \"wires\": [1], \"angle\": [0.1, {\"weight\": 0}, 0.3]},\n"                  \
	"             {\"gate\": \"CNOT\", \"wires\": [0, 1]}],\n"                                                     \
	"   \"features\": [[0.2], [0.4]], \"weights\": [0.5], \"observables\": [\"ZI\", \"Z0 X1\"]}\n\n"               \
	"gates        H, X, Y, Z, S, T; RX, RY, RZ with one angle; Rot with three (RZ, RY, RZ, the first acts "        \
	"first);\n"                                                                                                    \
	"             CNOT (control, target), CZ, SWAP\n"                                                              \
	"angle        radians, {\"weight\": k}, or {\"feature\": j, \"encoder\": E}; E is x (default), pi_x, atan,\n"  \
	"             atan_square, asin, acos or tanh\n"                                                               \
	"features     one sample [feature], or samples [batch][feature]\n"                                             \
	"observables  one letter of IXYZ a wire, wire 0 first, or letters with wires; by default Z on each wire\n\n"   \
	"Prints outputs [output], and with --gradient gradient.features [output][feature] and gradient.weights\n"      \
	"[output][weight]; each with [batch] in front where features has it. server/worker/README.md says all of it."

static const struct option options[] = {
    [OPT_PLAN] = {"--plan", OPTION_TEXT, false, "KIND", "auto", "auto, batch, local, wide or reference"},
    [OPT_PRECISION] = {"--precision", OPTION_TEXT, false, "P", "float64", "float64, or float32 where the plan has it"},
    [OPT_GRADIENT] = {"--gradient", OPTION_FLAG, false, NULL, NULL,
                      "of every output by features and weights" PROGRAM_FORMAT},
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

static int results_open(struct results *results, const struct program_json *source, struct qlstm_error *error)
{
	size_t batch = (size_t)source->batch, n_outputs = (size_t)source->program->n_observables;
	size_t n_features = (size_t)source->n_features, n_weights = (size_t)source->n_weights;
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

/* Outputs of one plan; `first` is the number of its first. */
struct part {
	struct plan *plan;
	size_t first, count;
};

/* One backward pass an output: with the cotangent 1 for every sample, d_features keeps the samples apart. */
static void features_gradient(const struct part *part, const struct program_json *source, struct results *r)
{
	size_t batch = (size_t)source->batch;
	for (size_t o = 0; o < part->count; o++) {
		memset(r->d_outputs, 0, part->count * batch * sizeof(double));
		for (size_t b = 0; b < batch; b++)
			r->d_outputs[o * batch + b] = 1;
		plan_backward(part->plan, source->features, source->weights, batch, r->d_outputs,
		              r->d_features + (part->first + o) * (size_t)source->n_features * batch, NULL);
	}
}

/* plan_backward sums d_weights over the samples, so each sample is a batch of its own here. */
static void weights_gradient(const struct part *part, const struct program_json *source, struct results *r, double *row)
{
	size_t batch = (size_t)source->batch, n_weights = (size_t)source->n_weights;
	for (size_t b = 0; b < batch; b++) {
		for (int f = 0; f < source->n_features; f++)
			r->sample[f] = source->features[(size_t)f * batch + b];
		for (size_t o = 0; o < part->count; o++) {
			memset(r->d_outputs, 0, part->count * sizeof(double));
			memset(row, 0, n_weights * sizeof(double));
			r->d_outputs[o] = 1;
			plan_backward(part->plan, r->sample, source->weights, 1, r->d_outputs, NULL, row);
			for (size_t k = 0; k < n_weights; k++)
				r->d_weights[((part->first + o) * n_weights + k) * batch + b] = row[k];
		}
	}
}

/* A backward pass reads the cotangents of all outputs of its plan, so many outputs are cut into plans of few. */
static int gradients(struct plan *whole, const struct program_json *source, struct results *r, double *row,
                     struct qlstm_error *error)
{
	size_t n_outputs = (size_t)source->program->n_observables;
	struct part part = {.plan = whole, .count = n_outputs < OUTPUTS_AT_ONCE ? n_outputs : OUTPUTS_AT_ONCE};
	for (int rc = 0; part.first < n_outputs; part.first += part.count) {
		struct circuit_program program = *source->program;
		if (part.count > n_outputs - part.first)
			part.count = n_outputs - part.first;
		program.observables += part.first;
		program.n_observables = (int)part.count;
		if (part.count < n_outputs)
			rc = plan_new_precision(&part.plan, &program, plan_name(whole), plan_precision(whole), error);
		if (rc != 0)
			return rc;
		features_gradient(&part, source, r);
		weights_gradient(&part, source, r, row);
		if (part.plan != whole)
			plan_free(part.plan);
	}
	return 0;
}

/* [batch][outer][inner] from [outer][inner][batch]; the batch axis only where the source had one. */
static json_t *by_sample(const struct program_json *source, const double *values, int inner)
{
	size_t batch = (size_t)source->batch, rows = (size_t)inner;
	const size_t dims[3] = {batch, (size_t)source->program->n_observables, rows};
	const size_t strides[3] = {1, rows * batch, batch};
	int skip = source->batched ? 0 : 1;
	return tensor_json(3 - skip, dims + skip, strides + skip, values);
}

static json_t *outputs_json(const struct program_json *source, const double *outputs)
{
	const size_t dims[2] = {(size_t)source->batch, (size_t)source->program->n_observables};
	const size_t strides[2] = {1, (size_t)source->batch};
	int skip = source->batched ? 0 : 1;
	return tensor_json(2 - skip, dims + skip, strides + skip, outputs);
}

/* `values` is [n_outputs][inner][batch]; `noun` is what inner counts, NULL where there is no such axis. */
static int check_finite(const struct program_json *source, const double *values, int inner, const char *noun,
                        struct qlstm_error *error)
{
	size_t batch = (size_t)source->batch, rows = (size_t)inner;
	size_t n = (size_t)source->program->n_observables * rows * batch;
	for (size_t i = 0; i < n; i++) {
		if (isfinite(values[i]))
			continue;
		size_t sample = i % batch, row = i / batch % rows, output = i / batch / rows;
		if (noun == NULL)
			return error_set(error, ERR_NOT_FINITE, NULL, "output %zu of sample %zu is not a finite number",
			                 output, sample);
		return error_set(error, ERR_NOT_FINITE, NULL,
		                 "the gradient of output %zu by %s %zu is not a finite number for sample %zu", output,
		                 noun, row, sample);
	}
	return 0;
}

static int compute(struct plan *plan, const struct program_json *source, struct results *results, bool gradient,
                   struct qlstm_error *error)
{
	plan_forward(plan, source->features, source->weights, (size_t)source->batch, results->outputs);
	int rc = check_finite(source, results->outputs, 1, NULL, error);
	if (rc != 0 || !gradient)
		return rc;
	double *row = calloc((size_t)source->n_weights + 1, sizeof *row);
	if (row == NULL)
		return error_set(error, ERR_OUT_OF_MEMORY, NULL, "out of memory");
	rc = gradients(plan, source, results, row, error);
	free(row);
	if (rc == 0)
		rc = check_finite(source, results->d_features, source->n_features, "feature", error);
	return rc == 0 ? check_finite(source, results->d_weights, source->n_weights, "weight", error) : rc;
}

/* New reference, NULL when out of memory. */
static json_t *results_json(const struct plan *plan, const struct program_json *source, const struct results *results,
                            bool gradient)
{
	json_t *reply = json_pack("{s:s, s:i, s:o}", "plan", plan_name(plan), "n_qubits", source->program->n_wires,
	                          "outputs", outputs_json(source, results->outputs));
	if (!gradient || reply == NULL)
		return reply;
	json_t *parts = json_pack("{s:o, s:o}", "features", by_sample(source, results->d_features, source->n_features),
	                          "weights", by_sample(source, results->d_weights, source->n_weights));
	if (json_object_set_new(reply, "gradient", parts) == 0)
		return reply;
	json_decref(reply);
	return NULL;
}

static int read_program(const char *path, struct program_json *source, struct qlstm_error *error)
{
	json_t *json = NULL;
	int rc = input_json(path, &json, error);
	if (rc != 0)
		return rc;
	rc = program_json_read(json, source, error);
	json_decref(json);
	return rc;
}

static int find_precision(const char *name, enum precision *out, struct qlstm_error *error)
{
	static const char *const names[] = {[PRECISION_FLOAT64] = "float64", [PRECISION_FLOAT32] = "float32"};
	for (int k = 0; k < 2; k++)
		if (strcmp(names[k], name) == 0) {
			*out = (enum precision)k;
			return 0;
		}
	return error_set(error, ERR_INVALID, NULL, "--precision is '%s'; it takes float64 or float32", name);
}

static int circuit(const char *path, const struct option_value *values)
{
	struct qlstm_error error = {0};
	struct program_json source = {0};
	struct results results = {0};
	struct plan *plan = NULL;
	enum precision precision = PRECISION_FLOAT64;
	int rc = find_precision(values[OPT_PRECISION].text, &precision, &error);
	if (rc == 0)
		rc = read_program(path, &source, &error);
	if (rc == 0)
		rc = plan_new_precision(&plan, source.program, values[OPT_PLAN].text, precision, &error);
	if (rc == 0)
		rc = results_open(&results, &source, &error);
	bool gradient = values[OPT_GRADIENT].given;
	if (rc == 0)
		rc = compute(plan, &source, &results, gradient, &error);
	int status = rc == 0 ? reply_print(results_json(plan, &source, &results, gradient)) : reply_failure(&error);
	free(results.block);
	plan_free(plan);
	program_json_free(&source);
	return status;
}

const struct worker_command command_circuit = {
    "circuit", "PROGRAM.json", options, circuit,
    "Print the expectation values, and the gradients, of a circuit program."};
