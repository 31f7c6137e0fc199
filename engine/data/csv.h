/* CSV (RFC 4180) into a table. Separator , ; or tab (found from the first line), quotes, CRLF or LF, byte-order mark.
 * The first line is a header unless every field of it is a number. A column with an empty or non-numeric field is kept
 * as not numeric and refused only when it is chosen, with the line and the text. Decimal point, no locale. */
#ifndef QLSTM_DATA_CSV_H
#define QLSTM_DATA_CSV_H

#include "engine/data/table.h"

/* `text` need not end in NUL. ERR_SYNTAX with the line number in the message: uneven field counts, an open quote, a NUL
 * byte, no rows. ERR_TOO_LARGE past TABLE_MAX_COLUMNS. *out is owned by the caller (table_free); untouched on failure.
 */
int csv_parse(const char *text, size_t length, struct table *out, struct qlstm_error *error);

/* The same with the values of some columns (table.h); those of others are NULL. */
int csv_read(const char *text, size_t length, int values, struct table *out, struct qlstm_error *error);

#endif
