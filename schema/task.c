/* What a task makes of the rows of a table: its checks, its defaults among the columns, its samples. */
#include "schema/task.h"

#include <stdio.h>
#include <string.h>

#include "engine/nn/layer.h"
#include "engine/nn/loss.h"
#include "schema/alphabet.h"
#include "schema/choose.h"
#include "schema/layers.h"
#include "schema/place/place.h"
#include "schema/texts.h"

const char *const task_names[] = {[TASK_FORECASTING] = "forecasting",
                                  [TASK_REGRESSION] = "regression",
                                  [TASK_CLASSIFICATION] = "classification",
                                  [TASK_WORDS] = "words",
                                  [TASK_TAGGING] = "tagging",
                                  [TASK_TEXT_CLASSIFICATION] = "text_classification",
                                  [TASK_LANGUAGE_MODEL] = "language_model",
                                  [TASK_TRANSLATION] = "translation",
                                  NULL};

bool task_has_texts(enum task task)
{
	return task == TASK_TAGGING || task == TASK_TEXT_CLASSIFICATION || task == TASK_LANGUAGE_MODEL ||
	       task == TASK_TRANSLATION;
}

enum task task_of(const json_t *resolved)
{
	const char *name = json_string_value(json_object_get(json_object_get(resolved, "data"), "task"));
	for (int i = 0; name != NULL && task_names[i] != NULL; i++)
		if (strcmp(task_names[i], name) == 0)
			return (enum task)i;
	return TASK_FORECASTING;
}

const json_t *task_columns(const json_t *data, const char *key)
{
	const json_t *list = json_object_get(data, key);
	const char *task = json_string_value(json_object_get(data, "task"));
	if (list != NULL || (task != NULL && strcmp(task, task_names[TASK_FORECASTING]) != 0))
		return list;
	return json_object_get(data, strcmp(key, "inputs") == 0 ? "targets" : "inputs");
}

size_t task_horizons(const json_t *data)
{
	size_t n = json_array_size(json_object_get(data, "horizon"));
	return n > 0 ? n : 1;
}

/* That a list of whole numbers rises. */
static int check_rising(const json_t *object, const char *part, const char *name, struct qlstm_error *error)
{
	const json_t *list = json_object_get(object, name);
	for (size_t i = 1; i < json_array_size(list); i++) {
		json_int_t before = json_integer_value(json_array_get(list, i - 1));
		json_int_t here = json_integer_value(json_array_get(list, i));
		char pointer[PLACE_POINTER_SIZE];
		if (here > before)
			continue;
		snprintf(pointer, sizeof pointer, "/%s/%s/%zu", part, name, i);
		return error_set(error, ERR_INVALID, pointer, "%s[%zu] is %d, after %d; they are in rising order", name,
		                 i, (int)here, (int)before);
	}
	return 0;
}

/* Epochs that the run has. */
static int check_snapshots(const json_t *training, struct qlstm_error *error)
{
	const json_t *list = json_object_get(training, "snapshots");
	json_int_t epochs = json_integer_value(json_object_get(training, "epochs"));
	int rc = check_rising(training, "training", "snapshots", error);
	size_t n = json_array_size(list);
	char pointer[PLACE_POINTER_SIZE];
	if (rc != 0 || n == 0 || json_integer_value(json_array_get(list, n - 1)) <= epochs)
		return rc;
	snprintf(pointer, sizeof pointer, "/training/snapshots/%zu", n - 1);
	return error_set(error, ERR_INVALID, pointer, "snapshots[%zu] is %d; there are %d epochs", n - 1,
	                 (int)json_integer_value(json_array_get(list, n - 1)), (int)epochs);
}

static int check_loss(const json_t *resolved, enum task task, struct qlstm_error *error)
{
	const char *name = json_string_value(json_object_get(json_object_get(resolved, "training"), "loss"));
	const struct loss *loss = name != NULL ? loss_find(name) : NULL;
	bool measured = layers_measure_words(resolved);
	enum target_kind kind = task == TASK_WORDS && measured                        ? TARGET_WORDS
	                        : task != TASK_FORECASTING && task != TASK_REGRESSION ? TARGET_CLASSES
	                                                                              : TARGET_REALS;
	if (loss == NULL || loss->takes == kind)
		return 0;
	char fitting[PLACE_LIST_SIZE] = "";
	for (int i = 0; (loss = loss_at(i)) != NULL; i++)
		if (loss->takes == kind)
			place_add_choice(fitting, sizeof fitting, loss->name);
	return error_set(error, ERR_INVALID, "/training/loss", "loss is \"%s\"; allowed for task %s%s are %s", name,
	                 task_names[task],
	                 task != TASK_WORDS ? ""
	                 : measured         ? " with qrnn"
	                                    : " without qrnn",
	                 fitting);
}

/* Members that need others. */
static int check_training(const json_t *resolved, struct qlstm_error *error)
{
	const json_t *training = json_object_get(resolved, "training");
	const json_t *optimizer = json_object_get(training, "optimizer");
	const json_t *weights = json_object_get(training, "class_weights");
	json_int_t classes = json_integer_value(json_object_get(json_object_get(resolved, "data"), "classes"));
	if (json_is_true(json_object_get(optimizer, "nesterov")) &&
	    !(json_number_value(json_object_get(optimizer, "momentum")) > 0))
		return error_set(error, ERR_INVALID, "/training/optimizer/nesterov",
		                 "nesterov is true; momentum must be above 0 for it");
	if (weights != NULL && json_is_true(json_object_get(training, "balance_classes")))
		return error_set(error, ERR_INVALID, "/training/balance_classes",
		                 "balance_classes is true; class_weights says already what classes count");
	if (weights != NULL && classes > 0 && json_array_size(weights) != (size_t)classes)
		return error_set(error, ERR_INVALID, "/training/class_weights",
		                 "class_weights has %zu items; there are %d classes", json_array_size(weights),
		                 (int)classes);
	return check_snapshots(training, error);
}

/* A qrnn has no plan: its gradient goes back through its own states. */
static int check_diff_method(const json_t *resolved, struct qlstm_error *error)
{
	const json_t *simulation = json_object_get(resolved, "simulation");
	const char *method = json_string_value(json_object_get(simulation, "diff_method"));
	if (method == NULL || strcmp(method, "parameter_shift") != 0 || !layers_measure_words(resolved))
		return 0;
	return error_set(
	    error, ERR_INVALID, "/simulation/diff_method",
	    "diff_method is \"parameter_shift\"; a qrnn is postselected, and its gradient is by adjoint alone");
}

int task_check(const json_t *resolved, struct qlstm_error *error)
{
	const json_t *data = json_object_get(resolved, "data");
	enum task task = task_of(resolved);
	int rc;
	if (task == TASK_CLASSIFICATION && json_object_get(data, "classes") == NULL)
		return error_set(error, ERR_MISSING, "/data/classes",
		                 "classes is missing; it says how many classes the target column has, which holds the "
		                 "whole numbers from 0 to classes - 1");
	if (task == TASK_CLASSIFICATION && json_array_size(json_object_get(data, "targets")) > 1)
		return error_set(error, ERR_INVALID, "/data/targets", "targets has %zu items; a class is one column",
		                 json_array_size(json_object_get(data, "targets")));
	if (task == TASK_WORDS && json_object_get(data, "word_bits") == NULL)
		return error_set(
		    error, ERR_MISSING, "/data/word_bits",
		    "word_bits is missing; it says how many bits a word has: the columns hold whole numbers "
		    "below 2^word_bits");
	bool classes = task == TASK_TAGGING || task == TASK_TEXT_CLASSIFICATION;
	if (classes && json_object_get(data, "classes") == NULL)
		return error_set(error, ERR_MISSING, "/data/classes",
		                 "classes is missing; it says how many different %s there may be",
		                 task == TASK_TAGGING ? "tags" : "labels");
	rc = texts_check(resolved, error);
	if (rc == 0)
		rc = alphabet_check(resolved, error);
	if (rc == 0)
		rc = check_rising(data, "data", "horizon", error);
	if (rc != 0)
		return rc;
	const json_t *split = json_object_get(data, "split");
	bool until =
	    json_object_get(split, "train_until") != NULL || json_object_get(split, "validation_until") != NULL;
	bool shuffled = json_is_true(json_object_get(split, "shuffle"));
	if (task == TASK_WORDS && (until || shuffled))
		return error_set(error, ERR_INVALID, "/data/split",
		                 "sequences of words are split by train and validation alone, in their order");
	if (until && shuffled)
		return error_set(error, ERR_INVALID, "/data/split/shuffle",
		                 "shuffle is true; samples in a random order are split by train and validation, not "
		                 "by train_until or validation_until");
	rc = check_loss(resolved, task, error);
	if (rc == 0)
		rc = check_diff_method(resolved, error);
	return rc == 0 ? check_training(resolved, error) : rc;
}

/* Whether a list of columns has one. */
static bool has_column(const json_t *list, const struct table *table, int column)
{
	size_t i;
	json_t *item;
	json_array_foreach(list, i, item)
	{
		if (choose_index(table, item) == column)
			return true;
	}
	return false;
}

static int append(json_t *list, json_t *item)
{
	return json_array_append_new(list, item);
}

json_t *task_default_targets(const struct table *table)
{
	int column = table->n_columns - 1;
	for (int i = 0; i < table->n_columns; i++)
		if (strcmp(table->columns[i].name, "label") == 0)
			column = i;
	json_t *list = json_array();
	if (append(list, choose_item(table, column)) == 0)
		return list;
	json_decref(list);
	return NULL;
}

json_t *task_default_inputs(const json_t *targets, const struct table *table)
{
	json_t *list = json_array();
	for (int i = 0; i < table->n_columns; i++)
		if (!has_column(targets, table, i) && append(list, choose_item(table, i)) != 0) {
			json_decref(list);
			return NULL;
		}
	return list;
}

/* A target among the inputs would be read off. */
static int check_apart(const json_t *inputs, const json_t *targets, const struct table *table,
                       struct qlstm_error *error)
{
	size_t i;
	json_t *item;
	json_array_foreach(inputs, i, item)
	{
		int column = choose_index(table, item);
		if (column < 0 || !has_column(targets, table, column))
			continue;
		char pointer[PLACE_POINTER_SIZE], quoted[PLACE_VALUE_SIZE] = "";
		snprintf(pointer, sizeof pointer, "/data/inputs/%zu", i);
		place_value(item, quoted);
		return error_set(error, ERR_INVALID, pointer, "inputs[%zu] is %s, which is a target", i, quoted);
	}
	return 0;
}

/* A list of one column where there is none yet: the one of that name, else `otherwise`. */
static int fill_list(json_t *data, const char *key, const struct table *table, const char *name, int otherwise,
                     struct qlstm_error *error)
{
	int column = table_column(table, name);
	if (json_object_get(data, key) != NULL ||
	    json_object_set_new(data, key, json_pack("[o]", choose_item(table, column >= 0 ? column : otherwise))) == 0)
		return 0;
	return error_set(error, ERR_OUT_OF_MEMORY, NULL, "out of memory");
}

int task_fill_words(json_t *data, const struct table *table, struct qlstm_error *error)
{
	int rc = fill_list(data, "inputs", table, "input", 0, error);
	if (rc == 0)
		rc = fill_list(data, "targets", table, "target", table->n_columns - 1, error);
	if (rc == 0 && json_object_get(data, "scored") == NULL && table_column(table, "scored") >= 0 &&
	    json_object_set_new(data, "scored", json_string("scored")) != 0)
		rc = error_set(error, ERR_OUT_OF_MEMORY, NULL, "out of memory");
	return rc;
}

int task_check_words(const json_t *data, const struct table *table, struct qlstm_error *error)
{
	static const char *const lists[] = {"inputs", "targets"};
	for (size_t k = 0; k < 2; k++) {
		size_t n = json_array_size(json_object_get(data, lists[k]));
		char pointer[32];
		snprintf(pointer, sizeof pointer, "/data/%s", lists[k]);
		if (n != 1)
			return error_set(error, ERR_INVALID, pointer, "%s has %zu items; words are one column",
			                 lists[k], n);
	}
	const char *scored = json_string_value(json_object_get(data, "scored"));
	char quoted[PLACE_VALUE_SIZE] = "";
	place_add_choice(quoted, sizeof quoted, scored != NULL ? scored : "");
	if (scored != NULL && table_column(table, scored) < 0)
		return error_set(error, ERR_INVALID, "/data/scored", "scored is %s; the data set has no such column",
		                 quoted);
	return 0;
}

/* A list of the one column of that name, where there is none yet. */
static int fill_text(json_t *data, const char *key, const struct table *table, const char *name,
                     struct qlstm_error *error)
{
	char pointer[PLACE_POINTER_SIZE];
	const json_t *list = json_object_get(data, key);
	snprintf(pointer, sizeof pointer, "/data/%s", key);
	if (list != NULL && json_array_size(list) != 1)
		return error_set(error, ERR_INVALID, pointer, "%s has %zu items; a text is one column", key,
		                 json_array_size(list));
	int column = list != NULL ? choose_index(table, json_array_get(list, 0)) : table_column(table, name);
	if (column < 0 && list == NULL)
		return error_set(
		    error, ERR_INVALID, "/data/dataset",
		    "the data set has no column '%s'; texts are uploaded with text=labelled, tagged, pairs or "
		    "lines",
		    name);
	if (column < 0 || table->columns[column].type != COLUMN_TEXT) {
		char quoted[PLACE_VALUE_SIZE] = "";
		if (list != NULL)
			place_value(json_array_get(list, 0), quoted);
		else
			place_add_choice(quoted, sizeof quoted, name);
		return error_set(error, ERR_INVALID, pointer, "%s[0] is %s; the data set has no such column of texts",
		                 key, quoted);
	}
	if (list != NULL || json_object_set_new(data, key, json_pack("[o]", choose_item(table, column))) == 0)
		return 0;
	return error_set(error, ERR_OUT_OF_MEMORY, NULL, "out of memory");
}

int task_fill_texts(json_t *data, enum task task, const struct table *table, struct qlstm_error *error)
{
	static const struct {
		enum task task;
		const char *input, *target;
	} columns[] = {{TASK_TAGGING, "tokens", "tags"},
	               {TASK_TEXT_CLASSIFICATION, "text", "label"},
	               {TASK_LANGUAGE_MODEL, "text", "text"},
	               {TASK_TRANSLATION, "source", "target"}};
	int rc = 0;
	for (size_t k = 0; rc == 0 && k < sizeof columns / sizeof columns[0]; k++) {
		if (columns[k].task != task)
			continue;
		rc = fill_text(data, "inputs", table, columns[k].input, error);
		if (rc == 0)
			rc = fill_text(data, "targets", table, columns[k].target, error);
	}
	return rc;
}

int task_bind_steps(json_t *data, const struct table *table, struct qlstm_error *error)
{
	const json_t *inputs = json_object_get(data, "inputs");
	size_t n = json_array_size(inputs);
	if (n == 0 || n > SAMPLES_MAX_COLUMNS)
		return error_set(error, ERR_INVALID, "/data/inputs", "%zu columns are inputs; allowed are 1 to %d", n,
		                 SAMPLES_MAX_COLUMNS);
	int rc = check_apart(inputs, json_object_get(data, "targets"), table, error);
	if (rc == 0 && json_object_get(data, "steps") == NULL &&
	    json_object_set_new(data, "steps", json_integer((json_int_t)n)) != 0)
		rc = error_set(error, ERR_OUT_OF_MEMORY, NULL, "out of memory");
	return rc;
}

int spec_steps(const struct spec *spec)
{
	if (spec->task == TASK_WORDS)
		return spec->words.length - 1;
	if (spec->task == TASK_LANGUAGE_MODEL)
		return spec->words.length;
	if (spec->task == TASK_TRANSLATION)
		return spec->text.length + 1; /* an end */
	if (task_has_texts(spec->task))
		return spec->text.length;
	return spec->task == TASK_FORECASTING ? spec->windows.window : spec->steps;
}

enum target_kind spec_targets(const struct spec *spec)
{
	const struct layer_type *type = NULL;
	layer_type_of(&spec->model.layers[spec->model.n_layers - 1], &type, NULL);
	if (spec->task == TASK_WORDS)
		return type != NULL && type->traits.words ? TARGET_WORDS : TARGET_CLASSES;
	return spec->classes > 0 || spec->task == TASK_TRANSLATION ? TARGET_CLASSES : TARGET_REALS;
}

struct records_config spec_records(const struct spec *spec)
{
	const struct windows_config *columns = &spec->windows;
	return (struct records_config){.n_inputs = columns->n_inputs,
	                               .n_targets = columns->n_targets,
	                               .inputs = columns->inputs,
	                               .targets = columns->targets,
	                               .steps = spec->steps,
	                               .classes = spec->classes,
	                               .split = columns->split,
	                               .scaling = columns->scaling,
	                               .scaling_fit = columns->scaling_fit};
}

struct sequences_config spec_text(const struct spec *spec)
{
	struct sequences_config text = spec->text;
	text.per_token = spec->task == TASK_TAGGING;
	text.classes = spec->classes;
	text.split = spec->windows.split;
	return text;
}

struct pairs_config spec_pairs(const struct spec *spec)
{
	return (struct pairs_config){.columns = {[PAIRS_SOURCE] = spec->text.input, [PAIRS_TARGET] = spec->text.target},
	                             .length = spec->text.length,
	                             .split = spec->windows.split,
	                             .lexicon = spec->text.lexicon};
}

struct streams_config spec_streams(const struct spec *spec)
{
	return (struct streams_config){.input = spec->text.input,
	                               .steps = spec->words.length,
	                               .streams = spec->training.batch_size,
	                               .split = spec->windows.split,
	                               .lexicon = spec->text.lexicon};
}

static bool needs_rows(const struct split_until *until, const struct spec *spec)
{
	return until->said && (until->time[0] != '\0' || spec->missing == MISSING_DROP);
}

bool spec_split_needs_rows(const struct spec *spec)
{
	const struct split *split = &spec->windows.split;
	return !split->resolved &&
	       (needs_rows(&split->train_until, spec) || needs_rows(&split->validation_until, spec));
}

/* Samples by task. */
static int count_split(const struct spec *spec, const struct split *split, size_t n_rows, struct parts *out,
                       struct qlstm_error *error)
{
	if (spec->task == TASK_FORECASTING) {
		struct windows_config windows = spec->windows;
		windows.split = *split;
		return windows_count(n_rows, &windows, out, error);
	}
	struct records_config records = spec_records(spec);
	records.split = *split;
	return records_count(n_rows, &records, out, error);
}

int spec_count_samples(const struct spec *spec, size_t n_rows, struct parts *out, struct qlstm_error *error)
{
	if (spec->task == TASK_WORDS)
		return words_count(n_rows, &spec->words, out, error);
	struct split split = spec->windows.split;
	if (spec_split_needs_rows(spec))
		split = (struct split){.train = split.train};
	int rc = count_split(spec, &split, n_rows, out, error);
	struct parts of_fold;
	for (int i = 1; rc == 0 && i <= spec->folds.count; i++) {
		split.fold = spec->folds;
		split.fold.index = i;
		rc = count_split(spec, &split, n_rows, &of_fold, error);
	}
	return rc;
}
