/* What others call a field: the table x-synonyms of the schema, which knows the field by meaning, not by spelling. */
#ifndef QLSTM_SCHEMA_SYNONYMS_H
#define QLSTM_SCHEMA_SYNONYMS_H

#include <jansson.h>
#include <stdbool.h>

#include "schema/place/place.h"

#define SYNONYM_SIZE 192

/* What is probably meant by the unknown field at `place` with this value, in words that end a sentence: "here it is
 * /data/window". Case, - and _ do not count. `here`: entries of the table that belong to this place alone; else the
 * others. False: nothing is known of it. */
bool synonym_find(const json_t *document, const struct place *place, const json_t *value, bool here,
                  char out[SYNONYM_SIZE]);

#endif
