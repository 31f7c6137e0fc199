/* Compiles a program into a product state, Pauli rotations and Pauli strings; see batch_circuit.h for the idea. */
#include "engine/circuit/batch_circuit.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* No gate becomes more rotations than this. */
#define ROTATIONS_PER_GATE 3

/* One-wire gates without an angle, up to a global phase: rotations in order, then X if `flip`. */
static const struct {
	struct {
		enum pauli axis;
		double angle;
	} rotations[2];
	int n_rotations;
	bool flip;
} lowering[GATE_COUNT] = {
    [GATE_H] = {{{PAULI_Z, M_PI}, {PAULI_Y, M_PI_2}}, 2, false},
    [GATE_X] = {.flip = true},
    [GATE_Y] = {{{PAULI_Z, M_PI}}, 1, true},
    [GATE_Z] = {{{PAULI_Z, M_PI}}, 1, false},
    [GATE_S] = {{{PAULI_Z, M_PI_2}}, 1, false},
    [GATE_T] = {{{PAULI_Z, M_PI_4}}, 1, false},
};

static const enum pauli rotation_axis[GATE_COUNT] = {[GATE_RX] = PAULI_X, [GATE_RY] = PAULI_Y, [GATE_RZ] = PAULI_Z};

/* Where the state of each wire sits in the amplitudes: the bit of wire w at index k is parity(k & select) ^ inverted,
 * and k ^ flip differs in that bit only. */
struct frame {
	uint32_t flip[CIRCUIT_MAX_WIRES], select[CIRCUIT_MAX_WIRES];
	bool inverted[CIRCUIT_MAX_WIRES];
	bool entangled[CIRCUIT_MAX_WIRES]; /* past the prefix */
};

static bool parity(uint32_t bits)
{
	return __builtin_parity(bits) != 0;
}

static void frame_init(struct frame *frame, int n_wires)
{
	*frame = (struct frame){0};
	for (int w = 0; w < n_wires; w++)
		frame->flip[w] = frame->select[w] = 1u << (n_wires - 1 - w);
}

static void frame_cnot(struct frame *frame, int control, int target)
{
	frame->select[target] ^= frame->select[control];
	frame->inverted[target] ^= frame->inverted[control];
	frame->flip[control] ^= frame->flip[target];
}

static void frame_swap(struct frame *frame, int a, int b)
{
	/* Three CNOTs relabel exactly like a SWAP. */
	frame_cnot(frame, a, b);
	frame_cnot(frame, b, a);
	frame_cnot(frame, a, b);
}

/* The string that a product of Pauli matrices on wires has in the present frame. */
static struct batch_string frame_string(const struct frame *frame, struct pauli_string wires, int n_wires)
{
	struct batch_string string = {0};
	for (int w = 0; w < n_wires; w++) {
		if ((wires.x >> w & 1) != 0)
			string.x ^= frame->flip[w];
		if ((wires.z >> w & 1) != 0) {
			string.z ^= frame->select[w];
			string.negative ^= frame->inverted[w];
		}
	}
	/* Y = i X Z, so the string carries i^(number of Y): its square belongs to the sign. */
	int ys = __builtin_popcount(wires.x & wires.z);
	string.odd = (ys & 1) != 0;
	string.negative ^= (ys & 2) != 0;
	return string;
}

static bool anticommute(const struct batch_string *a, const struct batch_string *b)
{
	return parity(a->x & b->z) != parity(a->z & b->x);
}

static int add_slot(struct batch_circuit *circuit, struct angle angle)
{
	/* Weights occur once as a rule; an encoded feature may occur often and costs a sine per sample. */
	for (int i = 0; i < circuit->n_slots && angle.source == ANGLE_FEATURE; i++) {
		const struct angle *slot = &circuit->slots[i];
		if (slot->source == ANGLE_FEATURE && slot->index == angle.index && slot->encoder == angle.encoder)
			return i;
	}
	circuit->slots[circuit->n_slots] = angle;
	return circuit->n_slots++;
}

static void add_gate(struct batch_circuit *circuit, struct batch_string string, struct angle angle)
{
	circuit->gates[circuit->n_gates++] = (struct batch_gate){.string = string, .slot = add_slot(circuit, angle)};
}

static void add_rotation(struct batch_circuit *circuit, const struct frame *frame, int wire, enum pauli axis,
                         struct angle angle)
{
	if (!frame->entangled[wire]) {
		circuit->prefix[circuit->n_prefix++] = (struct batch_prefix){axis, add_slot(circuit, angle), wire};
		return;
	}
	uint32_t bit = 1u << wire;
	struct pauli_string one = {.x = axis != PAULI_Z ? bit : 0, .z = axis != PAULI_X ? bit : 0};
	add_gate(circuit, frame_string(frame, one, circuit->n_wires), angle);
}

static void add_one_wire_op(struct batch_circuit *circuit, struct frame *frame, const struct circuit_op *op)
{
	int wire = op->wires[0];
	if (gate_takes_angle(op->gate))
		add_rotation(circuit, frame, wire, rotation_axis[op->gate], op->angle);
	for (int i = 0; i < lowering[op->gate].n_rotations; i++)
		add_rotation(circuit, frame, wire, lowering[op->gate].rotations[i].axis,
		             angle_constant(lowering[op->gate].rotations[i].angle));
	if (lowering[op->gate].flip) {
		frame->inverted[wire] ^= true;
		/* The prefix knows no inverted wires. */
		frame->entangled[wire] = true;
	}
}

static void add_two_wire_op(struct batch_circuit *circuit, struct frame *frame, const struct circuit_op *op)
{
	int a = op->wires[0], b = op->wires[1];
	frame->entangled[a] = frame->entangled[b] = true;
	if (op->gate == GATE_CNOT)
		frame_cnot(frame, a, b);
	if (op->gate == GATE_SWAP)
		frame_swap(frame, a, b);
	if (op->gate == GATE_CZ) {
		/* (-1)^(ab) = exp(i pi (1 - Za - Zb + Za Zb) / 4) */
		add_rotation(circuit, frame, a, PAULI_Z, angle_constant(M_PI_2));
		add_rotation(circuit, frame, b, PAULI_Z, angle_constant(M_PI_2));
		struct pauli_string both = {.z = 1u << a | 1u << b};
		add_gate(circuit, frame_string(frame, both, circuit->n_wires), angle_constant(-M_PI_2));
	}
}

static void lower(struct batch_circuit *circuit)
{
	const struct circuit_program *program = circuit->program;
	struct frame frame;
	frame_init(&frame, program->n_wires);
	for (int i = 0; i < program->n_ops; i++) {
		const struct circuit_op *op = &program->ops[i];
		if (gate_wires(op->gate) == 2)
			add_two_wire_op(circuit, &frame, op);
		else
			add_one_wire_op(circuit, &frame, op);
	}
	circuit->n_observables = program->n_observables;
	for (int o = 0; o < program->n_observables; o++) {
		circuit->observables[o].string = frame_string(&frame, program->observables[o], program->n_wires);
		circuit->n_diagonal_observables += circuit->observables[o].string.x == 0;
	}
}

/* A gate that commutes with every observable and with every later gate that counts cannot change an output. */
static bool counts(const struct batch_circuit *circuit, const struct batch_gate *gate, int later)
{
	for (int i = later; i < circuit->n_gates; i++)
		if (anticommute(&gate->string, &circuit->gates[i].string))
			return true;
	for (int o = 0; o < circuit->n_observables; o++)
		if (anticommute(&gate->string, &circuit->observables[o].string))
			return true;
	return false;
}

/* Removes what cannot matter: the last RZ layer before a Z readout, rotations of wires that nobody measures. */
static void prune(struct batch_circuit *circuit)
{
	int kept = circuit->n_gates;
	for (int i = circuit->n_gates - 1; i >= 0; i--)
		if (counts(circuit, &circuit->gates[i], kept))
			circuit->gates[--kept] = circuit->gates[i];
	circuit->n_gates -= kept;
	memmove(circuit->gates, circuit->gates + kept, (size_t)circuit->n_gates * sizeof *circuit->gates);
}

/* Every gate goes to the level after the last gate that it does not commute with. `reached[i]` is the highest level
 * among gates 0..i, which ends the search early. */
static void assign_levels(struct batch_circuit *circuit, int *reached)
{
	for (int i = 0; i < circuit->n_gates; i++) {
		int level = 0;
		for (int j = i - 1; j >= 0 && reached[j] >= level; j--) {
			const struct batch_gate *before = &circuit->gates[j];
			if (before->level >= level && anticommute(&before->string, &circuit->gates[i].string))
				level = before->level + 1;
		}
		circuit->gates[i].level = level;
		reached[i] = i > 0 && reached[i - 1] > level ? reached[i - 1] : level;
	}
}

static enum batch_step_kind gate_kind(const struct batch_circuit *circuit, const struct batch_gate *gate)
{
	if (gate->string.x != 0)
		return gate->string.odd ? STEP_ROTATE_Y : STEP_ROTATE_X;
	return circuit->slots[gate->slot].source == ANGLE_FEATURE ? STEP_DIAGONAL_LANES : STEP_DIAGONAL;
}

/* Orders the gates by level and kind, keeping their order otherwise: a counting sort. `scratch` holds n_gates, `starts`
 * STEP_KINDS * n_gates + 1 numbers. */
static void sort_gates(struct batch_circuit *circuit, struct batch_gate *scratch, int *starts)
{
	int n = circuit->n_gates;
	memcpy(scratch, circuit->gates, (size_t)n * sizeof *scratch);
	memset(starts, 0, ((size_t)n * STEP_KINDS + 1) * sizeof *starts);
	for (int i = 0; i < n; i++)
		starts[scratch[i].level * STEP_KINDS + (int)gate_kind(circuit, &scratch[i]) + 1]++;
	for (int i = 0; i < n * STEP_KINDS; i++)
		starts[i + 1] += starts[i];
	for (int i = 0; i < n; i++)
		circuit->gates[starts[scratch[i].level * STEP_KINDS + (int)gate_kind(circuit, &scratch[i])]++] =
		    scratch[i];
}

/* Neighbouring Z-type gates of one kind share a step; a rotation is a step of its own. */
static void make_steps(struct batch_circuit *circuit)
{
	struct batch_step *last = NULL;
	for (int i = 0; i < circuit->n_gates; i++) {
		const struct batch_gate *gate = &circuit->gates[i];
		enum batch_step_kind kind = gate_kind(circuit, gate);
		if (last == NULL || kind > STEP_DIAGONAL_LANES || last->kind != kind) {
			last = &circuit->steps[circuit->n_steps++];
			*last = (struct batch_step){.kind = kind, .gates = gate};
		}
		last->n_gates++;
	}
}

static void sort_prefix(struct batch_circuit *circuit, struct batch_prefix *scratch)
{
	int placed = 0;
	memcpy(scratch, circuit->prefix, (size_t)circuit->n_prefix * sizeof *scratch);
	for (int w = 0; w < circuit->n_wires; w++) {
		circuit->prefix_start[w] = placed;
		for (int i = 0; i < circuit->n_prefix; i++)
			if (scratch[i].wire == w)
				circuit->prefix[placed++] = scratch[i];
	}
	circuit->prefix_start[circuit->n_wires] = placed;
}

struct batch_circuit *batch_circuit_new(const struct circuit_program *program)
{
	size_t rotations = (size_t)program->n_ops * ROTATIONS_PER_GATE + 1;
	struct batch_circuit *circuit = calloc(1, sizeof *circuit);
	if (circuit == NULL)
		return NULL;
	circuit->program = program;
	circuit->n_wires = program->n_wires;
	circuit->slots = calloc(rotations, sizeof *circuit->slots);
	circuit->prefix = calloc(rotations, sizeof *circuit->prefix);
	circuit->gates = calloc(rotations, sizeof *circuit->gates);
	circuit->steps = calloc(rotations, sizeof *circuit->steps);
	circuit->observables = calloc((size_t)program->n_observables, sizeof *circuit->observables);
	struct batch_gate *gates = calloc(rotations, sizeof *gates);
	struct batch_prefix *prefix = calloc(rotations, sizeof *prefix);
	int *numbers = calloc(rotations * STEP_KINDS, sizeof *numbers);
	bool complete = circuit->slots != NULL && circuit->prefix != NULL && circuit->gates != NULL &&
	                circuit->steps != NULL && circuit->observables != NULL && gates != NULL && prefix != NULL &&
	                numbers != NULL;
	if (complete) {
		lower(circuit);
		prune(circuit);
		assign_levels(circuit, numbers);
		sort_gates(circuit, gates, numbers);
		make_steps(circuit);
		sort_prefix(circuit, prefix);
	} else {
		batch_circuit_free(circuit);
	}
	free(gates);
	free(prefix);
	free(numbers);
	return complete ? circuit : NULL;
}

void batch_circuit_free(struct batch_circuit *circuit)
{
	if (circuit == NULL)
		return;
	free(circuit->slots);
	free(circuit->prefix);
	free(circuit->gates);
	free(circuit->steps);
	free(circuit->observables);
	free(circuit);
}

void batch_pairs_fill(struct batch_pairs *pairs, const struct batch_string *string, int n_wires)
{
	uint32_t size = 1u << n_wires, lowest = string->x & -string->x;
	pairs->count = size / 2;
	pairs->n_positive = 0;
	size_t positive = 0, negative = pairs->count;
	for (uint32_t k = 0; k < size; k++) {
		if ((k & lowest) != 0)
			continue;
		bool minus = parity(k & string->z) != string->negative;
		struct batch_pair pair = {k, k ^ string->x};
		if (string->odd && minus)
			pair = (struct batch_pair){k ^ string->x, k};
		if (string->odd || !minus)
			pairs->items[positive++] = pair;
		else
			pairs->items[--negative] = pair;
	}
	pairs->n_positive = positive;
}
