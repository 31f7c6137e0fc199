/* What a task makes of the rows of a table: its checks, its defaults among the columns, its samples. */
#include "schema/task.h"

#include <stdio.h>
#include <string.h>

#include "engine/nn/layer.h"
#include "engine/nn/loss.h"
#include "schema/layers.h"
#include "schema/place.h"

const char *const task_names[] = {[TASK_FORECASTING] = "forecasting",
                                  [TASK_REGRESSION] = "regression",
                                  [TASK_CLASSIFICATION] = "classification",
                                  [TASK_WORDS] = "words",
                                  NULL};

enum task task_of(const json_t *resolved)
{
	const char *name = json_string_value(json_object_get(json_object_get(resolved, "data"), "task"));
	for (int i = 0; name != NULL && task_names[i] != NULL; i++)
		if (strcmp(task_names[i], name) == 0)
			return (enum task)i;
	return TASK_FORECASTING;
}

static int check_loss(const json_t *resolved, enum task task, struct qlstm_error *error)
{
	const char *name = json_string_value(json_object_get(json_object_get(resolved, "training"), "loss"));
	const struct loss *loss = name != NULL ? loss_find(name) : NULL;
	bool measured = layers_measure_words(resolved);
	enum target_kind kind = task == TASK_WORDS && measured                      ? TARGET_WORDS
	                        : task == TASK_CLASSIFICATION || task == TASK_WORDS ? TARGET_CLASSES
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

int task_check(const json_t *resolved, struct qlstm_error *error)
{
	const json_t *data = json_object_get(resolved, "data");
	enum task task = task_of(resolved);
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
	return check_loss(resolved, task, error);
}

/* Whether a list of columns names one. */
static bool has_name(const json_t *list, const char *name)
{
	size_t i;
	json_t *item;
	json_array_foreach(list, i, item)
	{
		const char *other = json_string_value(item);
		if (other != NULL && strcmp(other, name) == 0)
			return true;
	}
	return false;
}

json_t *task_default_targets(const struct table *table)
{
	int column = table->n_columns - 1;
	for (int i = 0; i < table->n_columns; i++)
		if (strcmp(table->columns[i].name, "label") == 0)
			column = i;
	return json_pack("[s]", table->columns[column].name);
}

json_t *task_default_inputs(const json_t *targets, const struct table *table)
{
	json_t *names = json_array();
	for (int i = 0; i < table->n_columns; i++)
		if (!has_name(targets, table->columns[i].name))
			json_array_append_new(names, json_string(table->columns[i].name));
	return names;
}

/* A target among the inputs would be read off. */
static int check_apart(const json_t *inputs, const json_t *targets, struct qlstm_error *error)
{
	size_t i;
	json_t *item;
	json_array_foreach(inputs, i, item)
	{
		const char *name = json_string_value(item);
		if (name == NULL || !has_name(targets, name))
			continue;
		char pointer[PLACE_POINTER_SIZE], quoted[PLACE_VALUE_SIZE] = "";
		snprintf(pointer, sizeof pointer, "/data/inputs/%zu", i);
		place_add_choice(quoted, sizeof quoted, name);
		return error_set(error, ERR_INVALID, pointer, "inputs[%zu] is %s, which is a target", i, quoted);
	}
	return 0;
}

static const char *column_or(const struct table *table, const char *name, int otherwise)
{
	int column = table_column(table, name);
	return table->columns[column >= 0 ? column : otherwise].name;
}

/* A list of one column where there is none yet. */
static int fill_list(json_t *data, const char *key, const char *column, struct qlstm_error *error)
{
	if (json_object_get(data, key) != NULL || json_object_set_new(data, key, json_pack("[s]", column)) == 0)
		return 0;
	return error_set(error, ERR_OUT_OF_MEMORY, NULL, "out of memory");
}

int task_fill_words(json_t *data, const struct table *table, struct qlstm_error *error)
{
	int rc = fill_list(data, "inputs", column_or(table, "input", 0), error);
	if (rc == 0)
		rc = fill_list(data, "targets", column_or(table, "target", table->n_columns - 1), error);
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

int task_bind_steps(json_t *data, struct qlstm_error *error)
{
	const json_t *inputs = json_object_get(data, "inputs");
	size_t n = json_array_size(inputs);
	if (n == 0 || n > SAMPLES_MAX_COLUMNS)
		return error_set(error, ERR_INVALID, "/data/inputs", "%zu columns are inputs; allowed are 1 to %d", n,
		                 SAMPLES_MAX_COLUMNS);
	int rc = check_apart(inputs, json_object_get(data, "targets"), error);
	if (rc == 0 && json_object_get(data, "steps") == NULL &&
	    json_object_set_new(data, "steps", json_integer((json_int_t)n)) != 0)
		rc = error_set(error, ERR_OUT_OF_MEMORY, NULL, "out of memory");
	return rc;
}

int spec_steps(const struct spec *spec)
{
	if (spec->task == TASK_WORDS)
		return spec->words.length - 1;
	return spec->task == TASK_FORECASTING ? spec->windows.window : spec->steps;
}

enum target_kind spec_targets(const struct spec *spec)
{
	const struct layer_type *type = NULL;
	layer_type_of(&spec->model.layers[spec->model.n_layers - 1], &type, NULL);
	if (spec->task == TASK_WORDS)
		return type != NULL && type->traits.words ? TARGET_WORDS : TARGET_CLASSES;
	return spec->classes > 0 ? TARGET_CLASSES : TARGET_REALS;
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
	                               .train_fraction = columns->train_fraction,
	                               .scaling = columns->scaling,
	                               .scaling_fit = columns->scaling_fit};
}

int spec_count_samples(const struct spec *spec, size_t n_rows, size_t *n_train, size_t *n_test,
                       struct qlstm_error *error)
{
	if (spec->task == TASK_FORECASTING)
		return windows_count(n_rows, &spec->windows, n_train, n_test, error);
	if (spec->task == TASK_WORDS)
		return words_count(n_rows, &spec->words, n_train, n_test, error);
	const struct records_config records = spec_records(spec);
	return records_count(n_rows, &records, n_train, n_test, error);
}
