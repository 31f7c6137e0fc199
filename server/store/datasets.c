/* Rows of uploaded data sets. */
#include "server/store/datasets.h"

#include <stdlib.h>
#include <string.h>

#include "server/store/rows.h"

#define SELECT_DATASET                                                                                                 \
	"SELECT id, sha256, bytes, n_rows, created_at, name, file, kind, columns_json, description_json, owner FROM"   \
	" dataset"

void dataset_row_free(struct dataset_row *row)
{
	free(row->name);
	free(row->file);
	free(row->kind);
	free(row->columns_json);
	free(row->description_json);
	free(row->owner);
	row->owner = NULL;
	row->name = row->file = row->kind = row->columns_json = row->description_json = NULL;
}

static int read_row(struct db *db, struct dataset_row *row, struct qlstm_error *error)
{
	memset(row, 0, sizeof *row);
	column_text(db, 0, row->id, sizeof row->id);
	column_text(db, 1, row->sha256, sizeof row->sha256);
	row->bytes = db_int(db, 2);
	row->n_rows = db_int(db, 3);
	row->created_at = db_int(db, 4);
	char **const texts[] = {&row->name, &row->file, &row->kind, &row->columns_json, &row->description_json,
	                        &row->owner};
	int rc = 0;
	for (int i = 0; rc == 0 && i < (int)(sizeof texts / sizeof *texts); i++)
		rc = column_copy(db, 5 + i, texts[i], error);
	if (rc != 0)
		dataset_row_free(row);
	return rc;
}

int dataset_insert(struct db *db, struct dataset_row *row, bool *existed, struct qlstm_error *error)
{
	char id[sizeof row->id] = "", sha256[sizeof row->sha256] = "";
	bool as_before = true;
	const char *owner = row->owner != NULL ? row->owner : "";
	/* Of data sets that have no dialect, what is said of one now does not count. */
	db_query(db, "SELECT id, sha256, coalesce(json_extract(description_json, '$.dialect') ="
	             " json_extract(:description, '$.dialect'), 1) FROM dataset WHERE name = :name AND owner = :owner");
	db_bind_text(db, ":description", row->description_json);
	db_bind_text(db, ":owner", owner);
	db_bind_text(db, ":name", row->name);
	*existed = db_step(db) > 0;
	if (*existed) {
		column_text(db, 0, id, sizeof id);
		column_text(db, 1, sha256, sizeof sha256);
		as_before = db_int(db, 2) != 0;
	}
	if (db_finish(db) != 0)
		return db_error(db, error);
	if (*existed && strcmp(sha256, row->sha256) != 0)
		return error_set(error, ERR_CONFLICT, NULL, "the name '%s' is taken by other data", row->name);
	if (*existed && !as_before)
		return error_set(error, ERR_CONFLICT, NULL,
		                 "the name '%s' is taken by the same data, read in another way", row->name);
	if (*existed) {
		memcpy(row->id, id, sizeof id);
		return 0;
	}
	db_query(
	    db,
	    "INSERT INTO dataset (id, name, sha256, bytes, n_rows, file, kind, columns_json, description_json,"
	    " created_at, owner) VALUES (:id, :name, :sha256, :bytes, :n_rows, :file, :kind, :columns, :description,"
	    " :created_at, :owner)");
	db_bind_text(db, ":owner", owner);
	db_bind_text(db, ":id", row->id);
	db_bind_text(db, ":name", row->name);
	db_bind_text(db, ":sha256", row->sha256);
	db_bind_int(db, ":bytes", row->bytes);
	db_bind_int(db, ":n_rows", row->n_rows);
	db_bind_text(db, ":columns", row->columns_json);
	db_bind_text(db, ":file", row->file);
	db_bind_text(db, ":kind", row->kind);
	db_bind_text(db, ":description", row->description_json);
	db_bind_int(db, ":created_at", row->created_at);
	return db_run(db) == 0 ? 0 : db_error(db, error);
}

int dataset_check_quota(struct db *db, const char *owner, int64_t most, struct qlstm_error *error)
{
	db_query(db, "SELECT sum(bytes) FROM dataset WHERE owner = :owner");
	db_bind_text(db, ":owner", owner);
	int64_t has = db_step(db) > 0 ? db_int(db, 0) : 0;
	if (db_finish(db) != 0)
		return db_error(db, error);
	if (has <= most)
		return 0;
	return error_set(error, ERR_TOO_LARGE, NULL,
	                 "with this one the data sets of '%s' take %lld bytes; allowed are %lld", owner, (long long)has,
	                 (long long)most);
}

int dataset_get(struct db *db, const char *id_or_name, const struct viewer *viewer, struct dataset_row *out,
                struct qlstm_error *error)
{
	/* A name that looks like another one's id does not hide it. */
	db_query(db, SELECT_DATASET " WHERE (id = :key OR name = :key) AND (:all OR owner = :owner)"
	                            " ORDER BY id = :key DESC, owner = :owner DESC, id DESC LIMIT 1");
	db_bind_text(db, ":key", id_or_name);
	db_bind_int(db, ":all", viewer->all);
	db_bind_text(db, ":owner", viewer->owner);
	bool found = db_step(db) > 0;
	int rc = found ? read_row(db, out, error) : 0;
	if (db_finish(db) != 0)
		return db_error(db, error);
	return found ? rc : error_set(error, ERR_NOT_FOUND, NULL, "there is no data set '%s'", id_or_name);
}

int dataset_list(struct db *db, const struct viewer *viewer, struct dataset_row **rows, int *count,
                 struct qlstm_error *error)
{
	struct dataset_row *list = NULL;
	int n = 0, rc = 0;
	static const char everybodys[] = SELECT_DATASET " ORDER BY id DESC";
	static const char owners[] = SELECT_DATASET " WHERE owner = :owner ORDER BY id DESC";
	db_query(db, viewer->all ? everybodys : owners);
	if (!viewer->all)
		db_bind_text(db, ":owner", viewer->owner);
	while (rc == 0 && db_step(db) > 0) {
		rc = rows_grow((void **)&list, n, sizeof *list, error);
		if (rc == 0)
			rc = read_row(db, &list[n], error);
		if (rc == 0)
			n++;
	}
	if (db_finish(db) != 0 && rc == 0)
		rc = db_error(db, error);
	if (rc != 0) {
		while (n > 0)
			dataset_row_free(&list[--n]);
		free(list);
		return rc;
	}
	*rows = list;
	*count = n;
	return 0;
}

/* Whether the query, which has one parameter :key, finds anything. Negative after an error. */
static int exists(struct db *db, const char *sql, const char *key)
{
	db_query(db, sql);
	db_bind_text(db, ":key", key);
	int found = db_step(db) > 0;
	int rc = db_finish(db);
	return rc == 0 ? found : rc;
}

int dataset_delete(struct db *db, const char *id, bool *last, struct qlstm_error *error)
{
	char file[128] = "";
	db_query(db, "SELECT file FROM dataset WHERE id = :id");
	db_bind_text(db, ":id", id);
	if (db_step(db) > 0)
		column_text(db, 0, file, sizeof file);
	if (db_finish(db) != 0)
		return db_error(db, error);
	if (file[0] == '\0')
		return error_set(error, ERR_NOT_FOUND, NULL, "there is no data set '%s'", id);
	int used = exists(db,
	                  "SELECT 1 FROM experiment WHERE dataset_id = :key"
	                  " AND status IN ('queued', 'running', 'paused', 'cancelling') LIMIT 1",
	                  id);
	if (used == 0)
		used = exists(db,
		              "SELECT 1 FROM experiment WHERE init_id = :key"
		              " AND status IN ('queued', 'running', 'paused', 'cancelling') LIMIT 1",
		              id);
	if (used < 0)
		return db_error(db, error);
	if (used)
		return error_set(error, ERR_CONFLICT, NULL, "an experiment that has not ended uses this data set");
	db_query(db, "UPDATE experiment SET dataset_id = NULL, version = version + 1 WHERE dataset_id = :id");
	db_bind_text(db, ":id", id);
	if (db_run(db) != 0)
		return db_error(db, error);
	db_query(db, "DELETE FROM dataset WHERE id = :id");
	db_bind_text(db, ":id", id);
	if (db_run(db) != 0)
		return db_error(db, error);
	int shared = exists(db, "SELECT 1 FROM dataset WHERE file = :key LIMIT 1", file);
	*last = shared == 0;
	return shared < 0 ? db_error(db, error) : 0;
}
