/* CSV into a table: the dialect is found (csv/detect.h) or said, fields become columns of numbers, of times or of text.
 *
 * A column is numeric where every field is a number or missing. What is missing is NaN and counted; the first such
 * place is kept, and of a column that is not numeric the first field that is neither. Times that fall from row to row
 * turn the rows round, so that they rise. Rows of empty fields at the end are none; blank lines are passed over and
 * noted. */
#ifndef QLSTM_DATA_CSV_H
#define QLSTM_DATA_CSV_H

#include "engine/data/table.h"

/* `bytes` need not end in NUL. `options` NULL: nothing is said. ERR_SYNTAX with the line number in the message: uneven
 * field counts, an open quote, a NUL byte, no rows, no line end at all. ERR_INVALID as csv_detect. ERR_TOO_LARGE past
 * TABLE_MAX_COLUMNS. Only those `values` are kept (table.h). *out is the caller's (table_free); untouched on failure.
 */
int csv_read(const char *bytes, size_t length, const struct csv_options *options, int values, struct table *out,
             struct qlstm_error *error);

/* The same with all values and nothing said. */
int csv_parse(const char *bytes, size_t length, struct table *out, struct qlstm_error *error);

#endif
