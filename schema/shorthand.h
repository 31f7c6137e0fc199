/* The shorthand of a request: fields of one recurrent layer at the top level or directly under model. */
#ifndef QLSTM_SCHEMA_SHORTHAND_H
#define QLSTM_SCHEMA_SHORTHAND_H

#include <jansson.h>

#include "engine/error.h"

/* A new request in the long form (values shared with the given one) in *expanded. What is no object passes as it is,
 * for the validation to refuse. Fields that stand beside the shorthand and are unknown are refused here, where it is
 * still known that layer fields were allowed. */
int shorthand_expand(const json_t *schema, const json_t *request, json_t **expanded, struct qlstm_error *error);

/* Moves the pointer of an error about the expanded layer to the field that the user wrote. */
void shorthand_locate(const json_t *schema, const json_t *request, struct qlstm_error *error);

#endif
