/* How a CSV file is read, as JSON: what the database keeps, the worker is told and an upload's answer shows:
 *   {"separator": ";", "decimal": ",", "thousands": "none", "header": 1, "skip_rows": 0, "comment": "", ...} */
#ifndef QLSTM_COMMON_CSV_JSON_H
#define QLSTM_COMMON_CSV_JSON_H

#include <jansson.h>

#include "engine/data/table.h"

/* New references, NULL when out of memory. */
json_t *csv_dialect_json(const struct csv_dialect *dialect);
/* The first rows, a list each: a number, text, null where there is none. */
json_t *csv_preview_json(const struct table *table);
json_t *csv_notes_json(const struct table *table);

/* Back from text; each property said. NULL and "" say nothing; {"rules": "first_line"} is the reading of version 0.1.0
 * (dialect.h). ERR_SYNTAX, or as csv_say. */
int csv_options_read(const char *text, struct csv_options *out, struct qlstm_error *error);

#endif
