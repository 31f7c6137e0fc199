/* Turns a name or a value that the schema does not know into an error that says what was probably meant. */
#ifndef QLSTM_SCHEMA_SUGGEST_H
#define QLSTM_SCHEMA_SUGGEST_H

#include <jansson.h>

#include "engine/error.h"
#include "schema/place/place.h"

/* ERR_UNKNOWN_FIELD at `place`, the unknown field with its value. What others call a field of here is said first
 * (synonyms.h); exactly a field of another part: says which; else the nearest field of the object schemas that may
 * stand here, else the fields themselves, as many as fit. */
int suggest_field(const json_t *document, const json_t *const *schemas, size_t n_schemas, const struct place *place,
                  const json_t *value, struct qlstm_error *error);

/* `value`, which belongs at `place`, is none of the choices: ERR_MISSING when it is NULL, ERR_WRONG_TYPE when it is no
 * string, else ERR_INVALID with the nearest choice where one is near. */
int suggest_choice(const struct place *place, const json_t *value, const char *const *choices, size_t n_choices,
                   struct qlstm_error *error);

#endif
