/* Binds a spec to the columns of a data set. */
#include "schema/spec.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "schema/place.h"
#include "schema/task.h"
#include "schema/validate.h"

static int out_of_memory(struct qlstm_error *error)
{
	return error_set(error, ERR_OUT_OF_MEMORY, NULL, "out of memory");
}

static int find_name(const struct table *table, const char *name)
{
	for (int i = 0; i < table->n_columns; i++)
		if (strcmp(table->columns[i].name, name) == 0)
			return i;
	return -1;
}

/* The column that stands for inputs and targets where none are named: "value", else the last numeric one; -1: none. A
 * "value" with a gap is not passed over: another column would be trained on unnoticed. */
static int find_default(const struct table *table)
{
	int column = find_name(table, "value");
	for (int i = table->n_columns - 1; column < 0 && i >= 0; i--)
		if (table->columns[i].numeric)
			column = i;
	return column;
}

static int refuse_text(const struct column *column, const struct place *place, struct qlstm_error *error)
{
	char pointer[PLACE_POINTER_SIZE], where[COLUMN_PLACE_SIZE];
	char name[PLACE_VALUE_SIZE] = "", text[PLACE_VALUE_SIZE] = "";
	column_place(column, where);
	place_pointer(place, pointer);
	place_add_choice(name, sizeof name, column->name);
	if (where[0] == '\0')
		return error_set(error, ERR_INVALID, pointer, "column %s is not numeric", name);
	place_add_choice(text, sizeof text, column->bad_text);
	return error_set(error, ERR_INVALID, pointer, "column %s is not numeric: %s holds %s", name, where, text);
}

/* The column with the name nearest to `wanted`, NULL when none is near. */
static const char *nearest_name(const struct table *table, const char *wanted)
{
	const char **names = calloc((size_t)table->n_columns + 1, sizeof *names);
	for (int i = 0; names != NULL && i < table->n_columns; i++)
		names[i] = table->columns[i].name;
	const char *nearest = names != NULL ? error_nearest(wanted, names, (size_t)table->n_columns) : NULL;
	free(names);
	return nearest;
}

static int refuse_name(const struct table *table, const struct place *place, const char *wanted,
                       struct qlstm_error *error)
{
	char pointer[PLACE_POINTER_SIZE], name[PLACE_NAME_SIZE];
	char quoted[PLACE_VALUE_SIZE] = "", meant[PLACE_VALUE_SIZE] = "", list[PLACE_LIST_SIZE] = "";
	place_pointer(place, pointer);
	place_name(place, name);
	place_add_choice(quoted, sizeof quoted, wanted);
	for (int i = 0; i < table->n_columns && strlen(list) < sizeof list / 2; i++)
		place_add_choice(list, sizeof list, table->columns[i].name);
	const char *nearest = nearest_name(table, wanted);
	if (nearest == NULL)
		return error_set(error, ERR_INVALID, pointer, "%s is %s; the data set has no such column, it has %s",
		                 name, quoted, list);
	place_add_choice(meant, sizeof meant, nearest);
	return error_set(error, ERR_INVALID, pointer, "%s is %s; the data set has no such column; did you mean %s?",
	                 name, quoted, meant);
}

/* The column that a name or an index means in *index. */
static int find_column(const struct table *table, const struct place *place, const json_t *wanted, int *index,
                       struct qlstm_error *error)
{
	char pointer[PLACE_POINTER_SIZE], name[PLACE_NAME_SIZE];
	place_pointer(place, pointer);
	place_name(place, name);
	if (json_is_integer(wanted)) {
		json_int_t at = json_integer_value(wanted);
		if (at < 0 || at >= table->n_columns)
			return error_set(error, ERR_OUT_OF_RANGE, pointer,
			                 "%s is %lld; the data set has the columns 0 to %d", name, (long long)at,
			                 table->n_columns - 1);
		*index = (int)at;
	} else {
		const char *text = json_is_string(wanted) ? json_string_value(wanted) : "";
		*index = find_name(table, text);
		if (*index < 0)
			return refuse_name(table, place, text, error);
	}
	return table->columns[*index].numeric ? 0 : refuse_text(&table->columns[*index], place, error);
}

/* Item `at` of a list whose items before it are names already. */
static int refuse_repeated(const json_t *list, size_t at, const struct place *place, const char *name,
                           struct qlstm_error *error)
{
	for (size_t i = 0; i < at; i++) {
		if (strcmp(json_string_value(json_array_get(list, i)), name) != 0)
			continue;
		char pointer[PLACE_POINTER_SIZE], here[PLACE_NAME_SIZE], quoted[PLACE_VALUE_SIZE] = "";
		place_pointer(place, pointer);
		place_name(place, here);
		place_add_choice(quoted, sizeof quoted, name);
		return error_set(error, ERR_INVALID, pointer, "%s is column %s, which item %zu names already", here,
		                 quoted, i);
	}
	return 0;
}

static int bind_item(json_t *list, size_t at, const struct place *place, const struct table *table,
                     struct qlstm_error *error)
{
	int column = -1;
	int rc = find_column(table, place, json_array_get(list, at), &column, error);
	if (rc == 0)
		rc = refuse_repeated(list, at, place, table->columns[column].name, error);
	if (rc == 0 && json_array_set_new(list, at, json_string(table->columns[column].name)) != 0)
		rc = out_of_memory(error);
	return rc;
}

/* Turns what one of inputs and targets says into names, in place; an absent list is filled. */
static int bind_list(json_t *data, const char *key, const struct table *table, struct qlstm_error *error)
{
	const struct place root = {0};
	const struct place in_data = place_key(&root, "data");
	const struct place here = place_key(&in_data, key);
	json_t *list = json_object_get(data, key);
	if (json_array_size(list) == 0) {
		int column = find_default(table);
		if (column < 0)
			return error_set(error, ERR_INVALID, "/data/dataset", "the data set has no numeric column");
		if (!table->columns[column].numeric)
			return refuse_text(&table->columns[column], &here, error);
		json_t *names = json_pack("[s]", table->columns[column].name);
		return json_object_set_new(data, key, names) != 0 ? out_of_memory(error) : 0;
	}
	for (size_t i = 0; i < json_array_size(list); i++) {
		struct place item = place_item(&here, i);
		int rc = bind_item(list, i, &item, table, error);
		if (rc != 0)
			return rc;
	}
	return 0;
}

/* Of a task whose rows are samples. */
static int bind_rows(json_t *data, const struct table *table, struct qlstm_error *error)
{
	int rc = 0;
	if (json_object_get(data, "targets") == NULL &&
	    json_object_set_new(data, "targets", task_default_targets(table)) != 0)
		return out_of_memory(error);
	rc = bind_list(data, "targets", table, error);
	if (rc == 0 && json_object_get(data, "inputs") == NULL &&
	    json_object_set_new(data, "inputs", task_default_inputs(json_object_get(data, "targets"), table)) != 0)
		return out_of_memory(error);
	if (rc == 0 && json_array_size(json_object_get(data, "inputs")) == 0)
		return error_set(error, ERR_INVALID, "/data/inputs", "the data set has no column beside the targets");
	if (rc == 0)
		rc = bind_list(data, "inputs", table, error);
	return rc == 0 ? task_bind_steps(data, error) : rc;
}

static int bind_words(json_t *data, const struct table *table, struct qlstm_error *error)
{
	int rc = task_fill_words(data, table, error);
	if (rc == 0)
		rc = bind_list(data, "inputs", table, error);
	if (rc == 0)
		rc = bind_list(data, "targets", table, error);
	return rc == 0 ? task_check_words(data, table, error) : rc;
}

int spec_bind(json_t *resolved, const struct table *table, struct qlstm_error *error)
{
	json_t *data = json_object_get(resolved, "data");
	enum task task = table->n_columns > 0 ? task_of(resolved) : TASK_FORECASTING;
	int rc = task == TASK_FORECASTING ? bind_list(data, "inputs", table, error)
	         : task == TASK_WORDS     ? bind_words(data, table, error)
	                                  : bind_rows(data, table, error);
	if (rc == 0 && task == TASK_FORECASTING)
		rc = bind_list(data, "targets", table, error);
	if (rc != 0)
		return rc;
	/* Once more through the validation: it puts new fields where the schema has them, so that a bound spec that is
	 * posted again resolves to the same bytes. */
	json_t *ordered;
	rc = schema_resolve_member(spec_schema(), resolved, "data", &ordered, error);
	if (rc != 0)
		return rc;
	return json_object_set_new(resolved, "data", ordered) != 0 ? out_of_memory(error) : 0;
}

static int look_up(const json_t *data, const char *key, const struct table *table, int *indices,
                   struct qlstm_error *error)
{
	const json_t *list = json_object_get(data, key);
	char pointer[PLACE_POINTER_SIZE];
	size_t n = json_array_size(list);
	if (n == 0 || n > SAMPLES_MAX_COLUMNS) {
		snprintf(pointer, sizeof pointer, "/data/%s", key);
		return error_set(error, ERR_MISSING, pointer, "%s names no columns, or more than %d", key,
		                 SAMPLES_MAX_COLUMNS);
	}
	for (size_t i = 0; i < n; i++) {
		const char *name = json_string_value(json_array_get(list, i));
		indices[i] = name != NULL ? table_column(table, name) : -1;
		if (indices[i] >= 0)
			continue;
		char quoted[PLACE_VALUE_SIZE] = "";
		place_add_choice(quoted, sizeof quoted, name != NULL ? name : "");
		snprintf(pointer, sizeof pointer, "/data/%s/%zu", key, i);
		return error_set(error, ERR_INVALID, pointer, "%s[%zu] is %s; the data set has no such column", key, i,
		                 quoted);
	}
	return 0;
}

int spec_columns(struct spec *spec, const json_t *resolved, const struct table *table, struct qlstm_error *error)
{
	const json_t *data = json_object_get(resolved, "data");
	int rc = look_up(data, "inputs", table, spec->windows.inputs, error);
	if (rc == 0)
		rc = look_up(data, "targets", table, spec->windows.targets, error);
	spec->words.input = spec->windows.inputs[0];
	spec->words.target = spec->windows.targets[0];
	spec->words.scored = spec->scored[0] != '\0' ? table_column(table, spec->scored) : -1;
	return rc;
}
