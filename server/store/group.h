/* Group commit: many writes, one transaction, one fsync. */
#ifndef QLSTM_STORE_GROUP_H
#define QLSTM_STORE_GROUP_H

#include <semaphore.h>
#include <stdbool.h>

#include "server/store/store.h"

struct write {
	struct write *next;
	store_fn fn;
	store_done_fn done;
	void *argument;
	struct qlstm_error error;
	bool waited_for; /* store_write: on the caller's stack; else malloc */
	sem_t finished;  /* of a waited-for write */
};

/* Runs the writes from `first`, each under a savepoint, commits, and sets each one's error. Returns the first that was
 * not tried (SQLite had rolled the transaction back before its turn), or NULL. Without *committed every write before
 * that one has an error. Events of the writes that hold are in the connection's outbox afterwards, if it has one. */
struct write *group_run(struct db *db, struct write *first, bool *committed);

/* Whether writing works: commits something that changes nothing. */
bool group_probe(struct db *db);

#endif
