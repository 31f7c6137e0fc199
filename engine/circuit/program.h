/* A circuit program: the list of operations that an ansatz builder writes and a plan runs.
 *
 * Conventions: wire 0 is the most significant bit of a basis index; every circuit starts in |0...0>; operations act in
 * list order; RX, RY, RZ(t) = exp(-i t P / 2), angles in radians; two-wire gates name control first, then target.
 * Expectations are exact. */
#ifndef QLSTM_CIRCUIT_PROGRAM_H
#define QLSTM_CIRCUIT_PROGRAM_H

#include <stdbool.h>
#include <stdint.h>

#include "engine/error.h"

#define CIRCUIT_MAX_WIRES 25

/* X(enumerator, name, wires, takes an angle) */
#define CIRCUIT_GATES(X)                                                                                               \
	X(GATE_H, "H", 1, false)                                                                                       \
	X(GATE_X, "X", 1, false)                                                                                       \
	X(GATE_Y, "Y", 1, false)                                                                                       \
	X(GATE_Z, "Z", 1, false)                                                                                       \
	X(GATE_S, "S", 1, false)                                                                                       \
	X(GATE_T, "T", 1, false)                                                                                       \
	X(GATE_RX, "RX", 1, true)                                                                                      \
	X(GATE_RY, "RY", 1, true)                                                                                      \
	X(GATE_RZ, "RZ", 1, true)                                                                                      \
	X(GATE_CNOT, "CNOT", 2, false)                                                                                 \
	X(GATE_CZ, "CZ", 2, false)                                                                                     \
	X(GATE_SWAP, "SWAP", 2, false)

enum gate {
#define X(id, name, wires, angle) id,
	CIRCUIT_GATES(X)
#undef X
	    GATE_COUNT
};

/* How a feature x becomes an angle. X(enumerator, name, angle(x), d angle / dx) */
#define CIRCUIT_ENCODERS(X)                                                                                            \
	X(ENCODER_X, "x", x, 1.0)                                                                                      \
	X(ENCODER_PI_X, "pi_x", M_PI *x, M_PI)                                                                         \
	X(ENCODER_ATAN, "atan", elementary_atan(x), 1.0 / (1.0 + x * x))                                               \
	X(ENCODER_ATAN_SQUARE, "atan_square", elementary_atan(x *x), 2.0 * (x / (1.0 + x * x * x * x)))                \
	X(ENCODER_ASIN, "asin", elementary_asin(x), 1.0 / sqrt(1.0 - x * x))                                           \
	X(ENCODER_ACOS, "acos", elementary_acos(x), -1.0 / sqrt(1.0 - x * x))                                          \
	X(ENCODER_TANH, "tanh", elementary_tanh(x), 1.0 - elementary_tanh(x) * elementary_tanh(x))

enum encoder {
#define X(id, name, value, derivative) id,
	CIRCUIT_ENCODERS(X)
#undef X
	    ENCODER_COUNT
};

enum pauli { PAULI_X, PAULI_Y, PAULI_Z };

enum angle_source { ANGLE_NONE, ANGLE_CONSTANT, ANGLE_WEIGHT, ANGLE_FEATURE };

struct angle {
	enum angle_source source;
	int index;            /* of the weight or of the feature */
	enum encoder encoder; /* ANGLE_FEATURE only */
	double value;         /* ANGLE_CONSTANT only, radians */
};

struct circuit_op {
	enum gate gate;
	int wires[2]; /* wires[1] is -1 for one-wire gates */
	struct angle angle;
};

/* A product of Pauli matrices. Bit w of x (of z) is set when wire w carries X or Y (Z or Y). */
struct pauli_string {
	uint32_t x, z;
};

struct circuit_program {
	int n_wires;    /* 1 .. CIRCUIT_MAX_WIRES */
	int n_features; /* features read: 1 + the largest index */
	int n_weights;  /* trainable angles: 1 + the largest index */
	int n_ops, n_observables;
	struct circuit_op *ops;
	struct pauli_string *observables;
	int ops_capacity, observables_capacity;
	bool failed; /* an append ran out of memory; program_check reports it */
};

const char *gate_name(enum gate gate);
int gate_wires(enum gate gate);
bool gate_takes_angle(enum gate gate);
int gate_from_name(const char *name, enum gate *gate); /* 0, or ERR_NOT_FOUND */

const char *encoder_name(enum encoder encoder);
int encoder_from_name(const char *name, enum encoder *encoder); /* 0, or ERR_NOT_FOUND */
double encoder_angle(enum encoder encoder, double x);
double encoder_derivative(enum encoder encoder, double x);

int pauli_from_letter(char letter, enum pauli *pauli);
/* "ZIIX" (one letter a wire) or "Z0 X3" (letter and wire, space separated). 0, or ERR_SYNTAX / ERR_OUT_OF_RANGE. */
int pauli_string_parse(const char *text, int n_wires, struct pauli_string *out, struct qlstm_error *error);

struct angle angle_constant(double radians);
struct angle angle_weight(int index);
struct angle angle_feature(int index, enum encoder encoder);

/* NULL when out of memory. The caller owns it. */
struct circuit_program *program_new(int n_wires);
void program_free(struct circuit_program *program);

/* Appends; failures are sticky and surface in program_check, so that a builder reads as its circuit. */
void program_gate(struct circuit_program *program, enum gate gate, int wire);
void program_rotation(struct circuit_program *program, enum gate gate, int wire, struct angle angle);
void program_cnot(struct circuit_program *program, int control, int target);
void program_gate2(struct circuit_program *program, enum gate gate, int first, int second);
/* Rot(alpha, beta, gamma) = RZ(gamma) RY(beta) RZ(alpha), alpha acting first, from weights first .. first + 2. */
void program_rot(struct circuit_program *program, int wire, int first_weight);
void program_observe(struct circuit_program *program, enum pauli pauli, int wire);
void program_observe_string(struct circuit_program *program, struct pauli_string string);

/* 0 when every wire, gate, angle and observable is in range and at least one observable exists.
 * The pointer names the gate: "/gates/3/wires/0". */
int program_check(const struct circuit_program *program, struct qlstm_error *error);

#endif
