/* Data sets under one roof. */
#include "server/api/catalog.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/utf8.h"
#include "server/api/resource.h"
#include "server/common/clock.h"
#include "server/common/file.h"
#include "server/common/json_text.h"
#include "server/common/series_hash.h"

#define MAX_SERIES     64
#define MAX_NAME_BYTES 200

/* Written by catalog_open alone. */
static char series_sha256[MAX_SERIES][65];

static int hash_series(const struct series *series, char out[65], struct qlstm_error *error)
{
	struct table table = {0};
	int rc = series_table(series, &table, error);
	if (rc != 0)
		return rc;
	rc = series_sha256_hex(&table, out, error);
	table_free(&table);
	return rc;
}

int catalog_open(struct qlstm_error *error)
{
	int rc = 0;
	for (int i = 0; rc == 0 && i < MAX_SERIES && series_at(i) != NULL; i++)
		rc = hash_series(series_at(i), series_sha256[i], error);
	return rc;
}

void catalog_entry_free(struct catalog_entry *entry)
{
	dataset_row_free(&entry->row);
	*entry = (struct catalog_entry){0};
}

/* The columns as dataset rows have them; the caller's, NULL when out of memory. */
static char *columns_text(const struct series *series)
{
	json_t *list = json_array();
	for (int k = 0; list != NULL && series_column(series, k) != NULL; k++)
		json_array_append_new(list, json_pack("{ss, sb}", "name", series_column(series, k), "numeric", 1));
	char *text = json_text(list);
	json_decref(list);
	return text;
}

static int series_entry(int index, struct catalog_entry *out, struct qlstm_error *error)
{
	const struct series *series = series_at(index);
	*out = (struct catalog_entry){
	    .series = series,
	    .row = {.bytes = (int64_t)(series->n * (size_t)series_columns(series) * sizeof(double)),
	            .n_rows = (int64_t)series->n}};
	memcpy(out->row.sha256, series_sha256[index], sizeof out->row.sha256);
	out->row.name = strdup(series->name);
	out->row.kind = strdup("series");
	out->row.columns_json = columns_text(series);
	out->row.description_json = strdup("{}");
	if (out->row.name != NULL && out->row.kind != NULL && out->row.columns_json != NULL &&
	    out->row.description_json != NULL)
		return 0;
	catalog_entry_free(out);
	return error_set(error, ERR_OUT_OF_MEMORY, NULL, "out of memory");
}

static int series_index(const char *name)
{
	for (int i = 0; i < MAX_SERIES && series_at(i) != NULL; i++)
		if (strcmp(series_at(i)->name, name) == 0)
			return i;
	return -1;
}

struct find {
	const struct viewer *viewer;
	const char *id_or_name;
	struct dataset_row *row;
};

/* Among built-in and uploaded names that the viewer sees. */
static int refuse_name(struct db *db, const struct viewer *viewer, const char *wanted, struct qlstm_error *error)
{
	struct dataset_row *rows = NULL;
	int count = 0, n_names = 0;
	dataset_list(db, viewer, &rows, &count, NULL);
	const char **names = calloc((size_t)count + MAX_SERIES, sizeof *names);
	for (int i = 0; names != NULL && i < MAX_SERIES && series_at(i) != NULL; i++)
		names[n_names++] = series_at(i)->name;
	for (int i = 0; names != NULL && i < count; i++)
		names[n_names++] = rows[i].name;
	const char *nearest = names != NULL ? error_nearest(wanted, names, (size_t)n_names) : NULL;
	int rc = nearest != NULL ? error_set(error, ERR_NOT_FOUND, NULL,
	                                     "there is no data set '%.100s'; did you mean '%.100s'?", wanted, nearest)
	                         : error_set(error, ERR_NOT_FOUND, NULL, "there is no data set '%.100s'", wanted);
	for (int i = 0; i < count; i++)
		dataset_row_free(&rows[i]);
	free(names);
	free(rows);
	return rc;
}

static int find_upload(struct db *db, void *argument, struct qlstm_error *error)
{
	struct find *find = argument;
	struct qlstm_error first = {0};
	int rc = dataset_get(db, find->id_or_name, find->viewer, find->row, &first);
	if (rc == ERR_NOT_FOUND)
		return refuse_name(db, find->viewer, find->id_or_name, error);
	return rc == 0 ? 0 : error_set(error, rc, NULL, "%s", first.message);
}

int catalog_find(struct api *api, const struct viewer *viewer, const char *id_or_name, struct catalog_entry *out,
                 struct qlstm_error *error)
{
	*out = (struct catalog_entry){0};
	int index = series_index(id_or_name);
	if (index >= 0)
		return series_entry(index, out, error);
	struct find find = {viewer, id_or_name, &out->row};
	return store_read(api->store, find_upload, &find, error);
}

const char *catalog_id(const struct catalog_entry *entry)
{
	return entry->series != NULL ? entry->series->name : entry->row.id;
}

json_t *catalog_json(const struct catalog_entry *entry)
{
	const struct dataset_row *row = &entry->row;
	const char *id = catalog_id(entry);
	const char *summary = entry->series != NULL ? entry->series->summary : NULL;
	json_t *description = json_embedded(row->description_json);
	bool has_header = json_is_true(json_object_get(description, "has_header"));
	return json_pack("{ss, ss, sb, so, so, ss, so, so, sI, sI, so, sb, so, s{so, so}}", "id", id, "name", row->name,
	                 "builtin", entry->series != NULL, "owner", json_text_or_null(row->owner), "summary",
	                 json_text_or_null(summary), "kind", row->kind, "description", description, "sha256",
	                 json_string(row->sha256), "bytes", (json_int_t)row->bytes, "rows", (json_int_t)row->n_rows,
	                 "columns", json_embedded(row->columns_json), "has_header", has_header, "created_at",
	                 json_time(row->created_at), "links", "self", json_sprintf("/datasets/%s", id), "content",
	                 json_sprintf("/datasets/%s/content", id));
}

json_t *catalog_upload_json(const struct dataset_row *row)
{
	const struct catalog_entry entry = {.row = *row};
	return catalog_json(&entry);
}

json_t *catalog_builtin_json(int index)
{
	struct catalog_entry entry;
	if (index >= MAX_SERIES || series_at(index) == NULL || series_entry(index, &entry, NULL) != 0)
		return NULL;
	json_t *json = catalog_json(&entry);
	catalog_entry_free(&entry);
	return json;
}

int catalog_name_check(const char *name, struct qlstm_error *error)
{
	size_t length = strlen(name);
	if (length == 0 || length > MAX_NAME_BYTES)
		return error_set(error, ERR_OUT_OF_RANGE, NULL, "name has %zu bytes; allowed are 1 to %d", length,
		                 MAX_NAME_BYTES);
	for (size_t i = 0, step; i < length; i += step) {
		step = utf8_character(name + i, length - i);
		if (step == 0)
			return error_set(error, ERR_INVALID, NULL, "name is not UTF-8");
		if (utf8_control(name + i) > 0 || name[i] == '/')
			return error_set(error, ERR_INVALID, NULL, "name holds a control character or a slash");
	}
	if (strcmp(name, ".") == 0 || strcmp(name, "..") == 0) /* clients take them out of a path */
		return error_set(error, ERR_INVALID, NULL, "name is '%s', which no path can hold", name);
	if (ulid_valid(name))
		return error_set(error, ERR_INVALID, NULL, "name has the form of an id");
	if (series_index(name) >= 0)
		return error_set(error, ERR_CONFLICT, NULL, "'%s' is the name of a built-in series", name);
	return 0;
}
