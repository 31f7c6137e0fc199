/* Errors: what every fallible function of the project returns and fills.
 *
 * A function returns 0 or one of the negative codes below. It fills the caller-owned struct when the caller passes one
 * (NULL is allowed); the first error wins, so that a later failure while unwinding does not hide the cause. */
#ifndef QLSTM_ENGINE_ERROR_H
#define QLSTM_ENGINE_ERROR_H

#include <stddef.h>

#include "engine/qlstm.h" /* struct qlstm_error: the one struct that everybody shares, also outside */

/* X(enumerator, value, name on the wire) */
#define QLSTM_ERRORS(X)                                                                                                \
	X(ERR_OUT_OF_MEMORY, -1, "out_of_memory")                                                                      \
	X(ERR_SYNTAX, -2, "syntax")               /* not JSON, CSV, .npy, safetensors, ... */                          \
	X(ERR_WRONG_TYPE, -3, "wrong_type")       /* a string where a number belongs */                                \
	X(ERR_OUT_OF_RANGE, -4, "out_of_range")   /* right type, outside the allowed range */                          \
	X(ERR_UNKNOWN_FIELD, -5, "unknown_field") /* a name nobody knows */                                            \
	X(ERR_MISSING, -6, "missing")             /* a required thing is absent */                                     \
	X(ERR_INVALID, -7, "invalid")             /* right type and range, but it does not fit the rest */             \
	X(ERR_NOT_FOUND, -8, "not_found")                                                                              \
	X(ERR_CONFLICT, -9, "conflict")    /* the current state forbids it */                                          \
	X(ERR_TOO_LARGE, -10, "too_large") /* memory or size limit */                                                  \
	X(ERR_IO, -11, "io")                                                                                           \
	X(ERR_DISK_FULL, -12, "disk_full")                                                                             \
	X(ERR_CORRUPT, -13, "corrupt")         /* a checksum or a file structure does not hold */                      \
	X(ERR_NOT_FINITE, -14, "nan_loss")     /* a loss or a gradient became NaN or infinite */                       \
	X(ERR_CANCELLED, -15, "cancelled")     /* stopped on request */                                                \
	X(ERR_UNAVAILABLE, -16, "unavailable") /* draining, queue full */                                              \
	X(ERR_INTERNAL, -17, "internal")

enum error_code {
#define X(id, value, name) id = value,
	QLSTM_ERRORS(X)
#undef X
};

/* Records an error unless one is recorded already; returns `code` so that a caller can `return error_set(...)`.
 * `pointer` may be NULL. Message and pointer are UTF-8, whatever goes into them: a byte that belongs to no letter
 * becomes a question mark, and what is too long ends on a whole letter. Never allocates. */
int error_set(struct qlstm_error *error, int code, const char *pointer, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

/* Puts `prefix` in front of the pointer recorded, for a caller that knows where its part sits in the whole. */
void error_prefix(struct qlstm_error *error, const char *prefix);

void error_clear(struct qlstm_error *error);

/* The wire name of a code; "internal" for an unknown one. Never NULL, static storage. */
const char *error_name(int code);

/* The edit-distance neighbour of `word` among `names[0..count-1]`, or NULL when none is near enough to suggest.
 * Borrowed from `names`. */
const char *error_nearest(const char *word, const char *const *names, size_t count);

#endif
