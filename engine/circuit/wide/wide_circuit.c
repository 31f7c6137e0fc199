/* Lowering for the wide plan; see wide_circuit.h. */
#include "engine/circuit/wide/wide_circuit.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "engine/circuit/lowering.h"

/* What one gate becomes at most: RX, or CZ. */
#define GATES_PER_OP 3

static void add_gate(struct wide_circuit *circuit, struct wide_gate gate)
{
	circuit->gates[circuit->n_gates++] = gate;
}

static void add_rotation(struct wide_circuit *circuit, enum wide_kind kind, uint32_t mask, struct angle angle)
{
	circuit->slots[circuit->n_slots] = angle;
	add_gate(circuit, (struct wide_gate){
	                      .kind = kind, .slot = circuit->n_slots++, .target = __builtin_ctz(mask), .mask = mask});
}

/* RX(t) is RY(t) between RZ(pi/2) and RZ(-pi/2). */
static void add_turn(struct wide_circuit *circuit, enum pauli axis, int bit, struct angle angle)
{
	uint32_t mask = 1u << bit;
	if (axis == PAULI_X)
		add_rotation(circuit, WIDE_ROTATE_Z, mask, angle_constant(M_PI_2));
	add_rotation(circuit, axis == PAULI_Z ? WIDE_ROTATE_Z : WIDE_ROTATE_Y, mask, angle);
	if (axis == PAULI_X)
		add_rotation(circuit, WIDE_ROTATE_Z, mask, angle_constant(-M_PI_2));
}

/* The Pauli matrix itself: Y is Z, then X. */
static void add_half_turn(struct wide_circuit *circuit, enum pauli axis, int bit)
{
	if (axis != PAULI_X)
		add_rotation(circuit, WIDE_ROTATE_Z, 1u << bit, angle_constant(M_PI));
	if (axis != PAULI_Z)
		add_gate(circuit, (struct wide_gate){.kind = WIDE_FLIP, .slot = -1, .target = bit});
}

static void add_one_wire_gate(struct wide_circuit *circuit, const struct circuit_op *op, int bit)
{
	const struct lowering *gate = lowering_of(op->gate);
	for (int r = 0; r < gate->n_rotations; r++) {
		struct lowering_rotation part = gate->rotations[r];
		if (part.eighths == LOWERING_HALF_TURN)
			add_half_turn(circuit, part.axis, bit);
		else
			add_turn(circuit, part.axis, bit, lowering_angle(part, op->angle));
	}
}

static void add_two_wire_gate(struct wide_circuit *circuit, enum gate gate, int a, int b)
{
	if (gate == GATE_CNOT) {
		add_gate(circuit, (struct wide_gate){.kind = WIDE_CNOT, .slot = -1, .target = b, .control = a});
		return;
	}
	/* CZ = exp(-i pi/4 (Z_a + Z_b - Z_a Z_b)) up to a phase. */
	add_rotation(circuit, WIDE_ROTATE_Z, 1u << a, angle_constant(M_PI_2));
	add_rotation(circuit, WIDE_ROTATE_Z, 1u << b, angle_constant(M_PI_2));
	add_rotation(circuit, WIDE_ROTATE_Z, 1u << a | 1u << b, angle_constant(-M_PI_2));
}

static uint32_t on_bits(uint32_t wires, const int *bit_of, int n_wires)
{
	uint32_t bits = 0;
	for (int w = 0; w < n_wires; w++)
		bits |= (wires >> w & 1) << bit_of[w];
	return bits;
}

/* Turns X and Y to Z before the measurement, when no wire is measured along two axes. */
static void add_observables(struct wide_circuit *circuit, const int *bit_of)
{
	const struct circuit_program *program = circuit->program;
	int n = program->n_wires;
	uint32_t letters[3] = {0}; /* wires that carry X, Y, Z somewhere */
	for (int o = 0; o < program->n_observables; o++) {
		uint32_t x = program->observables[o].x, z = program->observables[o].z;
		letters[PAULI_X] |= x & ~z;
		letters[PAULI_Y] |= x & z;
		letters[PAULI_Z] |= z & ~x;
	}
	uint32_t twice = (letters[PAULI_X] & letters[PAULI_Y]) | (letters[PAULI_X] & letters[PAULI_Z]) |
	                 (letters[PAULI_Y] & letters[PAULI_Z]);
	for (int w = 0; w < n && twice == 0; w++) {
		/* U' Z U is cos t Z - sin t X for RY(t), cos t Z + sin t Y for RX(t). */
		if ((letters[PAULI_X] >> w & 1) != 0)
			add_turn(circuit, PAULI_Y, bit_of[w], angle_constant(-M_PI_2));
		if ((letters[PAULI_Y] >> w & 1) != 0)
			add_turn(circuit, PAULI_X, bit_of[w], angle_constant(M_PI_2));
	}
	circuit->n_observables = program->n_observables;
	circuit->diagonal = true;
	for (int o = 0; o < program->n_observables; o++) {
		uint32_t x = on_bits(program->observables[o].x, bit_of, n);
		uint32_t z = on_bits(program->observables[o].z, bit_of, n);
		circuit->observables[o] = twice == 0 ? (struct pauli_string){.z = x | z} : (struct pauli_string){x, z};
		circuit->diagonal = circuit->diagonal && circuit->observables[o].x == 0;
	}
}

static void lower(struct wide_circuit *circuit)
{
	const struct circuit_program *program = circuit->program;
	int bit_of[CIRCUIT_MAX_WIRES]; /* SWAP exchanges names, not amplitudes */
	for (int w = 0; w < program->n_wires; w++)
		bit_of[w] = program->n_wires - 1 - w;
	for (int i = 0; i < program->n_ops; i++) {
		const struct circuit_op *op = &program->ops[i];
		int *a = &bit_of[op->wires[0]], *b = gate_wires(op->gate) == 2 ? &bit_of[op->wires[1]] : a;
		int first = *a;
		if (op->gate == GATE_SWAP) {
			*a = *b;
			*b = first;
		} else if (gate_wires(op->gate) == 2) {
			add_two_wire_gate(circuit, op->gate, *a, *b);
		} else {
			add_one_wire_gate(circuit, op, *a);
		}
	}
	add_observables(circuit, bit_of);
}

static uint32_t bits_of(const struct wide_gate *gate)
{
	return gate->kind == WIDE_ROTATE_Z ? gate->mask
	       : gate->kind == WIDE_CNOT   ? 1u << gate->target | 1u << gate->control
	                                   : 1u << gate->target;
}

/* Carries diagonal observables back through a gate on bits with nothing behind it; false when the gate must stay. */
static bool absorb(struct wide_circuit *circuit, const struct wide_gate *gate)
{
	uint32_t measured = 0;
	if (!circuit->diagonal)
		return false;
	for (int o = 0; o < circuit->n_observables; o++)
		measured |= circuit->observables[o].z;
	if (gate->kind == WIDE_ROTATE_Y || gate->kind == WIDE_FLIP)
		return (measured >> gate->target & 1) == 0;
	for (int o = 0; o < circuit->n_observables && gate->kind == WIDE_CNOT; o++)
		circuit->observables[o].z ^= (circuit->observables[o].z >> gate->target & 1) << gate->control;
	return true;
}

static void prune(struct wide_circuit *circuit)
{
	uint32_t blocked = 0;
	int kept = circuit->n_gates;
	for (int i = circuit->n_gates - 1; i >= 0; i--) {
		const struct wide_gate *gate = &circuit->gates[i];
		if ((blocked & bits_of(gate)) == 0 && absorb(circuit, gate))
			continue;
		blocked |= bits_of(gate);
		circuit->gates[--kept] = *gate;
	}
	circuit->n_gates -= kept;
	memmove(circuit->gates, circuit->gates + kept, (size_t)circuit->n_gates * sizeof *circuit->gates);
}

/* Moves what acts on a bit before its first two-bit gate to the prefix. */
static void split_prefix(struct wide_circuit *circuit)
{
	uint32_t entangled = 0;
	int left = 0;
	for (int i = 0; i < circuit->n_gates; i++) {
		struct wide_gate gate = circuit->gates[i];
		uint32_t bits = bits_of(&gate);
		if ((bits & (bits - 1)) != 0)
			entangled |= bits;
		if ((entangled & bits) != 0)
			circuit->gates[left++] = gate;
		else
			circuit->prefix[circuit->n_prefix++] = gate;
	}
	circuit->n_gates = left;
}

/* Observables as the last sweep's tiles have them. */
static bool split_readout(struct wide_circuit *circuit)
{
	const struct wide_sweep *last = &circuit->sweeps[circuit->n_sweeps - 1];
	for (int o = 0; o < circuit->n_observables; o++) {
		bool negative = false;
		uint32_t z = wide_affine_pull(&last->out.forward, circuit->observables[o].z, &negative);
		if (circuit->observables[o].x == 0 && !wide_strings_add(&circuit->readout, z, o, negative))
			return false;
	}
	return wide_strings_split(&circuit->readout, last->active);
}

struct wide_circuit *wide_circuit_new(const struct circuit_program *program)
{
	size_t gates = ((size_t)program->n_ops + (size_t)program->n_wires) * GATES_PER_OP;
	struct wide_circuit *circuit = calloc(1, sizeof *circuit);
	if (circuit == NULL)
		return NULL;
	*circuit = (struct wide_circuit){
	    .program = program,
	    .n_bits = program->n_wires > WIDE_ROW_BITS ? program->n_wires : WIDE_ROW_BITS,
	    .slots = calloc(gates, sizeof *circuit->slots),
	    .gates = calloc(gates, sizeof *circuit->gates),
	    .prefix = calloc(gates, sizeof *circuit->prefix),
	    .observables = calloc((size_t)program->n_observables, sizeof *circuit->observables),
	};
	bool complete =
	    circuit->slots != NULL && circuit->gates != NULL && circuit->prefix != NULL && circuit->observables != NULL;
	if (complete) {
		lower(circuit);
		prune(circuit);
		split_prefix(circuit);
		complete = wide_schedule(circuit) && split_readout(circuit);
	}
	if (complete)
		return circuit;
	wide_circuit_free(circuit);
	return NULL;
}

void wide_circuit_free(struct wide_circuit *circuit)
{
	if (circuit == NULL)
		return;
	wide_sweeps_free(circuit);
	wide_strings_free(&circuit->readout);
	free(circuit->slots);
	free(circuit->gates);
	free(circuit->prefix);
	free(circuit->observables);
	free(circuit);
}
