/* The columns of a table as JSON, as the database keeps them and GET shows them, and back:
 *   [{"name": "t", "numeric": true, "type": "number", "missing": 1, "missing_line": 8, "missing_text": "?",
 *     "minimum": 0, "maximum": 5, "constant": false},
 *    {"name": "note", "numeric": false, "type": "text", "missing": 0, "bad_line": 2, "bad_text": "x"}]
 * Of an array `_row` stands in place of `_line`. What version 0.1.0 wrote has name, numeric and bad alone. */
#ifndef QLSTM_SCHEMA_COLUMNS_H
#define QLSTM_SCHEMA_COLUMNS_H

#include <jansson.h>

#include "engine/data/table.h"

/* New reference, NULL when out of memory. */
json_t *columns_json(const struct table *table);

/* A table without values and rows, the caller's (table_free); ERR_CORRUPT for what columns_json does not write. */
int columns_read(const char *text, struct table *out, struct qlstm_error *error);

#endif
