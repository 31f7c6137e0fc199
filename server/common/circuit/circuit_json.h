/* A circuit as the JSON that `qlstm-worker circuit` reads (server/worker/README.md, "Circuit programs"). */
#ifndef QLSTM_COMMON_CIRCUIT_CIRCUIT_JSON_H
#define QLSTM_COMMON_CIRCUIT_CIRCUIT_JSON_H

#include <jansson.h>

#include "engine/nn/layer_circuit.h"

/* features NULL: none are named. Of a circuit whose features are made of the layer's inputs (layer_circuit.h), features
 * are those of the program; circuit_made_json says what each is made of: {"feature", "encoder", "scale"}. New
 * references, NULL when out of memory. */
json_t *circuit_json(const struct trained_angles *circuit, const double *features);
json_t *circuit_made_json(const struct trained_angles *circuit);

#endif
