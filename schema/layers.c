/* Completes and checks the list of layers. */
#include "schema/layers.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "engine/nn/layer.h"
#include "engine/nn/model.h"
#include "schema/place/place.h"
#include "schema/task.h"

static json_t *get_layers(const json_t *resolved)
{
	return json_object_get(json_object_get(resolved, "model"), "layers");
}

static bool is_dense(const json_t *layer)
{
	const char *type = json_string_value(json_object_get(layer, "type"));
	return type != NULL && strcmp(type, "dense") == 0;
}

bool layers_type_is_recurrent(const char *name)
{
	const struct layer_type *type = name != NULL ? layer_type_named(name) : NULL;
	return type != NULL && type->traits.recurrent;
}

const json_t *layers_recurrent(const json_t *resolved)
{
	size_t i;
	json_t *layer;
	json_array_foreach(get_layers(resolved), i, layer)
	{
		if (layers_type_is_recurrent(json_string_value(json_object_get(layer, "type"))))
			return layer;
	}
	return NULL;
}

static bool measures_words(const json_t *layer)
{
	const char *name = json_string_value(json_object_get(layer, "type"));
	const struct layer_type *type = name != NULL ? layer_type_named(name) : NULL;
	return type != NULL && type->traits.words;
}

static json_t *last_layer(const json_t *resolved)
{
	const json_t *layers = get_layers(resolved);
	return json_array_get(layers, json_array_size(layers) - 1);
}

bool layers_measure_words(const json_t *resolved)
{
	return measures_words(last_layer(resolved));
}

/* The words that come in are those that go out. */
static int fit_words(json_t *resolved, struct qlstm_error *error)
{
	const json_t *bits = json_object_get(json_object_get(resolved, "data"), "word_bits");
	json_int_t wanted = bits != NULL ? json_integer_value(bits) : 1;
	json_t *layer = last_layer(resolved);
	const json_t *given = json_object_get(layer, "input_bits");
	if (given != NULL && json_integer_value(given) != wanted && bits != NULL) {
		char pointer[PLACE_POINTER_SIZE];
		snprintf(pointer, sizeof pointer, "/model/layers/%zu/input_bits",
		         json_array_size(get_layers(resolved)) - 1);
		return error_set(error, ERR_INVALID, pointer,
		                 "input_bits is %lld and data.word_bits %lld; they are the same (leave input_bits out)",
		                 (long long)json_integer_value(given), (long long)wanted);
	}
	if (given == NULL && json_object_set_new(layer, "input_bits", json_integer(wanted)) != 0)
		return error_set(error, ERR_OUT_OF_MEMORY, NULL, "out of memory");
	return 0;
}

/* steps 1, where the schema has it: before classes and split. */
static int insert_single_step(json_t *data)
{
	json_t *rest[2];
	const char *const names[] = {"classes", "split"};
	for (int k = 0; k < 2; k++) {
		rest[k] = json_incref(json_object_get(data, names[k]));
		json_object_del(data, names[k]);
	}
	int rc = json_object_set_new(data, "steps", json_integer(1));
	for (int k = 0; k < 2; k++)
		if (rest[k] != NULL && json_object_set_new(data, names[k], rest[k]) != 0)
			rc = -1;
	return rc;
}

/* Whether a sample is a single step; of rows it becomes one where the steps are not said. */
static bool fit_single_step(json_t *resolved)
{
	json_t *data = json_object_get(resolved, "data");
	const char *task = json_string_value(json_object_get(data, "task"));
	const json_t *window = json_object_get(data, "window"), *steps = json_object_get(data, "steps");
	if (task == NULL || strcmp(task, "words") == 0 || task_has_texts(task_of(resolved)))
		return false;
	if (strcmp(task, "forecasting") == 0)
		return json_integer_value(window) == 1;
	return steps != NULL ? json_integer_value(steps) == 1 : insert_single_step(data) == 0;
}

static int refuse_no_recurrent(struct qlstm_error *error)
{
	char names[PLACE_LIST_SIZE] = "";
	const struct layer_type *type;
	for (int k = 0; (type = layer_type_at(k)) != NULL; k++)
		if (type->traits.recurrent)
			place_add_choice(names, sizeof names, type->name);
	return error_set(
	    error, ERR_INVALID, "/model/layers",
	    "layers has no recurrent layer; at least one is needed, of type %s, unless a sample is a single "
	    "step: data.window 1, of rows data.steps 1",
	    names);
}

/* Of classes, words and tokens as many as there are, of a forecasting one for each target at each horizon. Without
 * targets the spec will be bound to one column. */
static json_int_t count_targets(const json_t *resolved)
{
	const json_t *classes = json_object_get(json_object_get(resolved, "data"), "classes");
	if (classes != NULL)
		return json_integer_value(classes);
	if (task_of(resolved) == TASK_LANGUAGE_MODEL || task_of(resolved) == TASK_TRANSLATION)
		return json_integer_value(json_object_get(json_object_get(resolved, "data"), "vocabulary"));
	const json_t *bits = json_object_get(json_object_get(resolved, "data"), "word_bits");
	if (bits != NULL)
		return (json_int_t)1 << json_integer_value(bits);
	json_int_t n = (json_int_t)json_array_size(task_columns(json_object_get(resolved, "data"), "targets"));
	return (n == 0 ? 1 : n) * (json_int_t)task_horizons(json_object_get(resolved, "data"));
}

static int check_inner_layers(const json_t *layers, struct qlstm_error *error)
{
	for (size_t i = 0; i + 1 < json_array_size(layers); i++) {
		const json_t *layer = json_array_get(layers, i);
		if (!is_dense(layer) || json_object_get(layer, "units") != NULL)
			continue;
		char pointer[PLACE_POINTER_SIZE];
		snprintf(pointer, sizeof pointer, "/model/layers/%zu/units", i);
		return error_set(
		    error, ERR_MISSING, pointer,
		    "units is missing; only a dense layer at the end has a default, the number of targets");
	}
	return 0;
}

/* A layer {"type": "dense", "units": units, "bias": bias} with its fields in the order of the schema. */
static json_t *make_head(json_int_t units, bool bias)
{
	return json_pack("{s:s, s:I, s:b}", "type", "dense", "units", units, "bias", (int)bias);
}

static int append_head(json_t *layers, json_int_t units, struct qlstm_error *error)
{
	size_t n = json_array_size(layers);
	if (n >= MODEL_MAX_LAYERS)
		return error_set(
		    error, ERR_OUT_OF_RANGE, "/model/layers",
		    "layers has %zu items and the dense layer at the end is missing; allowed are 1 to %d with it", n,
		    MODEL_MAX_LAYERS);
	if (json_array_append_new(layers, make_head(units, true)) != 0)
		return error_set(error, ERR_OUT_OF_MEMORY, NULL, "out of memory");
	return 0;
}

/* The last layer is dense. */
static int fit_head(json_t *layers, json_int_t units, struct qlstm_error *error)
{
	size_t last = json_array_size(layers) - 1;
	const json_t *head = json_array_get(layers, last);
	const json_t *given = json_object_get(head, "units");
	if (given == NULL) {
		bool bias = json_is_true(json_object_get(head, "bias"));
		json_t *made = make_head(units, bias), *tied = json_object_get(head, "tied");
		if ((tied != NULL && json_object_set(made, "tied", tied) != 0) ||
		    json_array_set_new(layers, last, made) != 0)
			return error_set(error, ERR_OUT_OF_MEMORY, NULL, "out of memory");
		return 0;
	}
	if (json_integer_value(given) == units)
		return 0;
	char pointer[PLACE_POINTER_SIZE];
	snprintf(pointer, sizeof pointer, "/model/layers/%zu/units", last);
	return error_set(error, ERR_INVALID, pointer,
	                 "units is %lld; the last layer needs %lld, one for each target or class "
	                 "(leave units out to have them fit)",
	                 (long long)json_integer_value(given), (long long)units);
}

int layers_complete(json_t *resolved, struct qlstm_error *error)
{
	json_t *layers = get_layers(resolved);
	json_int_t units = count_targets(resolved);
	if (layers_recurrent(resolved) == NULL && !fit_single_step(resolved))
		return refuse_no_recurrent(error);
	int rc = check_inner_layers(layers, error);
	if (rc != 0)
		return rc;
	const json_t *last = last_layer(resolved);
	if (measures_words(last))
		return fit_words(resolved, error);
	return is_dense(last) ? fit_head(layers, units, error) : append_head(layers, units, error);
}
