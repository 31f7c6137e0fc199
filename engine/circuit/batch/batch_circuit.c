/* Lowers a program to a product state, Pauli rotations and Pauli strings; see batch_circuit.h for the idea. */
#include "engine/circuit/batch/batch_circuit.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "engine/circuit/lowering.h"

/* Gates that one operation becomes, counting those that it moves out of the prefixes of two wires. */
#define GATES_PER_OP 3

/* i^power X^x Z^z, where X^x flips the bits of x and Z^z is (-1)^parity(k & z). */
struct image {
	uint32_t x, z;
	unsigned power;
};

/* The Clifford gates so far, as what they make of X and Z of every wire: applying P now is applying its image to the
 * amplitudes as they are stored. */
struct frame {
	struct image x[CIRCUIT_MAX_WIRES], z[CIRCUIT_MAX_WIRES];
	bool entangled[CIRCUIT_MAX_WIRES]; /* past the prefix */
};

static void frame_init(struct frame *frame, int n_wires)
{
	*frame = (struct frame){0};
	for (int w = 0; w < n_wires; w++) {
		frame->x[w].x = 1u << (n_wires - 1 - w);
		frame->z[w].z = 1u << (n_wires - 1 - w);
	}
}

static struct image image_product(struct image a, struct image b)
{
	return (struct image){a.x ^ b.x, a.z ^ b.z, a.power + b.power + 2u * parity(a.z & b.x)};
}

static void frame_cnot(struct frame *frame, int control, int target)
{
	frame->x[control] = image_product(frame->x[control], frame->x[target]);
	frame->z[target] = image_product(frame->z[control], frame->z[target]);
}

static void frame_cz(struct frame *frame, int a, int b)
{
	struct image before = frame->x[a];
	frame->x[a] = image_product(before, frame->z[b]);
	frame->x[b] = image_product(frame->x[b], frame->z[a]);
}

static void frame_swap(struct frame *frame, int a, int b)
{
	struct image x = frame->x[a], z = frame->z[a];
	frame->x[a] = frame->x[b];
	frame->z[a] = frame->z[b];
	frame->x[b] = x;
	frame->z[b] = z;
}

/* The string that a product of Pauli matrices on wires has in the present frame; Y = i X Z. */
static struct batch_string frame_string(const struct frame *frame, struct pauli_string wires, int n_wires)
{
	struct image product = {0};
	for (int w = 0; w < n_wires; w++) {
		bool x = (wires.x >> w & 1) != 0, z = (wires.z >> w & 1) != 0;
		if (x)
			product = image_product(product, frame->x[w]);
		if (z)
			product = image_product(product, frame->z[w]);
		product.power += x && z;
	}
	return (struct batch_string){
	    .x = product.x, .z = product.z, .negative = (product.power & 2) != 0, .odd = (product.power & 1) != 0};
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

static void add_gate(struct batch_circuit *circuit, const struct frame *frame, int wire, enum pauli axis, int slot)
{
	uint32_t bit = 1u << wire;
	struct pauli_string one = {.x = axis != PAULI_Z ? bit : 0, .z = axis != PAULI_X ? bit : 0};
	circuit->gates[circuit->n_gates++] =
	    (struct batch_gate){.string = frame_string(frame, one, circuit->n_wires), .slot = slot};
}

static bool in_prefix(const struct batch_circuit *circuit, int wire)
{
	for (int i = 0; i < circuit->n_prefix; i++)
		if (circuit->prefix[i].wire == wire)
			return true;
	return false;
}

static void add_rotation(struct batch_circuit *circuit, const struct frame *frame, int wire, enum pauli axis,
                         struct angle angle)
{
	/* Z only gives |0> a phase. */
	if (!frame->entangled[wire] && axis == PAULI_Z && !in_prefix(circuit, wire))
		return;
	int slot = add_slot(circuit, angle);
	if (frame->entangled[wire])
		add_gate(circuit, frame, wire, axis, slot);
	else
		circuit->prefix[circuit->n_prefix++] = (struct batch_prefix){axis, slot, wire};
}

/* Makes RX(a) RX(b) .. |0> = S^-1 RY(a) RY(b) .. |0>: then the product state is real and S^-1, which is RZ(-pi/2) up to
 * a phase, shares a step with other Z-type gates. */
static void turn_x_prefix(struct batch_circuit *circuit, const struct frame *frame, int wire)
{
	bool any = false;
	for (int i = 0; i < circuit->n_prefix; i++) {
		if (circuit->prefix[i].wire == wire && circuit->prefix[i].axis != PAULI_X)
			return;
		any |= circuit->prefix[i].wire == wire;
	}
	for (int i = 0; i < circuit->n_prefix; i++)
		if (circuit->prefix[i].wire == wire)
			circuit->prefix[i].axis = PAULI_Y;
	if (any)
		add_gate(circuit, frame, wire, PAULI_Z, add_slot(circuit, angle_constant(-M_PI_2)));
}

/* Ends the prefix of a wire. Its last rotations about Z become gates unless they differ from sample to sample: one real
 * product and one shared diagonal are cheaper than a complex product. */
static void entangle(struct batch_circuit *circuit, struct frame *frame, int wire)
{
	if (frame->entangled[wire])
		return;
	for (int i = circuit->n_prefix - 1; i >= 0; i--) {
		struct batch_prefix last = circuit->prefix[i];
		if (last.wire != wire)
			continue;
		if (last.axis != PAULI_Z || circuit->slots[last.slot].source == ANGLE_FEATURE)
			break;
		add_gate(circuit, frame, wire, PAULI_Z, last.slot);
		circuit->n_prefix--;
		memmove(circuit->prefix + i, circuit->prefix + i + 1,
		        (size_t)(circuit->n_prefix - i) * sizeof *circuit->prefix);
	}
	turn_x_prefix(circuit, frame, wire);
	frame->entangled[wire] = true;
}

/* What the frame takes up: the Pauli matrices and S. The quarter turn about Y that is left of H stays a rotation: at
 * the start of a wire it prepares a part of the product state. */
static bool is_clifford(struct lowering_rotation part)
{
	return part.eighths == LOWERING_HALF_TURN || (part.eighths == LOWERING_QUARTER_TURN && part.axis == PAULI_Z);
}

static void add_clifford(struct batch_circuit *circuit, struct frame *frame, int wire, struct lowering_rotation part)
{
	bool x = part.axis != PAULI_Z, z = part.axis != PAULI_X;
	/* The prefix knows no frame; about Z only, |0> gets a phase. */
	if (!x && !frame->entangled[wire] && !in_prefix(circuit, wire))
		return;
	entangle(circuit, frame, wire);
	if (part.eighths == LOWERING_HALF_TURN) { /* the Pauli matrix itself */
		frame->x[wire].power += z ? 2 : 0;
		frame->z[wire].power += x ? 2 : 0;
	} else { /* S^-1 X S = -i X Z */
		frame->x[wire] = image_product(frame->x[wire], frame->z[wire]);
		frame->x[wire].power += 3;
	}
}

static void add_one_wire_op(struct batch_circuit *circuit, struct frame *frame, const struct circuit_op *op)
{
	const struct lowering *gate = lowering_of(op->gate);
	for (int r = 0; r < gate->n_rotations; r++) {
		struct lowering_rotation part = gate->rotations[r];
		if (is_clifford(part))
			add_clifford(circuit, frame, op->wires[0], part);
		else
			add_rotation(circuit, frame, op->wires[0], part.axis, lowering_angle(part, op->angle));
	}
}

static void add_two_wire_op(struct batch_circuit *circuit, struct frame *frame, const struct circuit_op *op)
{
	int a = op->wires[0], b = op->wires[1];
	entangle(circuit, frame, a);
	entangle(circuit, frame, b);
	if (op->gate == GATE_CNOT)
		frame_cnot(frame, a, b);
	if (op->gate == GATE_SWAP)
		frame_swap(frame, a, b);
	if (op->gate == GATE_CZ)
		frame_cz(frame, a, b);
}

/* Features of one encoder become neighbours, which are encoded together. Where a feature has several, their order stays
 * as it is, since its gradient adds up in it. */
static void group_encoders(struct batch_circuit *circuit)
{
	int n = circuit->n_slots, rank[ENCODER_COUNT];
	struct angle *slots = circuit->slots;
	for (int i = n - 1; i >= 0; i--)
		rank[slots[i].encoder] = i;
	for (int i = 0; i < n; i++)
		for (int j = 0; j < i; j++)
			if (slots[i].index == slots[j].index && rank[slots[i].encoder] < rank[slots[j].encoder])
				return;
	for (int i = 1; i < n; i++) {
		struct angle moved = slots[i];
		int to = i;
		for (; to > 0 && rank[slots[to - 1].encoder] > rank[moved.encoder]; to--)
			slots[to] = slots[to - 1];
		slots[to] = moved;
	}
}

static void lower(struct batch_circuit *circuit)
{
	const struct circuit_program *program = circuit->program;
	struct frame frame;
	frame_init(&frame, program->n_wires);
	for (int i = 0; i < program->n_ops; i++)
		if (program->ops[i].angle.source == ANGLE_FEATURE)
			add_slot(circuit, program->ops[i].angle);
	group_encoders(circuit);
	circuit->n_feature_slots = circuit->n_slots;
	for (int i = 0; i < program->n_ops; i++) {
		const struct circuit_op *op = &program->ops[i];
		if (gate_wires(op->gate) == 2)
			add_two_wire_op(circuit, &frame, op);
		else
			add_one_wire_op(circuit, &frame, op);
	}
	for (int w = 0; w < program->n_wires; w++)
		entangle(circuit, &frame, w);
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
		if (batch_anticommute(&gate->string, &circuit->gates[i].string))
			return true;
	for (int o = 0; o < circuit->n_observables; o++)
		if (batch_anticommute(&gate->string, &circuit->observables[o].string))
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

static void sort_prefix(struct batch_circuit *circuit, struct batch_prefix *scratch)
{
	int placed = 0;
	memcpy(scratch, circuit->prefix, (size_t)circuit->n_prefix * sizeof *scratch);
	for (int w = 0; w < circuit->n_wires; w++) {
		circuit->prefix_start[w] = placed;
		for (int i = 0; i < circuit->n_prefix; i++)
			if (scratch[i].wire == w)
				circuit->prefix[placed++] = scratch[i];
		int learned = circuit->prefix_start[w];
		while (learned < placed && circuit->slots[circuit->prefix[learned].slot].source == ANGLE_CONSTANT)
			learned++;
		circuit->prefix_learned[w] = learned;
	}
	circuit->prefix_start[circuit->n_wires] = placed;
	circuit->prefix_parts = 1;
	circuit->prefix_shared = true;
	for (int i = 0; i < circuit->n_prefix; i++) {
		if (circuit->prefix[i].axis != PAULI_Y)
			circuit->prefix_parts = 2;
		circuit->prefix_shared &= circuit->slots[circuit->prefix[i].slot].source != ANGLE_WEIGHT;
	}
}

/* See struct batch_paired. */
static void find_pairs(struct batch_circuit *circuit)
{
	const struct batch_prefix *prefix = circuit->prefix;
	struct batch_paired pairs = {.all = circuit->n_prefix == 2 * circuit->n_wires};
	if (!pairs.all)
		return;
	pairs.feature = prefix[0].slot;
	pairs.other = prefix[1].slot;
	pairs.apart = circuit->n_wires > 1 ? prefix[3].slot - pairs.other : 1;
	for (int w = 0; w < circuit->n_wires; w++) {
		int feature = prefix[2 * w].slot, other = prefix[2 * w + 1].slot;
		pairs.all &= circuit->prefix_start[w] == 2 * w && feature == pairs.feature + w &&
		             feature < circuit->n_feature_slots && other == pairs.other + w * pairs.apart &&
		             other >= circuit->n_feature_slots;
	}
	circuit->paired = pairs;
}

/* See struct batch_dressed. */
static void find_dressed(struct batch_circuit *circuit)
{
	static const enum pauli axes[] = {PAULI_Y, PAULI_Y, PAULI_Z};
	const struct batch_prefix *prefix = circuit->prefix;
	int each = sizeof axes / sizeof axes[0];
	if (circuit->n_prefix != each * circuit->n_wires)
		return;
	int apart = circuit->n_wires > 1 ? prefix[3].slot - prefix[0].slot : 0;
	struct batch_dressed found = {true, prefix[0].slot, apart, prefix[1].slot, prefix[2].slot};
	for (int i = 0; i < circuit->n_prefix; i++) {
		int wire = i / each, kind = i % each;
		int slots[] = {found.constant + wire * apart, found.y + wire, found.z + wire};
		bool is_feature = prefix[i].slot < circuit->n_feature_slots;
		found.all &= prefix[i].wire == wire && prefix[i].axis == axes[kind] && prefix[i].slot == slots[kind] &&
		             is_feature == (kind > 0) && circuit->slots[prefix[i].slot].source != ANGLE_WEIGHT;
	}
	circuit->dressed = found;
}

struct batch_circuit *batch_circuit_new(const struct circuit_program *program)
{
	size_t gates = (size_t)program->n_ops * GATES_PER_OP + (size_t)program->n_wires + 1;
	struct batch_circuit *circuit = calloc(1, sizeof *circuit);
	if (circuit == NULL)
		return NULL;
	circuit->program = program;
	circuit->n_wires = program->n_wires;
	circuit->slots = calloc(gates, sizeof *circuit->slots);
	circuit->prefix = calloc(gates, sizeof *circuit->prefix);
	circuit->gates = calloc(gates, sizeof *circuit->gates);
	circuit->steps = calloc(gates + 1, sizeof *circuit->steps);
	circuit->observables = calloc((size_t)program->n_observables, sizeof *circuit->observables);
	struct batch_gate *gate_scratch = calloc(gates, sizeof *gate_scratch);
	struct batch_prefix *prefix_scratch = calloc(gates, sizeof *prefix_scratch);
	int *numbers = calloc(gates * STEP_KINDS, sizeof *numbers);
	bool complete = circuit->slots != NULL && circuit->prefix != NULL && circuit->gates != NULL &&
	                circuit->steps != NULL && circuit->observables != NULL && gate_scratch != NULL &&
	                prefix_scratch != NULL && numbers != NULL;
	if (complete) {
		lower(circuit);
		prune(circuit);
		sort_prefix(circuit, prefix_scratch);
		find_pairs(circuit);
		find_dressed(circuit);
		batch_schedule(circuit, gate_scratch, numbers);
		complete = batch_slopes_list(circuit);
	}
	if (!complete)
		batch_circuit_free(circuit);
	free(gate_scratch);
	free(prefix_scratch);
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
	free(circuit->slopes);
	free(circuit->trained);
	free(circuit);
}
