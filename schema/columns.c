/* The columns of a table as JSON. */
#include "schema/columns.h"

#include <stdio.h>
#include <string.h>

static const char *const type_names[] = {
    [COLUMN_NUMBER] = "number", [COLUMN_TIME] = "time", [COLUMN_TEXT] = "text", [COLUMN_EMPTY] = "empty"};
static const char *const bad_keys[] = {[PLACE_LINE] = "bad_line", [PLACE_ROW] = "bad_row"};
static const char *const missing_keys[] = {[PLACE_LINE] = "missing_line", [PLACE_ROW] = "missing_row"};
static const enum place_unit place_units[] = {PLACE_LINE, PLACE_ROW};

static int set(json_t *json, const char *name, json_t *value)
{
	return json_object_set_new(json, name, value);
}

/* Where a column has something else than numbers. */
static int add_place(json_t *json, const struct column *column)
{
	const char *const *keys = column->numeric ? missing_keys : bad_keys;
	int rc = 0;
	if (column->bad_unit != PLACE_UNKNOWN)
		rc = set(json, keys[column->bad_unit], json_integer((json_int_t)column->bad_at));
	if (rc == 0 && (!column->numeric || column->missing > 0))
		rc = set(json, column->numeric ? "missing_text" : "bad_text", json_string(column->bad_text));
	return rc;
}

static int add_range(json_t *json, const struct column *column)
{
	if (!column->numeric || column->n_numbers == 0)
		return 0;
	int rc = set(json, "minimum", json_real(column->minimum));
	if (rc == 0)
		rc = set(json, "maximum", json_real(column->maximum));
	return rc == 0 ? set(json, "constant", json_boolean(column->minimum >= column->maximum)) : rc;
}

static json_t *column_json(const struct column *column)
{
	json_t *json = json_pack("{s:s, s:b, s:s, s:I}", "name", column->name, "numeric", column->numeric, "type",
	                         type_names[column->type], "missing", (json_int_t)column->missing);
	if (json != NULL && add_place(json, column) == 0 && add_range(json, column) == 0)
		return json;
	json_decref(json);
	return NULL;
}

json_t *columns_json(const struct table *table)
{
	json_t *columns = json_array();
	for (int i = 0; columns != NULL && i < table->n_columns; i++) {
		if (json_array_append_new(columns, column_json(&table->columns[i])) == 0)
			continue;
		json_decref(columns);
		return NULL;
	}
	return columns;
}

static enum column_type read_type(const json_t *json, bool numeric)
{
	const char *name = json_string_value(json_object_get(json, "type"));
	for (int i = 0; name != NULL && i < (int)(sizeof type_names / sizeof *type_names); i++)
		if (strcmp(type_names[i], name) == 0)
			return (enum column_type)i;
	return numeric ? COLUMN_NUMBER : COLUMN_TEXT;
}

static int read_column(const json_t *json, struct table *table, struct qlstm_error *error)
{
	const char *name = json_string_value(json_object_get(json, "name"));
	if (name == NULL)
		return error_set(error, ERR_CORRUPT, NULL, "a column of a data set has no name");
	int rc = table_add_column(table, name, error);
	if (rc != 0)
		return rc;
	struct column *column = &table->columns[table->n_columns - 1];
	column->numeric = json_is_true(json_object_get(json, "numeric"));
	column->type = read_type(json, column->numeric);
	column->missing = (size_t)json_integer_value(json_object_get(json, "missing"));
	column->minimum = json_number_value(json_object_get(json, "minimum"));
	column->maximum = json_number_value(json_object_get(json, "maximum"));
	column->n_numbers = json_object_get(json, "minimum") != NULL;
	const char *const *keys = column->numeric ? missing_keys : bad_keys;
	for (size_t i = 0; i < sizeof place_units / sizeof *place_units; i++) {
		const json_t *at = json_object_get(json, keys[place_units[i]]);
		if (!json_is_integer(at))
			continue;
		column->bad_unit = place_units[i];
		column->bad_at = (size_t)json_integer_value(at);
	}
	const char *text = json_string_value(json_object_get(json, column->numeric ? "missing_text" : "bad_text"));
	snprintf(column->bad_text, sizeof column->bad_text, "%s", text != NULL ? text : "");
	return 0;
}

int columns_read(const char *text, struct table *out, struct qlstm_error *error)
{
	json_error_t at;
	json_t *columns = json_loads(text, 0, &at);
	if (columns == NULL && json_error_code(&at) == json_error_out_of_memory)
		return error_set(error, ERR_OUT_OF_MEMORY, NULL, "out of memory");
	struct table table = {0};
	int rc =
	    json_is_array(columns) ? 0 : error_set(error, ERR_CORRUPT, NULL, "the columns of a data set are no list");
	for (size_t i = 0; rc == 0 && i < json_array_size(columns); i++)
		rc = read_column(json_array_get(columns, i), &table, error);
	json_decref(columns);
	if (rc != 0)
		table_free(&table);
	else
		*out = table;
	return rc;
}
