/* The members that every request for generated sequences has beside its prompt, with their ranges and defaults:
 *
 *   {"prompt": ..., "length": 20, "samples": 1, "temperature": 1.0, "postselect": false, "seed": 0}
 *
 * Words or tokens: what a prompt is, the model's kind says. postselect always takes the most probable one, as
 * temperature 0 does. */
#ifndef QLSTM_SCHEMA_REQUEST_GENERATION_H
#define QLSTM_SCHEMA_REQUEST_GENERATION_H

#include <jansson.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/error.h"

/* The most sequences at once, and the longest. */
enum { GENERATION_MAX_SAMPLES = 256, GENERATION_MAX_LENGTH = 4096 };

struct generation_wanted {
	size_t length; /* of a sequence, its prompt counted; 0: none is said */
	size_t samples;
	double temperature; /* 0 where postselect is true */
	uint64_t seed;
};

/* ERR_WRONG_TYPE for a body that is no object, ERR_UNKNOWN_FIELD, ERR_OUT_OF_RANGE, ...; errors point at the members.
 * The prompt is not looked at. */
int generation_read(const json_t *body, struct generation_wanted *out, struct qlstm_error *error);

#endif
