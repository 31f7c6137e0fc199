/* Files named on the command line; "-" is standard input. */
#ifndef QLSTM_WORKER_INPUT_H
#define QLSTM_WORKER_INPUT_H

#include <jansson.h>
#include <stddef.h>

#include "engine/error.h"

#define INPUT_MAX_BYTES ((size_t)1 << 30)

/* The whole of it with a NUL byte behind; *bytes (malloc) is the caller's. ERR_TOO_LARGE past INPUT_MAX_BYTES. */
int input_read(const char *path, unsigned char **bytes, size_t *length, struct qlstm_error *error);
/* Any JSON value; *json is the caller's. ERR_SYNTAX with file, line and column; duplicate keys are refused. */
int input_json(const char *path, json_t **json, struct qlstm_error *error);

/* What is in a file: the pages of a regular one, so that a large one takes no memory; a copy of what comes through a
 * pipe. No NUL byte is behind it. */
struct input {
	const unsigned char *bytes;
	size_t length;
	unsigned char *copy; /* NULL: pages */
};
/* As input_read; input_unmap it. */
int input_map(const char *path, struct input *out, struct qlstm_error *error);
void input_unmap(struct input *input);

#endif
