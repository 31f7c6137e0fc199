/* From a caller's operations to the steps of a sequence. */
#include "engine/circuit/register/ops.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "engine/circuit/register/operation.h"

size_t register_bits(int n_wires, uint32_t wires)
{
	size_t bits = 0;
	for (int w = 0; w < n_wires; w++)
		if ((wires >> w & 1) != 0)
			bits |= (size_t)1 << (n_wires - 1 - w);
	return bits;
}

struct register_pauli register_pauli_of(int n_wires, const struct pauli_string *string)
{
	return (struct register_pauli){register_bits(n_wires, string->x), register_bits(n_wires, string->z),
	                               __builtin_popcount(string->x & string->z)};
}

struct register_op register_op_of(const struct circuit_op *op)
{
	return (struct register_op){
	    .kind = REGISTER_GATE, .gate = op->gate, .wires = {op->wires[0], op->wires[1]}, .angle = op->angle};
}

static void note(int *count, int first, int size)
{
	if (first + size > *count)
		*count = first + size;
}

static void note_numbers(struct register_sequence *sequence, enum angle_source source, int first, int size)
{
	if (source == ANGLE_FEATURE)
		note(&sequence->needs.n_features, first, size);
	if (source != ANGLE_WEIGHT)
		return;
	note(&sequence->needs.n_weights, first, size);
	if (first < sequence->first_weight)
		sequence->first_weight = first;
}

/* [row][column][re, im] */
static const double fixed_gates[GATE_COUNT][8] = {
    [GATE_H] = {M_SQRT1_2, 0, M_SQRT1_2, 0, M_SQRT1_2, 0, -M_SQRT1_2, 0},
    [GATE_Y] = {0, 0, 0, -1, 0, 1, 0, 0},
    [GATE_Z] = {1, 0, 0, 0, 0, 0, -1, 0},
    [GATE_S] = {1, 0, 0, 0, 0, 0, 0, 1},
    [GATE_T] = {1, 0, 0, 0, 0, 0, M_SQRT1_2, M_SQRT1_2},
    [GATE_CZ] = {1, 0, 0, 0, 0, 0, -1, 0},
};

/* A controlled gate is the gate on its second wire, with a control more. */
static void lower_gate(int n_wires, const struct register_op *op, struct register_step *step)
{
	size_t first = register_bits(n_wires, 1u << op->wires[0]);
	size_t second = gate_wires(op->gate) == 2 ? register_bits(n_wires, 1u << op->wires[1]) : 0;
	step->second = second != 0 ? second : first;
	switch (op->gate) {
	case GATE_RX:
	case GATE_RY:
	case GATE_RZ:
		step->kind = REGISTER_STEP_TURN;
		step->axis = op->gate == GATE_RX ? PAULI_X : op->gate == GATE_RY ? PAULI_Y : PAULI_Z;
		step->angle = op->angle;
		return;
	case GATE_SWAP:
		step->first = first;
		step->kind = REGISTER_STEP_EXCHANGE;
		return;
	case GATE_X:
	case GATE_CNOT:
		step->kind = REGISTER_STEP_EXCHANGE;
		break;
	default:
		step->kind = REGISTER_STEP_MATRIX;
		step->source = ANGLE_CONSTANT;
		memcpy(step->constant, fixed_gates[op->gate], sizeof step->constant);
	}
	if (second != 0)
		step->ones |= first;
}

/* new[map[k]] = old[k]: along the cycle k, map[k], map[map[k]], ... place k holds what is still to be put down. */
static int lower_map(int n_wires, const uint32_t *map, struct register_step *step)
{
	size_t size = (size_t)1 << n_wires;
	unsigned char *done = calloc(size, 1);
	step->swaps = malloc(size * sizeof *step->swaps);
	for (size_t k = 0; k < size && done != NULL && step->swaps != NULL; k++)
		for (size_t to = map[k]; done[k] == 0 && to != k; to = map[to]) {
			done[to] = 1;
			step->swaps[step->n_swaps][0] = (uint32_t)k;
			step->swaps[step->n_swaps++][1] = (uint32_t)to;
		}
	int code = done != NULL && step->swaps != NULL ? 0 : ERR_OUT_OF_MEMORY;
	free(done);
	return code;
}

static void lower_table(struct register_sequence *sequence, const struct register_op *op, struct register_step *step)
{
	static const enum register_step_kind of[REGISTER_OP_COUNT] = {[REGISTER_MATRIX] = REGISTER_STEP_MATRIX,
	                                                              [REGISTER_PLANE] = REGISTER_STEP_PLANE,
	                                                              [REGISTER_DIAGONAL] = REGISTER_STEP_SCALE};
	step->kind = of[op->kind];
	if (op->kind != REGISTER_DIAGONAL)
		step->second = register_bits(sequence->n_wires, 1u << op->wires[0]);
	step->source = op->table.source;
	step->number = op->table.first;
	step->unitary = op->table.unitary;
	step->kept = !op->table.unitary;
	sequence->needs.n_kept += step->kept;
	note_numbers(sequence, op->table.source, op->table.first, register_op_table_size(op));
}

/* One step for each wire flipped. */
static void lower_flip(struct register_sequence *sequence, const struct register_op *op, struct register_step step)
{
	int shift = __builtin_popcount(op->flipped);
	size_t free = step.free;
	step.kind = REGISTER_STEP_FLIP;
	step.row = op->row;
	for (int w = 0; w < sequence->n_wires; w++) {
		if ((op->flipped >> w & 1) == 0)
			continue;
		step.shift = --shift;
		step.second = register_bits(sequence->n_wires, 1u << w);
		step.free = free & ~step.second;
		sequence->steps[sequence->n_steps++] = step;
	}
	note(&sequence->needs.n_words, op->row, 1);
}

static int lower(struct register_sequence *sequence, const struct register_op *op)
{
	int n = sequence->n_wires;
	struct register_step step = {.unitary = true,
	                             .ones = register_bits(n, op->controls),
	                             .selectors = register_bits(n, register_op_selectors(op))};
	int code = 0;
	step.free =
	    register_bits(n, ~(register_op_targets(op) | op->controls | op->open_controls | register_op_selectors(op)));
	if (op->kind == REGISTER_FLIP) {
		lower_flip(sequence, op, step);
		return 0;
	}
	if (op->kind == REGISTER_PERMUTE) {
		step.kind = REGISTER_STEP_PERMUTE;
		code = lower_map(n, op->map, &step);
	} else if (op->kind == REGISTER_GATE) {
		lower_gate(n, op, &step);
		note_numbers(sequence, step.angle.source, step.angle.index, 1);
	} else {
		lower_table(sequence, op, &step);
	}
	sequence->steps[sequence->n_steps++] = step;
	return code;
}

static int count_steps(const struct register_op *ops, int n_ops)
{
	int count = 0;
	for (int i = 0; i < n_ops; i++)
		count += ops[i].kind == REGISTER_FLIP ? __builtin_popcount(ops[i].flipped) : 1;
	return count;
}

int register_sequence_new(struct register_sequence **out, int n_wires, const struct register_op *ops, int n_ops,
                          struct qlstm_error *error)
{
	*out = NULL;
	int code = register_ops_check(n_wires, ops, n_ops, error);
	if (code != 0)
		return code;
	struct register_sequence *sequence = calloc(1, sizeof *sequence);
	struct register_step *steps = calloc((size_t)count_steps(ops, n_ops) + 1, sizeof *steps);
	if (sequence == NULL || steps == NULL) {
		free(sequence);
		free(steps);
		return error_set(error, ERR_OUT_OF_MEMORY, NULL, "no memory for %d operations", n_ops);
	}
	*sequence = (struct register_sequence){.n_wires = n_wires, .steps = steps, .first_weight = REGISTER_NUMBERS};
	for (int i = 0; i < n_ops && code == 0; i++)
		code = lower(sequence, &ops[i]);
	if (sequence->first_weight > sequence->needs.n_weights)
		sequence->first_weight = sequence->needs.n_weights;
	if (code != 0) {
		register_sequence_free(sequence);
		return error_set(error, code, NULL, "no memory for a permutation");
	}
	*out = sequence;
	return 0;
}

void register_sequence_free(struct register_sequence *sequence)
{
	if (sequence == NULL)
		return;
	if (sequence->prepared != NULL)
		sequence->ops->unprepare(sequence->prepared);
	for (int i = 0; i < sequence->n_steps; i++)
		free(sequence->steps[i].swaps);
	free(sequence->steps);
	free(sequence);
}
