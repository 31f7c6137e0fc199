/* What people should know of a table that was read from CSV. */
#include "engine/data/csv_notes.h"

#include <string.h>

void csv_note_lines(struct table *table, const struct scanner *scanner, int header_lines)
{
	if (header_lines > 1)
		table_note(table, "the first %d lines are header lines", header_lines);
	if (scanner->comments > 0)
		table_note(table, "%zu comment line%s left out, first line %zu", scanner->comments,
		           scanner->comments == 1 ? " was" : "s were", scanner->first_comment);
	if (scanner->blanks > 0)
		table_note(table, "%zu blank line%s passed over, first line %zu: no row stands for %s", scanner->blanks,
		           scanner->blanks == 1 ? " was" : "s were", scanner->first_blank,
		           scanner->blanks == 1 ? "it" : "them");
}

void csv_note_spacing(struct table *table, const struct spacing_order *order, bool ambiguous)
{
	char usual[32], longer[32];
	const char *name = table->columns[table->times.column].name;
	if (ambiguous)
		table_note(table, "the dates of column '%.40s' can be read day first or month first", name);
	if (order->rises > 0 && order->falls > 0)
		table_note(
		    table,
		    "the times of column '%.40s' do not rise throughout: line %zu is earlier than the row before it",
		    name, order->first_fall);
	if (order->equals > 0)
		table_note(table, "%zu time%s of column '%.40s' stand%s twice in a row, first in line %zu",
		           order->equals, order->equals == 1 ? "" : "s", name, order->equals == 1 ? "s" : "",
		           order->first_equal);
	if (order->uneven == 0 || order->usual <= 0 || order->equals > 0 || (order->rises > 0 && order->falls > 0))
		return;
	spacing_words(order->usual, usual);
	spacing_words(order->uneven_step, longer);
	table_note(
	    table,
	    "the times of column '%.40s' have gaps: the usual step is %s; %zu are not, first before line %zu (%s)",
	    name, usual, order->uneven, order->first_uneven, longer);
}

/* Columns that are texts and could have been meant as numbers, or dates. */
static void note_texts(struct table *table, const struct csv_found *found)
{
	const struct cell *no_time = &found->no_time;
	for (int i = 0; i < table->n_columns; i++) {
		const struct column *column = &table->columns[i];
		if (column->type != COLUMN_TEXT || i == found->date_column ||
		    (column->n_numbers == 0 && !column_looks_numeric(column)))
			continue;
		table_note(table, "column '%.40s' is text: line %zu holds '%.40s'; %zu of its fields are numbers",
		           column->name, column->bad_at, column->bad_text, column->n_numbers);
	}
	if (found->no_times > 0)
		table_note(table, "%zu field%s of column '%.40s' %s no date, first in line %zu: '%.*s'",
		           found->no_times, found->no_times == 1 ? "" : "s", table->columns[found->date_column].name,
		           found->no_times == 1 ? "is" : "are", no_time->line,
		           (int)(no_time->length < 40 ? no_time->length : 40), no_time->text);
}

/* What a series is not. */
static void note_rows(struct table *table, const struct csv_found *found)
{
	static const char *const times[] = {"time", "date", "datum", "zeit", "year", "jahr", "stamp"};
	const struct csv_numbers *first = &found->numbers;
	if (table->n_rows == 1 && table->n_columns > 2)
		table_note(table, "there is one row of %d columns; a series is a column, with a value in each line",
		           table->n_columns);
	bool falls = first->column >= 0 && first->falls > 1 && first->rises == 0 && found->date_column < 0;
	for (size_t k = 0; falls && k < sizeof times / sizeof times[0]; k++) {
		if (strcasestr(table->columns[first->column].name, times[k]) == NULL)
			continue;
		table_note(table,
		           "the numbers of column '%.40s' fall from row to row, and rows are taken as they stand: "
		           "where they are times, turned=true takes the last row first",
		           table->columns[first->column].name);
		return;
	}
}

void csv_note_columns(struct table *table, const struct csv_found *found)
{
	note_texts(table, found);
	note_rows(table, found);
}
