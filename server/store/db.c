/* SQLite connections. */
#include "server/store/db.h"

#include <errno.h>
#include <math.h>
#include <sqlite3.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "schema/embed.h"
#include "server/common/clock.h"
#include "server/store/migrate.h"

enum { MAX_DEPTH = 4, BUSY_MS = 5000, STEPS_BETWEEN_LOOKS = 1000 };

struct statement {
	const char *sql;
	sqlite3_stmt *handle;
	bool busy;
};

/* One open bracket of db_query and db_finish. */
struct query {
	sqlite3_stmt *handle; /* NULL after a failed db_query */
	size_t slot;          /* in db.cache */
	int code;             /* the first failure since db_query */
	bool done;
};

struct db {
	sqlite3 *handle;
	enum db_mode mode;
	struct statement *cache;
	size_t n_cached, cache_room;
	struct query open[MAX_DEPTH + 1]; /* the last one stands for all that are too deep */
	int depth;
	int64_t changes, log_pages;
	struct outbox *outbox;
	double deadline; /* of clock_monotonic */
	char remark[256];
	bool frugal;
	struct queue_order *queue_order;
	struct qlstm_error error;
};

static const struct {
	int sqlite, code;
} codes[] = {
    {SQLITE_FULL, ERR_DISK_FULL},      {SQLITE_IOERR, ERR_IO},
    {SQLITE_CANTOPEN, ERR_IO},         {SQLITE_READONLY, ERR_IO},
    {SQLITE_CONSTRAINT, ERR_CONFLICT}, {SQLITE_CORRUPT, ERR_CORRUPT},
    {SQLITE_NOTADB, ERR_CORRUPT},      {SQLITE_NOMEM, ERR_OUT_OF_MEMORY},
    {SQLITE_BUSY, ERR_UNAVAILABLE},    {SQLITE_LOCKED, ERR_UNAVAILABLE},
    {SQLITE_TOOBIG, ERR_TOO_LARGE},    {SQLITE_INTERRUPT, ERR_CANCELLED},
};

/* SQLite takes ENOSPC alone for a full disk. Whether the last failure of the database file or of the log was another
 * kind of fullness: a quota, or the limit on the size of files. */
static bool out_of_room(struct db *db)
{
	static const int files[] = {SQLITE_FCNTL_FILE_POINTER, SQLITE_FCNTL_JOURNAL_POINTER};
	for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
		sqlite3_file *file = NULL;
		int number = 0;
		sqlite3_file_control(db->handle, "main", files[i], &file);
		if (file != NULL && file->pMethods != NULL)
			file->pMethods->xFileControl(file, SQLITE_FCNTL_LAST_ERRNO, &number);
		if (number == EFBIG || number == EDQUOT)
			return true;
	}
	return false;
}

static bool lacks_descriptors(struct db *db)
{
	int number = db->handle != NULL ? sqlite3_system_errno(db->handle) : 0;
	return number == EMFILE || number == ENFILE;
}

/* Keeps what SQLite said last; returns our code for it. */
static int record(struct db *db, int rc)
{
	int code = ERR_INTERNAL;
	for (size_t i = 0; i < sizeof codes / sizeof *codes; i++)
		if (codes[i].sqlite == (rc & 0xff))
			code = codes[i].code;
	error_clear(&db->error);
	const char *text = db->handle != NULL ? sqlite3_errmsg(db->handle) : sqlite3_errstr(rc);
	error_set(&db->error, code, NULL, "database: %s (%d)", text, rc);
	if (rc == SQLITE_IOERR_WRITE && out_of_room(db))
		db->error.code = ERR_DISK_FULL;
	else if ((rc & 0xff) == SQLITE_CANTOPEN && lacks_descriptors(db))
		db->error.code = ERR_UNAVAILABLE;
	return db->error.code;
}

int db_error(struct db *db, struct qlstm_error *error)
{
	return error_set(error, db->error.code, NULL, "%s", db->error.message);
}

int db_script(struct db *db, const char *sql)
{
	int rc = sqlite3_exec(db->handle, sql, NULL, NULL, NULL);
	return rc == SQLITE_OK ? 0 : record(db, rc);
}

static int keep_log_length(void *context, sqlite3 *handle, const char *name, int pages)
{
	(void)handle, (void)name;
	((struct db *)context)->log_pages = pages;
	return SQLITE_OK;
}

int db_open(struct db **out, const char *path, enum db_mode mode, const char *schema, struct qlstm_error *error)
{
	struct db *db = calloc(1, sizeof *db);
	if (db == NULL)
		return error_set(error, ERR_OUT_OF_MEMORY, NULL, "no memory for a database connection");
	db->mode = mode;
	int flags = mode == DB_WRITER ? SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE : SQLITE_OPEN_READONLY;
	int rc = sqlite3_open_v2(path, &db->handle, flags | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE, NULL);
	if (rc != SQLITE_OK) {
		record(db, rc);
		rc = db_error(db, error);
		goto fail;
	}
	sqlite3_busy_timeout(db->handle, BUSY_MS);
	sqlite3_wal_hook(db->handle, keep_log_length, db); /* takes the place of automatic checkpoints */
	if (db_script(db, "PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON; PRAGMA trusted_schema = OFF;"
	                  "PRAGMA cell_size_check = ON; PRAGMA mmap_size = 0; PRAGMA temp_store = MEMORY") != 0) {
		rc = db_error(db, error);
		goto fail;
	}
	if (mode == DB_READER) {
		/* A reader that closes last would checkpoint: the writer alone may. */
		sqlite3_db_config(db->handle, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
		rc = db_script(db, "PRAGMA query_only = ON") == 0 ? 0 : db_error(db, error);
	} else {
		rc = schema != NULL ? schema_adopt(db, schema, error) : 0;
		if (rc == 0 && schema != NULL && db_script(db, schema_session_sql) != 0)
			rc = db_error(db, error);
	}
	if (rc != 0)
		goto fail;
	*out = db;
	return 0;
fail:
	db_close(db);
	return rc;
}

const char *db_remark(const struct db *db)
{
	return db->remark;
}

void db_set_remark(struct db *db, const char *format, ...)
{
	va_list arguments;
	va_start(arguments, format);
	vsnprintf(db->remark, sizeof db->remark, format, arguments);
	va_end(arguments);
}

static int is_too_late(void *context)
{
	return clock_monotonic() >= ((const struct db *)context)->deadline;
}

void db_set_patience(struct db *db, double seconds)
{
	db->deadline = clock_monotonic() + seconds;
	sqlite3_progress_handler(db->handle, seconds > 0 ? STEPS_BETWEEN_LOOKS : 0, is_too_late, db);
}

void db_set_frugal(struct db *db, bool frugal)
{
	db->frugal = frugal;
}

bool db_frugal(const struct db *db)
{
	return db->frugal;
}

void db_set_outbox(struct db *db, struct outbox *outbox)
{
	db->outbox = outbox;
}

struct outbox *db_outbox(struct db *db)
{
	return db->outbox;
}

void db_set_queue_order(struct db *db, struct queue_order *order)
{
	db->queue_order = order;
}

struct queue_order *db_queue_order(struct db *db)
{
	return db->queue_order;
}

int64_t db_last_id(struct db *db)
{
	return sqlite3_last_insert_rowid(db->handle);
}

void db_close(struct db *db)
{
	if (db == NULL)
		return;
	for (size_t i = 0; i < db->n_cached; i++)
		sqlite3_finalize(db->cache[i].handle);
	free(db->cache);
	sqlite3_close(db->handle);
	free(db);
}

int db_copy(struct db *db, const char *path, struct qlstm_error *error)
{
	struct db to = {0};
	int rc = sqlite3_open_v2(
	    path, &to.handle, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE,
	    NULL);
	sqlite3_backup *backup = rc == SQLITE_OK ? sqlite3_backup_init(to.handle, "main", db->handle, "main") : NULL;
	if (backup != NULL) {
		rc = sqlite3_backup_step(backup, -1);
		int end = sqlite3_backup_finish(backup);
		rc = rc == SQLITE_DONE ? end : rc;
	} else if (rc == SQLITE_OK) {
		rc = sqlite3_extended_errcode(to.handle);
	}
	if (rc == SQLITE_OK)
		rc = sqlite3_exec(to.handle, "PRAGMA journal_mode = DELETE", NULL, NULL, NULL);
	if (rc != SQLITE_OK) {
		record(&to, rc);
		db_error(&to, error);
	}
	sqlite3_close(to.handle);
	return rc == SQLITE_OK ? 0 : to.error.code;
}

/* The innermost open query. */
static struct query *top(struct db *db)
{
	return &db->open[(db->depth <= MAX_DEPTH ? db->depth : MAX_DEPTH + 1) - 1];
}

static void query_fail(struct db *db, int rc)
{
	struct query *query = top(db);
	if (query->code == 0)
		query->code = record(db, rc);
}

/* A prepared statement for `sql` that no open query uses; (size_t)-1 when there is none and none can be made. */
static size_t cache_take(struct db *db, const char *sql, int *rc)
{
	for (size_t i = 0; i < db->n_cached; i++)
		if (db->cache[i].sql == sql && !db->cache[i].busy)
			return i;
	if (db->n_cached == db->cache_room) {
		size_t room = db->cache_room == 0 ? 32 : 2 * db->cache_room;
		struct statement *grown = realloc(db->cache, room * sizeof *grown);
		if (grown == NULL) {
			*rc = SQLITE_NOMEM;
			return (size_t)-1;
		}
		db->cache = grown;
		db->cache_room = room;
	}
	sqlite3_stmt *handle = NULL;
	*rc = sqlite3_prepare_v3(db->handle, sql, -1, SQLITE_PREPARE_PERSISTENT, &handle, NULL);
	if (*rc != SQLITE_OK)
		return (size_t)-1;
	db->cache[db->n_cached] = (struct statement){.sql = sql, .handle = handle};
	return db->n_cached++;
}

void db_query(struct db *db, const char *sql)
{
	db->depth++;
	struct query *query = top(db);
	*query = (struct query){0};
	if (db->depth > MAX_DEPTH) {
		query_fail(db, SQLITE_MISUSE);
		return;
	}
	int rc = SQLITE_OK;
	query->slot = cache_take(db, sql, &rc);
	if (rc != SQLITE_OK) {
		query_fail(db, rc);
		return;
	}
	query->handle = db->cache[query->slot].handle;
	db->cache[query->slot].busy = true;
}

/* The place of the parameter, or 0 when nothing is to be bound. */
static int parameter(struct db *db, const char *name)
{
	struct query *query = top(db);
	if (query->code != 0)
		return 0;
	int place = sqlite3_bind_parameter_index(query->handle, name);
	if (place == 0)
		query_fail(db, SQLITE_RANGE);
	return place;
}

static void bound(struct db *db, int rc)
{
	if (rc != SQLITE_OK)
		query_fail(db, rc);
}

void db_bind_text(struct db *db, const char *name, const char *value)
{
	int place = parameter(db, name);
	if (place > 0) /* NULL binds NULL */
		bound(db, sqlite3_bind_text(top(db)->handle, place, value, -1, SQLITE_TRANSIENT));
}

void db_bind_int(struct db *db, const char *name, int64_t value)
{
	int place = parameter(db, name);
	if (place > 0)
		bound(db, sqlite3_bind_int64(top(db)->handle, place, value));
}

void db_bind_real(struct db *db, const char *name, double value)
{
	int place = parameter(db, name);
	if (place > 0) /* NaN binds NULL */
		bound(db, sqlite3_bind_double(top(db)->handle, place, value));
}

void db_bind_null(struct db *db, const char *name)
{
	int place = parameter(db, name);
	if (place > 0)
		bound(db, sqlite3_bind_null(top(db)->handle, place));
}

void db_bind_bytes(struct db *db, const char *name, const void *bytes, size_t length)
{
	int place = parameter(db, name);
	if (place > 0)
		bound(db, sqlite3_bind_blob64(top(db)->handle, place, bytes, length, SQLITE_STATIC));
}

int db_step(struct db *db)
{
	struct query *query = top(db);
	if (query->code != 0 || query->done)
		return query->code; /* another step would start the statement anew */
	int rc = sqlite3_step(query->handle);
	if (rc == SQLITE_ROW)
		return 1;
	query->done = true;
	if (rc != SQLITE_DONE)
		query_fail(db, rc);
	return query->code;
}

int db_finish(struct db *db)
{
	struct query *query = top(db);
	if (query->handle != NULL) {
		sqlite3_reset(query->handle);
		sqlite3_clear_bindings(query->handle);
		db->cache[query->slot].busy = false;
		bool changed = query->code == 0 && !sqlite3_stmt_readonly(query->handle);
		db->changes = changed ? sqlite3_changes64(db->handle) : 0;
	}
	int code = query->code;
	db->depth--;
	return code;
}

int db_run(struct db *db)
{
	while (db_step(db) > 0)
		;
	return db_finish(db);
}

const char *db_text(struct db *db, int column)
{
	return (const char *)sqlite3_column_text(top(db)->handle, column);
}

int64_t db_int(struct db *db, int column)
{
	return sqlite3_column_int64(top(db)->handle, column);
}

const void *db_bytes(struct db *db, int column, size_t *length)
{
	const void *bytes = sqlite3_column_blob(top(db)->handle, column);
	*length = (size_t)sqlite3_column_bytes(top(db)->handle, column);
	return bytes;
}

double db_real(struct db *db, int column)
{
	return db_is_null(db, column) ? (double)NAN : sqlite3_column_double(top(db)->handle, column);
}

bool db_is_null(struct db *db, int column)
{
	return sqlite3_column_type(top(db)->handle, column) == SQLITE_NULL;
}

int64_t db_changes(struct db *db)
{
	return db->changes;
}

/* A statement without parameters and rows, prepared once as queries are. */
static int run_prepared(struct db *db, const char *sql)
{
	int rc = SQLITE_OK;
	size_t slot = cache_take(db, sql, &rc);
	if (rc != SQLITE_OK)
		return record(db, rc);
	sqlite3_stmt *handle = db->cache[slot].handle;
	rc = sqlite3_step(handle);
	int code = rc == SQLITE_DONE ? 0 : record(db, rc);
	sqlite3_reset(handle);
	return code;
}

int db_begin(struct db *db)
{
	static const char writers[] = "BEGIN IMMEDIATE", readers[] = "BEGIN";
	return run_prepared(db, db->mode == DB_WRITER ? writers : readers);
}

bool db_in_transaction(const struct db *db)
{
	return sqlite3_get_autocommit(db->handle) == 0;
}

int db_commit(struct db *db)
{
	static const char sql[] = "COMMIT";
	return run_prepared(db, sql);
}

/* Rolling back must not replace the error that is its cause. */
static void undo(struct db *db, const char *sql)
{
	if (db_in_transaction(db))
		sqlite3_exec(db->handle, sql, NULL, NULL, NULL);
}

/* The end of every read too: of those that failed nothing is prepared. */
void db_rollback(struct db *db)
{
	static const char sql[] = "ROLLBACK";
	const struct qlstm_error cause = db->error;
	if (db_in_transaction(db) && run_prepared(db, sql) != 0)
		undo(db, sql);
	db->error = cause;
}

int db_savepoint(struct db *db)
{
	static const char sql[] = "SAVEPOINT one";
	return run_prepared(db, sql);
}

int db_release(struct db *db)
{
	static const char sql[] = "RELEASE one";
	return run_prepared(db, sql);
}

void db_rollback_to(struct db *db)
{
	undo(db, "ROLLBACK TO one; RELEASE one");
}

int db_checkpoint(struct db *db, bool truncate)
{
	/* Truncating waits for readers; they come again, so it is given up at once instead. */
	sqlite3_busy_timeout(db->handle, truncate ? 0 : BUSY_MS);
	int pages = 0;
	int rc = sqlite3_wal_checkpoint_v2(
	    db->handle, NULL, truncate ? SQLITE_CHECKPOINT_TRUNCATE : SQLITE_CHECKPOINT_PASSIVE, &pages, NULL);
	sqlite3_busy_timeout(db->handle, BUSY_MS);
	if (rc != SQLITE_OK)
		return record(db, rc);
	db->log_pages = pages;
	return 0;
}

int64_t db_log_pages(const struct db *db)
{
	return db->log_pages;
}
