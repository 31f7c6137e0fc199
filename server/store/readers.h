/* A pool of read-only connections, opened on demand. Thread-safe. */
#ifndef QLSTM_STORE_READERS_H
#define QLSTM_STORE_READERS_H

#include "engine/error.h"
#include "server/store/store.h"

struct readers;

/* The database must exist; `path` is copied, `order` (db_set_queue_order) borrowed. */
int readers_open(struct readers **out, const char *path, struct queue_order *order, struct qlstm_error *error);
/* With no readers_run under way. */
void readers_close(struct readers *readers);

/* Runs fn on a connection of its own, in one read transaction: all its queries see the same state. */
int readers_run(struct readers *readers, store_fn fn, void *argument, struct qlstm_error *error);

#endif
