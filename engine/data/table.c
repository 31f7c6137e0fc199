/* Tables of named columns. */
#include "engine/data/table.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/utf8.h"

void table_free(struct table *table)
{
	for (int i = 0; table->columns != NULL && i < table->n_columns; i++) {
		free(table->columns[i].values);
		if (table->columns[i].texts != NULL)
			texts_free(table->columns[i].texts);
		free(table->columns[i].texts);
		free(table->columns[i].name);
	}
	free(table->columns);
	free(table->preview);
	free(table->times.text);
	free(table->times.starts);
	free(table->rows);
	*table = (struct table){0};
}

void table_note(struct table *table, const char *format, ...)
{
	va_list arguments;
	if (table->n_notes == TABLE_MAX_NOTES)
		return;
	char *note = table->notes[table->n_notes++];
	va_start(arguments, format);
	vsnprintf(note, TABLE_NOTE_SIZE, format, arguments);
	va_end(arguments);
	note[utf8_cut(note, TABLE_NOTE_SIZE - 1)] = '\0';
	utf8_clean(note);
}

const char *table_time(const struct table *table, size_t row)
{
	return table->times.starts != NULL && row < table->n_rows ? table->times.text + table->times.starts[row] : "";
}

static char *column_name(const char *text, int index)
{
	char fallback[24];
	if (*text == '\0') {
		snprintf(fallback, sizeof fallback, "column_%d", index);
		text = fallback;
	}
	return strdup(text);
}

int table_add_column(struct table *table, const char *name, struct qlstm_error *error)
{
	if (table->n_columns == TABLE_MAX_COLUMNS)
		return error_set(error, ERR_TOO_LARGE, NULL, "more than %d columns", TABLE_MAX_COLUMNS);
	int n = table->n_columns;
	if (n == 0 || (n >= 8 && (n & (n - 1)) == 0)) {
		size_t capacity = n == 0 ? 8 : 2 * (size_t)n;
		struct column *columns = realloc(table->columns, capacity * sizeof *columns);
		if (columns == NULL)
			return error_set(error, ERR_OUT_OF_MEMORY, NULL, "out of memory for a table");
		table->columns = columns;
	}
	table->columns[n] = (struct column){.name = column_name(name, n), .numeric = true, .type = COLUMN_NUMBER};
	if (table->columns[n].name == NULL)
		return error_set(error, ERR_OUT_OF_MEMORY, NULL, "out of memory for a table");
	table->n_columns++;
	return 0;
}

/* The number written in digits, or -1 when it is not one or not below `limit`. */
static int parse_index(const char *text, int limit)
{
	long long index = 0;
	if (*text == '\0')
		return -1;
	for (; *text != '\0'; text++) {
		if (*text < '0' || *text > '9')
			return -1;
		index = index * 10 + (*text - '0');
		if (index >= limit)
			return -1;
	}
	return (int)index;
}

int table_column(const struct table *table, const char *name_or_index)
{
	for (int i = 0; i < table->n_columns; i++)
		if (strcmp(table->columns[i].name, name_or_index) == 0)
			return i;
	return parse_index(name_or_index, table->n_columns);
}

int table_nearest_numeric(const struct table *table)
{
	int nearest = -1;
	for (int i = 0; i < table->n_columns; i++) {
		const struct column *column = &table->columns[i];
		const struct column *best = nearest >= 0 ? &table->columns[nearest] : NULL;
		/* A date is meant to be none. */
		bool likelier = best != NULL && best->type == COLUMN_TIME && column->type == COLUMN_TEXT;
		if (!column->numeric && (best == NULL || likelier || column->n_numbers > best->n_numbers))
			nearest = i;
	}
	return nearest;
}

int table_first_numeric(const struct table *table)
{
	for (int i = 0; i < table->n_columns; i++)
		if (table->columns[i].numeric)
			return i;
	return -1;
}

bool column_looks_numeric(const struct column *column)
{
	const char *text = column->bad_text + strspn(column->bad_text, " +-$(");
	return column->type == COLUMN_TEXT && *text >= '0' && *text <= '9';
}

void column_place(const struct column *column, char out[COLUMN_PLACE_SIZE])
{
	static const char *const words[] = {[PLACE_LINE] = "line", [PLACE_ROW] = "row"};
	out[0] = '\0';
	if (column->bad_unit != PLACE_UNKNOWN)
		snprintf(out, COLUMN_PLACE_SIZE, "%s %zu", words[column->bad_unit], column->bad_at);
}

size_t table_bytes(const struct table *table)
{
	size_t bytes = 0;
	for (int k = 0; k < table->n_columns; k++) {
		const struct column *column = &table->columns[k];
		bytes += column->values != NULL ? table->n_rows * sizeof *column->values : 0;
		bytes += column->texts != NULL ? column->texts->used + column->texts->count * sizeof(size_t) : 0;
	}
	return bytes;
}
