/* An uploaded data set, read again. */
#include "server/api/uploaded.h"

#include <malloc.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "schema/columns.h"
#include "server/common/csv_json.h"
#include "server/common/data_file.h"
#include "server/common/file.h"

/* Bytes of a file that is read while somebody waits for the answer. */
#define MOST_LOOKED_AT ((int64_t)64 << 20)

/* How the file is read: as its upload found, or where that was before there were dialects, as then. */
static int dataset_options(const struct dataset_row *row, struct csv_options *out, struct qlstm_error *error)
{
	json_t *description = json_loads(row->description_json, 0, NULL);
	json_t *dialect = json_object_get(description, "dialect");
	char *text = dialect != NULL ? json_dumps(dialect, 0) : NULL;
	int rc = csv_options_read(text != NULL ? text : "{\"rules\": \"first_line\"}", out, error);
	free(text);
	json_decref(description);
	return rc;
}

int uploaded_table(struct api *api, const struct dataset_row *row, int values, struct table *table,
                   struct qlstm_error *error)
{
	char path[4096];
	const unsigned char *bytes = NULL;
	size_t length = 0;
	struct data_file found;
	struct csv_options csv;
	int rc = dataset_options(row, &csv, error);
	if (rc != 0)
		return rc;
	const struct data_request wanted = {.spool = api->data_dir,
	                                    .unpacking = &api->unpacking,
	                                    .declared = data_file_of_name(row->file),
	                                    .word = row->file,
	                                    .limit = API_MAX_DATASET,
	                                    .values = values,
	                                    .csv = &csv};
	int used = snprintf(path, sizeof path, "%s/datasets/%s", api->data_dir, row->file);
	if (used < 0 || (size_t)used >= sizeof path)
		return error_set(error, ERR_IO, NULL, "the data directory's path is too long");
	rc = file_map(path, API_MAX_DATASET, &bytes, &length, error);
	if (rc != 0)
		return rc;
	rc = data_file_read(bytes, length, &wanted, &found, table, error);
	file_unmap(bytes, length);
	return rc;
}

/* The columns that the spec chooses, inputs first; how many they are. */
static int chosen(const struct spec *spec, int *columns)
{
	const struct windows_config *windows = &spec->windows;
	memcpy(columns, windows->inputs, (size_t)windows->n_inputs * sizeof *columns);
	memcpy(columns + windows->n_inputs, windows->targets, (size_t)windows->n_targets * sizeof *columns);
	return windows->n_inputs + windows->n_targets;
}

int uploaded_complete(struct table *table, const struct spec *spec, struct qlstm_error *error)
{
	int columns[2 * SAMPLES_MAX_COLUMNS];
	size_t changed = 0;
	int rc = missing_complete(table, columns, chosen(spec, columns), spec->missing, &changed, error);
	if (rc != 0)
		error_prefix(error, "/data/missing");
	return rc;
}

/* The rows that samples are cut from. */
static int read_rows(struct api *api, const struct catalog_entry *entry, const json_t *resolved, struct spec *spec,
                     struct table *table, struct qlstm_error *error)
{
	if (entry->series != NULL)
		return series_table(entry->series, table, error);
	int rc = uploaded_table(api, &entry->row, VALUES_ALL, table, error);
	if (rc != 0 || spec->missing != MISSING_DROP)
		return rc;
	rc = spec_columns(spec, resolved, table, error);
	return rc == 0 ? uploaded_complete(table, spec, error) : rc;
}

int uploaded_split(struct api *api, const struct catalog_entry *entry, const json_t *resolved, struct spec *spec,
                   struct qlstm_error *error)
{
	struct table table = {0};
	if (!spec_split_needs_rows(spec) || entry->row.bytes > MOST_LOOKED_AT)
		return 0;
	int rc = read_rows(api, entry, resolved, spec, &table, error);
	if (rc == 0 && (rc = split_resolve(&spec->windows.split, &table, error)) != 0)
		error_prefix(error, "/data");
	table_free(&table);
	malloc_trim(0); /* else each thread of the pool keeps what it has freed */
	return rc;
}

/* Of those columns that lack values the first; *several: others do too. */
static int first_incomplete(const struct table *table, const int *columns, int n, bool *several)
{
	int first = -1;
	*several = false;
	for (int k = 0; k < n; k++) {
		if (table->columns[columns[k]].missing == 0)
			continue;
		*several = *several || (first >= 0 && columns[k] != first);
		first = first < 0 ? columns[k] : first;
	}
	return first;
}

static int count_rows(struct api *api, const struct dataset_row *row, const int *columns, int n, size_t *rows,
                      struct qlstm_error *error)
{
	struct table table = {0};
	int rc = uploaded_table(api, row, VALUES_ALL, &table, error);
	if (rc == 0)
		*rows = missing_complete_rows(&table, columns, n);
	table_free(&table);
	return rc;
}

int uploaded_rows(struct api *api, const struct catalog_entry *entry, const json_t *resolved, struct spec *spec,
                  size_t *rows, struct qlstm_error *error)
{
	struct table table = {0};
	int columns[2 * SAMPLES_MAX_COLUMNS];
	*rows = (size_t)entry->row.n_rows;
	if (entry->series != NULL || spec->missing != MISSING_DROP)
		return 0;
	int rc = columns_read(entry->row.columns_json, &table, error);
	if (rc == 0)
		rc = spec_columns(spec, resolved, &table, error);
	bool several = false;
	int n = rc == 0 ? chosen(spec, columns) : 0, first = first_incomplete(&table, columns, n, &several);
	if (rc == 0 && several)
		rc = count_rows(api, &entry->row, columns, n, rows, error);
	else if (rc == 0 && first >= 0)
		*rows -= table.columns[first].missing;
	table_free(&table);
	return rc;
}

/* Where one column alone is numeric it is taken without a word; another one may have been meant. */
static void warn_of_texts(const struct table *table, json_t *warnings)
{
	int numeric = 0;
	for (int k = 0; k < table->n_columns; k++)
		numeric += table->columns[k].numeric;
	for (int k = 0; numeric == 1 && k < table->n_columns; k++) {
		const struct column *column = &table->columns[k];
		char place[COLUMN_PLACE_SIZE];
		if (!column_looks_numeric(column))
			continue;
		column_place(column, place);
		json_array_append_new(warnings, json_sprintf("column '%.200s' is not numeric: %s holds '%s'",
		                                             column->name, place, column->bad_text));
	}
}

json_t *uploaded_warnings(const struct catalog_entry *entry, const json_t *resolved, struct spec *spec)
{
	struct table table = {0};
	json_t *warnings = json_array();
	bool known =
	    columns_read(entry->row.columns_json, &table, NULL) == 0 && spec_columns(spec, resolved, &table, NULL) == 0;
	if (known)
		warn_of_texts(&table, warnings);
	for (int k = 0; known && k < spec->windows.n_targets; k++) {
		const struct column *column = &table.columns[spec->windows.targets[k]];
		if (column->n_numbers > 0 && column->minimum >= column->maximum)
			json_array_append_new(warnings,
			                      json_sprintf("the target '%.200s' is constant: every value is %.17g",
			                                   column->name, column->minimum));
	}
	table_free(&table);
	return warnings;
}
