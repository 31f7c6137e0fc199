/* Result files of an experiment. */
#include "server/store/artifacts.h"

#include "server/store/rows.h"

#define SELECT_ARTIFACT "SELECT name, file, bytes, sha256 FROM artifact WHERE experiment_id = :id"

static void read_row(struct db *db, struct artifact_row *row)
{
	column_text(db, 0, row->name, sizeof row->name);
	column_text(db, 1, row->file, sizeof row->file);
	row->bytes = db_int(db, 2);
	column_text(db, 3, row->sha256, sizeof row->sha256);
}

int artifact_insert(struct db *db, const char *id, const struct artifact_row *artifact, struct qlstm_error *error)
{
	db_query(db, "INSERT INTO artifact (experiment_id, name, file, bytes, sha256)"
	             " VALUES (:id, :name, :file, :bytes, :sha256)");
	db_bind_text(db, ":id", id);
	db_bind_text(db, ":name", artifact->name);
	db_bind_text(db, ":file", artifact->file);
	db_bind_int(db, ":bytes", artifact->bytes);
	db_bind_text(db, ":sha256", artifact->sha256);
	return db_run(db) == 0 ? 0 : db_error(db, error);
}

int artifact_clear(struct db *db, const char *id, struct qlstm_error *error)
{
	db_query(db, "DELETE FROM artifact WHERE experiment_id = :id");
	db_bind_text(db, ":id", id);
	return db_run(db) == 0 ? 0 : db_error(db, error);
}

int artifact_list(struct db *db, const char *id, struct artifact_row *rows, int max, struct qlstm_error *error)
{
	int n = 0;
	db_query(db, SELECT_ARTIFACT " ORDER BY name LIMIT :max");
	db_bind_text(db, ":id", id);
	db_bind_int(db, ":max", max);
	for (; db_step(db) > 0; n++)
		read_row(db, &rows[n]);
	return db_finish(db) == 0 ? n : db_error(db, error);
}

int artifact_get(struct db *db, const char *id, const char *name, struct artifact_row *out, struct qlstm_error *error)
{
	db_query(db, SELECT_ARTIFACT " AND name = :name");
	db_bind_text(db, ":id", id);
	db_bind_text(db, ":name", name);
	bool found = db_step(db) > 0;
	if (found)
		read_row(db, out);
	if (db_finish(db) != 0)
		return db_error(db, error);
	return found ? 0 : error_set(error, ERR_NOT_FOUND, NULL, "there is no artifact '%s'", name);
}
