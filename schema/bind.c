/* Binds a spec to the columns of a data set. */
#include "schema/spec.h"

#include <stdio.h>
#include <string.h>

#include "schema/choose.h"
#include "schema/place/place.h"
#include "schema/task.h"
#include "schema/validate.h"

static int out_of_memory(struct qlstm_error *error)
{
	return error_set(error, ERR_OUT_OF_MEMORY, NULL, "out of memory");
}

static bool is_filled(const json_t *data)
{
	const char *policy = json_string_value(json_object_get(data, "missing"));
	return policy != NULL && strcmp(policy, "refuse") != 0;
}

/* Item `at` of a list whose items before it are known to mean columns. */
static int refuse_repeated(const json_t *list, size_t at, const struct place *place, const struct table *table,
                           int column, struct qlstm_error *error)
{
	for (size_t i = 0; i < at; i++) {
		if (choose_index(table, json_array_get(list, i)) != column)
			continue;
		char pointer[PLACE_POINTER_SIZE], here[PLACE_NAME_SIZE], quoted[PLACE_VALUE_SIZE] = "";
		place_pointer(place, pointer);
		place_name(place, here);
		place_add_choice(quoted, sizeof quoted, table->columns[column].name);
		return error_set(error, ERR_INVALID, pointer, "%s is column %s, which item %zu names already", here,
		                 quoted, i);
	}
	return 0;
}

/* Checks what one of inputs and targets says. */
static int check_list(const json_t *data, const char *key, const struct table *table, struct qlstm_error *error)
{
	const struct place root = {0};
	const struct place in_data = place_key(&root, "data");
	const struct place here = place_key(&in_data, key);
	const json_t *list = json_object_get(data, key);
	for (size_t i = 0; i < json_array_size(list); i++) {
		struct place item = place_item(&here, i);
		int column = -1;
		int rc = choose_column(table, &item, json_array_get(list, i), is_filled(data), &column, error);
		if (rc == 0)
			rc = refuse_repeated(list, i, &item, table, column, error);
		if (rc != 0)
			return rc;
	}
	return 0;
}

static int set_list(json_t *data, const char *key, json_t *list, struct qlstm_error *error)
{
	return list == NULL || json_object_set_new(data, key, list) != 0 ? out_of_memory(error) : 0;
}

static json_t *list_of(const struct table *table, int column)
{
	json_t *list = json_array();
	if (json_array_append_new(list, choose_item(table, column)) == 0)
		return list;
	json_decref(list);
	return NULL;
}

/* Nobody wrote an item: the error is at the list. */
static int check_default(const json_t *data, const struct table *table, struct qlstm_error *error)
{
	const struct place root = {0};
	const struct place in_data = place_key(&root, "data");
	const struct place here = place_key(&in_data, "inputs");
	int column = -1;
	return choose_column(table, &here, json_array_get(json_object_get(data, "inputs"), 0), is_filled(data), &column,
	                     error);
}

/* Of a forecasting: what is read is predicted, where one of the two is said; else the default column is both. */
static int bind_series(json_t *data, const struct table *table, struct qlstm_error *error)
{
	const json_t *inputs = json_object_get(data, "inputs"), *targets = json_object_get(data, "targets");
	int rc = check_list(data, "inputs", table, error), column = -1;
	if (rc == 0)
		rc = check_list(data, "targets", table, error);
	if (rc != 0 || (inputs != NULL && targets != NULL))
		return rc;
	if (inputs != NULL)
		return set_list(data, "targets", json_deep_copy(inputs), error);
	if (targets != NULL)
		return set_list(data, "inputs", json_deep_copy(targets), error);
	rc = choose_default(table, &column, error);
	if (rc == 0)
		rc = set_list(data, "inputs", list_of(table, column), error);
	if (rc == 0)
		rc = check_default(data, table, error);
	return rc == 0 ? set_list(data, "targets", list_of(table, column), error) : rc;
}

/* Of a task whose rows are samples. */
static int bind_rows(json_t *data, const struct table *table, struct qlstm_error *error)
{
	int rc = 0;
	if (json_object_get(data, "targets") == NULL)
		rc = set_list(data, "targets", task_default_targets(table), error);
	if (rc == 0)
		rc = check_list(data, "targets", table, error);
	if (rc == 0 && json_object_get(data, "inputs") == NULL)
		rc = set_list(data, "inputs", task_default_inputs(json_object_get(data, "targets"), table), error);
	if (rc == 0 && json_array_size(json_object_get(data, "inputs")) == 0)
		return error_set(error, ERR_INVALID, "/data/inputs", "the data set has no column beside the targets");
	if (rc == 0)
		rc = check_list(data, "inputs", table, error);
	return rc == 0 ? task_bind_steps(data, table, error) : rc;
}

static int bind_words(json_t *data, const struct table *table, struct qlstm_error *error)
{
	int rc = task_fill_words(data, table, error);
	if (rc == 0)
		rc = check_list(data, "inputs", table, error);
	if (rc == 0)
		rc = check_list(data, "targets", table, error);
	return rc == 0 ? task_check_words(data, table, error) : rc;
}

int spec_bind(json_t *resolved, const struct table *table, struct qlstm_error *error)
{
	json_t *data = json_object_get(resolved, "data");
	enum task task = table->n_columns > 0 ? task_of(resolved) : TASK_FORECASTING;
	int rc = task == TASK_FORECASTING ? bind_series(data, table, error)
	         : task == TASK_WORDS     ? bind_words(data, table, error)
	         : task_has_texts(task)   ? task_fill_texts(data, task, table, error)
	                                  : bind_rows(data, table, error);
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
		const json_t *item = json_array_get(list, i);
		const char *name = json_string_value(item);
		indices[i] = name != NULL ? table_column(table, name) : choose_index(table, item);
		if (indices[i] >= 0)
			continue;
		char quoted[PLACE_VALUE_SIZE] = "";
		place_value(item, quoted);
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
	spec->text.input = spec->windows.inputs[0];
	spec->text.target = spec->windows.targets[0];
	spec->words.scored = spec->scored[0] != '\0' ? table_column(table, spec->scored) : -1;
	return rc;
}

/* The column of texts that a list of one item means; -1: there is none. */
static int text_column(const json_t *data, const char *key, const struct table *table)
{
	int column = choose_index(table, json_array_get(json_object_get(data, key), 0));
	return column >= 0 && table->columns[column].type == COLUMN_TEXT ? column : -1;
}

int spec_bind_texts(const json_t *resolved, const struct table *table, int *input, int *target,
                    struct qlstm_error *error)
{
	const json_t *data = json_object_get(resolved, "data");
	*input = text_column(data, "inputs", table);
	*target = text_column(data, "targets", table);
	if (*input < 0 && table->n_columns == 1 && table->columns[0].type == COLUMN_TEXT)
		*input = 0;
	if (task_of(resolved) == TASK_LANGUAGE_MODEL)
		*target = *input;
	else if (*target == *input)
		*target = -1;
	if (*input >= 0)
		return 0;
	char quoted[PLACE_VALUE_SIZE] = "";
	place_value(json_array_get(json_object_get(data, "inputs"), 0), quoted);
	return error_set(error, ERR_INVALID, "/data/inputs/0",
	                 "inputs[0] is %s; the data set has no such column of texts", quoted);
}

int spec_bind_inputs(const json_t *resolved, const struct table *table, int indices[SAMPLES_MAX_COLUMNS],
                     struct qlstm_error *error)
{
	const json_t *data = json_object_get(resolved, "data");
	int target;
	if (task_has_texts(task_of(resolved)))
		return spec_bind_texts(resolved, table, indices, &target, error);
	int rc = check_list(data, "inputs", table, error);
	return rc == 0 ? look_up(data, "inputs", table, indices, error) : rc;
}
