/* The fields of each type of layer. */
#ifndef QLSTM_SCHEMA_LAYER_FIELDS_H
#define QLSTM_SCHEMA_LAYER_FIELDS_H

#include <jansson.h>

#include "engine/nn/layer_config.h"

/* Fills a zeroed configuration from a layer of a resolved spec, by its type. */
void layer_fields_store(struct layer_config *config, const json_t *layer);

#endif
