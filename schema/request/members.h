/* The members of a request's body that is no experiment. */
#ifndef QLSTM_SCHEMA_REQUEST_MEMBERS_H
#define QLSTM_SCHEMA_REQUEST_MEMBERS_H

#include <jansson.h>
#include <stdbool.h>

#include "engine/error.h"

/* A number, and what it is where the body does not say it: {"length", true, 2, 4096, 0}. */
struct request_number {
	const char *name;
	bool whole;
	double least, most, fallback;
};

/* ERR_WRONG_TYPE or ERR_OUT_OF_RANGE at "/NAME"; *out is the fallback then, too. */
int request_number_read(const json_t *body, const struct request_number *number, double *out,
                        struct qlstm_error *error);

/* ERR_UNKNOWN_FIELD at the first member of an object that is not in the list, which ends with NULL. */
int request_refuse_others(const json_t *body, const char *const *known, struct qlstm_error *error);

#endif
