/* The gates that a user's circuit may have, each lowered to those that every plan runs. Up to a global phase. Internal.
 */
#ifndef QLSTM_CIRCUIT_QASM_GATES_H
#define QLSTM_CIRCUIT_QASM_GATES_H

#include "engine/circuit/qasm/qasm.h"

enum { QASM_GATE_WIRES = 3, QASM_GATE_ANGLES = 3 };

/* scale times an input plus offset; input -1: the offset alone. */
struct qasm_affine {
	int input;
	double scale, offset;
};

/* What an input is. */
struct qasm_input {
	char name[40];
	bool feature;
	int index; /* of the feature, or of the trained angle */
	enum encoder encoder;
};

/* Where gates are written to. */
struct qasm_writer {
	struct qasm_circuit *circuit;
	const struct qasm_input *inputs;
	int features_capacity, weights_capacity;
	bool failed; /* out of memory */
};

struct qasm_gate {
	const char *name;
	int wires, angles;
	void (*write)(struct qasm_writer *writer, const int *wires, const struct qasm_affine *angles);
};

/* NULL when there is none of that name. */
const struct qasm_gate *qasm_gate_find(const char *name, size_t length);

#endif
