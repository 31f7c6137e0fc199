/* A data set as a table with all its values, and that table as CSV: commas, points, names, the times first. */
#ifndef QLSTM_API_DATASET_TABLE_CSV_H
#define QLSTM_API_DATASET_TABLE_CSV_H

#include "engine/text.h"
#include "server/api/catalog.h"

/* The table is the caller's. ERR_TOO_LARGE for one that has more values than are held in memory. */
int table_csv_read(struct api *api, const struct catalog_entry *entry, struct table *table, struct qlstm_error *error);
/* Columns of text, which have no values, are left out. */
void table_csv_write(const struct table *table, struct text *out);

#endif
