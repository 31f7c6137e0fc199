/* YAML to JSON: the core schema (null, true, false, numbers; everything quoted is text), anchors and aliases. */
#ifndef QLSTM_API_YAML_JSON_H
#define QLSTM_API_YAML_JSON_H

#include <jansson.h>

#include "engine/error.h"

/* One document. *out is the caller's. ERR_SYNTAX with the line. For trusted text: depth is not limited. */
int yaml_to_json(const char *text, json_t **out, struct qlstm_error *error);

#endif
