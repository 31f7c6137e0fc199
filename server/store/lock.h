/* The lock that keeps a second daemon off a data directory. */
#ifndef QLSTM_STORE_LOCK_H
#define QLSTM_STORE_LOCK_H

#include "engine/error.h"

/* Locks qlstmd.lock beside the database `path`. *fd holds the lock until it is closed, so at the latest when the
 * process ends, however it ends. ERR_CONFLICT when another process has it. */
int lock_take(const char *path, int *fd, struct qlstm_error *error);

#endif
