/* A circuit as the JSON that `qlstm-worker circuit` reads (server/worker/README.md, "Circuit programs"). */
#ifndef QLSTM_COMMON_CIRCUIT_CIRCUIT_JSON_H
#define QLSTM_COMMON_CIRCUIT_CIRCUIT_JSON_H

#include <jansson.h>

#include "engine/nn/layer_circuit.h"
#include "engine/nn/model.h"

/* features NULL: none are named. Of a circuit whose features are made of the layer's inputs (layer_circuit.h), features
 * are those of the program; circuit_made_json says what each is made of: {"feature", "encoder", "scale"}. New
 * references, NULL when out of memory. */
json_t *circuit_json(const struct trained_angles *circuit, const double *features);
json_t *circuit_made_json(const struct trained_angles *circuit);

/* The circuits of a model that users wrote (layers of type circuit), gate by gate, for programs that read a weights'
 * file: by layer
 *
 *   {"1": {"n_qubits": 2, "observables": ["Z0", "X0 Z1"], "gates": [{"gate": "H", "wires": [0]},
 *     {"gate": "RX", "wires": [1], "scale": 0.5, "weight": 0}, {"gate": "CNOT", "wires": [0, 1]},
 *     {"gate": "RZ", "wires": [0], "scale": 1, "feature": 1, "encoder": "atan"},
 *     {"gate": "RY", "wires": [0], "scale": 0.1}]}}
 *
 * of RX, RY, RZ, H and CNOT alone, up to a global phase. An angle is scale, times number `weight` of the layer's tensor
 * or what the encoder makes of value `feature` that comes in; the observable "" is 1. {} where there are none. New
 * reference, NULL when out of memory. */
json_t *circuits_written_json(const struct model *model);

#endif
