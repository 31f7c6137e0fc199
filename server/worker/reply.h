/* What the commands that compute one thing print: a JSON object on standard output, or a problem on standard error. */
#ifndef QLSTM_WORKER_REPLY_H
#define QLSTM_WORKER_REPLY_H

#include <jansson.h>

#include "engine/error.h"

/* A JSON number that keeps the value's bits, null for NaN and infinities. New reference, NULL when out of memory. */
json_t *reply_number(double value);

/* Prints `reply` on one line (common/json_text.h); steals the reference, which may be NULL (out of memory).
 * Returns the status to exit with. */
int reply_print(json_t *reply);

/* {"error": {"code", "pointer", "message"}} on standard error; returns WORKER_FAILED. */
int reply_failure(const struct qlstm_error *error);

#endif
