/* The names that the service gives to what it keeps in the data directory. Anything else there is somebody else's.
 *
 *     DATA/qlstmd.db, -wal, -shm, -journal     the database; qlstmd.db.v3: a copy from before it was migrated
 *     DATA/qlstmd.reserve                      the reserve
 *     DATA/keys.json, .lock, keys.used.json    the keys (server/access); audit.log
 *     DATA/datasets/SHA256.csv                 a data set as it came
 *     DATA/runs/ID/attempt-N/FILE              what one attempt at an experiment works on and leaves
 *     DATA/aside-N                             what was put aside (loss.h): never touched again
 *
 * A file on its way to one of these names is called .NAME.XXXXXXXX.tmp (server/common/file.h). So is a spool, for the
 * instant in which it has a name at all (server/common/spool.h): qlstmd.spool itself is never there. */
#ifndef QLSTM_DISK_LAYOUT_H
#define QLSTM_DISK_LAYOUT_H

#include <stdbool.h>

/* How long a file of an attempt's folder is needed. */
enum layout_need {
	NEED_UNKNOWN,  /* no name of ours */
	NEED_ROW,      /* as long as the experiment is there: its log */
	NEED_NAMED,    /* while a row names it, or its attempt runs: checkpoints, results */
	NEED_NEIGHBOR, /* beside files that are needed: the spec of the attempt */
	NEED_LIVE,     /* while its attempt runs: links to the data */
};
enum layout_need layout_attempt_file(const char *name);

/* "attempt-3": 3; 0 for another name. */
int layout_attempt(const char *name);
/* "SHA256.csv", "SHA256.npy.gz". */
bool layout_is_dataset(const char *name);
/* ".NAME.0123abcd.tmp" */
bool layout_is_temporary(const char *name);
/* The same, on its way to the name of a data set; to a file of the service in DATA itself. */
bool layout_is_temporary_dataset(const char *name);
bool layout_is_temporary_own(const char *name);
/* A file of the service in DATA itself. */
bool layout_is_own(const char *name);
/* "qlstmd.db.v3.tmp": the copy before a migration, while it is made. */
bool layout_is_copy_begun(const char *name);

#endif
