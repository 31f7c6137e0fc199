/* What in the data directory belongs to whom: the one definition of "owned", for the sweep, which removes what is
 * nobody's, and for `qlstmd check`, which tells of it.
 *
 * A thing is owned when a row of the database names it, or when a process works on it: an attempt's folder while the
 * attempt runs, a temporary file while its writer holds it (the lock of server/common/file.h; age says nothing). What
 * has no name of the service (layout.h) is foreign, whatever it is: a user's notes stay. */
#ifndef QLSTM_DISK_INVENTORY_H
#define QLSTM_DISK_INVENTORY_H

#include <limits.h>
#include <stdbool.h>
#include <uv.h>

#include "engine/error.h"
#include "server/store/store.h"

enum disk_verdict {
	DISK_OWNED,   /* a row names it, or it is of the service itself */
	DISK_BUSY,    /* somebody writes it, or may */
	DISK_UNOWNED, /* nobody's: may be removed, with all that is in it */
	DISK_LOST,    /* a run's folder newer than all that the database knows: its rows are missing */
	DISK_FOREIGN, /* not a name of the service: never touched */
};

struct disk_entry {
	const char *path; /* within the data directory; of a folder that is wholly one thing, the folder alone */
	enum disk_verdict verdict;
	bool folder;
	const char *what; /* "a temporary file", "a data set without a row" */
};

struct inventory {
	const char *data_dir; /* absolute */
	/* Runs fn on a connection that sees the newest commit. */
	int (*read)(void *context, store_fn fn, void *argument, struct qlstm_error *error);
	void *context;
	bool alone;           /* nobody else is at work in the directory: before the service listens */
	uv_mutex_t *datasets; /* held by whoever makes rows and files of data sets agree; NULL: nobody does */
};

/* Calls `visit` for each thing, with whatever lock keeps it what it is said to be; it may remove it. A negative code of
 * `visit` ends the walk and is returned. */
typedef int (*disk_visit)(void *context, const struct disk_entry *entry, struct qlstm_error *error);
int inventory_walk(const struct inventory *inventory, disk_visit visit, void *context, struct qlstm_error *error);

#endif
