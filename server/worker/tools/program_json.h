/* A circuit program written out in JSON, gate by gate:
 *
 *   {"n_qubits": 4, "gates": [{"gate": "RY", "wires": [0], "angle": {"feature": 0, "encoder": "atan"}},
 *                             {"gate": "Rot", "wires": [1], "angle": [0.1, {"weight": 0}, 0.3]},
 *                             {"gate": "CNOT", "wires": [0, 1]}],
 *    "features": [0.2], "weights": [0.5], "observables": ["ZIII", "Z0 X3"]}
 *
 * n_qubits (alias n_wires): 1 + the largest wire by default. angle: radians, {"weight": k}, or {"feature": j} with an
 * encoder ("x" by default); Rot takes three, the first acts first. features: one sample or a list of samples.
 * observables: Z on each wire by default. README.md tells the whole format. Features and weights beyond those that
 * gates read are allowed. */
#ifndef QLSTM_WORKER_PROGRAM_JSON_H
#define QLSTM_WORKER_PROGRAM_JSON_H

#include <jansson.h>
#include <stdbool.h>

#include "engine/circuit/program.h"

struct program_json {
	struct circuit_program *program;
	int n_features, n_weights; /* values given: at least as many as the program reads */
	int batch;                 /* samples */
	bool batched;              /* features came as a list of samples */
	double *features;          /* [n_features][batch] */
	double *weights;           /* [n_weights] */
};

/* Errors carry the pointer into the JSON: "/gates/3/wires/0". A feature outside its encoder's domain is one. */
int program_json_read(const json_t *json, struct program_json *out, struct qlstm_error *error);
void program_json_free(struct program_json *source);

#endif
