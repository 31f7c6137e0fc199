/* What of a spec is for people alone and changes nothing that is computed: name, project, tags, notes. Two requests
 * that differ in these are one and the same training. In a resolved spec they stand first, in this order. */
#ifndef QLSTM_SCHEMA_CAPTIONS_H
#define QLSTM_SCHEMA_CAPTIONS_H

#include <jansson.h>

#include "engine/error.h"

/* The request as text without them, malloc. NULL without memory, and where the request is not in our words (no object,
 * TQ42's): there these names may mean something else. */
char *captions_rest(const json_t *request);

/* Those of a request in our words: checked, with their defaults, as spec_resolve has them. *captions is the caller's.
 */
int captions_resolve(const json_t *request, json_t **captions, struct qlstm_error *error);

/* Moves them out of a resolved spec. *captions is the caller's. */
int captions_take(json_t *spec, json_t **captions, struct qlstm_error *error);

#endif
