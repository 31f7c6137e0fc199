/* Which column is meant. */
#include "schema/choose.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { MAX_NAME = 200 }; /* of the schema's items of inputs and targets, in characters */

static int find_name(const struct table *table, const char *name)
{
	for (int i = 0; i < table->n_columns; i++)
		if (strcmp(table->columns[i].name, name) == 0)
			return i;
	return -1;
}

int choose_index(const struct table *table, const json_t *item)
{
	json_int_t at = json_integer_value(item);
	if (json_is_integer(item))
		return at >= 0 && at < table->n_columns ? (int)at : -1;
	return json_is_string(item) ? find_name(table, json_string_value(item)) : -1;
}

static int refuse_text(const struct column *column, const char *pointer, struct qlstm_error *error)
{
	char where[COLUMN_PLACE_SIZE], name[PLACE_VALUE_SIZE] = "", text[PLACE_VALUE_SIZE] = "";
	column_place(column, where);
	place_add_choice(name, sizeof name, column->name);
	if (column->type == COLUMN_EMPTY)
		return error_set(error, ERR_INVALID, pointer, "column %s holds no value at all", name);
	if (where[0] == '\0')
		return error_set(error, ERR_INVALID, pointer, "column %s is not numeric", name);
	place_add_choice(text, sizeof text, column->bad_text);
	return error_set(error, ERR_INVALID, pointer, "column %s is not numeric: %s holds %s", name, where, text);
}

static int refuse_missing(const struct column *column, const char *pointer, struct qlstm_error *error)
{
	char where[COLUMN_PLACE_SIZE], name[PLACE_VALUE_SIZE] = "", text[PLACE_VALUE_SIZE] = "";
	column_place(column, where);
	place_add_choice(name, sizeof name, column->name);
	place_add_choice(text, sizeof text, column->bad_text);
	return error_set(
	    error, ERR_INVALID, pointer,
	    "column %s has no value in %zu row%s, first in %s, which holds %s; data.missing says what to do: "
	    "'drop', 'ffill' or 'interpolate'",
	    name, column->missing, column->missing == 1 ? "" : "s", where, text);
}

static int check_column(const struct column *column, const char *pointer, bool filled, struct qlstm_error *error)
{
	if (!column->numeric)
		return refuse_text(column, pointer, error);
	return column->missing == 0 || filled ? 0 : refuse_missing(column, pointer, error);
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

/* The next column of the same name; -1: none. */
static int find_second(const struct table *table, int first)
{
	for (int i = first + 1; !table->first_name_counts && i < table->n_columns; i++)
		if (strcmp(table->columns[i].name, table->columns[first].name) == 0)
			return i;
	return -1;
}

static int find_named(const struct table *table, const struct place *place, const char *wanted, int *index,
                      struct qlstm_error *error)
{
	char pointer[PLACE_POINTER_SIZE], name[PLACE_NAME_SIZE], quoted[PLACE_VALUE_SIZE] = "";
	*index = find_name(table, wanted);
	if (*index < 0)
		return refuse_name(table, place, wanted, error);
	int second = find_second(table, *index);
	if (second < 0)
		return 0;
	place_pointer(place, pointer);
	place_name(place, name);
	place_add_choice(quoted, sizeof quoted, wanted);
	return error_set(error, ERR_INVALID, pointer,
	                 "%s is %s; columns %d and %d both have that name: give the index, %d or %d", name, quoted,
	                 *index, second, *index, second);
}

int choose_column(const struct table *table, const struct place *place, const json_t *item, bool filled, int *index,
                  struct qlstm_error *error)
{
	char pointer[PLACE_POINTER_SIZE], name[PLACE_NAME_SIZE];
	place_pointer(place, pointer);
	if (json_is_integer(item)) {
		*index = choose_index(table, item);
		place_name(place, name);
		if (*index < 0)
			return error_set(error, ERR_OUT_OF_RANGE, pointer,
			                 "%s is %lld; the data set has the columns 0 to %d", name,
			                 (long long)json_integer_value(item), table->n_columns - 1);
	} else {
		int rc = find_named(table, place, json_is_string(item) ? json_string_value(item) : "", index, error);
		if (rc != 0)
			return rc;
	}
	return check_column(&table->columns[*index], pointer, filled, error);
}

static size_t count_characters(const char *text)
{
	size_t n = 0;
	for (; *text != '\0'; text++)
		n += ((unsigned char)*text & 0xc0) != 0x80;
	return n;
}

json_t *choose_item(const struct table *table, int column)
{
	const char *name = table->columns[column].name;
	bool named = *name != '\0' && count_characters(name) <= MAX_NAME && find_name(table, name) == column &&
	             find_second(table, column) < 0;
	return named ? json_string(name) : json_integer(column);
}

/* "value" as it stands, else in whatever case where one column is called so. */
static int find_value(const struct table *table)
{
	int found = find_name(table, "value"), n = 0;
	for (int i = 0; found < 0 && i < table->n_columns; i++)
		n += strcasecmp(table->columns[i].name, "value") == 0;
	for (int i = 0; found < 0 && n == 1 && i < table->n_columns; i++)
		if (strcasecmp(table->columns[i].name, "value") == 0)
			return i;
	return found;
}

static int refuse_several(const struct table *table, int n, struct qlstm_error *error)
{
	char list[PLACE_LIST_SIZE] = "";
	for (int i = 0; i < table->n_columns && strlen(list) < sizeof list / 2; i++) {
		const struct column *column = &table->columns[i];
		if (!column->numeric)
			continue;
		place_add_choice(list, sizeof list, column->name);
		if (column->n_numbers > 0 && column->minimum >= column->maximum)
			place_add(list, sizeof list, " (constant)");
	}
	return error_set(error, ERR_MISSING, "/data/targets",
	                 "the data set has %d numeric columns: %s; targets says which of them is predicted", n, list);
}

int choose_default(const struct table *table, int *index, struct qlstm_error *error)
{
	int n = 0, only = -1;
	*index = find_value(table);
	if (*index >= 0)
		return 0;
	for (int i = 0; i < table->n_columns; i++)
		if (table->columns[i].numeric) {
			only = i;
			n++;
		}
	if (n == 0)
		return error_set(error, ERR_INVALID, "/data/dataset", "the data set has no numeric column");
	*index = only;
	return n == 1 ? 0 : refuse_several(table, n, error);
}
