/* A backup: one file that holds the database and every file that its rows name, made while the service runs. It is
 * itself an SQLite database: a copy of qlstmd.db with one more table, backup_file, which has the files' bytes. */
#ifndef QLSTM_DISK_BACKUP_H
#define QLSTM_DISK_BACKUP_H

#include <stdint.h>

#include "engine/error.h"
#include "server/store/db.h"
#include "server/store/files.h"

/* Begun; between the two calls the names are links of its own to the files, which may be removed meanwhile. */
struct backup {
	const char *data_dir; /* absolute; borrowed */
	char staging[128];    /* the folder of the links, within the data directory; "": none */
	int lock;             /* on it */
	struct named_file *files;
	int count;
};

struct backup_report {
	int files;
	int64_t bytes;
	int missing; /* files that were damaged or gone: the backup is without them */
	char first[192];
};

/* In a read transaction of `db`: copies the database as it is in that transaction into the new or empty file `path`.
 * ERR_UNAVAILABLE when a run has replaced a checkpoint between its row and its link: to be called again in a new
 * transaction, with the next `try` (0, 1, ...); the last of them takes what there is. */
enum { BACKUP_TRIES = 8 };
int backup_begin(struct db *db, const char *data_dir, const char *path, int try, struct backup *out,
                 struct qlstm_error *error);
/* After that transaction: the files, each compared with its SHA-256. A checkpoint that went all the same leaves
 * the copy's rows: a run goes on from the one before, to the same end. In any case backup_begin is undone
 * but for the file. */
int backup_finish(struct backup *backup, const char *path, struct backup_report *report, struct qlstm_error *error);

/* Lays a backup out in `data_dir`, which is empty or not there: the database last, so that one cut off is not taken for
 * a whole one. ERR_CONFLICT when there is something; ERR_CORRUPT, ERR_INVALID when `path` is no whole backup. */
int backup_restore(const char *path, const char *data_dir, struct backup_report *report, struct qlstm_error *error);

#endif
