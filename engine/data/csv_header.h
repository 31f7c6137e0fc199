/* The names of the columns of a CSV text. */
#ifndef QLSTM_DATA_CSV_HEADER_LINES_H
#define QLSTM_DATA_CSV_HEADER_LINES_H

#include "engine/data/csv/cells.h"
#include "engine/data/table.h"

/* Makes the columns from the header lines, or from the width of the first record where there are none, which is then
 * the next to be read. A further header line names the columns that the first leaves without a name, and all of them
 * where the first has its first field alone filled, as a title; one whose first field alone is filled names the first
 * column, as pandas writes the name of an index. With `unique` a column that has no name gets none that another has.
 * *line: that of the first record. */
int csv_read_header(struct scanner *scanner, const struct csv_dialect *dialect, bool unique, struct table *table,
                    size_t *line, struct qlstm_error *error);

#endif
