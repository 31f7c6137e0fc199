/* Lowering and scheduling for the wide plan; see wide_circuit.h. */
#include "engine/circuit/wide_circuit.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define ROTATIONS_PER_GATE 2

/* One-wire gates up to a global phase, as rotations in order; the angle of a rotation gate is its own. */
static const struct {
	int n_rotations;
	struct {
		enum wide_kind kind;
		double angle;
	} rotations[ROTATIONS_PER_GATE];
} lowering[GATE_COUNT] = {
    [GATE_H] = {2, {{WIDE_ROTATE_Z, M_PI}, {WIDE_ROTATE_Y, M_PI_2}}},
    [GATE_X] = {1, {{WIDE_ROTATE_X, M_PI}}},
    [GATE_Y] = {1, {{WIDE_ROTATE_Y, M_PI}}},
    [GATE_Z] = {1, {{WIDE_ROTATE_Z, M_PI}}},
    [GATE_S] = {1, {{WIDE_ROTATE_Z, M_PI_2}}},
    [GATE_T] = {1, {{WIDE_ROTATE_Z, M_PI_4}}},
    [GATE_RX] = {1, {{WIDE_ROTATE_X, 0.0}}},
    [GATE_RY] = {1, {{WIDE_ROTATE_Y, 0.0}}},
    [GATE_RZ] = {1, {{WIDE_ROTATE_Z, 0.0}}},
};

static void add_rotation(struct wide_circuit *circuit, enum wide_kind kind, int bit, struct angle angle)
{
	circuit->slots[circuit->n_slots] = angle;
	circuit->gates[circuit->n_gates++] =
	    (struct wide_gate){.kind = kind, .slot = circuit->n_slots++, .target = bit, .control = -1};
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
			add_rotation(circuit, WIDE_ROTATE_Y, bit_of[w], angle_constant(-M_PI_2));
		if ((letters[PAULI_Y] >> w & 1) != 0)
			add_rotation(circuit, WIDE_ROTATE_X, bit_of[w], angle_constant(M_PI_2));
	}
	circuit->n_observables = program->n_observables;
	for (int o = 0; o < program->n_observables; o++) {
		uint32_t x = on_bits(program->observables[o].x, bit_of, n);
		uint32_t z = on_bits(program->observables[o].z, bit_of, n);
		circuit->observables[o] = twice == 0 ? (struct pauli_string){.z = x | z} : (struct pauli_string){x, z};
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
		int a = bit_of[op->wires[0]];
		for (int r = 0; r < lowering[op->gate].n_rotations; r++)
			add_rotation(circuit, lowering[op->gate].rotations[r].kind, a,
			             gate_takes_angle(op->gate)
			                 ? op->angle
			                 : angle_constant(lowering[op->gate].rotations[r].angle));
		if (gate_wires(op->gate) == 1)
			continue;
		int b = bit_of[op->wires[1]];
		if (op->gate == GATE_SWAP) {
			bit_of[op->wires[0]] = b;
			bit_of[op->wires[1]] = a;
		} else {
			circuit->gates[circuit->n_gates++] = (struct wide_gate){
			    .kind = op->gate == GATE_CNOT ? WIDE_CNOT : WIDE_CZ, .slot = -1, .target = b, .control = a};
		}
	}
	add_observables(circuit, bit_of);
}

/* Carries diagonal observables back through a gate on bits with nothing behind it; false when the gate must stay. */
static bool absorb(struct wide_circuit *circuit, const struct wide_gate *gate)
{
	uint32_t measured = 0;
	for (int o = 0; o < circuit->n_observables; o++) {
		measured |= circuit->observables[o].z;
		if (circuit->observables[o].x != 0)
			return false;
	}
	if (gate->kind == WIDE_ROTATE_X || gate->kind == WIDE_ROTATE_Y)
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
		uint32_t bits = 1u << gate->target | (gate->control >= 0 ? 1u << gate->control : 0);
		if ((blocked & bits) == 0 && absorb(circuit, gate))
			continue;
		blocked |= bits;
		circuit->gates[--kept] = *gate;
	}
	circuit->n_gates -= kept;
	memmove(circuit->gates, circuit->gates + kept, (size_t)circuit->n_gates * sizeof *circuit->gates);
}

/* Moves the rotations before the first controlled gate of their bit to the prefix. */
static void split_prefix(struct wide_circuit *circuit)
{
	uint32_t entangled = 0;
	int left = 0;
	for (int i = 0; i < circuit->n_gates; i++) {
		struct wide_gate gate = circuit->gates[i];
		if (gate.control >= 0)
			entangled |= 1u << gate.target | 1u << gate.control;
		if ((entangled >> gate.target & 1) != 0)
			circuit->gates[left++] = gate;
		else
			circuit->prefix[circuit->n_prefix++] = gate;
	}
	circuit->n_gates = left;
}

/* What the gates put off so far do to each bit. */
struct delayed {
	uint32_t flipped, diagonal;
};

static bool must_wait(const struct wide_gate *gate, const struct delayed *delayed)
{
	uint32_t target = 1u << gate->target, control = gate->control >= 0 ? 1u << gate->control : 0;
	bool diagonal = gate->kind == WIDE_ROTATE_Z || gate->kind == WIDE_CZ;
	/* Diagonal gates commute on a bit. */
	uint32_t against_target = diagonal ? delayed->flipped : delayed->flipped | delayed->diagonal;
	return (target & against_target) != 0 || (control & delayed->flipped) != 0;
}

static void put_off(const struct wide_gate *gate, struct delayed *delayed)
{
	bool diagonal = gate->kind == WIDE_ROTATE_Z || gate->kind == WIDE_CZ;
	*(diagonal ? &delayed->diagonal : &delayed->flipped) |= 1u << gate->target;
	if (gate->control >= 0)
		delayed->diagonal |= 1u << gate->control;
}

static int place_of(uint32_t active, int bit)
{
	return __builtin_popcount(active & ((1u << bit) - 1));
}

/* Takes gates from waiting[0..n-1] into a sweep, as many as its active bits allow, and closes the gap. Returns how many
 * are left. */
static int fill_sweep(const struct wide_circuit *circuit, struct wide_sweep *sweep, struct wide_gate *taken,
                      struct wide_gate *waiting, int n)
{
	int row_bits = circuit->n_bits < WIDE_ROW_BITS ? circuit->n_bits : WIDE_ROW_BITS, left = 0;
	struct delayed delayed = {0, 0};
	sweep->active = (1u << row_bits) - 1;
	const uint32_t all = (uint32_t)((1ull << circuit->n_bits) - 1);
	for (int i = 0; i < n; i++) {
		if (delayed.flipped == all) {
			memmove(waiting + left, waiting + i, (size_t)(n - i) * sizeof *waiting);
			left += n - i;
			break;
		}
		struct wide_gate gate = waiting[i];
		uint32_t wanted = sweep->active | 1u << gate.target;
		if (must_wait(&gate, &delayed) || __builtin_popcount(wanted) > WIDE_TILE_BITS) {
			put_off(&gate, &delayed);
			waiting[left++] = gate;
		} else {
			sweep->active = wanted;
			taken[sweep->n_gates++] = gate;
		}
	}
	/* Bits to spare make longer rows. */
	for (int bit = 0; bit < circuit->n_bits && __builtin_popcount(sweep->active) < WIDE_TILE_BITS; bit++)
		sweep->active |= 1u << bit;
	return left;
}

/* From bits of the basis index to places in the tile. */
static void localise(struct wide_sweep *sweep, struct wide_gate *gates)
{
	sweep->n_tile_bits = __builtin_popcount(sweep->active);
	for (int i = 0; i < sweep->n_gates; i++) {
		struct wide_gate *gate = &gates[i];
		gate->target = place_of(sweep->active, gate->target);
		if (gate->control >= 0 && (sweep->active >> gate->control & 1) == 0) {
			gate->outside = 1u << gate->control;
			gate->control = -1;
		} else if (gate->control >= 0) {
			gate->control = place_of(sweep->active, gate->control);
		}
	}
}

static void schedule(struct wide_circuit *circuit, struct wide_gate *waiting)
{
	int left = circuit->n_gates;
	memcpy(waiting, circuit->gates, (size_t)left * sizeof *waiting);
	struct wide_gate *next = circuit->gates;
	while (left > 0) {
		struct wide_sweep *sweep = &circuit->sweeps[circuit->n_sweeps++];
		*sweep = (struct wide_sweep){.gates = next};
		left = fill_sweep(circuit, sweep, next, waiting, left);
		localise(sweep, next);
		next += sweep->n_gates;
	}
}

struct wide_circuit *wide_circuit_new(const struct circuit_program *program)
{
	size_t gates = (size_t)program->n_ops * ROTATIONS_PER_GATE + (size_t)program->n_wires + 1;
	struct wide_circuit *circuit = calloc(1, sizeof *circuit);
	if (circuit == NULL)
		return NULL;
	*circuit = (struct wide_circuit){
	    .program = program,
	    .n_bits = program->n_wires > WIDE_BITS_MIN ? program->n_wires : WIDE_BITS_MIN,
	    .slots = calloc(gates, sizeof *circuit->slots),
	    .gates = calloc(gates, sizeof *circuit->gates),
	    .prefix = calloc(gates, sizeof *circuit->prefix),
	    .sweeps = calloc(gates, sizeof *circuit->sweeps),
	    .observables = calloc((size_t)program->n_observables, sizeof *circuit->observables),
	};
	struct wide_gate *waiting = calloc(gates, sizeof *waiting);
	bool complete = circuit->slots != NULL && circuit->gates != NULL && circuit->prefix != NULL &&
	                circuit->sweeps != NULL && circuit->observables != NULL && waiting != NULL;
	if (complete) {
		lower(circuit);
		prune(circuit);
		split_prefix(circuit);
		schedule(circuit, waiting);
	} else {
		wide_circuit_free(circuit);
	}
	free(waiting);
	return complete ? circuit : NULL;
}

void wide_circuit_free(struct wide_circuit *circuit)
{
	if (circuit == NULL)
		return;
	free(circuit->slots);
	free(circuit->gates);
	free(circuit->prefix);
	free(circuit->sweeps);
	free(circuit->observables);
	free(circuit);
}
