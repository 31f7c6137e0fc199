/* The audit log: who changed what, or tried to. DATA/audit.log, mode 0600, one JSON object a line, only ever appended
 * to:
 *
 *     {"time":"2026-11-28T09:00:00.000Z","key":"01M8GH...","name":"laptop","owner":"alice","method":"POST",
 *      "path":"/experiments","status":202,"location":"/experiments/01M8..."}
 *
 * It holds requests that need the scope submit or admin, also those that were refused. `key` is the key's id, null
 * without one. At 64 MiB it becomes audit.log.1, whose place is the older one's. Lines are in the hands of the kernel
 * when a request is answered; they are not synced. Thread-safe. */
#ifndef QLSTM_ACCESS_AUDIT_H
#define QLSTM_ACCESS_AUDIT_H

#include "engine/error.h"
#include "server/access/keeper.h"

struct audit;

int audit_open(struct audit **out, const char *data_dir, struct qlstm_error *error);
void audit_close(struct audit *audit); /* NULL is fine */

/* `caller` NULL: nobody, by a key or none that is not in force. `location` NULL: none. NULL audit: nothing. */
void audit_write(struct audit *audit, const struct caller *caller, const char *method, const char *path, int status,
                 const char *location);

#endif
