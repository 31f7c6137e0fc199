/* Binds a spec to the columns of a data set. */
#include "schema/spec.h"

#include <stdio.h>
#include <string.h>

#include "schema/place.h"
#include "schema/validate.h"

static int out_of_memory(struct qlstm_error *error)
{
	return error_set(error, ERR_OUT_OF_MEMORY, NULL, "out of memory");
}

/* The column that stands for inputs and targets where none are named: "value", else the last numeric one; -1: none. */
static int find_default(const struct spec_columns *columns)
{
	int last = -1;
	for (int i = 0; i < columns->count; i++) {
		if (!columns->numeric[i])
			continue;
		last = i;
		if (strcmp(columns->names[i], "value") == 0)
			break;
	}
	return last;
}

static int find_name(const struct spec_columns *columns, const char *name)
{
	for (int i = 0; i < columns->count; i++)
		if (strcmp(columns->names[i], name) == 0)
			return i;
	return -1;
}

static int refuse_name(const struct spec_columns *columns, const struct place *place, const char *wanted,
                       struct qlstm_error *error)
{
	char pointer[PLACE_POINTER_SIZE], name[PLACE_NAME_SIZE];
	char quoted[PLACE_VALUE_SIZE] = "", meant[PLACE_VALUE_SIZE] = "", list[PLACE_LIST_SIZE] = "";
	place_pointer(place, pointer);
	place_name(place, name);
	place_add_choice(quoted, sizeof quoted, wanted);
	for (int i = 0; i < columns->count && strlen(list) < sizeof list / 2; i++)
		place_add_choice(list, sizeof list, columns->names[i]);
	const char *nearest = error_nearest(wanted, columns->names, (size_t)columns->count);
	if (nearest == NULL)
		return error_set(error, ERR_INVALID, pointer, "%s is %s; the data set has no such column, it has %s",
		                 name, quoted, list);
	place_add_choice(meant, sizeof meant, nearest);
	return error_set(error, ERR_INVALID, pointer, "%s is %s; the data set has no such column; did you mean %s?",
	                 name, quoted, meant);
}

/* The column that a name or an index means in *index. */
static int find_column(const struct spec_columns *columns, const struct place *place, const json_t *wanted, int *index,
                       struct qlstm_error *error)
{
	char pointer[PLACE_POINTER_SIZE], name[PLACE_NAME_SIZE];
	place_pointer(place, pointer);
	place_name(place, name);
	if (json_is_integer(wanted)) {
		json_int_t at = json_integer_value(wanted);
		if (at < 0 || at >= columns->count)
			return error_set(error, ERR_OUT_OF_RANGE, pointer,
			                 "%s is %lld; the data set has the columns 0 to %d", name, (long long)at,
			                 columns->count - 1);
		*index = (int)at;
	} else {
		const char *text = json_is_string(wanted) ? json_string_value(wanted) : "";
		*index = find_name(columns, text);
		if (*index < 0)
			return refuse_name(columns, place, text, error);
	}
	if (columns->numeric[*index])
		return 0;
	char quoted[PLACE_VALUE_SIZE] = "";
	place_add_choice(quoted, sizeof quoted, columns->names[*index]);
	return error_set(error, ERR_INVALID, pointer, "%s is column %s, which is not numeric", name, quoted);
}

/* Turns what one of inputs and targets says into names, in place; an absent list is filled. */
static int bind_list(json_t *data, const char *key, const struct spec_columns *columns, struct qlstm_error *error)
{
	const struct place root = {0};
	const struct place in_data = place_key(&root, "data");
	const struct place here = place_key(&in_data, key);
	json_t *list = json_object_get(data, key);
	if (json_array_size(list) == 0) {
		int column = find_default(columns);
		if (column < 0)
			return error_set(error, ERR_INVALID, "/data/dataset", "the data set has no numeric column");
		json_t *names = json_pack("[s]", columns->names[column]);
		return json_object_set_new(data, key, names) != 0 ? out_of_memory(error) : 0;
	}
	for (size_t i = 0; i < json_array_size(list); i++) {
		struct place item = place_item(&here, i);
		int column = -1;
		int rc = find_column(columns, &item, json_array_get(list, i), &column, error);
		if (rc != 0)
			return rc;
		if (json_array_set_new(list, i, json_string(columns->names[column])) != 0)
			return out_of_memory(error);
	}
	return 0;
}

int spec_bind(json_t *resolved, const struct spec_columns *columns, struct qlstm_error *error)
{
	json_t *data = json_object_get(resolved, "data");
	int rc = bind_list(data, "inputs", columns, error);
	if (rc == 0)
		rc = bind_list(data, "targets", columns, error);
	if (rc != 0)
		return rc;
	/* Once more through the validation: it puts new fields where the schema has them, so that a bound spec that is
	 * posted again resolves to the same bytes. */
	json_t *ordered;
	rc = schema_resolve(spec_schema(), resolved, &ordered, error);
	if (rc != 0)
		return rc;
	json_object_clear(resolved);
	if (json_object_update(resolved, ordered) != 0)
		rc = out_of_memory(error);
	json_decref(ordered);
	return rc;
}

static int look_up(const json_t *data, const char *key, const struct table *table, int *indices,
                   struct qlstm_error *error)
{
	const json_t *list = json_object_get(data, key);
	char pointer[PLACE_POINTER_SIZE];
	size_t n = json_array_size(list);
	if (n == 0 || n > WINDOWS_MAX_COLUMNS) {
		snprintf(pointer, sizeof pointer, "/data/%s", key);
		return error_set(error, ERR_MISSING, pointer, "%s names no columns, or more than %d", key,
		                 WINDOWS_MAX_COLUMNS);
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
	return rc == 0 ? look_up(data, "targets", table, spec->windows.targets, error) : rc;
}
