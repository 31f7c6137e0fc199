/* Read-only connections for pool threads. */
#include "server/store/readers.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_READERS = 8 };

struct readers {
	char *path;
	struct queue_order *order;
	pthread_mutex_t lock; /* guards what follows */
	pthread_cond_t freed;
	struct db *idle[MAX_READERS];
	int n_idle, n_open; /* open: idle and in use */
};

int readers_open(struct readers **out, const char *path, struct queue_order *order, struct qlstm_error *error)
{
	struct readers *readers = calloc(1, sizeof *readers);
	char *copy = strdup(path);
	if (readers == NULL || copy == NULL) {
		free(copy);
		free(readers);
		return error_set(error, ERR_OUT_OF_MEMORY, NULL, "no memory for the readers");
	}
	readers->path = copy;
	readers->order = order;
	pthread_mutex_init(&readers->lock, NULL);
	pthread_cond_init(&readers->freed, NULL);
	*out = readers;
	return 0;
}

void readers_close(struct readers *readers)
{
	if (readers == NULL)
		return;
	for (int i = 0; i < readers->n_idle; i++)
		db_close(readers->idle[i]);
	pthread_cond_destroy(&readers->freed);
	pthread_mutex_destroy(&readers->lock);
	free(readers->path);
	free(readers);
}

/* An idle connection, waited for where there are `most`; NULL when the caller is to open one: its place is counted
 * already. */
static struct db *take(struct readers *readers, int most)
{
	pthread_mutex_lock(&readers->lock);
	while (readers->n_idle == 0 && readers->n_open >= most)
		pthread_cond_wait(&readers->freed, &readers->lock);
	struct db *db = NULL;
	if (readers->n_idle > 0)
		db = readers->idle[--readers->n_idle];
	else
		readers->n_open++;
	pthread_mutex_unlock(&readers->lock);
	return db;
}

/* NULL gives the place back without a connection. */
static void give(struct readers *readers, struct db *db)
{
	pthread_mutex_lock(&readers->lock);
	if (db != NULL)
		readers->idle[readers->n_idle++] = db;
	else
		readers->n_open--;
	pthread_cond_signal(&readers->freed);
	pthread_mutex_unlock(&readers->lock);
}

/* A connection of the caller's own for a while. Without a descriptor for another one, those that there are will do. */
static int borrow(struct readers *readers, struct db **out, struct qlstm_error *error)
{
	struct qlstm_error cause = {0};
	for (int most = MAX_READERS;; most = 1) {
		*out = take(readers, most);
		int rc = *out != NULL ? 0 : db_open(out, readers->path, DB_READER, NULL, &cause);
		if (rc == 0)
			return 0;
		give(readers, NULL);
		if (rc != ERR_UNAVAILABLE || most == 1)
			return error_set(error, rc, NULL, "%s", cause.message);
	}
}

int readers_run(struct readers *readers, store_fn fn, void *argument, struct qlstm_error *error)
{
	struct db *db = NULL;
	int rc = borrow(readers, &db, error);
	if (rc != 0)
		return rc;
	db_set_queue_order(db, readers->order);
	if (db_begin(db) == 0)
		rc = fn(db, argument, error);
	else
		rc = db_error(db, error);
	db_rollback(db); /* nothing was written: this only ends the snapshot */
	give(readers, db);
	if (rc < 0)
		error_set(error, rc, NULL, "%s", error_name(rc));
	return rc;
}
