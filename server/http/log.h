/* The daemon's log: one JSON object a line on standard error or in a file. Thread-safe. No bodies, no header values. */
#ifndef QLSTM_HTTP_LOG_H
#define QLSTM_HTTP_LOG_H

#include <stddef.h>
#include <stdint.h>

#include "engine/error.h"

/* Lines go to the end of this file from now on. Before one would make it longer than `limit` bytes (0: never) it is
 * renamed to PATH.1, PATH.1 to PATH.2, up to `keep` of them. ERR_IO. */
int log_to(const char *path, uint64_t limit, int keep, struct qlstm_error *error);
/* Opens the file of that name anew: somebody else has renamed it. */
void log_reopen(void);
void log_close(void); /* standard error again */

/* {"time","level","message"}; `level` is "info", "warning" or "error". */
void log_message(const char *level, const char *format, ...) __attribute__((format(printf, 2, 3)));

struct log_access {
	const char *method, *path, *remote;
	int status;    /* 0: the client was gone before the reply */
	size_t bytes;  /* of the reply's body */
	double millis; /* from the request's head to the end of the reply */
};
void log_access(const struct log_access *access);

#endif
