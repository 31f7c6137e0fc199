/* A table of numbers with named columns: what a reader or a generator makes, and what windows are cut from. */
#ifndef QLSTM_DATA_TABLE_H
#define QLSTM_DATA_TABLE_H

#include <stdbool.h>
#include <stddef.h>

#include "engine/error.h"

struct column {
	char *name;      /* from the header; "column_0", "column_1", ... without one */
	double *values;  /* [n_rows]; NULL when the column is not numeric */
	size_t bad_line; /* not numeric: the first line (from 1) that holds something else */
	char bad_text[32];
};

struct table {
	size_t n_rows;
	int n_columns;
	bool has_header;
	struct column *columns;
};

void table_free(struct table *table); /* frees the contents; the struct is the caller's; {0} is allowed */

/* Column by name, or by index written in digits ("0"); a name wins over an index. -1 when there is none. */
int table_column(const struct table *table, const char *name_or_index);

#endif
