/* SQLite, met in this file's .c and nowhere else. A db is one connection; statements are prepared once and kept.
 *
 * Parameters are bound by name. A query is a bracket:
 *
 *     db_query(db, "SELECT name FROM dataset WHERE id = :id");
 *     db_bind_text(db, ":id", id);
 *     while (db_step(db) > 0)
 *         use(db_text(db, 0));
 *     int rc = db_finish(db);
 *
 * An error in any call is sticky until db_finish, which reports it and resets; so the calls between need no checks.
 * Queries nest up to 4 deep. Not thread-safe: one thread at a time. */
#ifndef QLSTM_STORE_DB_H
#define QLSTM_STORE_DB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/error.h"

struct db;

enum db_mode { DB_WRITER, DB_READER }; /* the reader's connection is read-only */

/* WAL, synchronous=FULL, foreign keys. DB_WRITER creates the file, runs `schema` on an empty database and then what
 * schema/session.sql keeps in memory (NULL: neither); an unknown application_id or a newer user_version is ERR_INVALID,
 * a damaged file ERR_CORRUPT; an older one is migrated (migrate.h). */
int db_open(struct db **out, const char *path, enum db_mode mode, const char *schema, struct qlstm_error *error);
void db_close(struct db *db);
/* What opening did that people should know of, in one sentence; "" where it was nothing. */
const char *db_remark(const struct db *db);
void db_set_remark(struct db *db, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* A statement that takes longer than this is given up with ERR_CANCELLED; 0: none is. */
void db_set_patience(struct db *db, double seconds);

void db_query(struct db *db, const char *sql); /* `sql` has static storage: its address is the cache key */
void db_bind_text(struct db *db, const char *name, const char *value); /* NULL binds NULL; copied */
void db_bind_int(struct db *db, const char *name, int64_t value);
void db_bind_real(struct db *db, const char *name, double value); /* NaN binds NULL */
void db_bind_null(struct db *db, const char *name);
void db_bind_bytes(struct db *db, const char *name, const void *bytes, size_t length); /* borrowed until db_finish */
int db_step(struct db *db);   /* 1: a row; 0: done; negative: failed */
int db_finish(struct db *db); /* 0, or what went wrong since db_query; see db_error */
int db_run(struct db *db);    /* step to the end and finish, for statements without rows */

/* Columns of the current row, from 0. Text is borrowed until the next step; NULL for NULL. */
const char *db_text(struct db *db, int column);
int64_t db_int(struct db *db, int column);
double db_real(struct db *db, int column); /* NaN for NULL, as it was bound */
bool db_is_null(struct db *db, int column);
const void *db_bytes(struct db *db, int column, size_t *length); /* borrowed until the next step */

int64_t db_changes(struct db *db); /* rows changed by the last finished statement */
int64_t db_last_id(struct db *db); /* the row that the last INSERT made */

/* Where events of the transaction at hand are put (outbox.h); borrowed, NULL at first. */
struct outbox;
void db_set_outbox(struct db *db, struct outbox *outbox);
struct outbox *db_outbox(struct db *db);

/* The queue in memory, by which a row's place is found (queue_order.h); borrowed, NULL at first. */
struct queue_order;
void db_set_queue_order(struct db *db, struct queue_order *order);
struct queue_order *db_queue_order(struct db *db);

/* Copies the whole database, as the read transaction at hand sees it, into the new or empty file `path`, which is
 * synced. The copy is a plain file without a log. ERR_DISK_FULL, ERR_IO, ... */
int db_copy(struct db *db, const char *path, struct qlstm_error *error);

/* Whether the disk has its last room, which is for making more: other writes are to wait (store.h). */
void db_set_frugal(struct db *db, bool frugal);
bool db_frugal(const struct db *db);

/* The last error in words; ERR_DISK_FULL, ERR_IO, ERR_CONFLICT (constraint), ... as its code. */
int db_error(struct db *db, struct qlstm_error *error);

int db_script(struct db *db, const char *sql); /* several statements without parameters; rows are ignored */

int db_begin(struct db *db);                 /* BEGIN IMMEDIATE; a reader's BEGIN, which fixes what it sees */
bool db_in_transaction(const struct db *db); /* a full disk, say, makes SQLite roll back on its own */
int db_commit(struct db *db);
void db_rollback(struct db *db);
int db_savepoint(struct db *db);                 /* one level inside a transaction */
int db_release(struct db *db);                   /* keeps what happened since the savepoint */
void db_rollback_to(struct db *db);              /* undoes it */
int db_checkpoint(struct db *db, bool truncate); /* of the write-ahead log; ERR_UNAVAILABLE: readers are in the way */
int64_t db_log_pages(const struct db *db);       /* how long that log is, as of the last commit or checkpoint */

#endif
