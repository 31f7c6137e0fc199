/* Circuits for the tests of the plans that are made for many wires. */
#ifndef QLSTM_TESTS_CIRCUITS_H
#define QLSTM_TESTS_CIRCUITS_H

#include "engine/circuit/program.h"
#include "tests/unit/oracle.h"

enum { CIRCUITS_FEATURES = 6, CIRCUITS_WEIGHTS = 8 };

/* V(n, L): RY(x) on every wire; L times { RY, RZ on every wire, CNOT ring }; Z of every wire. */
static inline struct circuit_program *circuits_benchmark(int n, int layers)
{
	struct circuit_program *program = program_new(n);
	for (int w = 0; w < n; w++)
		program_rotation(program, GATE_RY, w, angle_feature(w, ENCODER_X));
	for (int l = 0, k = 0; l < layers; l++) {
		for (int w = 0; w < n; w++) {
			program_rotation(program, GATE_RY, w, angle_weight(k++));
			program_rotation(program, GATE_RZ, w, angle_weight(k++));
		}
		for (int w = 0; w < n; w++)
			program_cnot(program, w, (w + 1) % n);
	}
	for (int w = 0; w < n; w++)
		program_observe(program, PAULI_Z, w);
	return program;
}

static inline struct angle circuits_angle(struct oracle_random *random)
{
	if (oracle_below(random, 4) == 0)
		return angle_constant(oracle_uniform(random, -4, 4));
	if (oracle_below(random, 2) == 0)
		return angle_weight(oracle_below(random, CIRCUITS_WEIGHTS));
	return angle_feature(oracle_below(random, CIRCUITS_FEATURES),
	                     (enum encoder)oracle_below(random, ENCODER_COUNT));
}

static inline void circuits_one_wire_layer(struct oracle_random *random, struct circuit_program *program)
{
	for (int w = 0; w < program->n_wires; w++)
		for (int i = oracle_below(random, 4); i > 0; i--) {
			enum gate gate = (enum gate)oracle_below(random, GATE_COUNT);
			if (gate_wires(gate) == 1 && gate_takes_angle(gate))
				program_rotation(program, gate, w, circuits_angle(random));
			else if (gate_wires(gate) == 1)
				program_gate(program, gate, w);
		}
}

/* A ring or chain of range 1, 2, ..., either way round; a brick; or a few pairs anywhere. */
static inline void circuits_two_wire_layer(struct oracle_random *random, struct circuit_program *program)
{
	int n = program->n_wires, kind = oracle_below(random, 4);
	enum gate gate = (enum gate[]){GATE_CNOT, GATE_CNOT, GATE_CZ, GATE_SWAP}[oracle_below(random, 4)];
	int range = n > 1 ? 1 + oracle_below(random, n < 4 ? n - 1 : 2) : 0;
	bool reversed = oracle_below(random, 2) == 0;
	for (int i = 0; i < n && n > 1; i++) {
		int first = i, second = (i + range) % n;
		if (kind == 1 && second < first)
			continue;
		if (kind == 2) {
			first = 2 * i < n ? 2 * i : 2 * i - n + 1 - n % 2;
			second = first + 1;
		}
		if (kind == 3) {
			first = oracle_below(random, n);
			second = (first + 1 + oracle_below(random, n - 1)) % n;
		}
		if (second < n && (kind != 3 || i < 3))
			program_gate2(program, gate, reversed ? second : first, reversed ? first : second);
	}
}

static inline void circuits_observables(struct oracle_random *random, struct circuit_program *program)
{
	uint32_t mask = (1u << program->n_wires) - 1;
	for (int w = 0; w < program->n_wires; w++)
		program_observe(program, (enum pauli)oracle_below(random, 3), w);
	for (int i = 0; i < 2; i++)
		program_observe_string(program, (struct pauli_string){(uint32_t)oracle_next(random) & mask,
		                                                      (uint32_t)oracle_next(random) & mask});
}

/* Layers of rotations and of entangling patterns; a Pauli matrix on every wire and two long strings. */
static inline struct circuit_program *circuits_random(struct oracle_random *random, int n_wires, int layers)
{
	struct circuit_program *program = program_new(n_wires);
	for (int l = 0; l < layers; l++) {
		circuits_one_wire_layer(random, program);
		circuits_two_wire_layer(random, program);
	}
	if (oracle_below(random, 2) == 0)
		circuits_one_wire_layer(random, program);
	circuits_observables(random, program);
	return program;
}

#endif
