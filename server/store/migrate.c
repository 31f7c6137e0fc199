/* From whatever the file is to the schema of this program. */
#include "server/store/migrate.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "schema/embed.h"
#include "server/common/file.h"

#define REAL(column) "iif(" column " IS NULL, NULL, json(printf('%!.17g', " column ")))" /* to the last digit */

/* migrations[n] leads from version n to n + 1 and ends by setting user_version. Version 0 is the empty file, for which
 * the whole schema is run instead. */
/* clang-format off */
static const char *const migrations[] = {
    NULL,
    /* 1 to 2: the table event. Epochs have no time of their own in version 1: they stand between the start of the
     * first attempt and the last transition. */
    "CREATE TABLE event (id INTEGER PRIMARY KEY AUTOINCREMENT,"
    " experiment_id TEXT NOT NULL REFERENCES experiment (id) ON DELETE CASCADE, at INTEGER NOT NULL,"
    " attempt INTEGER NOT NULL, type TEXT NOT NULL, body_json TEXT NOT NULL) STRICT;"
    "CREATE INDEX event_experiment ON event (experiment_id, id);"
    "INSERT INTO event (experiment_id, at, attempt, type, body_json)"
    " SELECT experiment_id, at, attempt, type, body FROM ("
    "  SELECT experiment_id, at, attempt,"
    "   iif(to_status IN ('queued', 'running', 'paused', 'cancelling'), 0, 2) AS part,"
    "   seq AS place, 'status' AS type, json_patch('{}', json_object('from', from_status, 'to', to_status,"
    "   'reason', reason, 'message', message)) AS body FROM transition"
    "  UNION ALL"
    "  SELECT experiment_id, coalesce(attempt_started_at, started_at, created_at), epoch_metric.attempt, 1,"
    "   epoch_metric.epoch, 'epoch', json_object('epoch', epoch_metric.epoch,"
    "   'train_loss', " REAL("epoch_metric.train_loss") ", 'test_loss', " REAL("epoch_metric.test_loss") ","
    "   'gradient_norm', " REAL("gradient_norm") ", 'seconds', " REAL("seconds") ")"
    "  FROM epoch_metric JOIN experiment ON experiment.id = experiment_id)"
    " ORDER BY experiment_id, part, place;"
    "PRAGMA user_version = 2;",
    /* 2 to 3: metrics by name. */
    "CREATE TABLE epoch_metric_by_name ("
    " experiment_id TEXT NOT NULL REFERENCES experiment (id) ON DELETE CASCADE, epoch INTEGER NOT NULL,"
    " attempt INTEGER NOT NULL, metrics_json TEXT NOT NULL, seconds REAL NOT NULL,"
    " PRIMARY KEY (experiment_id, epoch)) STRICT, WITHOUT ROWID;"
    "INSERT INTO epoch_metric_by_name (experiment_id, epoch, attempt, metrics_json, seconds)"
    " SELECT experiment_id, epoch, attempt, json_object('train_loss', " REAL("train_loss") ","
    "  'test_loss', " REAL("test_loss") ", 'gradient_norm', " REAL("gradient_norm") "), seconds"
    " FROM epoch_metric;"
    "DROP TABLE epoch_metric;"
    "ALTER TABLE epoch_metric_by_name RENAME TO epoch_metric;"
    "ALTER TABLE experiment ADD COLUMN metrics_json TEXT NOT NULL DEFAULT '{}';"
    "UPDATE experiment SET metrics_json = coalesce((SELECT "
    "epoch_metric.metrics_json FROM epoch_metric"
    " WHERE experiment_id = experiment.id AND epoch_metric.epoch = "
    "experiment.epoch), '{}');"
    "ALTER TABLE experiment DROP COLUMN train_loss;"
    "ALTER TABLE experiment DROP COLUMN test_loss;"
    "PRAGMA user_version = 3;",
    /* 3 to 4: the data sets have a kind; all that are there are CSV. */
    "ALTER TABLE dataset ADD COLUMN file TEXT NOT NULL DEFAULT '';"
    "ALTER TABLE dataset ADD COLUMN kind TEXT NOT NULL DEFAULT 'csv';"
    "ALTER TABLE dataset ADD COLUMN description_json TEXT NOT NULL DEFAULT '{}';"
    "UPDATE dataset SET file = sha256 || '.csv',"
    " description_json = iif(has_header, '{\"has_header\":true}', '{\"has_header\":false}');"
    "ALTER TABLE dataset DROP COLUMN has_header;"
    "PRAGMA user_version = 4;",
    /* 4 to 5: deleted experiments whose folders may still be there. */
    "CREATE TABLE deletion (experiment_id TEXT PRIMARY KEY) STRICT, WITHOUT ROWID;"
    "CREATE INDEX dataset_file ON dataset (file);"
    "PRAGMA user_version = 5;",
    /* 5 to 6: rows have an owner, names and keys are an owner's own. The data sets stand aside while their table is
     * made anew: as parents of experiments they must be back under the same name by the commit. */
    "PRAGMA defer_foreign_keys = ON;"
    "ALTER TABLE experiment ADD COLUMN owner TEXT NOT NULL DEFAULT '';"
    "CREATE INDEX experiment_owner ON experiment (owner, id) WHERE owner <> '';"
    "CREATE INDEX experiment_owner_status ON experiment (owner, status, id) WHERE owner <> '';"
    "CREATE INDEX experiment_owner_project ON experiment (owner, project, id) WHERE owner <> '';"
    "CREATE TABLE dataset_aside AS SELECT * FROM dataset;"
    "DROP TABLE dataset;"
    "CREATE TABLE dataset (id TEXT PRIMARY KEY, name TEXT NOT NULL, sha256 TEXT NOT NULL, bytes INTEGER NOT NULL,"
    " n_rows INTEGER NOT NULL, file TEXT NOT NULL, kind TEXT NOT NULL, columns_json TEXT NOT NULL,"
    " description_json TEXT NOT NULL, created_at INTEGER NOT NULL, owner TEXT NOT NULL DEFAULT '',"
    " UNIQUE (name, owner)) STRICT;"
    "INSERT INTO dataset (id, name, sha256, bytes, n_rows, file, kind, columns_json, description_json, created_at)"
    " SELECT id, name, sha256, bytes, n_rows, file, kind, columns_json, description_json, created_at"
    " FROM dataset_aside;"
    "DROP TABLE dataset_aside;"
    "CREATE INDEX dataset_owner ON dataset (owner, id);"
    "CREATE INDEX dataset_file ON dataset (file);"
    "ALTER TABLE idempotency RENAME TO idempotency_aside;"
    "DROP INDEX idempotency_age;"
    "CREATE TABLE idempotency (owner TEXT NOT NULL, key TEXT NOT NULL, body_sha256 TEXT NOT NULL,"
    " experiment_id TEXT NOT NULL, created_at INTEGER NOT NULL, PRIMARY KEY (owner, key)) STRICT, WITHOUT ROWID;"
    "INSERT INTO idempotency (owner, key, body_sha256, experiment_id, created_at)"
    " SELECT '', key, body_sha256, experiment_id, created_at FROM idempotency_aside;"
    "DROP TABLE idempotency_aside;"
    "CREATE INDEX idempotency_age ON idempotency (created_at);"
    "PRAGMA user_version = 6;",
    /* 6 to 7: a back-off has a column of its own, so that it does not cost the place in the queue. One that was under
     * way is over. */
    "ALTER TABLE experiment ADD COLUMN not_before INTEGER NOT NULL DEFAULT 0;"
    "ALTER TABLE experiment ADD COLUMN max_running INTEGER NOT NULL DEFAULT 0;"
    "DROP INDEX experiment_queue;"
    "CREATE INDEX experiment_queue ON experiment (run_at, id) WHERE status = 'queued' AND not_before = 0;"
    "CREATE INDEX experiment_owner_queue ON experiment (owner, run_at, id)"
    " WHERE status = 'queued' AND not_before = 0;"
    "CREATE INDEX experiment_backoff ON experiment (not_before) WHERE status = 'queued' AND not_before > 0;"
    "PRAGMA user_version = 7;",
    /* 7 to 8: notes, which people may change, as name and tags. */
    "ALTER TABLE experiment ADD COLUMN notes TEXT NOT NULL DEFAULT '';"
    "PRAGMA user_version = 8;",
    /* 8 to 9: weights of others to start from. */
    "ALTER TABLE experiment ADD COLUMN init_id TEXT;"
    "CREATE INDEX experiment_init ON experiment (init_id) WHERE init_id IS NOT NULL;"
    "PRAGMA user_version = 9;",
};
/* clang-format on */

enum { NEWEST = sizeof migrations / sizeof *migrations, QUICK_CHECK_SECONDS = 10 };

/* The first column of the first row as a number, negative after an error; `sql` as in db_query. */
static int64_t query_int(struct db *db, const char *sql)
{
	db_query(db, sql);
	int64_t value = db_step(db) > 0 ? db_int(db, 0) : 0;
	return db_finish(db) == 0 ? value : -1;
}

static const char sql_application_id[] = "PRAGMA application_id";
static const char sql_user_version[] = "PRAGMA user_version";

/* What `schema` declares itself to be, read off a database made of it in memory. */
static int schema_identity(const char *schema, int64_t *application, struct qlstm_error *error)
{
	struct db *memory = NULL;
	int rc = db_open(&memory, ":memory:", DB_WRITER, NULL, error);
	if (rc != 0)
		return rc;
	if (db_script(memory, schema) != 0)
		rc = db_error(memory, error);
	*application = query_int(memory, sql_application_id);
	int64_t version = query_int(memory, sql_user_version);
	if (rc == 0 && (*application < 0 || version < 0))
		rc = db_error(memory, error);
	db_close(memory);
	if (rc == 0 && version != NEWEST)
		rc = error_set(error, ERR_INTERNAL, NULL, "the schema has version %lld, the migrations lead to %d",
		               (long long)version, NEWEST);
	return rc;
}

static int run_step(struct db *db, const char *script, struct qlstm_error *error)
{
	if (db_begin(db) == 0 && db_script(db, script) == 0 && db_commit(db) == 0)
		return 0;
	db_rollback(db);
	return db_error(db, error);
}

/* Of a large database only as much as the time allows: that the service starts is worth more. */
static int quick_check(struct db *db, struct qlstm_error *error)
{
	db_set_patience(db, QUICK_CHECK_SECONDS);
	db_query(db, "PRAGMA quick_check(1)");
	char verdict[256] = "";
	if (db_step(db) > 0 && db_text(db, 0) != NULL)
		snprintf(verdict, sizeof verdict, "%s", db_text(db, 0));
	int rc = db_finish(db);
	db_set_patience(db, 0);
	if (rc == ERR_CANCELLED) {
		db_set_remark(db,
		              "in %d seconds only a part of the database could be looked at, and nothing was found; "
		              "qlstmd check looks at all of it",
		              QUICK_CHECK_SECONDS);
		return 0;
	}
	if (rc != 0)
		return db_error(db, error);
	if (strcmp(verdict, "ok") != 0)
		return error_set(error, ERR_CORRUPT, NULL, "the database is damaged: %s", verdict);
	return 0;
}

/* A copy of the database as it is, beside it: qlstmd.db.v1 of version 1. One that is there already is kept: it is of
 * the first try. */
static int keep_copy(struct db *db, int64_t version, struct qlstm_error *error)
{
	char file[PATH_MAX], temporary[PATH_MAX + 8];
	db_query(db, "SELECT file FROM pragma_database_list WHERE name = 'main'");
	bool found = db_step(db) > 0 && db_text(db, 0) != NULL;
	int length = found ? snprintf(file, sizeof file, "%s.v%lld", db_text(db, 0), (long long)version) : 0;
	if (db_finish(db) != 0)
		return db_error(db, error);
	if (length <= 0 || (size_t)length >= sizeof file)
		return error_set(error, ERR_IO, NULL, "the database has no path that a copy could stand beside");
	if (access(file, F_OK) == 0)
		return 0;
	snprintf(temporary, sizeof temporary, "%s.tmp", file);
	unlink(temporary);
	db_query(db, "VACUUM INTO :file");
	db_bind_text(db, ":file", temporary);
	if (db_run(db) != 0)
		return db_error(db, error);
	return file_rename_durably(temporary, file, error);
}

int schema_adopt(struct db *db, const char *schema, struct qlstm_error *error)
{
	int64_t application = 0;
	int rc = schema_identity(schema, &application, error);
	if (rc != 0)
		return rc;
	int64_t found = query_int(db, sql_application_id);
	int64_t version = query_int(db, sql_user_version);
	int64_t tables = query_int(db, "SELECT count(*) FROM sqlite_schema");
	if (found < 0 || version < 0 || tables < 0)
		return db_error(db, error);
	bool empty = found == 0 && version == 0 && tables == 0;
	if (!empty && found != application)
		return error_set(error, ERR_INVALID, NULL, "the file is a database of another program");
	if (version > NEWEST)
		return error_set(
		    error, ERR_INVALID, NULL,
		    "the database has version %lld, this program knows up to %d: it was written by a newer "
		    "one, which is to be used; nothing was changed",
		    (long long)version, NEWEST);
	rc = quick_check(db, error);
	if (rc == 0 && db_script(db, "PRAGMA journal_mode = WAL") != 0)
		rc = db_error(db, error);
	if (empty)
		return rc != 0 ? rc : run_step(db, schema, error);
	if (rc == 0 && version < NEWEST)
		rc = keep_copy(db, version, error);
	int64_t before = version;
	for (; rc == 0 && version < NEWEST; version++)
		rc = run_step(db, migrations[version], error);
	if (rc == 0 && before < NEWEST)
		db_set_remark(db, "the database was of version %lld and is of version %d; a copy is qlstmd.db.v%lld",
		              (long long)before, NEWEST, (long long)before);
	return rc;
}

int schema_check(struct db *db, struct qlstm_error *error)
{
	int64_t application = 0;
	int rc = schema_identity(schema_database_sql, &application, error);
	if (rc != 0)
		return rc;
	int64_t found = query_int(db, sql_application_id), version = query_int(db, sql_user_version);
	if (found < 0 || version < 0)
		return db_error(db, error);
	if (found != application)
		return error_set(error, ERR_INVALID, NULL, "it is no database of qlstmd");
	if (version != NEWEST)
		return error_set(
		    error, ERR_INVALID, NULL,
		    "it has version %lld, this program works with %d; a qlstmd that is started on it brings an "
		    "older one forward",
		    (long long)version, NEWEST);
	return 0;
}
