/* What the commands that compute one thing print: a JSON object on standard output, or a problem on standard error. */
#ifndef QLSTM_WORKER_REPLY_H
#define QLSTM_WORKER_REPLY_H

#include <jansson.h>

#include "engine/error.h"

/* A JSON number that keeps the value's bits, null for NaN and infinities. New reference, NULL when out of memory. */
json_t *reply_number(double value);

/* JSON as text with `end` behind it; *length without the NUL. The caller's (malloc); NULL when out of memory, or for
 * NULL. In place of json_dumps, which leaves out keys of objects that it has no room for. */
char *reply_string(const json_t *json, size_t flags, const char *end, size_t *length);

/* Prints `reply` on one line with 17 significant digits; steals the reference, which may be NULL (out of memory).
 * Returns the status to exit with. */
int reply_print(json_t *reply);

/* {"error": {"code", "pointer", "message"}} on standard error; returns WORKER_FAILED. */
int reply_failure(const struct qlstm_error *error);

#endif
