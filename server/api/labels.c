/* The labels of a classification, before it is accepted. */
#include "server/api/labels.h"

#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>

#include "schema/columns.h"
#include "server/api/labels_seen.h"
#include "server/common/csv_json.h"
#include "server/common/data_file.h"
#include "server/common/file.h"

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

/* The values of column `target` alone. */
static int read_upload(const struct api *api, const struct dataset_row *row, int target, struct table *table,
                       struct qlstm_error *error)
{
	char path[4096];
	unsigned char *bytes = NULL;
	size_t length = 0;
	struct data_file found;
	struct csv_options csv;
	int rc = dataset_options(row, &csv, error);
	if (rc != 0)
		return rc;
	const struct data_request wanted = {.declared = data_file_of_name(row->file),
	                                    .word = row->file,
	                                    .limit = API_MAX_DATASET,
	                                    .values = VALUES_OF(target),
	                                    .csv = &csv};
	int used = snprintf(path, sizeof path, "%s/datasets/%s", api->data_dir, row->file);
	if (used < 0 || (size_t)used >= sizeof path)
		return error_set(error, ERR_IO, NULL, "the data directory's path is too long");
	rc = file_read(path, API_MAX_DATASET, &bytes, &length, error);
	if (rc == 0)
		rc = data_file_read(bytes, length, &wanted, &found, table, error);
	free(bytes);
	return rc;
}

/* Where the spec's columns are in the data set, without reading it. */
static int find_columns(const struct catalog_entry *entry, const json_t *resolved, struct spec *spec,
                        struct qlstm_error *error)
{
	struct table table = {0};
	int rc = columns_read(entry->row.columns_json, &table, error);
	if (rc == 0)
		rc = spec_columns(spec, resolved, &table, error);
	table_free(&table);
	return rc;
}

static int check(const struct api *api, const struct catalog_entry *entry, const struct spec *spec,
                 struct qlstm_error *error)
{
	struct table table = {0};
	const struct records_config records = spec_records(spec);
	int rc = entry->series != NULL ? series_table(entry->series, &table, error)
	                               : read_upload(api, &entry->row, spec->windows.targets[0], &table, error);
	if (rc != 0)
		return rc;
	rc = records_check_classes(&table, &records, error);
	if (rc != 0)
		error_prefix(error, "/data");
	table_free(&table);
	return rc;
}

int labels_check(struct api *api, const struct catalog_entry *entry, const json_t *resolved, struct spec *spec,
                 struct qlstm_error *error)
{
	if (spec->task != TASK_CLASSIFICATION)
		return 0;
	int rc = find_columns(entry, resolved, spec, error);
	if (rc != 0)
		return rc;
	if (entry->series != NULL)
		return check(api, entry, spec, error);
	size_t test = 0;
	struct labels_key key = {.column = spec->windows.targets[0], .classes = spec->classes};
	snprintf(key.file, sizeof key.file, "%s", entry->row.file);
	rc = spec_count_samples(spec, (size_t)entry->row.n_rows, &key.n_train, &test, error);
	if (rc != 0 || labels_seen_begin(api->labels, &key))
		return rc;
	rc = check(api, entry, spec, error);
	malloc_trim(0); /* else each thread of the pool keeps what it has freed */
	labels_seen_end(api->labels, &key, rc == 0);
	return rc;
}
