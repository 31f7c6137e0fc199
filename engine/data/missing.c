/* Missing values. */
#include "engine/data/missing.h"

#include <math.h>
#include <stdlib.h>

static bool row_is_complete(const struct table *table, const int *columns, int n, size_t row)
{
	for (int k = 0; k < n; k++)
		if (isnan(table->columns[columns[k]].values[row]))
			return false;
	return true;
}

size_t missing_complete_rows(const struct table *table, const int *columns, int n)
{
	size_t complete = 0;
	for (size_t row = 0; row < table->n_rows; row++)
		complete += row_is_complete(table, columns, n, row);
	return complete;
}

/* Row `to` becomes what row `from` was. */
static void move_row(struct table *table, size_t from, size_t to)
{
	for (int k = 0; k < table->n_columns; k++)
		if (table->columns[k].values != NULL)
			table->columns[k].values[to] = table->columns[k].values[from];
	if (table->times.starts != NULL)
		table->times.starts[to] = table->times.starts[from];
	table->rows[to] = from;
}

static int drop(struct table *table, const int *columns, int n, size_t *changed, struct qlstm_error *error)
{
	size_t left = 0;
	table->rows = calloc(table->n_rows, sizeof *table->rows);
	if (table->rows == NULL)
		return error_set(error, ERR_OUT_OF_MEMORY, NULL, "out of memory for a table of %zu rows",
		                 table->n_rows);
	for (size_t row = 0; row < table->n_rows; row++)
		if (row_is_complete(table, columns, n, row))
			move_row(table, row, left++);
	*changed = table->n_rows - left;
	table->n_rows = left;
	return left > 0 ? 0 : error_set(error, ERR_INVALID, NULL, "each row lacks a value of one of the columns");
}

/* The first row from `row` on that has a value; n_rows: none. */
static size_t next_value(const double *values, size_t n_rows, size_t row)
{
	while (row < n_rows && isnan(values[row]))
		row++;
	return row;
}

static double between(double a, double b, double share)
{
	return a * (1 - share) + b * share;
}

/* Values at first .. end - 1 from those on either side, of which one at least is there. */
static void fill_gap(double *values, size_t n_rows, size_t first, size_t end, enum missing policy)
{
	bool before = first > 0, after = end < n_rows;
	for (size_t row = first; row < end; row++) {
		if (!before)
			values[row] = values[end];
		else if (policy == MISSING_FFILL || !after)
			values[row] = values[first - 1];
		else
			values[row] = between(values[first - 1], values[end],
			                      (double)(row - first + 1) / (double)(end - first + 1));
	}
}

static size_t fill_column(double *values, size_t n_rows, enum missing policy)
{
	size_t filled = 0;
	for (size_t row = 0; row < n_rows; row++) {
		if (!isnan(values[row]))
			continue;
		size_t end = next_value(values, n_rows, row);
		fill_gap(values, n_rows, row, end, policy);
		filled += end - row;
		row = end - 1;
	}
	return filled;
}

static int refuse(const struct column *column, struct qlstm_error *error)
{
	char place[COLUMN_PLACE_SIZE];
	column_place(column, place);
	return error_set(error, ERR_INVALID, NULL, "column '%s' has no value in %s, which holds '%s'", column->name,
	                 place, column->bad_text);
}

int missing_complete(struct table *table, const int *columns, int n, enum missing policy, size_t *changed,
                     struct qlstm_error *error)
{
	int rc = 0;
	*changed = 0;
	bool any = false;
	for (int k = 0; k < n; k++)
		any = any || table->columns[columns[k]].missing > 0;
	if (any && policy == MISSING_DROP)
		rc = drop(table, columns, n, changed, error);
	for (int k = 0; rc == 0 && any && k < n; k++) {
		struct column *column = &table->columns[columns[k]];
		if (column->missing == 0)
			continue;
		if (policy == MISSING_REFUSE)
			return refuse(column, error);
		if (policy != MISSING_DROP)
			*changed += fill_column(column->values, table->n_rows, policy);
		column->missing = 0;
	}
	return rc;
}
