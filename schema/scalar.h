/* Checks of one value against the keywords type, enum, const, minimum, maximum, exclusiveMinimum, exclusiveMaximum and
 * the lengths; and the words for what they allow. */
#ifndef QLSTM_SCHEMA_SCALAR_H
#define QLSTM_SCHEMA_SCALAR_H

#include <jansson.h>

#include "engine/error.h"
#include "schema/keyword_index.h"
#include "schema/place/place.h"

/* The keywords type, enum and const, for values of any kind. A real without a fraction counts as an integer. */
int scalar_check(const json_t *schema, const struct place *place, const json_t *value, struct qlstm_error *error);

/* `count` of `noun` ("items", "characters") against the two keywords named. */
int scalar_check_count(const json_t *schema, const struct place *place, size_t count, const char *noun,
                       enum keyword minimum, enum keyword maximum, struct qlstm_error *error);

/* Range or length of a value that is neither object nor array; *out is a new copy in which a number without a fraction
 * is an integer, so that one value has one spelling. */
int scalar_resolve(const json_t *schema, const struct place *place, const json_t *value, json_t **out,
                   struct qlstm_error *error);

#endif
