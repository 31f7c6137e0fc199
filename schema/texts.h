/* Texts as data: a model that reads them begins with an embedding, which fits the vocabulary. */
#ifndef QLSTM_SCHEMA_TEXTS_H
#define QLSTM_SCHEMA_TEXTS_H

#include <jansson.h>

#include "engine/error.h"

/* On an expanded request, before it is validated, in place: where the task is one on texts, an embedding without
 * classes gets as many as data.vocabulary says, and a model of which no list of layers is written gets an embedding in
 * front. `request` is what it was expanded from. What is no request of that shape stays for the validation to refuse.
 */
int texts_prepare(json_t *expanded, const json_t *request, struct qlstm_error *error);

/* On a validated spec: whether the first layer is an embedding that has room for the vocabulary. */
int texts_check(const json_t *resolved, struct qlstm_error *error);

#endif
