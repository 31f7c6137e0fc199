/* /datasets: built-in series and uploads in one list; uploads by POST, content, DELETE. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "engine/utf8.h"
#include "schema/columns.h"
#include "server/api/catalog.h"
#include "server/api/datasets.h"
#include "server/api/handlers.h"
#include "server/api/request.h"
#include "server/common/clock.h"
#include "server/common/data_file.h"
#include "server/common/file.h"
#include "server/common/json_text.h"

static bool file_path(const struct api *api, const char *file, char *path, size_t size)
{
	int length = snprintf(path, size, "%s/datasets/%s", api->data_dir, file);
	return length > 0 && (size_t)length < size;
}

/* Nothing could be trained on a table without numbers. */
static int check_numeric(const struct table *table, struct qlstm_error *error)
{
	if (table_first_numeric(table) >= 0 || table->dialect.texts != TEXTS_NONE)
		return 0;
	int at = table_nearest_numeric(table);
	if (at < 0)
		return error_set(error, ERR_INVALID, NULL, "the data has no column");
	const struct column *nearest = &table->columns[at];
	char place[COLUMN_PLACE_SIZE], read[200] = "";
	column_place(nearest, place);
	if (table->n_dimensions == 0)
		snprintf(read, sizeof read, "; read with separator '%s' and decimal '%c'%s",
		         csv_separator_word(table->dialect.separator), table->dialect.decimal,
		         table->n_columns <= 3 ? "; of a text of symbols say symbols=found, of one of words "
		                                 "text=labelled, tagged, pairs or lines"
		                               : "");
	return error_set(error, ERR_INVALID, NULL,
	                 "the data has no numeric column; column '%.80s' is not numeric: %s holds '%s'%s",
	                 nearest->name, place, nearest->bad_text, read);
}

/* Names go into messages, logs and headers of CSV. A line break in a cell of a spreadsheet is usual and does no harm.
 */
static int check_names(const struct table *table, struct qlstm_error *error)
{
	for (int i = 0; i < table->n_columns; i++) {
		const char *at = table->columns[i].name;
		while (*at != '\0' && (strchr("\t\r\n", *at) != NULL || utf8_control(at) == 0))
			at++;
		if (*at != '\0')
			return error_set(error, ERR_INVALID, NULL, "the name of column %d holds a control character",
			                 i + 1);
	}
	return 0;
}

static char *text_of(json_t *json)
{
	char *text = json_text(json);
	json_decref(json);
	return text;
}

/* Fills a new row from the bytes and the table in them; what it holds is the caller's. */
static int describe(const struct upload *upload, const struct data_file *file, const struct table *table,
                    struct dataset_row *row, struct qlstm_error *error)
{
	char path[DATA_FILE_NAME_SIZE];
	*row = (struct dataset_row){.bytes = (int64_t)upload->length,
	                            .n_rows = (int64_t)table->n_rows,
	                            .created_at = clock_now_ms(),
	                            .columns_json = text_of(columns_json(table)),
	                            .description_json = text_of(data_file_json(file, table)),
	                            .kind = strdup(file->kind->name),
	                            .name = strdup(upload->name),
	                            .owner = strdup(upload->principal->viewer.owner)};
	ulid_make(row->id);
	sha256_hex(upload->bytes, upload->length, row->sha256);
	data_file_name(file, row->sha256, path);
	row->file = strdup(path);
	if (row->owner != NULL && row->name != NULL && row->kind != NULL && row->file != NULL &&
	    row->columns_json != NULL && row->description_json != NULL)
		return 0;
	dataset_row_free(row);
	return error_set(error, ERR_OUT_OF_MEMORY, NULL, "out of memory");
}

/* The table in the bytes, without its values. */
static int read_bytes(struct api *api, const struct upload *upload, struct data_file *file, struct table *table,
                      struct qlstm_error *error)
{
	const struct data_request wanted = {.spool = api->data_dir,
	                                    .unpacking = &api->unpacking,
	                                    .declared = data_file_of_type(upload->type != NULL ? upload->type : ""),
	                                    .word = upload->type,
	                                    .limit = api->max_upload,
	                                    .csv = &upload->csv};
	return data_file_read(upload->bytes, upload->length, &wanted, file, table, error);
}

/* Of bytes that gave no table: what they are, where that is known. */
static int explain(const struct upload *upload, int rc, struct qlstm_error *error)
{
	const char *foreign = data_kind_foreign(upload->bytes, upload->length);
	if (foreign == NULL || (rc != ERR_SYNTAX && rc != ERR_INVALID))
		return rc;
	*error = (struct qlstm_error){0};
	return error_set(error, ERR_SYNTAX, NULL,
	                 "the data look like %s; a table is expected: CSV, a spreadsheet (.xlsx), NumPy's .npy or IDX",
	                 foreign);
}

/* Reads the bytes and fills a new row from them. */
static int row_make(struct api *api, const struct upload *upload, struct dataset_row *row, struct qlstm_error *error)
{
	struct data_file file;
	struct table table = {0};
	int rc = read_bytes(api, upload, &file, &table, error);
	if (rc == 0)
		rc = check_numeric(&table, error);
	if (rc != 0)
		rc = explain(upload, rc, error);
	if (rc == 0)
		rc = check_names(&table, error);
	if (rc == 0)
		rc = describe(upload, &file, &table, row, error);
	table_free(&table);
	return rc;
}

struct insert {
	int64_t most; /* bytes of the owner's data sets; 0: any */
	struct dataset_row *row;
	bool existed;
};

static int write_insert(struct db *db, void *argument, struct qlstm_error *error)
{
	struct insert *insert = argument;
	int rc = dataset_insert(db, insert->row, &insert->existed, error);
	if (rc == 0 && !insert->existed && insert->most > 0)
		rc = dataset_check_quota(db, insert->row->owner, insert->most, error);
	return rc;
}

/* File first, then row: a crash between leaves a file that nobody names, which the sweep removes. */
static int store_upload(struct api *api, const struct upload *upload, struct insert *insert, struct qlstm_error *error)
{
	char directory[4096], path[4096];
	const char *name = insert->row->file;
	snprintf(directory, sizeof directory, "%s/datasets", api->data_dir);
	if (!file_path(api, name, path, sizeof path))
		return error_set(error, ERR_IO, NULL, "the data directory's path is too long");
	uv_mutex_lock(&api->datasets);
	bool had_file = access(path, F_OK) == 0;
	int rc = had_file ? 0 : file_write_atomic(directory, name, upload->bytes, upload->length, error);
	if (rc == 0)
		rc = store_write(api->store, write_insert, insert, error);
	/* A commit whose sync failed may be found after a crash: then the row has its file, else the sweep removes it.
	 */
	if (rc != 0 && rc != ERR_IO && !had_file)
		unlink(path);
	uv_mutex_unlock(&api->datasets);
	return rc;
}

static void reply_stored(struct api *api, const struct http_request *request, struct http_reply *reply, int status,
                         const char *id)
{
	struct qlstm_error error = {0};
	struct catalog_entry entry;
	if (catalog_find(api, &request->principal->viewer, id, &entry, &error) != 0) {
		reply_problem(request, reply, &error);
		return;
	}
	reply_json(reply, status, catalog_json(&entry));
	if (status == 201)
		reply_header(reply, "Location", "/datasets/%s", id);
	catalog_entry_free(&entry);
}

/* The name asked for, or NULL after answering. */
static const char *name_or_reply(const struct http_request *request, struct http_reply *reply)
{
	struct qlstm_error error = {0};
	const char *name = http_query(request, "name");
	if (name == NULL)
		error_set(&error, ERR_MISSING, NULL, "the query parameter name is missing: POST /datasets?name=NAME");
	else
		catalog_name_check(name, &error);
	if (error.code == 0)
		return name;
	reply_problem_as(request, reply, error.code == ERR_CONFLICT ? 409 : 400, &error);
	return NULL;
}

void datasets_store(struct api *api, const struct http_request *request, struct http_reply *reply,
                    const struct upload *upload)
{
	struct qlstm_error error = {0};
	struct dataset_row row;
	if (reserve_check(api->reserve, &error) != 0) {
		reply_problem(request, reply, &error);
		return;
	}
	if (row_make(api, upload, &row, &error) != 0) {
		if (error.code == ERR_WRONG_TYPE) /* the Content-Type says another kind */
			reply_problem_as(request, reply, 415, &error);
		else
			reply_problem(request, reply, &error);
		return;
	}
	struct insert insert = {.row = &row, .most = upload->principal->quota.bytes};
	if (store_upload(api, upload, &insert, &error) != 0)
		reply_problem(request, reply, &error);
	else
		reply_stored(api, request, reply, insert.existed ? 200 : 201, row.id);
	dataset_row_free(&row);
}

void datasets_post(void *context, struct http_request *request, struct http_reply *reply)
{
	struct qlstm_error error = {0};
	const char *types[DATA_FILE_MAX_TYPES];
	data_file_types(types);
	if (!content_type_or_reply(request, reply, types))
		return;
	struct upload upload = {.bytes = request->body,
	                        .length = request->body_length,
	                        .type = http_body_type(request),
	                        .name = name_or_reply(request, reply),
	                        .principal = request->principal};
	if (upload.name == NULL)
		return;
	if (csv_query(request, &upload.csv, &error) != 0)
		reply_problem(request, reply, &error);
	else
		datasets_store(context, request, reply, &upload);
}

struct list {
	const struct viewer *viewer;
	struct dataset_row *rows;
	int count;
};

static int read_list(struct db *db, void *argument, struct qlstm_error *error)
{
	struct list *list = argument;
	return dataset_list(db, list->viewer, &list->rows, &list->count, error);
}

void datasets_list(void *context, struct http_request *request, struct http_reply *reply)
{
	struct api *api = context;
	struct qlstm_error error = {0};
	struct list list = {.viewer = &request->principal->viewer};
	json_t *items = json_array(), *builtin;
	if (store_read(api->store, read_list, &list, &error) != 0) {
		json_decref(items);
		reply_problem(request, reply, &error);
		return;
	}
	for (int i = 0; (builtin = catalog_builtin_json(i)) != NULL; i++)
		json_array_append_new(items, builtin);
	for (int i = 0; i < list.count; i++) {
		json_array_append_new(items, catalog_upload_json(&list.rows[i]));
		dataset_row_free(&list.rows[i]);
	}
	free(list.rows);
	reply_json(reply, 200, json_pack("{so}", "datasets", items));
}

/* Finds what the path names (catalog_entry_free) or answers. */
static bool entry_or_reply(struct api *api, const struct http_request *request, struct http_reply *reply,
                           struct catalog_entry *entry)
{
	struct qlstm_error error = {0};
	if (catalog_find(api, &request->principal->viewer, request->params[0], entry, &error) == 0)
		return true;
	reply_problem(request, reply, &error);
	return false;
}

void datasets_get(void *context, struct http_request *request, struct http_reply *reply)
{
	struct api *api = context;
	struct catalog_entry entry;
	if (!entry_or_reply(api, request, reply, &entry))
		return;
	reply_json(reply, 200, catalog_json(&entry));
	catalog_entry_free(&entry);
}

/* A built-in series as the CSV that would be uploaded to get the same values. */
static void reply_series(const struct http_request *request, struct http_reply *reply, const struct series *series)
{
	struct qlstm_error error = {0};
	struct table table = {0};
	struct text out = {0};
	if (series_table(series, &table, &error) != 0) {
		reply_problem(request, reply, &error);
		return;
	}
	for (int k = 0; k < table.n_columns; k++)
		text_print(&out, "%s%s", table.columns[k].name, k + 1 < table.n_columns ? "," : "\n");
	for (size_t i = 0; i < table.n_rows; i++)
		for (int k = 0; k < table.n_columns; k++)
			text_print(&out, "%.17g%s", table.columns[k].values[i], k + 1 < table.n_columns ? "," : "\n");
	table_free(&table);
	reply_written(reply, "text/csv; charset=utf-8", &out);
}

void datasets_content(void *context, struct http_request *request, struct http_reply *reply)
{
	struct api *api = context;
	struct qlstm_error error = {0};
	struct catalog_entry entry;
	char path[4096];
	if (!entry_or_reply(api, request, reply, &entry))
		return;
	if (entry.series != NULL) {
		reply_series(request, reply, entry.series);
	} else {
		errno = ENAMETOOLONG;
		int fd = file_path(api, entry.row.file, path, sizeof path) ? open(path, O_RDONLY | O_CLOEXEC) : -1;
		if (fd < 0) {
			int code = file_error_code(errno);
			error_set(&error, code == ERR_NOT_FOUND ? ERR_IO : code, NULL,
			          "the data set's file cannot be opened: %s", strerror(errno));
			reply_problem(request, reply, &error);
		} else {
			reply_file(request, reply,
			           &(struct reply_file){fd, (size_t)entry.row.bytes, data_file_type(entry.row.file),
			                                entry.row.sha256, NULL});
		}
	}
	catalog_entry_free(&entry);
}

struct delete
{
	const char *id;
	bool last;
};

static int write_delete(struct db *db, void *argument, struct qlstm_error *error)
{
	struct delete *delete = argument;
	return dataset_delete(db, delete->id, &delete->last, error);
}

void datasets_delete(void *context, struct http_request *request, struct http_reply *reply)
{
	struct api *api = context;
	struct qlstm_error error = {0};
	struct catalog_entry entry;
	char path[4096];
	if (!entry_or_reply(api, request, reply, &entry))
		return;
	struct delete delete = {.id = entry.row.id};
	uv_mutex_lock(&api->datasets);
	int rc = entry.series != NULL ? error_set(&error, ERR_CONFLICT, NULL, "'%s' is built in", entry.series->name)
	                              : reserve_write(api->reserve, api->store, write_delete, &delete, &error);
	if (rc == 0 && delete.last && file_path(api, entry.row.file, path, sizeof path))
		unlink(path);
	uv_mutex_unlock(&api->datasets);
	if (rc != 0)
		reply_problem(request, reply, &error);
	else
		reply_empty(reply, 204);
	catalog_entry_free(&entry);
}
