/* Tokens of a JSON text, for the reader of the safetensors header. Part of safetensors.c; nobody else includes it. */
#ifndef QLSTM_EXPORT_SAFETENSORS_JSON_H
#define QLSTM_EXPORT_SAFETENSORS_JSON_H

#include <stdbool.h>
#include <stddef.h>

#include "engine/error.h"

struct json_cursor {
	const char *start, *at, *end;
	char *strings; /* where the next string goes. Room for end - start + 1 bytes is enough: none grows by unescaping
	                */
	struct qlstm_error *error;
};

/* ERR_CORRUPT with the position; returns it. */
int json_broken(const struct json_cursor *c, const char *what);
void json_skip_blanks(struct json_cursor *c);
/* Takes the character when it comes next, blanks before it aside. */
bool json_accept(struct json_cursor *c, char wanted);
int json_expect(struct json_cursor *c, char wanted);
/* Unescaped, well-formed UTF-8 without NUL inside; *out lies in c->strings. */
int json_read_string(struct json_cursor *c, const char **out);
/* A whole number from 0 to SIZE_MAX. */
int json_read_size(struct json_cursor *c, size_t *out);

#endif
