/* Slow and obvious circuit algebra, and random circuits, for the tests. Shares nothing with the engine's plans: a gate
 * is a sum of Kronecker products of 2 x 2 matrices, applied as a full 2^n x 2^n matrix. */
#ifndef QLSTM_TESTS_ORACLE_H
#define QLSTM_TESTS_ORACLE_H

#include <complex.h>
#include <math.h>
#include <stdint.h>
#include <stdlib.h>

#include "engine/circuit/program.h"

#define ORACLE_WIRES  4
#define ORACLE_STATES (1 << ORACLE_WIRES)

typedef double complex oracle_matrix[2][2];

/* Pauli matrices I, X, Y, Z and the projectors on |0> and |1>. */
enum { ORACLE_I, ORACLE_X, ORACLE_Y, ORACLE_Z, ORACLE_P0, ORACLE_P1 };
static const oracle_matrix oracle_fixed[] = {
    {{1, 0}, {0, 1}}, {{0, 1}, {1, 0}}, {{0, -I}, {I, 0}}, {{1, 0}, {0, -1}}, {{1, 0}, {0, 0}}, {{0, 0}, {0, 1}},
};

struct oracle_random {
	uint64_t state;
};

/* SplitMix64. */
static inline uint64_t oracle_next(struct oracle_random *random)
{
	uint64_t z = random->state += 0x9e3779b97f4a7c15u;
	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
	z = (z ^ z >> 27) * 0x94d049bb133111ebu;
	return z ^ z >> 31;
}

static inline int oracle_below(struct oracle_random *random, int bound)
{
	return (int)(oracle_next(random) % (uint64_t)bound);
}

static inline double oracle_uniform(struct oracle_random *random, double low, double high)
{
	return low + (high - low) * ((double)(oracle_next(random) >> 11) * 0x1p-53);
}

static inline struct angle oracle_random_angle(struct oracle_random *random)
{
	switch (oracle_below(random, 4)) {
	case 0:
		return angle_constant(oracle_uniform(random, -4, 4));
	case 1:
		return angle_weight(oracle_below(random, 6));
	default:
		return angle_feature(oracle_below(random, 4), (enum encoder)oracle_below(random, ENCODER_COUNT));
	}
}

/* All gates, encoders and Pauli strings; at most 6 weights and 4 features, shared by several gates at times. */
static inline struct circuit_program *oracle_random_program(struct oracle_random *random, int n_wires)
{
	struct circuit_program *program = program_new(n_wires);
	int n_ops = 1 + oracle_below(random, 12 * n_wires), n_observables = 1 + oracle_below(random, 4);
	for (int i = 0; i < n_ops; i++) {
		enum gate gate = (enum gate)oracle_below(random, GATE_COUNT);
		int wire = oracle_below(random, n_wires);
		if (gate_wires(gate) == 2 && n_wires > 1)
			program_gate2(program, gate, wire, (wire + 1 + oracle_below(random, n_wires - 1)) % n_wires);
		else if (gate_wires(gate) == 1 && gate_takes_angle(gate))
			program_rotation(program, gate, wire, oracle_random_angle(random));
		else if (gate_wires(gate) == 1)
			program_gate(program, gate, wire);
	}
	for (int o = 0; o < n_observables; o++) {
		uint32_t mask = (1u << n_wires) - 1;
		struct pauli_string string = {(uint32_t)oracle_next(random) & mask,
		                              (uint32_t)oracle_next(random) & mask};
		/* Half of them diagonal, since those are measured differently. */
		if (oracle_below(random, 2) == 0)
			string.x = 0;
		program_observe_string(program, string);
	}
	return program;
}

static inline double oracle_angle(const struct angle *angle, const double *features, const double *weights)
{
	if (angle->source == ANGLE_WEIGHT)
		return weights[angle->index];
	if (angle->source == ANGLE_FEATURE)
		return encoder_angle(angle->encoder, features[angle->index]);
	return angle->value;
}

/* psi becomes coefficient * (matrices[0] x .. x matrices[n-1]) psi, added to `out`. */
static inline void oracle_add_product(int n, double complex coefficient, const oracle_matrix *const matrices[],
                                      const double complex *psi, double complex *out)
{
	for (int r = 0; r < 1 << n; r++)
		for (int c = 0; c < 1 << n; c++) {
			double complex element = coefficient;
			for (int w = 0; w < n; w++)
				element *= (*matrices[w])[r >> (n - 1 - w) & 1][c >> (n - 1 - w) & 1];
			out[r] += element * psi[c];
		}
}

/* exp(-i t P / 2) for the rotations, the definition for the others. */
static inline void oracle_one_wire_matrix(enum gate gate, double t, oracle_matrix m)
{
	static const struct {
		enum gate gate;
		int pauli;
		double phase[2]; /* diagonal gates: the angles of the diagonal, in units of pi */
	} rows[] = {{GATE_RX, ORACLE_X, {0}}, {GATE_RY, ORACLE_Y, {0}}, {GATE_RZ, ORACLE_Z, {0}},
	            {GATE_X, ORACLE_X, {0}},  {GATE_Y, ORACLE_Y, {0}},  {GATE_Z, 0, {0, 1}},
	            {GATE_S, 0, {0, 0.5}},    {GATE_T, 0, {0, 0.25}}};
	for (int i = 0; i < 4; i++)
		m[i / 2][i % 2] = i < 3 ? M_SQRT1_2 : -M_SQRT1_2; /* H, unless a row says otherwise */
	for (size_t k = 0; k < sizeof rows / sizeof *rows; k++) {
		if (rows[k].gate != gate)
			continue;
		const oracle_matrix *p = &oracle_fixed[rows[k].pauli];
		for (int i = 0; i < 4; i++) {
			int r = i / 2, c = i % 2;
			if (gate_takes_angle(gate))
				m[r][c] = cos(t / 2) * (r == c) - I * sin(t / 2) * (*p)[r][c];
			else if (rows[k].pauli != 0)
				m[r][c] = (*p)[r][c];
			else
				m[r][c] = (r == c) * cexp(I * M_PI * rows[k].phase[r]);
		}
	}
}

static const struct {
	enum gate gate;
	double coefficient;
	int first, second;
} oracle_two_wires[] = {
    {GATE_CNOT, 1, ORACLE_P0, ORACLE_I}, {GATE_CNOT, 1, ORACLE_P1, ORACLE_X}, {GATE_CZ, 1, ORACLE_P0, ORACLE_I},
    {GATE_CZ, 1, ORACLE_P1, ORACLE_Z},   {GATE_SWAP, .5, ORACLE_I, ORACLE_I}, {GATE_SWAP, .5, ORACLE_X, ORACLE_X},
    {GATE_SWAP, .5, ORACLE_Y, ORACLE_Y}, {GATE_SWAP, .5, ORACLE_Z, ORACLE_Z},
};

static inline void oracle_apply(int n, const struct circuit_op *op, double angle, double complex *psi)
{
	const oracle_matrix *matrices[ORACLE_WIRES];
	oracle_matrix one;
	double complex out[ORACLE_STATES] = {0};
	for (int w = 0; w < n; w++)
		matrices[w] = &oracle_fixed[ORACLE_I];
	if (gate_wires(op->gate) == 1) {
		oracle_one_wire_matrix(op->gate, angle, one);
		matrices[op->wires[0]] = (const oracle_matrix *)&one;
		oracle_add_product(n, 1.0, matrices, psi, out);
	}
	for (size_t k = 0; k < sizeof oracle_two_wires / sizeof *oracle_two_wires; k++) {
		if (oracle_two_wires[k].gate != op->gate)
			continue;
		matrices[op->wires[0]] = &oracle_fixed[oracle_two_wires[k].first];
		matrices[op->wires[1]] = &oracle_fixed[oracle_two_wires[k].second];
		oracle_add_product(n, oracle_two_wires[k].coefficient, matrices, psi, out);
	}
	for (int k = 0; k < 1 << n; k++)
		psi[k] = out[k];
}

/* All expectation values of one sample; n_wires <= ORACLE_WIRES. */
static inline void oracle_evaluate(const struct circuit_program *program, const double *features, const double *weights,
                                   double *outputs)
{
	static const int letters[2][2] = {{ORACLE_I, ORACLE_Z}, {ORACLE_X, ORACLE_Y}};
	int n = program->n_wires;
	double complex psi[ORACLE_STATES] = {1};
	for (int i = 0; i < program->n_ops; i++)
		oracle_apply(n, &program->ops[i], oracle_angle(&program->ops[i].angle, features, weights), psi);
	for (int o = 0; o < program->n_observables; o++) {
		const struct pauli_string *string = &program->observables[o];
		const oracle_matrix *matrices[ORACLE_WIRES];
		double complex image[ORACLE_STATES] = {0}, sum = 0;
		for (int w = 0; w < n; w++)
			matrices[w] = &oracle_fixed[letters[string->x >> w & 1][string->z >> w & 1]];
		oracle_add_product(n, 1.0, matrices, psi, image);
		for (int k = 0; k < 1 << n; k++)
			sum += conj(psi[k]) * image[k];
		outputs[o] = creal(sum);
	}
}

#endif
