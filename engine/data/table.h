/* A table of numbers with named columns: what a reader or a generator makes, and what windows are cut from. */
#ifndef QLSTM_DATA_TABLE_H
#define QLSTM_DATA_TABLE_H

#include <stdbool.h>
#include <stddef.h>

#include "engine/data/csv/dialect.h"
#include "engine/data/text/texts.h"
#include "engine/error.h"

#define TABLE_MAX_COLUMNS    4096
#define TABLE_MAX_DIMENSIONS 8  /* of the array that a table was made from */
#define COLUMN_PLACE_SIZE    32 /* bytes of column_place's text */
#define TABLE_PREVIEW_ROWS   5
#define TABLE_MAX_PREVIEW    32 /* columns of a preview */
#define TABLE_MAX_NOTES      8
#define TABLE_NOTE_SIZE      192

/* Of which columns the values are read: of none, so that a table only describes; of all; or of one alone, VALUES_OF(k),
 * and then nothing else is said of the others' fields either. */
enum { VALUES_NONE, VALUES_ALL, VALUES_FIRST };
#define VALUES_OF(column) (VALUES_FIRST + (column))

/* Where something stands: in a text a line, from 1; in an array a row, from 0. */
enum place_unit { PLACE_UNKNOWN, PLACE_LINE, PLACE_ROW };

enum column_type { COLUMN_NUMBER, COLUMN_TIME, COLUMN_TEXT, COLUMN_EMPTY }; /* EMPTY: nothing but missing values */

struct column {
	char *name;          /* from the header; "column_0", "column_1", ... without one */
	double *values;      /* [n_rows], all finite but for NaN where a value is missing; NULL when the column is not
	                        numeric, or the table holds no values */
	struct texts *texts; /* [n_rows] of a table of texts (documents.h) with values; NULL */
	bool numeric;        /* every field is a number or missing, and one is a number */
	enum column_type type;
	/* Of a column that is not numeric: the first place that holds something else, and what it holds. Of one that
	 * is, where values are missing: the first place that has none, and what it holds. */
	enum place_unit bad_unit;
	size_t bad_at;
	char bad_text[32];
	size_t missing;          /* fields without a value */
	size_t n_numbers;        /* fields that are numbers */
	double minimum, maximum; /* of those */
};

struct preview_cell {
	enum column_type type; /* of the field alone; COLUMN_EMPTY: missing */
	double number;
	char text[40];
};

/* Dates and times of the rows as the file writes them. */
struct table_times {
	bool there;
	int column; /* that holds them; beside a date without times the next one may hold the times */
	char *text; /* one after the other, each with a NUL; NULL where the table holds no values */
	size_t used, room;
	size_t *starts; /* [n_rows] */
};

/* Without values (every column's NULL) a table only describes one: names, and which columns are numeric. */
struct table {
	size_t n_rows;
	int n_columns;
	struct column *columns;
	bool first_name_counts;       /* of columns of one name the first is meant, as version 0.1.0 did */
	bool has_header;              /* of a text: its first line holds the names */
	struct csv_dialect dialect;   /* of a text */
	struct preview_cell *preview; /* [n_preview][min(n_columns, TABLE_MAX_PREVIEW)]: the first rows; NULL: none */
	size_t n_preview;
	struct table_times times;
	size_t *rows; /* [n_rows]: which row of the file each one is, from 0; NULL: the same (missing.h) */
	char notes[TABLE_MAX_NOTES][TABLE_NOTE_SIZE]; /* what people should know of the rows, in sentences */
	int n_notes;
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

/* One more note; those past TABLE_MAX_NOTES are lost. */
void table_note(struct table *table, const char *format, ...) __attribute__((format(printf, 2, 3)));

static inline size_t table_row(const struct table *table, size_t row)
{
	return table->rows != NULL ? table->rows[row] : row;
}

/* The date or time of a row, "" where there is none. Borrowed. */
const char *table_time(const struct table *table, size_t row);

/* The column that is nearest to being numeric: of those that are not, the one with most numbers. -1: no columns. */
int table_nearest_numeric(const struct table *table);

/* The first numeric column; -1 when there is none: nothing could be trained on such a table. */
int table_first_numeric(const struct table *table);

/* Whether a column of text could have been meant as numbers, by what it holds first that is none: "12.5 kW", "-7%". */
bool column_looks_numeric(const struct column *column);

/* Where a column that is not numeric first holds something else: "line 3" or "row 2"; "" where it is not known. */
void column_place(const struct column *column, char out[COLUMN_PLACE_SIZE]);

/* Bytes of its values and texts. */
size_t table_bytes(const struct table *table);

#endif
