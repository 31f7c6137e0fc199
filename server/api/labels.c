/* The labels of a classification, before it is accepted. */
#include "server/api/labels.h"

#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>

#include "server/common/data_file.h"
#include "server/common/file.h"

static int read_upload(const struct api *api, const struct dataset_row *row, struct table *table,
                       struct qlstm_error *error)
{
	char path[4096];
	unsigned char *bytes = NULL;
	size_t length = 0;
	struct data_file found;
	const struct data_request wanted = {
	    .declared = data_file_of_name(row->file), .word = row->file, .limit = API_MAX_DATASET, .values = true};
	int used = snprintf(path, sizeof path, "%s/datasets/%s", api->data_dir, row->file);
	if (used < 0 || (size_t)used >= sizeof path)
		return error_set(error, ERR_IO, NULL, "the data directory's path is too long");
	int rc = file_read(path, API_MAX_DATASET, &bytes, &length, error);
	if (rc == 0)
		rc = data_file_read(bytes, length, &wanted, &found, table, error);
	free(bytes);
	return rc;
}

static int check(const struct api *api, const struct catalog_entry *entry, const json_t *resolved, struct spec *spec,
                 struct qlstm_error *error)
{
	struct table table = {0};
	int rc = entry->series != NULL ? series_table(entry->series, &table, error)
	                               : read_upload(api, &entry->row, &table, error);
	if (rc != 0)
		return rc;
	rc = spec_columns(spec, resolved, &table, error);
	if (rc == 0) {
		const struct records_config records = spec_records(spec);
		rc = records_check(&table, &records, error);
		if (rc != 0)
			error_prefix(error, "/data");
	}
	table_free(&table);
	return rc;
}

int labels_check(struct api *api, const struct catalog_entry *entry, const json_t *resolved, struct spec *spec,
                 struct qlstm_error *error)
{
	if (spec->task != TASK_CLASSIFICATION)
		return 0;
	uv_mutex_lock(&api->labels);
	int rc = check(api, entry, resolved, spec, error);
	malloc_trim(0); /* else each thread of the pool keeps what it has freed */
	uv_mutex_unlock(&api->labels);
	return rc;
}
