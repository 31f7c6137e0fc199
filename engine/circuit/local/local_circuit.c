/* Observables carried back through the circuit; see local_circuit.h. */
#include "engine/circuit/local/local_circuit.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "engine/circuit/local/local_pairs.h"
#include "engine/circuit/lowering.h"

const struct local_mix local_mixes[3] = {
    [PAULI_X] = {LETTER_Y, LETTER_Z},
    [PAULI_Y] = {LETTER_Z, LETTER_X},
    [PAULI_Z] = {LETTER_X, LETTER_Y},
};

struct walk {
	struct local_circuit *circuit;
	int max_strings;
	uint32_t blocked;            /* wires with a kept gate */
	int wire[CIRCUIT_MAX_WIRES]; /* the name that a wire of the program has at this time */
	const int *earlier;          /* local_pairs.h */
};

static int new_slot(struct local_circuit *circuit, struct local_slot slot)
{
	struct angle angle = slot.angle;
	int none = -1, *known = &none;
	if (angle.source == ANGLE_WEIGHT)
		known = &circuit->slot_of[angle.index];
	if (angle.source == ANGLE_FEATURE && slot.weight < 0)
		known =
		    &circuit->slot_of[circuit->program->n_weights + angle.index * ENCODER_COUNT + (int)angle.encoder];
	if (*known < 0) {
		*known = circuit->n_slots;
		circuit->slots[circuit->n_slots++] = slot;
	}
	return *known;
}

static enum local_letter letter_at(const struct local_string *string, int wire)
{
	return (enum local_letter)((string->letters.x >> wire & 1) | (string->letters.z >> wire & 1) << 1);
}

static void set_letter(struct local_string *string, int wire, enum local_letter letter)
{
	uint32_t bit = 1u << wire;
	string->letters.x = (string->letters.x & ~bit) | ((letter & LETTER_X) != 0 ? bit : 0);
	string->letters.z = (string->letters.z & ~bit) | ((letter & LETTER_Z) != 0 ? bit : 0);
}

static bool mixes(const struct local_string *string, const struct local_gate *gate)
{
	enum local_letter letter = letter_at(string, gate->sides[0].wire);
	return letter == local_mixes[gate->axis].first || letter == local_mixes[gate->axis].second;
}

static int count_mixed(const struct local_circuit *circuit, const struct local_gate *gate)
{
	int count = 0;
	for (int i = 0; i < circuit->n_strings; i++)
		count += mixes(&circuit->strings[i], gate);
	return count;
}

/* Every string that the rotation mixes becomes two, or one when cosine or sine is zero. */
static void split(struct local_circuit *circuit, const struct local_gate *gate)
{
	const struct local_mix *mix = &local_mixes[gate->axis];
	for (int i = circuit->n_strings - 1; i >= 0; i--) {
		struct local_string *string = &circuit->strings[i], turned = *string;
		if (!mixes(string, gate))
			continue;
		bool first = letter_at(string, gate->sides[0].wire) == mix->first;
		set_letter(&turned, gate->sides[0].wire, first ? mix->second : mix->first);
		turned.coefficient = local_graph_multiply(circuit->graph, string->coefficient,
		                                          first ? local_ref_negate(gate->sine) : gate->sine);
		string->coefficient = local_graph_multiply(circuit->graph, string->coefficient, gate->cosine);
		if (gate->cosine == LOCAL_ZERO)
			*string = turned;
		else if (gate->sine != LOCAL_ZERO)
			circuit->strings[circuit->n_strings++] = turned;
	}
}

static void keep(struct walk *walk, const struct local_gate *gate)
{
	walk->blocked |= 1u << gate->sides[0].wire;
	if (gate->bond)
		walk->blocked |= 1u << gate->sides[1].wire;
	walk->circuit->gates[walk->circuit->n_gates++] = *gate;
}

/* The angle of a rotation that op i consists of, and of the one that op i is paired with. */
static struct local_slot slot_at(const struct walk *walk, int i, struct lowering_rotation part)
{
	const struct circuit_op *ops = walk->circuit->program->ops;
	if (part.eighths != LOWERING_OWN_ANGLE || walk->earlier[i] == LOCAL_UNPAIRED)
		return (struct local_slot){lowering_angle(part, ops[i].angle), -1};
	const struct angle *a = &ops[i].angle, *b = &ops[walk->earlier[i]].angle;
	return a->source == ANGLE_FEATURE ? (struct local_slot){*a, b->index} : (struct local_slot){*b, a->index};
}

static void walk_rotation(struct walk *walk, int i, struct lowering_rotation part)
{
	const struct circuit_op *op = &walk->circuit->program->ops[i];
	struct local_circuit *circuit = walk->circuit;
	struct local_gate gate = {.sides[0].wire = walk->wire[op->wires[0]], .axis = part.axis};
	bool open = (walk->blocked >> gate.sides[0].wire & 1) == 0;
	bool half = part.eighths == LOWERING_HALF_TURN, exact = half || part.eighths == LOWERING_QUARTER_TURN;
	int mixed = open ? count_mixed(circuit, &gate) : 0;
	if (open && mixed == 0)
		return; /* commutes with all there is to measure: no output depends on it */
	if (exact) {
		gate.cosine = half ? local_ref_negate(LOCAL_ONE) : LOCAL_ZERO;
		gate.sine = half ? LOCAL_ZERO : LOCAL_ONE;
	} else {
		int slot = new_slot(circuit, slot_at(walk, i, part));
		enum local_phase phase = circuit->slots[slot].angle.source == ANGLE_FEATURE ? PHASE_TILE : PHASE_BEFORE;
		gate.cosine = local_graph_leaf(circuit->graph, NODE_COSINE, slot, phase);
		gate.sine = local_graph_leaf(circuit->graph, NODE_SINE, slot, phase);
	}
	if (open && (exact || circuit->n_strings + mixed <= walk->max_strings))
		split(circuit, &gate);
	else
		keep(walk, &gate);
}

/* Through a controlled gate every string stays one string. */
static void conjugate(struct local_circuit *circuit, const struct local_gate *gate)
{
	for (int i = 0; i < circuit->n_strings; i++) {
		struct local_string *string = &circuit->strings[i];
		const struct local_side *sides = gate->sides;
		enum local_letter a = letter_at(string, sides[0].wire), b = letter_at(string, sides[1].wire);
		bool probe_a = (a & sides[0].probe) != 0, probe_b = (b & sides[1].probe) != 0;
		bool odd = ((a & sides[0].flip) != 0) ^ ((b & sides[1].flip) != 0) ^ gate->differs;
		if (probe_a && probe_b && odd)
			string->coefficient = local_ref_negate(string->coefficient);
		set_letter(string, sides[0].wire, a ^ (probe_b ? sides[0].flip : LETTER_I));
		set_letter(string, sides[1].wire, b ^ (probe_a ? sides[1].flip : LETTER_I));
	}
}

static void walk_two_wires(struct walk *walk, const struct circuit_op *op)
{
	int a = walk->wire[op->wires[0]], b = walk->wire[op->wires[1]];
	if (op->gate == GATE_SWAP) {
		walk->wire[op->wires[0]] = b;
		walk->wire[op->wires[1]] = a;
		return;
	}
	bool cnot = op->gate == GATE_CNOT;
	struct local_gate gate = {.bond = true, .differs = cnot};
	gate.sides[0] = (struct local_side){a, LETTER_Z, LETTER_X};
	gate.sides[1] = (struct local_side){b, cnot ? LETTER_X : LETTER_Z, cnot ? LETTER_Z : LETTER_X};
	if ((walk->blocked & (1u << a | 1u << b)) == 0)
		conjugate(walk->circuit, &gate);
	else
		keep(walk, &gate);
}

static void reverse_gates(struct local_circuit *circuit)
{
	for (int i = 0, j = circuit->n_gates - 1; i < j; i++, j--) {
		struct local_gate keep_gate = circuit->gates[i];
		circuit->gates[i] = circuit->gates[j];
		circuit->gates[j] = keep_gate;
	}
}

static void walk_back(struct local_circuit *circuit, int max_strings, const int *earlier)
{
	const struct circuit_program *program = circuit->program;
	struct walk walk = {.circuit = circuit, .max_strings = max_strings, .earlier = earlier};
	for (int w = 0; w < program->n_wires; w++)
		walk.wire[w] = w;
	for (int o = 0; o < program->n_observables; o++)
		circuit->strings[circuit->n_strings++] = (struct local_string){program->observables[o], LOCAL_ONE, o};
	for (int i = program->n_ops - 1; i >= 0; i--) {
		const struct circuit_op *op = &program->ops[i];
		if (gate_wires(op->gate) == 2)
			walk_two_wires(&walk, op);
		const struct lowering *gate = lowering_of(op->gate);
		for (int r = gate->n_rotations - 1; r >= 0 && earlier[i] != LOCAL_PAIRED; r--)
			walk_rotation(&walk, i, gate->rotations[r]);
	}
	reverse_gates(circuit);
}

static bool allocate(struct local_circuit *circuit, int max_strings)
{
	const struct circuit_program *program = circuit->program;
	size_t rotations = (size_t)program->n_ops * LOWERING_ROTATIONS + 1;
	size_t known = (size_t)program->n_weights + (size_t)program->n_features * ENCODER_COUNT + 1;
	circuit->slots = calloc(rotations, sizeof *circuit->slots);
	circuit->gates = calloc(rotations, sizeof *circuit->gates);
	circuit->strings = calloc((size_t)max_strings, sizeof *circuit->strings);
	circuit->slot_of = malloc(known * sizeof *circuit->slot_of);
	if (circuit->slots == NULL || circuit->gates == NULL || circuit->strings == NULL || circuit->slot_of == NULL)
		return false;
	memset(circuit->slot_of, -1, known * sizeof *circuit->slot_of);
	return true;
}

struct local_circuit *local_circuit_new(const struct circuit_program *program, struct local_graph *graph,
                                        int max_strings)
{
	struct local_circuit *circuit = calloc(1, sizeof *circuit);
	int *earlier = local_pairs_new(program);
	if (max_strings < program->n_observables)
		max_strings = program->n_observables;
	if (circuit != NULL)
		*circuit = (struct local_circuit){.program = program, .graph = graph, .n_wires = program->n_wires};
	if (circuit != NULL && earlier != NULL && allocate(circuit, max_strings)) {
		walk_back(circuit, max_strings, earlier);
	} else {
		local_circuit_free(circuit);
		circuit = NULL;
	}
	free(earlier);
	return circuit;
}

void local_circuit_free(struct local_circuit *circuit)
{
	if (circuit == NULL)
		return;
	free(circuit->slots);
	free(circuit->gates);
	free(circuit->strings);
	free(circuit->slot_of);
	free(circuit);
}
