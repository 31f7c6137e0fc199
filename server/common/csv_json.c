/* How a CSV file is read, as JSON. */
#include "server/common/csv_json.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Numbers and truth values as such, the rest as text. */
static json_t *property_json(const char *text)
{
	size_t digits = strspn(text, "0123456789");
	bool number = digits > 0 && digits < 10 && text[digits] == '\0' && (*text != '0' || digits == 1);
	if (number)
		return json_integer(strtoll(text, NULL, 10));
	if (strcmp(text, "true") == 0 || strcmp(text, "false") == 0)
		return json_boolean(*text == 't');
	return json_string(text);
}

json_t *csv_dialect_json(const struct csv_dialect *dialect)
{
	json_t *json = json_object();
	const char *name;
	bool asked;
	for (int i = 0; json != NULL && (name = csv_property_name(i, &asked)) != NULL; i++) {
		char text[CSV_PROPERTY_SIZE];
		if (!csv_property(dialect, i, text))
			continue;
		if (json_object_set_new(json, name, property_json(text)) == 0)
			continue;
		json_decref(json);
		return NULL;
	}
	return json;
}

static json_t *cell_json(const struct preview_cell *cell)
{
	if (cell->type == COLUMN_EMPTY)
		return json_null();
	return cell->type == COLUMN_NUMBER ? json_real(cell->number) : json_string(cell->text);
}

json_t *csv_preview_json(const struct table *table)
{
	int width = table->n_columns < TABLE_MAX_PREVIEW ? table->n_columns : TABLE_MAX_PREVIEW;
	json_t *rows = json_array();
	for (size_t i = 0; rows != NULL && i < table->n_preview; i++) {
		json_t *row = json_array();
		for (int k = 0; k < width; k++)
			json_array_append_new(row, cell_json(&table->preview[i * (size_t)width + (size_t)k]));
		if (json_array_size(row) == (size_t)width && json_array_append(rows, row) == 0) {
			json_decref(row);
			continue;
		}
		json_decref(row);
		json_decref(rows);
		return NULL;
	}
	return rows;
}

json_t *csv_notes_json(const struct table *table)
{
	json_t *notes = json_array();
	for (int i = 0; notes != NULL && i < table->n_notes; i++)
		if (json_array_append_new(notes, json_string(table->notes[i])) != 0) {
			json_decref(notes);
			return NULL;
		}
	return notes;
}

static int say_member(struct csv_options *options, const char *name, const json_t *value, struct qlstm_error *error)
{
	char number[32];
	if (json_is_string(value))
		return csv_say(options, name, json_string_value(value), error);
	if (json_is_boolean(value))
		return csv_say(options, name, json_is_true(value) ? "true" : "false", error);
	if (!json_is_integer(value))
		return error_set(error, ERR_WRONG_TYPE, NULL, "%s of a dialect is no text and no whole number", name);
	snprintf(number, sizeof number, "%" JSON_INTEGER_FORMAT, json_integer_value(value));
	return csv_say(options, name, number, error);
}

int csv_options_read(const char *text, struct csv_options *out, struct qlstm_error *error)
{
	*out = (struct csv_options){0};
	if (text == NULL || *text == '\0')
		return 0;
	json_t *json = json_loads(text, JSON_REJECT_DUPLICATES, NULL), *value;
	const char *rules = json_string_value(json_object_get(json, "rules")), *name;
	int rc = json_is_object(json) ? 0 : error_set(error, ERR_SYNTAX, NULL, "a dialect is a JSON object");
	if (rules != NULL && strcmp(rules, "first_line") == 0) {
		out->rules = CSV_FIRST_LINE;
	} else {
		json_object_foreach(json, name, value)
		{
			if (rc == 0)
				rc = say_member(out, name, value, error);
		}
	}
	json_decref(json);
	return rc;
}
