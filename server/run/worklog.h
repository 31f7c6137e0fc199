/* worker.log, written from the loop thread without blocking it: the writes are done by pool threads, one at a time. */
#ifndef QLSTM_RUN_WORKLOG_H
#define QLSTM_RUN_WORKLOG_H

#include <uv.h>

#include "engine/error.h"

struct worklog;

/* Owns `file` from here on, also on failure. */
int worklog_open(struct worklog **out, uv_loop_t *loop, int file, struct qlstm_error *error);
/* "LEVEL TEXT" and a line break. A worker that talks faster than the disk writes, or too much, is cut short. */
void worklog_add(struct worklog *log, const char *level, const char *text, size_t length);
/* Closes after what is under way; calls nobody back. NULL is allowed. */
void worklog_close(struct worklog *log);

#endif
