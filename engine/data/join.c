/* Two tables side by side. */
#include "engine/data/join.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/data/split.h"

/* A row and when it was. */
struct moment {
	double seconds;
	size_t row;
};

static int by_time(const void *a, const void *b)
{
	const struct moment *first = a, *second = b;
	return (first->seconds > second->seconds) - (first->seconds < second->seconds);
}

static int no_memory(struct qlstm_error *error)
{
	return error_set(error, ERR_OUT_OF_MEMORY, NULL, "out of memory for joining tables");
}

/* The moments of all rows; *out (malloc) is the caller's. `which`: "first", "second". */
static int read_moments(const struct table *table, const char *which, struct moment **out, struct qlstm_error *error)
{
	*out = NULL;
	if (table->times.starts == NULL)
		return error_set(error, ERR_INVALID, NULL, "the %s data set has no column of dates; join by row",
		                 which);
	bool day_first = split_day_first(table);
	struct moment *moments = malloc((table->n_rows + 1) * sizeof *moments);
	if (moments == NULL)
		return no_memory(error);
	*out = moments;
	for (size_t row = 0; row < table->n_rows; row++) {
		moments[row].row = row;
		if (!split_seconds(table_time(table, row), day_first, &moments[row].seconds))
			return error_set(error, ERR_INVALID, NULL,
			                 "row %zu of the %s data set (from 0) has no date: '%.40s'", row, which,
			                 table_time(table, row));
	}
	return 0;
}

static int refuse_twice(const struct table *table, const struct moment *sorted, struct qlstm_error *error)
{
	for (size_t i = 1; i < table->n_rows; i++)
		if (!(sorted[i].seconds > sorted[i - 1].seconds))
			return error_set(error, ERR_INVALID, NULL,
			                 "the second data set has the date '%.40s' twice, in rows %zu and %zu (from 0)",
			                 table_time(table, sorted[i].row), sorted[i - 1].row, sorted[i].row);
	return 0;
}

/* Which row of `other` belongs to each row of `table`, SIZE_MAX: none; returns how many have one. */
static size_t find_matches(const struct table *table, const struct moment *wanted, const struct moment *there,
                           size_t n_there, size_t *matches)
{
	size_t found = 0;
	for (size_t row = 0; row < table->n_rows; row++) {
		const struct moment *match = bsearch(&wanted[row], there, n_there, sizeof *there, by_time);
		matches[row] = match != NULL ? match->row : SIZE_MAX;
		found += match != NULL;
	}
	return found;
}

static int match_dates(const struct table *table, const struct table *other, size_t *matches, struct qlstm_error *error)
{
	struct moment *wanted, *there = NULL;
	int rc = read_moments(table, "first", &wanted, error);
	if (rc == 0)
		rc = read_moments(other, "second", &there, error);
	if (rc == 0 && wanted != NULL && there != NULL) {
		qsort(there, other->n_rows, sizeof *there, by_time);
		rc = refuse_twice(other, there, error);
		if (rc == 0 && find_matches(table, wanted, there, other->n_rows, matches) == 0)
			rc = error_set(error, ERR_INVALID, NULL,
			               "the data sets have not one date in common: '%.40s', '%.40s'",
			               table_time(table, 0), table_time(other, 0));
	}
	free(wanted);
	free(there);
	return rc;
}

static int match_rows(const struct table *table, const struct table *other, size_t *matches, struct qlstm_error *error)
{
	if (table->n_rows != other->n_rows)
		return error_set(error, ERR_INVALID, NULL,
		                 "the data sets have %zu and %zu rows; by row they must have as many", table->n_rows,
		                 other->n_rows);
	if (table->dialect.turned != other->dialect.turned)
		return error_set(
		    error, ERR_INVALID, NULL,
		    "the rows of one of the data sets were turned round, for their dates fall; join by date");
	for (size_t row = 0; row < table->n_rows; row++)
		matches[row] = row;
	return 0;
}

static int append_column(struct table *table, const struct column *from, const size_t *matches, const char *suffix,
                         struct qlstm_error *error)
{
	size_t size = strlen(from->name) + strlen(suffix) + 1;
	char *name = malloc(size);
	if (name == NULL)
		return no_memory(error);
	snprintf(name, size, "%s%s", from->name, suffix);
	int rc = 0;
	for (int k = 0; rc == 0 && k < table->n_columns; k++)
		if (strcmp(table->columns[k].name, name) == 0)
			rc = error_set(error, ERR_INVALID, NULL,
			               "both data sets have a column '%.80s'; say a suffix for those of the second",
			               name);
	if (rc == 0)
		rc = table_add_column(table, name, error);
	free(name);
	if (rc != 0)
		return rc;
	double *values = malloc((table->n_rows + 1) * sizeof *values);
	if (values == NULL)
		return no_memory(error);
	table->columns[table->n_columns - 1].values = values;
	for (size_t row = 0; row < table->n_rows; row++)
		values[row] = matches[row] != SIZE_MAX ? from->values[matches[row]] : (double)NAN;
	return 0;
}

int join_append(struct table *table, const struct table *other, const struct join *join, struct qlstm_error *error)
{
	size_t *matches = malloc((table->n_rows + 1) * sizeof *matches);
	if (matches == NULL)
		return no_memory(error);
	int rc = join->by == JOIN_DATE ? match_dates(table, other, matches, error)
	                               : match_rows(table, other, matches, error);
	int appended = 0;
	for (int k = 0; rc == 0 && k < other->n_columns; k++) {
		if (other->columns[k].values == NULL)
			continue;
		rc = append_column(table, &other->columns[k], matches, join->suffix, error);
		appended++;
	}
	free(matches);
	if (rc == 0 && appended == 0)
		return error_set(error, ERR_INVALID, NULL, "the second data set has no numeric column");
	return rc;
}
