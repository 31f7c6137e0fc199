/* The daemon's log: one JSON object a line on standard error. No bodies, no header values. */
#ifndef QLSTM_HTTP_LOG_H
#define QLSTM_HTTP_LOG_H

#include <stddef.h>

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
