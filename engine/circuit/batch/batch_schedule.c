/* Orders the gates of a compiled program into passes over the amplitudes; see batch_circuit.h. */
#include "engine/circuit/batch/batch_circuit.h"

#include <string.h>

/* Every gate goes to the level after the last gate that it does not commute with. `reached[i]` is the highest level
 * among gates 0..i, which ends the search early. */
static void assign_levels(struct batch_circuit *circuit, int *reached)
{
	for (int i = 0; i < circuit->n_gates; i++) {
		int level = 0;
		for (int j = i - 1; j >= 0 && reached[j] >= level; j--) {
			const struct batch_gate *before = &circuit->gates[j];
			if (before->level >= level && batch_anticommute(&before->string, &circuit->gates[i].string))
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

/* Whether a rotation can share blocks with those of a step of its kind: see struct batch_step. Odd strings must leave
 * one another's signs alone; even ones must have the same signs. */
static bool fits_block(const struct batch_step *step, const struct batch_gate *gate)
{
	for (int g = 0; g < step->n_gates; g++) {
		const struct batch_string *a = &step->gates[g].string, *b = &gate->string;
		if (step->kind == STEP_ROTATE_Y ? parity(a->x & b->z) : a->z != b->z)
			return false;
	}
	/* The x of a block must be independent. */
	for (uint32_t set = 0; set < 1u << step->n_gates; set++) {
		uint32_t x = gate->string.x;
		for (int g = 0; g < step->n_gates; g++)
			x ^= (set >> g & 1) != 0 ? step->gates[g].string.x : 0;
		if (x == 0)
			return false;
	}
	return true;
}

/* Adds a mask to a basis of masks unless it depends on them. basis[b] is zero or has b as its highest bit. */
static bool extend_basis(uint32_t basis[CIRCUIT_MAX_WIRES], uint32_t mask)
{
	for (int bit = CIRCUIT_MAX_WIRES - 1; bit >= 0; bit--) {
		if ((mask >> bit & 1) == 0)
			continue;
		if (basis[bit] == 0) {
			basis[bit] = mask;
			return true;
		}
		mask ^= basis[bit];
	}
	return false;
}

/* Whether gate's z is independent of those of the step, so that all combinations of signs occur. */
static bool independent_signs(const struct batch_step *step, const struct batch_gate *gate)
{
	uint32_t basis[CIRCUIT_MAX_WIRES] = {0};
	for (int g = 0; g < step->n_gates; g++)
		extend_basis(basis, step->gates[g].string.z);
	return extend_basis(basis, gate->string.z);
}

static bool fits(const struct batch_step *step, const struct batch_gate *gate, int most)
{
	switch (step->kind) {
	case STEP_DIAGONAL:
		return true;
	case STEP_DIAGONAL_LANES:
		return independent_signs(step, gate);
	default:
		return step->n_gates < most && fits_block(step, gate);
	}
}

/* Splits gates first .. end - 1, of one level and kind, into steps: each takes the first gate left and all later ones
 * that fit. Rotations are spread evenly over the passes they need. */
static void add_steps(struct batch_circuit *circuit, int first, int end)
{
	int passes = (end - first + BATCH_BLOCK_GATES - 1) / BATCH_BLOCK_GATES,
	    most = (end - first + passes - 1) / passes;
	while (first < end) {
		struct batch_step *step = &circuit->steps[circuit->n_steps++];
		struct batch_gate *gates = circuit->gates;
		*step = (struct batch_step){
		    .kind = gate_kind(circuit, &gates[first]), .gates = gates + first, .first_gate = first};
		for (int i = first; i < end; i++) {
			if (!fits(step, &gates[i], most))
				continue;
			struct batch_gate found = gates[i];
			memmove(gates + first + 1, gates + first, (size_t)(i - first) * sizeof found);
			gates[first++] = found;
			step->n_gates++;
			step->trainable |= circuit->slots[found.slot].source == ANGLE_WEIGHT;
			step->featured |= circuit->slots[found.slot].source == ANGLE_FEATURE;
			circuit->featured |= step->featured;
			circuit->featured_turns |= step->featured && found.string.x != 0;
		}
	}
}

static void make_steps(struct batch_circuit *circuit)
{
	for (int first = 0, end; first < circuit->n_gates; first = end) {
		const struct batch_gate *gate = &circuit->gates[first];
		for (end = first + 1; end < circuit->n_gates && circuit->gates[end].level == gate->level &&
		                      gate_kind(circuit, &circuit->gates[end]) == gate_kind(circuit, gate);
		     end++)
			;
		add_steps(circuit, first, end);
	}
}

/* Finds where amplitudes turn complex. Diagonals widen the state themselves; STEP_ROTATE_X needs it widened. */
static void assign_parts(struct batch_circuit *circuit)
{
	int parts = circuit->prefix_parts;
	for (int i = 0; i < circuit->n_steps; i++) {
		struct batch_step *step = &circuit->steps[i];
		if (parts == 1 && step->kind == STEP_ROTATE_X) {
			memmove(step + 1, step, (size_t)(circuit->n_steps++ - i) * sizeof *step);
			*step = (struct batch_step){.kind = STEP_WIDEN};
		}
		step->parts_before = parts;
		if (step->kind != STEP_ROTATE_Y)
			parts = 2;
		step->parts = parts;
		if (step->kind == STEP_DIAGONAL)
			step->diagonal = circuit->n_diagonals++;
		if (batch_step_rotates(step))
			step->n_bases = (size_t)parts << (circuit->n_wires - step->n_gates);
	}
	circuit->parts = parts;
}

void batch_schedule(struct batch_circuit *circuit, struct batch_gate *gates, int *numbers)
{
	assign_levels(circuit, numbers);
	sort_gates(circuit, gates, numbers);
	make_steps(circuit);
	assign_parts(circuit);
	circuit->joined = circuit->n_steps > 0 && circuit->prefix_parts == 1 &&
	                  (circuit->steps[0].kind == STEP_DIAGONAL || circuit->steps[0].kind == STEP_DIAGONAL_LANES);
	circuit->ordered = circuit->n_diagonal_observables > 0 && batch_order_fill(circuit);
}

/* The string on the vector of real and imaginary parts: -i P of an even string also exchanges the parts, which is the
 * lowest bit. */
static struct batch_string part_string(const struct batch_step *step, int gate)
{
	struct batch_string string = step->gates[gate].string;
	uint32_t part = step->kind == STEP_ROTATE_X;
	string.x = step->parts == 2 ? string.x << 1 | part : string.x;
	string.z = step->parts == 2 ? string.z << 1 | part : string.z;
	return string;
}

/* Whether `index` is the first of its block that is on the side from which every rotation's sine points away. */
static bool is_base(const struct batch_step *step, const uint32_t *offsets, uint32_t index)
{
	bool even = step->kind == STEP_ROTATE_X;
	for (int g = 0; g < step->n_gates; g++)
		if (parity(index & part_string(step, g).z) != even)
			return false;
	for (uint32_t b = 1; b < 1u << step->n_gates && even; b++)
		if (!parity(b) && (index ^ offsets[b]) < index)
			return false;
	return true;
}

/* The row of a number. */
static uint32_t number_row(const struct batch_step *step, uint32_t index)
{
	return step->parts == 2 ? (uint32_t)batch_place(index >> 1) * 2 | (index & 1) : (uint32_t)batch_place(index);
}

static void fill_blocks(struct batch_step *step, int n_wires, size_t row_bytes)
{
	uint32_t offsets[1 << BATCH_BLOCK_GATES] = {0}, size = (uint32_t)step->parts << n_wires;
	uint32_t *to = step->rows;
	for (uint32_t b = 1; b < 1u << step->n_gates; b++)
		offsets[b] = offsets[b & (b - 1)] ^ part_string(step, __builtin_ctz(b)).x;
	for (uint32_t index = 0; index < size; index++)
		for (uint32_t b = 0; b < 1u << step->n_gates && is_base(step, offsets, index); b++)
			*to++ = number_row(step, index ^ offsets[b]) * (uint32_t)row_bytes;
}

void batch_step_fill(struct batch_step *step, int n_wires, size_t row_bytes)
{
	if (batch_step_rotates(step))
		fill_blocks(step, n_wires, row_bytes);
	for (uint32_t k = 0; k < 1u << n_wires && step->kind == STEP_DIAGONAL_LANES; k++) {
		step->signs[k] = 0;
		for (int g = 0; g < step->n_gates; g++)
			step->signs[k] |= (uint32_t)parity(k & step->gates[g].string.z) << g;
	}
}

void batch_observable_fill(struct batch_observable *observable, int n_wires)
{
	const struct batch_string *string = &observable->string;
	uint32_t size = 1u << n_wires, lowest = string->x & -string->x;
	size_t positive = 0, negative = size / 2;
	for (uint32_t k = 0; k < size; k++) {
		if ((k & lowest) != 0)
			continue;
		bool minus = parity(k & string->z) != string->negative;
		uint32_t here = (uint32_t)batch_place(k), there = (uint32_t)batch_place(k ^ string->x);
		struct batch_pair pair = {here, there};
		if (string->odd && minus)
			pair = (struct batch_pair){there, here};
		if (string->odd || !minus)
			observable->pairs[positive++] = pair;
		else
			observable->pairs[--negative] = pair;
	}
	observable->n_positive = positive;
}

bool batch_order_fill(struct batch_circuit *circuit)
{
	uint32_t basis[CIRCUIT_MAX_WIRES] = {0}, masks[CIRCUIT_MAX_WIRES];
	int n = circuit->n_wires, found = 0;
	for (int o = 0; o < circuit->n_observables; o++) {
		struct batch_observable *observable = &circuit->observables[o];
		if (observable->string.x != 0)
			continue;
		if (!extend_basis(basis, observable->string.z))
			return false;
		observable->bit = found;
		masks[found++] = observable->string.z;
	}
	for (int bit = 0; bit < n; bit++)
		if (extend_basis(basis, 1u << bit))
			masks[found++] = 1u << bit;
	for (uint32_t k = 0; k < 1u << n && circuit->order != NULL; k++) {
		circuit->order[k] = 0;
		for (int bit = 0; bit < n; bit++)
			circuit->order[k] |= (uint32_t)parity(k & masks[bit]) << bit;
	}
	return true;
}
