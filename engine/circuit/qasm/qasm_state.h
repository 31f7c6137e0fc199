/* What the reader of OpenQASM text knows while it reads. Internal. */
#ifndef QLSTM_CIRCUIT_QASM_STATE_H
#define QLSTM_CIRCUIT_QASM_STATE_H

#include "engine/circuit/qasm/qasm_gates.h"
#include "engine/circuit/qasm/qasm_lexer.h"

enum {
	QASM_MAX_DEFINITIONS = 64,
	QASM_MAX_REGISTERS = 32,
	QASM_MAX_ARGUMENTS = 16,
	QASM_MAX_DEPTH = 8,
	QASM_MAX_CALLS = 100000
};

struct qasm_register {
	char name[40];
	int first, size; /* wires; of bits only the name counts */
};

struct qasm_definition {
	char name[40];
	char angles[QASM_MAX_ARGUMENTS][40], wires[QASM_MAX_ARGUMENTS][40];
	int n_angles, n_wires;
	struct qasm_lexer body; /* at its first token */
};

/* Of a gate that is being expanded: what its names stand for. */
struct qasm_scope {
	const struct qasm_definition *of;
	struct qasm_affine angles[QASM_MAX_ARGUMENTS];
	int wires[QASM_MAX_ARGUMENTS];
};

struct qasm_state {
	struct qasm_lexer lexer;
	struct qasm_writer writer;
	struct qasm_input *inputs; /* [n_inputs] */
	int n_inputs, inputs_capacity;
	struct qasm_register qubits[QASM_MAX_REGISTERS], bits[QASM_MAX_REGISTERS];
	int n_qubits, n_bits; /* registers */
	int n_wires;
	struct qasm_definition *definitions; /* [QASM_MAX_DEFINITIONS] */
	int n_definitions;
	int measured[CIRCUIT_MAX_WIRES], n_measured;
	bool pragmas; /* outputs were named by pragmas */
	int n_calls;  /* of gates, also inside of definitions */
};

/* An expression; scope NULL outside of gate definitions. */
int qasm_expression(struct qasm_state *state, const struct qasm_scope *scope, struct qasm_affine *out);
/* The input of that name, -1 when there is none. */
int qasm_input_find(const struct qasm_state *state, const struct qasm_token *token);

#endif
