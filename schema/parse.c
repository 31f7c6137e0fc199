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

static const char *const kinds[] = {[SPEC_TRAINING] = "training", [SPEC_PREDICTION] = "prediction", NULL};
static const char *const scalings[] = {
    [SCALING_NONE] = "none", [SCALING_MINMAX] = "minmax", [SCALING_STANDARD] = "standard",
    [SCALING_MAX] = "max",   [SCALING_ROBUST] = "robust", NULL};
static const char *const missing_names[] = {[MISSING_REFUSE] = "refuse",
                                            [MISSING_DROP] = "drop",
                                            [MISSING_FFILL] = "ffill",
                                            [MISSING_INTERPOLATE] = "interpolate",
                                            NULL};
static const char *const keep_names[] = {[TRAINER_LAST] = "last", [TRAINER_BEST] = "best", NULL};
static const char *const tokenizers[] = {[TOKENIZER_GIVEN] = "given",
                                         [TOKENIZER_WORD] = "word",
                                         [TOKENIZER_CHARACTER] = "character",
                                         [TOKENIZER_PIECE] = "byte_pair",
                                         NULL};
static const char *const kept_tokens[] = {[KEEP_FIRST] = "first", [KEEP_LAST] = "last", NULL};
static const char *const scaling_fits[] = {[SCALING_FIT_TRAIN] = "train", [SCALING_FIT_ALL] = "all", NULL};
static const char *const line_searches[] = {
    [LINE_SEARCH_STRONG_WOLFE] = "strong_wolfe", [LINE_SEARCH_NONE] = "none", NULL};
static const char *const schedules[] = {[SCHEDULE_CONSTANT] = "constant",
                                        [SCHEDULE_STEP] = "step",
                                        [SCHEDULE_COSINE] = "cosine",
                                        [SCHEDULE_PLATEAU] = "plateau",
                                        NULL};
static const char *const fold_methods[] = {[FOLD_BLOCKS] = "k_fold", [FOLD_ROLLING] = "rolling_origin", NULL};
static const char *const diff_methods[] = {
    [DIFF_ADJOINT] = "adjoint", [DIFF_PARAMETER_SHIFT] = "parameter_shift", NULL};
static const char *const precisions[] = {[PRECISION_FLOAT64] = "float64", [PRECISION_FLOAT32] = "float32", NULL};

static_assert(sizeof(enum scaling) == sizeof(int) && sizeof(enum task) == sizeof(int) &&
                  sizeof(enum precision) == sizeof(int) && sizeof(enum tokenizer) == sizeof(int) &&
                  sizeof(enum kept_tokens) == sizeof(int),
              "enums are not ints");

/* A row, or the text of a time. */
static void field_until(void *at, const json_t *value, const struct field *field)
{
	struct split_until *until = at;
	(void)field;
	*until = (struct split_until){.said = true, .row = (size_t)json_integer_value(value)};
	if (json_is_string(value))
		snprintf(until->time, sizeof until->time, "%s", json_string_value(value));
}

/* One, or a list of them: one that has a single item is that item. */
static void field_horizons(void *at, const json_t *value, const struct field *field)
{
	struct horizons *horizons = at;
	(void)field;
	*horizons = (struct horizons){.count = 1, .steps = {(int)json_integer_value(value)}};
	size_t n = json_array_size(value) < WINDOWS_MAX_HORIZONS ? json_array_size(value) : WINDOWS_MAX_HORIZONS;
	for (size_t i = 0; i < n; i++)
		horizons->steps[i] = (int)json_integer_value(json_array_get(value, i));
	horizons->count = n > 0 ? (int)n : 1;
}

static void field_snapshots(void *at, const json_t *value, const struct field *field)
{
	struct trainer_snapshots *snapshots = at;
	(void)field;
	for (size_t i = 0; i < json_array_size(value) && i < TRAINER_MAX_SNAPSHOTS; i++)
		snapshots->epochs[snapshots->count++] = (int)json_integer_value(json_array_get(value, i));
}

/* A list of numbers; of texts. How many there are is counted in spec_parse. */
static void field_weights(void *at, const json_t *value, const struct field *field)
{
	double *weights = at;
	for (size_t i = 0; i < json_array_size(value) && i < field->size / sizeof *weights; i++)
		weights[i] = json_number_value(json_array_get(value, i));
}

static void field_words(void *at, const json_t *value, const struct field *field)
{
	char(*words)[PARAM_NAME_SIZE] = at;
	for (size_t i = 0; i < json_array_size(value) && i < field->size / sizeof *words; i++) {
		const char *word = json_string_value(json_array_get(value, i));
		snprintf(words[i], sizeof words[i], "%s", word != NULL ? word : "");
	}
}

#define SPEC(part, name, store, member, values) FIELD(struct spec, part, name, store, member, values)

static const struct field spec_fields[] = {
    SPEC("", "name", field_text, name, NULL),
    SPEC("", "kind", field_enum, kind, kinds),
    SPEC("data", "dataset", field_text, dataset, NULL),
    SPEC("data", "task", field_enum, task, task_names),
    SPEC("data", "missing", field_enum, missing, missing_names),
    SPEC("data", "window", field_int, windows.window, NULL),
    SPEC("data", "horizon", field_horizons, windows.horizons, NULL),
    SPEC("data", "stride", field_int, windows.stride, NULL),
    SPEC("data", "period", field_int, period, NULL),
    SPEC("data", "scaling", field_enum, windows.scaling, scalings),
    SPEC("data", "scaling_fit", field_enum, windows.scaling_fit, scaling_fits),
    SPEC("data", "drop_last_window", field_bool, windows.drop_last, NULL),
    SPEC("data", "steps", field_int, steps, NULL),
    SPEC("data", "word_bits", field_int, words.bits, NULL),
    SPEC("data", "length", field_int, words.length, NULL),
    SPEC("data", "scored", field_text, scored, NULL),
    SPEC("data", "alphabet", field_text, alphabet, NULL),
    SPEC("data", "tokenizer", field_enum, text.lexicon.tokenizer, tokenizers),
    SPEC("data", "lowercase", field_bool, text.lexicon.lowercase, NULL),
    SPEC("data", "vocabulary", field_int, text.lexicon.size, NULL),
    SPEC("data", "min_count", field_int, text.lexicon.min_count, NULL),
    SPEC("data", "max_length", field_int, text.length, NULL),
    SPEC("data", "keep_tokens", field_enum, text.keep, kept_tokens),
    SPEC("data", "bucketing", field_bool, training.bucket, NULL),
    SPEC("data", "beam_width", field_int, beam_width, NULL),
    SPEC("data", "length_penalty", field_double, length_penalty, NULL),
    SPEC("data", "classes", field_int, classes, NULL),
    SPEC("data/folds", "count", field_int, folds.count, NULL),
    SPEC("data/folds", "method", field_enum, folds.method, fold_methods),
    SPEC("data/split", "train", field_double, windows.split.train, NULL),
    SPEC("data/split", "validation", field_double, windows.split.validation, NULL),
    SPEC("data/split", "train_until", field_until, windows.split.train_until, NULL),
    SPEC("data/split", "validation_until", field_until, windows.split.validation_until, NULL),
    SPEC("data/split", "shuffle", field_bool, windows.split.shuffle, NULL),
    SPEC("training", "epochs", field_int, training.epochs, NULL),
    SPEC("training", "batch_size", field_int, training.batch_size, NULL),
    SPEC("training", "epoch_batches", field_int, training.epoch_batches, NULL),
    SPEC("training", "shuffle", field_bool, training.shuffle, NULL),
    SPEC("training", "loss", field_text, training.loss, NULL),
    SPEC("training", "huber_delta", field_double, training.options.huber_delta, NULL),
    SPEC("training", "quantile", field_double, training.options.quantile, NULL),
    SPEC("training", "class_weights", field_weights, class_weights, NULL),
    SPEC("training", "balance_classes", field_bool, balance_classes, NULL),
    SPEC("training/optimizer", "type", field_text, training.optimizer.type, NULL),
    SPEC("training/optimizer", "learning_rate", field_double, training.optimizer.learning_rate, NULL),
    SPEC("training/optimizer", "quantum_learning_rate", field_double, training.groups.quantum_learning_rate, NULL),
    SPEC("training/optimizer", "momentum", field_double, training.optimizer.momentum, NULL),
    SPEC("training/optimizer", "nesterov", field_bool, training.optimizer.nesterov, NULL),
    SPEC("training/optimizer", "alpha", field_double, training.optimizer.alpha, NULL),
    SPEC("training/optimizer", "beta1", field_double, training.optimizer.beta1, NULL),
    SPEC("training/optimizer", "beta2", field_double, training.optimizer.beta2, NULL),
    SPEC("training/optimizer", "epsilon", field_double, training.optimizer.epsilon, NULL),
    SPEC("training/optimizer", "weight_decay", field_double, training.optimizer.weight_decay, NULL),
    SPEC("training/optimizer", "history", field_int, training.optimizer.history, NULL),
    SPEC("training/optimizer", "iterations", field_int, training.optimizer.iterations, NULL),
    SPEC("training/optimizer", "line_search", field_enum, training.optimizer.line_search, line_searches),
    SPEC("training/optimizer", "resume", field_bool, resume_optimizer, NULL),
    SPEC("training/schedule", "type", field_enum, training.schedule.type, schedules),
    SPEC("training/schedule", "warmup_epochs", field_int, training.schedule.warmup_epochs, NULL),
    SPEC("training/schedule", "step_epochs", field_int, training.schedule.step_epochs, NULL),
    SPEC("training/schedule", "factor", field_double, training.schedule.factor, NULL),
    SPEC("training/schedule", "patience", field_int, training.schedule.patience, NULL),
    SPEC("training/schedule", "minimum", field_double, training.schedule.least, NULL),
    SPEC("training", "freeze", field_words, training.groups.frozen, NULL),
    SPEC("training", "patience", field_int, training.patience, NULL),
    SPEC("training", "stop_loss", field_double, training.stop_loss, NULL),
    SPEC("training", "shown_sequences", field_int, shown_sequences, NULL),
    SPEC("training", "keep", field_enum, keep, keep_names),
    SPEC("training", "snapshots", field_snapshots, training.snapshots, NULL),
    SPEC("training", "clip_norm", field_double, training.clip_norm, NULL),
    SPEC("training", "seed", field_u64, training.seed, NULL),
    SPEC("simulation", "precision", field_enum, model.precision, precisions),
    SPEC("simulation", "plan", field_text, model.plan, NULL),
    SPEC("simulation", "diff_method", field_enum, model.diff_method, diff_methods),
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

/* The farthest one, and an output of the model for each target at each of them. */
static int parse_horizons(struct spec *out, struct qlstm_error *error)
{
	struct windows_config *windows = &out->windows;
	int n = windows_horizons(windows);
	windows->horizon = windows->horizons.steps[n - 1];
	if (windows->n_targets > SAMPLES_MAX_COLUMNS / n)
		return error_set(error, ERR_INVALID, "/data/horizon",
		                 "%d horizons of %d targets are more than %d outputs", n, windows->n_targets,
		                 SAMPLES_MAX_COLUMNS);
	out->model.n_outputs = windows->n_targets * n;
	return 0;
}

/* What the model takes a step and gives. Without columns a row has one input a step. */
static int parse_widths(const json_t *data, struct spec *out, struct qlstm_error *error)
{
	bool bound = json_object_get(data, "inputs") != NULL;
	out->model.n_inputs = out->windows.n_inputs;
	out->model.n_outputs = out->classes > 0 ? out->classes : out->windows.n_targets;
	if (out->task == TASK_FORECASTING)
		return parse_horizons(out, error);
	if (out->task == TASK_WORDS) {
		out->model.n_inputs = out->words.bits;
		out->model.n_outputs = 1 << out->words.bits;
		out->model.output = MODEL_OUTPUT_SEQUENCE;
		out->words.train_fraction = out->windows.split.train;
		out->words.validation_fraction = out->windows.split.validation;
		return 0;
	}
	if (task_has_texts(out->task)) {
		bool language = out->task == TASK_LANGUAGE_MODEL, translates = out->task == TASK_TRANSLATION;
		out->model.n_inputs = translates ? PAIRS_SIDES : 1;
		out->model.ragged = !language;
		if (language || translates)
			out->model.n_outputs = out->text.lexicon.size;
		out->model.output = out->task != TASK_TEXT_CLASSIFICATION ? MODEL_OUTPUT_SEQUENCE : MODEL_OUTPUT_VECTOR;
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
	const json_t *recurrent = layers_recurrent(resolved);
	out->batch_first = recurrent == NULL || json_is_true(json_object_get(recurrent, "batch_first"));
	rc = parse_widths(data, out, error);
	if (rc != 0)
		return rc;
	out->model.batch = out->training.batch_size;
	out->windows.split.seed = out->training.seed;
	const json_t *training = json_object_get(resolved, "training");
	out->n_class_weights = (int)json_array_size(json_object_get(training, "class_weights"));
	out->training.groups.n_frozen = (int)json_array_size(json_object_get(training, "freeze"));
	return 0;
}
