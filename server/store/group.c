/* One transaction over many writes. */
#include "server/store/group.h"

#include <stdio.h>

#include "server/store/outbox.h"

/* Events that a write which fails leaves behind; a connection may have no outbox. */
static struct event **events_mark(struct db *db)
{
	return db_outbox(db) != NULL ? outbox_mark(db_outbox(db)) : NULL;
}

static void events_cut(struct db *db, struct event **mark)
{
	if (mark != NULL)
		outbox_cut(db_outbox(db), mark);
}

/* One write under its savepoint. Returns false when SQLite rolled the whole transaction back. */
static bool run_write(struct db *db, struct write *write)
{
	if (db_savepoint(db) != 0) {
		db_error(db, &write->error);
		return db_in_transaction(db);
	}
	struct event **mark = events_mark(db);
	int rc = write->fn(db, write->argument, &write->error);
	if (rc != 0 && write->error.code == 0)
		error_set(&write->error, rc, NULL, "%s", error_name(rc));
	if (!db_in_transaction(db)) {
		error_set(&write->error, ERR_IO, NULL, "the database rolled the transaction back");
		return false;
	}
	if (rc == 0)
		error_clear(&write->error);
	if (rc == 0 && db_release(db) == 0)
		return true;
	db_error(db, &write->error);
	events_cut(db, mark);
	db_rollback_to(db);
	return db_in_transaction(db);
}

/* Every write from `first` up to `end` that believes to have succeeded has not. */
static void fail_writes(struct write *first, const struct write *end, const struct qlstm_error *error)
{
	for (struct write *write = first; write != end; write = write->next)
		if (write->error.code == 0)
			write->error = *error;
}

struct write *group_run(struct db *db, struct write *first, bool *committed)
{
	*committed = false;
	struct qlstm_error failure = {0};
	struct write *write = first;
	struct event **none = db_outbox(db) != NULL ? &db_outbox(db)->first : NULL;
	if (db_begin(db) != 0) {
		db_error(db, &failure);
		fail_writes(first, NULL, &failure);
		return NULL;
	}
	bool alive = true;
	for (; write != NULL && alive; write = write->next) {
		alive = run_write(db, write);
		if (!alive)
			failure = write->error;
	}
	if (alive && db_commit(db) != 0) {
		db_error(db, &failure);
		db_rollback(db);
		alive = false;
	}
	if (!alive) {
		fail_writes(first, write, &failure);
		events_cut(db, none);
	}
	*committed = alive;
	return write;
}

bool group_probe(struct db *db)
{
	char script[64];
	db_query(db, "PRAGMA user_version");
	long long version = db_step(db) > 0 ? (long long)db_int(db, 0) : 0;
	snprintf(script, sizeof script, "PRAGMA user_version = %lld", version);
	bool works = db_finish(db) == 0 && db_begin(db) == 0 && db_script(db, script) == 0 && db_commit(db) == 0;
	db_rollback(db);
	return works;
}
