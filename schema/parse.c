/* From a resolved spec to the engine's structs, by tables: a new hyperparameter is one row here, or in layer_fields.c
 * where it is a layer's, and one property in experiment.schema.json. */
#include "schema/spec.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "schema/field.h"
#include "schema/layer_fields.h"
#include "schema/layers.h"
#include "schema/task.h"

static const char *const scalings[] = {
    [SCALING_NONE] = "none", [SCALING_MINMAX] = "minmax", [SCALING_STANDARD] = "standard", NULL};
static const char *const missing_names[] = {[MISSING_REFUSE] = "refuse",
                                            [MISSING_DROP] = "drop",
                                            [MISSING_FFILL] = "ffill",
                                            [MISSING_INTERPOLATE] = "interpolate",
                                            NULL};
static const char *const keep_names[] = {[TRAINER_LAST] = "last", [TRAINER_BEST] = "best", NULL};
static const char *const scaling_fits[] = {[SCALING_FIT_TRAIN] = "train", [SCALING_FIT_ALL] = "all", NULL};
static const char *const line_searches[] = {
    [LINE_SEARCH_STRONG_WOLFE] = "strong_wolfe", [LINE_SEARCH_NONE] = "none", NULL};
static const char *const precisions[] = {[PRECISION_FLOAT64] = "float64", [PRECISION_FLOAT32] = "float32", NULL};

static_assert(sizeof(enum scaling) == sizeof(int) && sizeof(enum task) == sizeof(int) &&
                  sizeof(enum precision) == sizeof(int),
              "enums are not ints");

#define SPEC(part, name, store, member, values) FIELD(struct spec, part, name, store, member, values)

static const struct field spec_fields[] = {
    SPEC("", "name", field_text, name, NULL),
    SPEC("data", "dataset", field_text, dataset, NULL),
    SPEC("data", "task", field_enum, task, task_names),
    SPEC("data", "missing", field_enum, missing, missing_names),
    SPEC("data", "window", field_int, windows.window, NULL),
    SPEC("data", "horizon", field_int, windows.horizon, NULL),
    SPEC("data", "period", field_int, period, NULL),
    SPEC("data", "scaling", field_enum, windows.scaling, scalings),
    SPEC("data", "scaling_fit", field_enum, windows.scaling_fit, scaling_fits),
    SPEC("data", "drop_last_window", field_bool, windows.drop_last, NULL),
    SPEC("data", "steps", field_int, steps, NULL),
    SPEC("data", "word_bits", field_int, words.bits, NULL),
    SPEC("data", "length", field_int, words.length, NULL),
    SPEC("data", "scored", field_text, scored, NULL),
    SPEC("data", "alphabet", field_text, alphabet, NULL),
    SPEC("data", "classes", field_int, classes, NULL),
    SPEC("data/split", "train", field_double, windows.train_fraction, NULL),
    SPEC("training", "epochs", field_int, training.epochs, NULL),
    SPEC("training", "batch_size", field_int, training.batch_size, NULL),
    SPEC("training", "shuffle", field_bool, training.shuffle, NULL),
    SPEC("training", "loss", field_text, training.loss, NULL),
    SPEC("training/optimizer", "type", field_text, training.optimizer.type, NULL),
    SPEC("training/optimizer", "learning_rate", field_double, training.optimizer.learning_rate, NULL),
    SPEC("training/optimizer", "momentum", field_double, training.optimizer.momentum, NULL),
    SPEC("training/optimizer", "alpha", field_double, training.optimizer.alpha, NULL),
    SPEC("training/optimizer", "beta1", field_double, training.optimizer.beta1, NULL),
    SPEC("training/optimizer", "beta2", field_double, training.optimizer.beta2, NULL),
    SPEC("training/optimizer", "epsilon", field_double, training.optimizer.epsilon, NULL),
    SPEC("training/optimizer", "weight_decay", field_double, training.optimizer.weight_decay, NULL),
    SPEC("training/optimizer", "history", field_int, training.optimizer.history, NULL),
    SPEC("training/optimizer", "iterations", field_int, training.optimizer.iterations, NULL),
    SPEC("training/optimizer", "line_search", field_enum, training.optimizer.line_search, line_searches),
    SPEC("training", "stop_loss", field_double, training.stop_loss, NULL),
    SPEC("training", "keep", field_enum, keep, keep_names),
    SPEC("training", "clip_norm", field_double, training.clip_norm, NULL),
    SPEC("training", "seed", field_u64, training.seed, NULL),
    SPEC("simulation", "precision", field_enum, model.precision, precisions),
    SPEC("simulation", "plan", field_text, model.plan, NULL),
    SPEC("limits", "max_seconds", field_double, max_seconds, NULL),
    SPEC("limits", "max_attempts", field_int, max_attempts, NULL),
};

static int parse_layers(const json_t *layers, struct model_config *model, struct qlstm_error *error)
{
	size_t n = json_array_size(layers);
	if (n > MODEL_MAX_LAYERS)
		return error_set(error, ERR_OUT_OF_RANGE, "/model/layers", "layers has %zu items; allowed are 1 to %d",
		                 n, MODEL_MAX_LAYERS);
	for (size_t i = 0; i < n; i++)
		layer_fields_store(&model->layers[i], json_array_get(layers, i));
	model->n_layers = (int)n;
	return 0;
}

/* Without columns the spec will be bound to one. */
static int count_columns(const json_t *data, const char *key, int *count, struct qlstm_error *error)
{
	size_t n = json_array_size(task_columns(data, key));
	if (n > SAMPLES_MAX_COLUMNS) {
		char pointer[32];
		snprintf(pointer, sizeof pointer, "/data/%s", key);
		return error_set(error, ERR_OUT_OF_RANGE, pointer, "%s has %zu items; allowed are 1 to %d", key, n,
		                 SAMPLES_MAX_COLUMNS);
	}
	*count = n == 0 ? 1 : (int)n;
	return 0;
}

/* What the model takes a step and gives. Without columns a row has one input a step. */
static int parse_widths(const json_t *data, struct spec *out, struct qlstm_error *error)
{
	bool bound = json_object_get(data, "inputs") != NULL;
	out->model.n_inputs = out->windows.n_inputs;
	out->model.n_outputs = out->classes > 0 ? out->classes : out->windows.n_targets;
	if (out->task == TASK_FORECASTING)
		return 0;
	if (out->task == TASK_WORDS) {
		out->model.n_inputs = out->words.bits;
		out->model.n_outputs = 1 << out->words.bits;
		out->model.output = MODEL_OUTPUT_SEQUENCE;
		out->words.train_fraction = out->windows.train_fraction;
		return 0;
	}
	if (out->steps == 0)
		out->steps = out->windows.n_inputs;
	if (bound && out->windows.n_inputs % out->steps != 0)
		return error_set(error, ERR_INVALID, "/data/steps", "steps is %d; %d inputs are no multiple of it",
		                 out->steps, out->windows.n_inputs);
	out->model.n_inputs = bound ? out->windows.n_inputs / out->steps : 1;
	return 0;
}

int spec_parse(const json_t *resolved, struct spec *out, struct qlstm_error *error)
{
	const json_t *data = json_object_get(resolved, "data");
	memset(out, 0, sizeof *out);
	fields_store(out, spec_fields, sizeof spec_fields / sizeof spec_fields[0], resolved);
	int rc = count_columns(data, "inputs", &out->windows.n_inputs, error);
	if (rc == 0)
		rc = count_columns(data, "targets", &out->windows.n_targets, error);
	if (rc == 0)
		rc = parse_layers(json_object_get(json_object_get(resolved, "model"), "layers"), &out->model, error);
	if (rc != 0)
		return rc;
	out->batch_first = json_is_true(json_object_get(layers_recurrent(resolved), "batch_first"));
	rc = parse_widths(data, out, error);
	if (rc != 0)
		return rc;
	out->model.batch = out->training.batch_size;
	return 0;
}
