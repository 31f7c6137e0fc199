/* A table of numbers with named columns: what a reader or a generator makes, and what windows are cut from. */
#ifndef QLSTM_DATA_TABLE_H
#define QLSTM_DATA_TABLE_H

#include <stdbool.h>
#include <stddef.h>

#include "engine/error.h"

#define TABLE_MAX_COLUMNS    4096
#define TABLE_MAX_DIMENSIONS 8  /* of the array that a table was made from */
#define COLUMN_PLACE_SIZE    32 /* bytes of column_place's text */

/* Of which columns the values are read: of none, so that a table only describes; of all; or of one alone, VALUES_OF(k),
 * and then nothing else is said of the others' fields either. */
enum { VALUES_NONE, VALUES_ALL, VALUES_FIRST };
#define VALUES_OF(column) (VALUES_FIRST + (column))

/* Where something stands: in a text a line, from 1; in an array a row, from 0. */
enum place_unit { PLACE_UNKNOWN, PLACE_LINE, PLACE_ROW };

struct column {
	char *name;     /* from the header; "column_0", "column_1", ... without one */
	double *values; /* [n_rows], all finite; NULL when the column is not numeric, or the table holds no values */
	bool numeric;
	/* Of a column that is not numeric: the first place that holds something else, and what it holds. */
	enum place_unit bad_unit;
	size_t bad_at;
	char bad_text[32];
};

/* Without values (every column's NULL) a table only describes one: names, and which columns are numeric. */
struct table {
	size_t n_rows;
	int n_columns;
	struct column *columns;
	bool has_header; /* of a text: its first line holds the names */
	/* Of an array: how an element is written, "<f8", and the sizes; "" and 0 of a text. */
	char dtype[8];
	int n_dimensions;
	size_t shape[TABLE_MAX_DIMENSIONS];
};

void table_free(struct table *table); /* frees the contents; the struct is the caller's; {0} is allowed */

static inline bool values_read(int values, int column)
{
	return values == VALUES_ALL || values == VALUES_OF(column);
}

/* Whether the fields of a column are looked at, be it only to say that they are numbers. */
static inline bool values_checked(int values, int column)
{
	return values < VALUES_FIRST || values == VALUES_OF(column);
}

/* A numeric column without values; `name` is copied, "" becomes "column_N". ERR_TOO_LARGE past TABLE_MAX_COLUMNS. */
int table_add_column(struct table *table, const char *name, struct qlstm_error *error);

/* Column by name, or by index written in digits ("0"); a name wins over an index. -1 when there is none. */
int table_column(const struct table *table, const char *name_or_index);

/* The first numeric column; -1 when there is none: nothing could be trained on such a table. */
int table_first_numeric(const struct table *table);

/* Where a column that is not numeric first holds something else: "line 3" or "row 2"; "" where it is not known. */
void column_place(const struct column *column, char out[COLUMN_PLACE_SIZE]);

#endif
