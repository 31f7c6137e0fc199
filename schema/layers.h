/* The list of layers as a whole: what one layer's schema cannot say. */
#ifndef QLSTM_SCHEMA_LAYERS_H
#define QLSTM_SCHEMA_LAYERS_H

#include <jansson.h>
#include <stdbool.h>

#include "engine/error.h"

/* In place, on a validated spec: adds a dense head where the last layer is none, fills in the head's units, refuses a
 * list without a recurrent layer, an inner dense layer without units, and a head that does not fit the targets. */
int layers_complete(json_t *resolved, struct qlstm_error *error);

/* Whether the last layer measures words: then it is the model, without a head. */
bool layers_measure_words(const json_t *resolved);
/* Whether the engine knows the type and it is recurrent; NULL: no. */
bool layers_type_is_recurrent(const char *name);
/* The first recurrent layer, borrowed; NULL when there is none. */
const json_t *layers_recurrent(const json_t *resolved);

#endif
