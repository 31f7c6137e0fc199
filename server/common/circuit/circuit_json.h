/* A circuit as the JSON that `qlstm-worker circuit` reads (server/worker/README.md, "Circuit programs"). */
#ifndef QLSTM_COMMON_CIRCUIT_CIRCUIT_JSON_H
#define QLSTM_COMMON_CIRCUIT_CIRCUIT_JSON_H

#include <jansson.h>

#include "engine/circuit/program.h"

/* features NULL: none are named. New reference, NULL when out of memory. */
json_t *circuit_json(const struct circuit_program *program, const double *weights, const double *features);

#endif
