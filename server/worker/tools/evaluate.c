/* `evaluate`: outputs, loss and gradient of a spec's model for given weights and inputs, for comparison with anybody
 * else's simulator. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/nn/loss.h"
#include "schema/task.h"
#include "server/worker/command.h"
#include "server/worker/input.h"
#include "server/worker/spec_model.h"
#include "server/worker/reply.h"
#include "server/common/tensors.h"
#include "server/worker/weights.h"

#define FEATURES_TRIED 64

enum { OPT_WEIGHTS, OPT_INPUTS, OPT_TARGETS, OPT_GRADIENT };

/* Behind the table of options. */
#define SHAPES                                                                                                         \
	"\n\nX.json holds [batch][time][feature] ([time][batch][feature] where the first recurrent layer has\n"        \
	"batch_first false), one feature for each of the spec's inputs; Y.json [batch][output], one output for each\n" \
	"of its targets, or the class, a whole number, of a classification. For one input, one target and two "        \
	"samples of three steps:\n\n"                                                                                  \
	"  X.json  [[[0.1], [0.2], [0.3]], [[0.2], [0.3], [0.4]]]\n"                                                   \
	"  Y.json  [[0.4], [0.5]]\n\n"                                                                                 \
	"Prints outputs [batch][output]; loss, a number, where targets are given; with --gradient gradient_of, and\n"  \
	"gradient.inputs of the shape of X and gradient.weights by tensor name, each of the shape of its tensor."

static const struct option options[] = {
    [OPT_WEIGHTS] = {"--weights", OPTION_TEXT, true, "W.safetensors", NULL,
                     "the model's tensors: safetensors, or .json with nested arrays by name"},
    [OPT_INPUTS] = {"--inputs", OPTION_TEXT, true, "X.json", NULL,
                    "[batch][time][feature]; or {\"inputs\": X, \"targets\": Y}"},
    [OPT_TARGETS] = {"--targets", OPTION_TEXT, false, "Y.json", NULL, "[batch][output]: prints the spec's loss too"},
    [OPT_GRADIENT] = {"--gradient", OPTION_FLAG, false, NULL, NULL,
                      "of the loss, or of the sum of all outputs where no targets are given" SHAPES},
    {0}};

struct evaluation {
	json_t *inputs, *targets;          /* targets: NULL when there are none */
	size_t x_dims[3], y_dims[2];       /* as given */
	char x_pointer[16], y_pointer[16]; /* where they sit in their files */
	struct spec_model spec_model;
	int steps, n_inputs, n_outputs, batch;
	const struct loss *loss; /* NULL without targets */
	struct rows rows;
	size_t terms; /* that its mean is over */
	double mean_loss;
	double *x, *y, *dx, *dy, *target;  /* [steps][n_inputs][batch], [n_outputs][batch] */
	size_t x_strides[3], y_strides[2]; /* of the axes as given, into x and y */
};

/* Three files are read: puts in front of an error's message which one it is about. Returns `rc`. */
static int name_file(int rc, const char *option, const char *path, struct qlstm_error *error)
{
	if (rc == 0 || error == NULL || rc == ERR_OUT_OF_MEMORY)
		return rc;
	const struct qlstm_error inner = *error;
	error_clear(error);
	if (strstr(inner.message, path) != NULL)
		return error_set(error, rc, inner.pointer, "%s: %s", option, inner.message);
	return error_set(error, rc, inner.pointer, "%s %.160s: %s", option, path, inner.message);
}

static int read_inputs(struct evaluation *e, const char *inputs, struct qlstm_error *error)
{
	json_t *file = NULL;
	int rc = input_json(inputs, &file, error);
	if (rc != 0)
		return rc;
	if (json_is_object(file)) {
		e->inputs = json_incref(json_object_get(file, "inputs"));
		e->targets = json_incref(json_object_get(file, "targets"));
		strcpy(e->x_pointer, "/inputs");
		strcpy(e->y_pointer, "/targets");
	} else {
		e->inputs = json_incref(file);
	}
	json_decref(file);
	if (e->inputs == NULL)
		return error_set(error, ERR_MISSING, "/inputs", "%s has no inputs", inputs);
	return tensor_shape(e->inputs, 3, e->x_pointer, e->x_dims, error);
}

/* From their own file; else those that came with the inputs, if any did. */
static int read_targets(struct evaluation *e, const char *targets, struct qlstm_error *error)
{
	json_t *file = NULL;
	if (targets == NULL)
		return e->targets == NULL ? 0 : tensor_shape(e->targets, 2, e->y_pointer, e->y_dims, error);
	json_decref(e->targets);
	e->targets = NULL;
	int rc = input_json(targets, &file, error);
	if (rc != 0)
		return rc;
	json_t *inner = json_object_get(file, "targets"); /* NULL for an array */
	snprintf(e->y_pointer, sizeof e->y_pointer, "%s", inner != NULL ? "/targets" : "");
	e->targets = json_incref(inner != NULL ? inner : file);
	json_decref(file);
	return tensor_shape(e->targets, 2, e->y_pointer, e->y_dims, error);
}

static int read_arrays(struct evaluation *e, const char *inputs, const char *targets, struct qlstm_error *error)
{
	int rc = name_file(read_inputs(e, inputs, error), "--inputs", inputs, error);
	const char *option = targets != NULL ? "--targets" : "--inputs", *path = targets != NULL ? targets : inputs;
	if (rc == 0)
		rc = name_file(read_targets(e, targets, error), option, path, error);
	if (rc != 0)
		return rc;
	for (int i = 0; i < 3; i++)
		if (e->x_dims[i] > 1000000 || (e->targets != NULL && i < 2 && e->y_dims[i] > 1000000))
			return error_set(error, ERR_TOO_LARGE, e->x_pointer, "more than a million entries on one axis");
	return 0;
}

/* Which axis of the inputs is the batch is known once the spec is. */
static int lay_out(struct evaluation *e, struct qlstm_error *error)
{
	int batch_axis = e->spec_model.spec.batch_first ? 0 : 1;
	if (e->spec_model.spec.model.output == MODEL_OUTPUT_SEQUENCE)
		return error_set(error, ERR_INVALID, "/data/task",
		                 "task is \"%s\"; only models that give one vector for a sequence are evaluated",
		                 task_names[e->spec_model.spec.task]);
	e->batch = (int)e->x_dims[batch_axis];
	e->steps = (int)e->x_dims[1 - batch_axis];
	e->n_inputs = e->spec_model.spec.model.n_inputs;
	e->n_outputs = e->spec_model.spec.model.n_outputs;
	e->x_strides[batch_axis] = 1;
	e->x_strides[1 - batch_axis] = (size_t)e->n_inputs * (size_t)e->batch;
	e->x_strides[2] = (size_t)e->batch;
	e->y_strides[0] = 1;
	e->y_strides[1] = (size_t)e->batch;
	if (e->targets != NULL && e->y_dims[0] != (size_t)e->batch)
		return error_set(error, ERR_INVALID, e->y_pointer, "targets of %zu samples for inputs of %d",
		                 e->y_dims[0], e->batch);
	return 0;
}

static int allocate(struct evaluation *e, struct qlstm_error *error)
{
	size_t batch = (size_t)e->batch;
	size_t n_x = (size_t)e->steps * (size_t)e->n_inputs, n_y = (size_t)e->n_outputs;
	e->x = calloc(n_x, batch * sizeof(double));
	e->dx = calloc(n_x, batch * sizeof(double));
	e->y = calloc(n_y, batch * sizeof(double));
	e->dy = calloc(n_y, batch * sizeof(double));
	e->target = calloc(n_y, batch * sizeof(double));
	if (e->x == NULL || e->dx == NULL || e->y == NULL || e->dy == NULL || e->target == NULL)
		return error_set(error, ERR_OUT_OF_MEMORY, NULL, "out of memory for %d samples of %d steps", e->batch,
		                 e->steps);
	return 0;
}

/* How many features the weights were made for: by trying, for which tensor shows it is each layer's own matter. 0: none
 * of up to FEATURES_TRIED. */
static int features_of_weights(const char *spec_path, const char *weights, int n_outputs)
{
	for (int n = 1; n <= FEATURES_TRIED; n++) {
		struct spec_model other;
		if (spec_model_open(&other, spec_path, n, n_outputs, NULL) != 0)
			continue;
		int rc = weights_load(weights, model_params(other.model), NULL);
		spec_model_close(&other);
		if (rc == 0)
			return n;
	}
	return 0;
}

/* Inputs of another width than the weights' show as a tensor of another shape: it is the inputs that do not fit. */
static int load_weights(struct evaluation *e, const char *spec_path, const char *weights, int n_outputs,
                        struct qlstm_error *error)
{
	int rc = weights_load(weights, model_params(e->spec_model.model), error);
	int n = rc == ERR_INVALID ? features_of_weights(spec_path, weights, n_outputs) : 0;
	if (n == 0)
		return name_file(rc, "--weights", weights, error);
	*error = (struct qlstm_error){0};
	return error_set(error, rc, e->x_pointer, "the inputs have %d features, the weights were made for %d",
	                 e->n_inputs, n);
}

static int evaluation_open(struct evaluation *e, const char *spec_path, const struct option_value *values,
                           struct qlstm_error *error)
{
	const char *weights = values[OPT_WEIGHTS].text;
	int rc = read_arrays(e, values[OPT_INPUTS].text, values[OPT_TARGETS].text, error);
	if (rc == 0)
		rc = spec_model_open(&e->spec_model, spec_path, (int)e->x_dims[2], (int)e->y_dims[1], error);
	if (rc == 0)
		rc = lay_out(e, error);
	if (rc == 0)
		rc = load_weights(e, spec_path, weights, (int)e->y_dims[1], error);
	if (rc == 0)
		rc = model_reserve(e->spec_model.model, e->steps, e->batch, error);
	if (rc == 0)
		rc = allocate(e, error);
	return rc;
}

static void evaluation_close(struct evaluation *e)
{
	free(e->target);
	free(e->dy);
	free(e->y);
	free(e->dx);
	free(e->x);
	spec_model_close(&e->spec_model);
	json_decref(e->targets);
	json_decref(e->inputs);
}

static json_t *weights_gradient(struct params *params)
{
	json_t *by_name = json_object();
	for (int i = 0; by_name != NULL && i < params->count; i++) {
		const struct param *param = &params->items[i];
		if (param->kind == PARAM_STATE)
			continue;
		size_t strides[PARAM_MAX_RANK];
		tensor_strides(param->rank, param->dims, strides);
		json_t *tensor = tensor_json(param->rank, param->dims, strides, params->gradients + param->offset);
		if (json_object_set_new(by_name, param->name, tensor) != 0) {
			json_decref(by_name);
			return NULL;
		}
	}
	return by_name;
}

/* `values` is [outer][inner][batch]: time steps and features, or one row of outputs. */
static int check_finite(const struct evaluation *e, const double *values, size_t outer, size_t inner, const char *what,
                        struct qlstm_error *error)
{
	size_t batch = (size_t)e->batch;
	for (size_t i = 0; i < outer * inner * batch; i++) {
		if (isfinite(values[i]))
			continue;
		size_t sample = i % batch, column = i / batch % inner, step = i / batch / inner;
		if (outer == 1 && values == e->y)
			return error_set(error, ERR_NOT_FINITE, NULL, "%s %zu of sample %zu is not a finite number",
			                 what, column, sample);
		return error_set(error, ERR_NOT_FINITE, NULL, "%s %zu at step %zu of sample %zu is not a finite number",
		                 what, column, step, sample);
	}
	return 0;
}

static int check_weights_gradient(const struct params *params, struct qlstm_error *error)
{
	for (int i = 0; i < params->count; i++) {
		const struct param *param = &params->items[i];
		for (size_t k = 0; param->kind != PARAM_STATE && k < param->size; k++)
			if (!isfinite(params->gradients[param->offset + k]))
				return error_set(error, ERR_NOT_FINITE, NULL,
				                 "the gradient by '%s' is not a finite number at entry %zu",
				                 param->name, k);
	}
	return 0;
}

/* `scale`: dLoss per element of the loss's sum. */
static int compute_gradient(struct evaluation *e, double scale, struct qlstm_error *error)
{
	size_t n = (size_t)e->n_outputs * (size_t)e->batch;
	if (e->loss != NULL)
		e->loss->backward(&e->rows, scale, e->dy);
	for (size_t i = 0; e->loss == NULL && i < n; i++)
		e->dy[i] = 1;
	struct params *params = model_params(e->spec_model.model);
	params_zero_gradients(params);
	model_backward(e->spec_model.model, e->dy, e->dx);
	int rc = check_weights_gradient(params, error);
	if (rc == 0)
		rc = check_finite(e, e->dx, (size_t)e->steps, (size_t)e->n_inputs, "the gradient by feature", error);
	return rc;
}

static int check_classes(const struct evaluation *e, struct qlstm_error *error)
{
	for (int b = 0; b < e->batch; b++) {
		double value = e->target[b];
		if (!(value >= 0 && value < e->n_outputs && value == floor(value)))
			return error_set(error, ERR_INVALID, e->y_pointer,
			                 "the target of sample %d is %.17g; classes are the whole numbers from 0 to %d",
			                 b, value, e->n_outputs - 1);
	}
	return 0;
}

static int compute(struct evaluation *e, bool gradient, struct qlstm_error *error)
{
	tensor_fill(e->inputs, 3, e->x_strides, e->x);
	model_forward(e->spec_model.model, e->x, e->steps, e->batch, e->y);
	int rc = check_finite(e, e->y, 1, (size_t)e->n_outputs, "output", error);
	if (rc == 0 && e->targets != NULL) {
		e->loss = loss_find(e->spec_model.spec.training.loss);
		tensor_fill(e->targets, 2, e->y_strides, e->target);
		rc = e->loss->takes == TARGET_CLASSES ? check_classes(e, error) : 0;
		if (rc != 0)
			return rc;
		e->rows = (struct rows){.frames = 1,
		                        .options = &e->spec_model.spec.training.options,
		                        .width = (size_t)e->n_outputs,
		                        .batch = (size_t)e->batch,
		                        .prediction = e->y,
		                        .target = e->target};
		e->terms = loss_terms(e->loss, e->rows.batch, e->rows.width);
		e->mean_loss = e->loss->sum(&e->rows) / (double)e->terms;
		if (!isfinite(e->mean_loss))
			rc = error_set(error, ERR_NOT_FINITE, NULL, "the loss is not a finite number");
	}
	return rc == 0 && gradient ? compute_gradient(e, e->loss != NULL ? 1 / (double)e->terms : 0, error) : rc;
}

/* New reference, NULL when out of memory. */
static json_t *evaluation_json(struct evaluation *e, bool gradient)
{
	const size_t dims[2] = {(size_t)e->batch, (size_t)e->n_outputs};
	json_t *reply = json_pack("{s:o}", "outputs", tensor_json(2, dims, e->y_strides, e->y));
	int rc = reply == NULL ? -1 : 0;
	if (rc == 0 && e->loss != NULL)
		rc = json_object_set_new(reply, "loss", reply_number(e->mean_loss));
	if (rc == 0 && gradient) {
		json_t *parts = json_pack("{s:o, s:o}", "weights", weights_gradient(model_params(e->spec_model.model)),
		                          "inputs", tensor_json(3, e->x_dims, e->x_strides, e->dx));
		const char *of = e->loss != NULL ? "loss" : "sum(outputs)";
		rc = json_object_set_new(reply, "gradient_of", json_string(of));
		rc = json_object_set_new(reply, "gradient", parts) != 0 ? -1 : rc;
	}
	if (rc == 0)
		return reply;
	json_decref(reply);
	return NULL;
}

static int evaluate(const char *spec_path, const struct option_value *values)
{
	struct qlstm_error error = {0};
	struct evaluation evaluation = {0};
	int rc = evaluation_open(&evaluation, spec_path, values, &error);
	bool gradient = values[OPT_GRADIENT].given;
	if (rc == 0)
		rc = compute(&evaluation, gradient, &error);
	int status = rc == 0 ? reply_print(evaluation_json(&evaluation, gradient)) : reply_failure(&error);
	evaluation_close(&evaluation);
	return status;
}

const struct worker_command command_evaluate = {"evaluate", "SPEC.json", options, evaluate,
                                                "Print outputs, loss and gradient for given weights and inputs."};
