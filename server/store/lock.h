/* The lock that keeps a second daemon off a data directory. */
#ifndef QLSTM_STORE_LOCK_H
#define QLSTM_STORE_LOCK_H

#include "engine/error.h"

/* Locks the folder of the database `path` itself, so that no file can be taken away with the lock on it. *fd holds the
 * lock until it is closed, so at the latest when the process ends, however it ends. ERR_CONFLICT when another process
 * has it, and keeps it for two seconds: one that was killed may leave a child that does not know yet. */
int lock_take(const char *path, int *fd, struct qlstm_error *error);

#endif
