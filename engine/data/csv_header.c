/* Header lines to columns. */
#include "engine/data/csv_header.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/utf8.h"

static char *copy_name(struct cell cell, struct qlstm_error *error)
{
	char *name = strndup(cell.text, cell.length);
	if (name == NULL)
		error_set(error, ERR_OUT_OF_MEMORY, NULL, "out of memory for a table");
	else
		utf8_clean(name); /* names end up in JSON */
	return name;
}

static int add_column(struct table *table, struct cell cell, struct qlstm_error *error)
{
	char *name = copy_name(cell, error);
	int rc = name != NULL ? table_add_column(table, name, error) : ERR_OUT_OF_MEMORY;
	free(name);
	return rc;
}

static int rename_column(struct column *column, struct cell cell, struct qlstm_error *error)
{
	char *name = copy_name(cell, error);
	if (name == NULL)
		return ERR_OUT_OF_MEMORY;
	free(column->name);
	column->name = name;
	return 0;
}

/* `named` [TABLE_MAX_COLUMNS]: which columns the header names. The first field alone may be a title: a further line may
 * name that column. */
static int read_first(struct scanner *scanner, bool is_header, struct table *table, bool *named,
                      struct qlstm_error *error)
{
	struct cell cell;
	size_t filled = 0;
	do {
		int rc = scanner_field(scanner, &cell, error);
		filled += cell.length > 0;
		if (rc == 0 && table->n_columns < TABLE_MAX_COLUMNS)
			named[table->n_columns] = is_header && cell.length > 0;
		if (rc == 0)
			rc = add_column(table, is_header ? cell : (struct cell){"", 0, 0}, error);
		if (rc != 0)
			return rc;
	} while (!scanner->record_ended);
	named[0] = named[0] && (filled > 1 || table->n_columns == 1);
	return 0;
}

static int read_further(struct scanner *scanner, struct table *table, bool *named, struct qlstm_error *error)
{
	struct cell cell;
	int k = 0, rc = 0, filled = 0;
	char *first = NULL;
	do {
		rc = scanner_field(scanner, &cell, error);
		if (rc != 0)
			break;
		filled += cell.length > 0;
		if (k == 0 && cell.length > 0 && (first = copy_name(cell, error)) == NULL)
			rc = ERR_OUT_OF_MEMORY;
		if (rc == 0 && k < table->n_columns && !named[k] && cell.length > 0) {
			rc = rename_column(&table->columns[k], cell, error);
			named[k] = true;
		}
		k++;
	} while (rc == 0 && !scanner->record_ended);
	if (rc == 0 && first != NULL && filled == 1 && table->n_columns > 1)
		rc = rename_column(&table->columns[0], (struct cell){first, strlen(first), 0}, error);
	free(first);
	return rc;
}

static bool is_taken(const struct table *table, int k, const char *name)
{
	for (int i = 0; i < table->n_columns; i++)
		if (i != k && strcmp(table->columns[i].name, name) == 0)
			return true;
	return false;
}

/* Column 1 without a name beside one that is called column_1. */
static int make_unique(struct table *table, const bool *named, struct qlstm_error *error)
{
	for (int k = 0; k < table->n_columns; k++) {
		char name[64];
		if (named[k] || !is_taken(table, k, table->columns[k].name))
			continue;
		snprintf(name, sizeof name, "unnamed_%d", k);
		for (int i = 2; is_taken(table, k, name); i++)
			snprintf(name, sizeof name, "unnamed_%d_%d", k, i);
		int rc = rename_column(&table->columns[k], (struct cell){name, strlen(name), 0}, error);
		if (rc != 0)
			return rc;
	}
	return 0;
}

/* "# time load": the comment that the scanner passed last. */
static int read_comment(const struct scanner *scanner, const struct csv_dialect *dialect, struct table *table,
                        struct qlstm_error *error)
{
	if (scanner->comment_text == NULL)
		return 0;
	const char *at = scanner->comment_text + strlen(dialect->comment);
	const char *newline = memchr(at, '\n', (size_t)(scanner->end - at));
	struct csv_dialect plain = *dialect;
	struct scanner names;
	struct cell cell;
	int rc = 0, k = 0;
	plain.comment[0] = '\0';
	scanner_open(&names, at, (size_t)((newline != NULL ? newline : scanner->end) - at), 1, &plain);
	bool there = scanner_next(&names);
	while (there && rc == 0 && k < table->n_columns) {
		rc = scanner_field(&names, &cell, error);
		if (rc == 0 && cell.length > 0)
			rc = rename_column(&table->columns[k], cell, error);
		k++;
		there = !names.record_ended;
	}
	scanner_close(&names);
	return rc;
}

static int read_lines(struct scanner *scanner, const struct csv_dialect *dialect, struct table *table, bool *named,
                      struct qlstm_error *error)
{
	const struct scanner start = *scanner;
	bool is_header = dialect->header_lines > 0;
	int rc = read_first(scanner, is_header, table, named, error);
	for (int i = 1; rc == 0 && i < dialect->header_lines && scanner_next(scanner); i++)
		rc = read_further(scanner, table, named, error);
	if (is_header)
		return rc;
	/* The fields are no names, but the first row. */
	char *scratch = scanner->scratch;
	size_t room = scanner->room;
	*scanner = start;
	scanner->scratch = scratch;
	scanner->room = room;
	return rc;
}

int csv_read_header(struct scanner *scanner, const struct csv_dialect *dialect, bool unique, struct table *table,
                    size_t *line, struct qlstm_error *error)
{
	if (!scanner_next(scanner))
		return error_set(error, ERR_SYNTAX, NULL, "there are no rows");
	*line = scanner->line;
	bool *named = calloc(TABLE_MAX_COLUMNS, sizeof *named);
	if (named == NULL)
		return error_set(error, ERR_OUT_OF_MEMORY, NULL, "out of memory for a table");
	int rc = read_lines(scanner, dialect, table, named, error);
	table->has_header = dialect->header_lines > 0 || dialect->names_in_comment;
	if (rc == 0 && dialect->header_lines == 0 && dialect->names_in_comment)
		rc = read_comment(scanner, dialect, table, error);
	if (rc == 0 && unique && dialect->header_lines > 0)
		rc = make_unique(table, named, error);
	free(named);
	return rc;
}
