/* A circuit that a user wrote, as OpenQASM 3 text (https://openqasm.com), becomes a program that every plan runs.
 *
 * The subset: OPENQASM 3; include "stdgates.inc"; qubit and bit registers; `input float x;` (also `input angle`, with
 * any width); the gates of qasm_gates.h, on wires or, of one wire, on whole registers; `gate` definitions made of them;
 * barrier, which does nothing; `c = measure q;` and `#pragma braket result expectation z(q[0]) @ x(q[1])`, both of
 * which name outputs. Everything else is refused with line and column. An angle is a constant expression (numbers, pi,
 * tau, + - * / and brackets), or one input times a constant plus a constant.
 *
 * Wires are numbered through the registers in their order. An input named x0, x1, ... is that feature; with an encoder
 * in front (atan_x0, pi_x0, atan_square_x0, asin_, acos_, tanh_) it is what the encoder makes of it; _x_0_, as qiskit
 * names vectors, is x0. All other inputs are trained angles, numbered in the order of their declaration.
 *
 * Outputs: the pragmas' products of Pauli matrices, or else Z of the measured wires, or else Z of all wires. */
#ifndef QLSTM_CIRCUIT_QASM_H
#define QLSTM_CIRCUIT_QASM_H

#include "engine/circuit/program.h"

#define QASM_MAX_OPS    20000 /* of the program */
#define QASM_MAX_INPUTS 4096

/* Where an angle of the program comes from: scale times number `source`; a feature's after its encoder. */
struct qasm_angle {
	int source;
	enum encoder encoder;
	double scale;
};

struct qasm_circuit {
	struct circuit_program
	    *program;                /* its weights and features are indices into the two lists; encoders are all x */
	int n_features, n_weights;   /* of the text: 1 + the largest feature, trained angles */
	struct qasm_angle *features; /* [program->n_features] */
	struct qasm_angle *weights;  /* [program->n_weights] */
};

/* `text` ends in NUL. Errors at "/qasm", the message begins with "line 3, column 7: ". *out is the caller's. */
int qasm_read(const char *text, struct qasm_circuit *out, struct qlstm_error *error);
void qasm_free(struct qasm_circuit *circuit);

#endif
