/* Circuits of a survey as OpenQASM 3 text: Sim, Johnson and Aspuru-Guzik (arXiv 1905.10876), circuits 5, 10, 14 and 18,
 * behind an angle embedding. */
#ifndef QLSTM_SCHEMA_CIRCUIT_TEMPLATES_H
#define QLSTM_SCHEMA_CIRCUIT_TEMPLATES_H

#include <stdbool.h>

#include "engine/circuit/program.h"
#include "engine/text.h"

struct circuit_template {
	const char *name;
	int n_qubits, depth; /* 1 .. 25; layers, at least 1 */
	bool hadamard;       /* H on every wire first */
	enum pauli rotation; /* of the embedding: R(encoder(x_w)) on every wire w */
	enum encoder encoder;
};

/* false: there is none of that name. Trained angles are theta0, theta1, .., in the order in which they act. */
bool circuit_template_write(const struct circuit_template *circuit, struct text *out);

#endif
