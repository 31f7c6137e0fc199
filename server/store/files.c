/* What the rows say of files. */
#include "server/store/files.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "server/store/rows.h"

static int read_names(struct db *db, const char *id, struct run_files *out, struct qlstm_error *error)
{
	db_query(db, "SELECT 'attempt-' || attempt || '/' || file FROM checkpoint WHERE experiment_id = :id"
	             " UNION ALL SELECT file FROM artifact WHERE experiment_id = :id");
	db_bind_text(db, ":id", id);
	bool room = true;
	while (db_step(db) > 0) {
		room = out->n < FILES_OF_RUN;
		if (!room)
			break;
		column_text(db, 0, out->names[out->n++], FILES_NAME_SIZE);
	}
	if (db_finish(db) != 0)
		return db_error(db, error);
	return room ? 0
	            : error_set(error, ERR_INTERNAL, NULL, "experiment %s has more than %d files", id, FILES_OF_RUN);
}

int files_of_run(struct db *db, const char *id, struct run_files *out, struct qlstm_error *error)
{
	*out = (struct run_files){0};
	db_query(db, "SELECT (SELECT attempt FROM experiment WHERE id = :id),"
	             " (SELECT status IN ('running', 'cancelling') FROM experiment WHERE id = :id),"
	             " EXISTS (SELECT 1 FROM deletion WHERE experiment_id = :id),"
	             " EXISTS (SELECT 1 FROM experiment WHERE id > :id)");
	db_bind_text(db, ":id", id);
	if (db_step(db) > 0) {
		out->known = !db_is_null(db, 0);
		out->attempt = (int)db_int(db, 0);
		out->live = db_int(db, 1) != 0;
		out->deleted = db_int(db, 2) != 0;
		out->before = db_int(db, 3) != 0;
	}
	if (db_finish(db) != 0)
		return db_error(db, error);
	return out->known ? read_names(db, id, out, error) : 0;
}

int files_has_dataset(struct db *db, const char *file, bool *has, struct qlstm_error *error)
{
	db_query(db, "SELECT 1 FROM dataset WHERE file = :file LIMIT 1");
	db_bind_text(db, ":file", file);
	*has = db_step(db) > 0;
	return db_finish(db) == 0 ? 0 : db_error(db, error);
}

static int read_named_file(struct db *db, void *row, struct qlstm_error *error)
{
	static const enum named_kind kinds[] = {NAMED_DATASET, NAMED_ARTIFACT, NAMED_CHECKPOINT};
	struct named_file *file = row;
	(void)error;
	file->kind = kinds[db_int(db, 0)];
	column_text(db, 1, file->path, sizeof file->path);
	column_text(db, 2, file->sha256, sizeof file->sha256);
	file->bytes = db_int(db, 3);
	return 0;
}

/* Data sets of the same bytes share a file. */
int files_list(struct db *db, struct named_file **files, int *count, struct qlstm_error *error)
{
	static const struct row_type type = {sizeof **files, read_named_file, NULL};
	void *rows = NULL;
	db_query(db, "SELECT 0, 'datasets/' || file, sha256, min(bytes) FROM dataset GROUP BY file"
	             " UNION ALL SELECT 1, 'runs/' || experiment_id || '/' || file, sha256, bytes FROM artifact"
	             " UNION ALL SELECT 2, 'runs/' || experiment_id || '/attempt-' || attempt || '/' || file, sha256,"
	             "  -1 FROM checkpoint");
	int rc = rows_read(db, &type, &rows, count, error);
	if (rc == 0)
		*files = rows;
	return rc;
}

int files_note_deleted(struct db *db, const char *id, struct qlstm_error *error)
{
	db_query(db, "INSERT OR IGNORE INTO deletion (experiment_id) VALUES (:id)");
	db_bind_text(db, ":id", id);
	return db_run(db) == 0 ? 0 : db_error(db, error);
}

int files_forget_deleted(struct db *db, const char *id, struct qlstm_error *error)
{
	db_query(db, "DELETE FROM deletion WHERE experiment_id = :id");
	db_bind_text(db, ":id", id);
	return db_run(db) == 0 ? 0 : db_error(db, error);
}

int files_list_deleted(struct db *db, char (*ids)[RUN_ID_SIZE], int max, struct qlstm_error *error)
{
	int n = 0;
	db_query(db, "SELECT experiment_id FROM deletion ORDER BY experiment_id LIMIT :max");
	db_bind_int(db, ":max", max);
	while (db_step(db) > 0)
		column_text(db, 0, ids[n++], RUN_ID_SIZE);
	return db_finish(db) == 0 ? n : db_error(db, error);
}
