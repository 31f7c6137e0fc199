/* An uploaded data set, read again: for what its description does not say. */
#ifndef QLSTM_API_UPLOADED_H
#define QLSTM_API_UPLOADED_H

#include "schema/spec.h"
#include "server/api/catalog.h"

/* The table in its file, with the values that `values` says (engine/data/table.h); the caller's.
 * ERR_UNAVAILABLE where several large packed ones are being read (data_file.h). */
int uploaded_table(struct api *api, const struct dataset_row *row, int values, struct table *table,
                   struct qlstm_error *error);

/* How many rows samples are cut from: all, but with data.missing "drop" those that lack no value of the spec's columns.
 * The file is read where several of them lack some. */
int uploaded_rows(struct api *api, const struct catalog_entry *entry, const json_t *resolved, struct spec *spec,
                  size_t *rows, struct qlstm_error *error);

/* Finds the rows at which parts end, into the spec's split, where only they say it. ERR_INVALID at "/data/split/...".
 * Not of files past 64 MiB: there the worker finds out. */
int uploaded_split(struct api *api, const struct catalog_entry *entry, const json_t *resolved, struct spec *spec,
                   struct qlstm_error *error);

/* Treats the missing values of the spec's columns as it says. Errors point to "/data/missing". */
int uploaded_complete(struct table *table, const struct spec *spec, struct qlstm_error *error);

/* What people should know of the chosen columns, in sentences: a target that is constant. New reference, NULL when out
 * of memory. */
json_t *uploaded_warnings(const struct catalog_entry *entry, const json_t *resolved, struct spec *spec);

#endif
