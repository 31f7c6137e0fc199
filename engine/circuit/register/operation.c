/* What an operation touches, and the check of a list of operations. */
#include "engine/circuit/register/operation.h"

#include <stdio.h>
#include <stdlib.h>

/* Keeps 1 + row inside an int. */
#define ROWS_MAX (1 << 20)

static const struct {
	const char *name;
	int numbers; /* in an entry of the table; 0: no table */
} kinds[REGISTER_OP_COUNT] = {
#define X(id, name, numbers) [id] = {name, numbers},
    REGISTER_OPS(X)
#undef X
};

/* The wires that carry the operation's 2x2 or 4x4 matrix. */
uint32_t register_op_targets(const struct register_op *op)
{
	switch (op->kind) {
	case REGISTER_GATE:
		return 1u << op->wires[0] | (gate_wires(op->gate) == 2 ? 1u << op->wires[1] : 0);
	case REGISTER_MATRIX:
	case REGISTER_PLANE:
		return 1u << op->wires[0];
	default:
		return 0;
	}
}

uint32_t register_op_selectors(const struct register_op *op)
{
	return kinds[op->kind].numbers > 0 ? op->table.selectors : 0;
}

int register_op_table_size(const struct register_op *op)
{
	return kinds[op->kind].numbers << __builtin_popcount(register_op_selectors(op));
}

/* Gates are checked as the program that they make together; anything else stands in it as a harmless X, and the target
 * of a matrix or plane as that of an X. */
static int check_gates(int n_wires, const struct register_op *ops, int n_ops, struct qlstm_error *error)
{
	struct pauli_string observable = {.z = 1};
	struct circuit_program program = {
	    .n_wires = n_wires, .n_ops = n_ops, .n_observables = 1, .observables = &observable};
	program.ops = calloc((size_t)n_ops + 1, sizeof *program.ops);
	if (program.ops == NULL)
		return error_set(error, ERR_OUT_OF_MEMORY, NULL, "no memory for %d operations", n_ops);
	for (int i = 0; i < n_ops; i++) {
		const struct register_op *op = &ops[i];
		bool gate = op->kind == REGISTER_GATE,
		     target = op->kind == REGISTER_MATRIX || op->kind == REGISTER_PLANE;
		program.ops[i] = (struct circuit_op){.gate = GATE_X, .wires = {target ? op->wires[0] : 0, -1}};
		if (gate && ((unsigned)op->gate >= GATE_COUNT || gate_wires(op->gate) == 2))
			program.ops[i] = (struct circuit_op){op->gate, {op->wires[0], op->wires[1]}, op->angle};
		else if (gate)
			program.ops[i] = (struct circuit_op){op->gate, {op->wires[0], -1}, op->angle};
	}
	int code = program_check(&program, error);
	free(program.ops);
	return code;
}

/* Every wire plays one part at most. */
static int check_sets(int n_wires, const struct register_op *op, const char *at, struct qlstm_error *error)
{
	const struct {
		const char *name;
		uint32_t wires;
	} sets[] = {{"targets", register_op_targets(op)},
	            {"controls", op->controls},
	            {"open_controls", op->open_controls},
	            {"selectors", register_op_selectors(op)},
	            {"flipped", op->kind == REGISTER_FLIP ? op->flipped : 0}};
	uint32_t taken = 0;
	for (size_t i = 0; i < sizeof sets / sizeof *sets; i++) {
		if (sets[i].wires >> n_wires != 0)
			return error_set(error, ERR_OUT_OF_RANGE, at, "%s has a wire outside 0..%d", sets[i].name,
			                 n_wires - 1);
		if ((sets[i].wires & taken) != 0)
			return error_set(error, ERR_INVALID, at, "a wire of %s plays another part already",
			                 sets[i].name);
		taken |= sets[i].wires;
	}
	if (op->kind == REGISTER_PERMUTE && taken != 0)
		return error_set(error, ERR_INVALID, at, "a permutation takes no controls");
	return 0;
}

static int check_map(int n_wires, const uint32_t *map, const char *at, struct qlstm_error *error)
{
	size_t size = (size_t)1 << n_wires;
	if (map == NULL)
		return error_set(error, ERR_MISSING, at, "a permutation needs a map");
	unsigned char *met = calloc(size, 1);
	if (met == NULL)
		return error_set(error, ERR_OUT_OF_MEMORY, at, "no memory for a permutation of %zu states", size);
	bool good = true;
	for (size_t k = 0; k < size && good; k++) {
		good = map[k] < size && met[map[k]] == 0;
		if (good)
			met[map[k]] = 1;
	}
	free(met);
	return good ? 0 : error_set(error, ERR_INVALID, at, "the map is not a permutation of 0..%zu", size - 1);
}

static int check_op(int n_wires, const struct register_op *op, int index, struct qlstm_error *error)
{
	char at[64];
	snprintf(at, sizeof at, "/gates/%d", index);
	int code = check_sets(n_wires, op, at, error);
	if (code != 0)
		return code;
	if (kinds[op->kind].numbers > 0) {
		if (op->table.source != ANGLE_WEIGHT && op->table.source != ANGLE_FEATURE)
			return error_set(error, ERR_INVALID, at, "the table of a %s stands in weights or in features",
			                 kinds[op->kind].name);
		if (op->table.first < 0 || op->table.first > REGISTER_NUMBERS - register_op_table_size(op))
			return error_set(error, ERR_OUT_OF_RANGE, at, "the table does not fit numbers 0..%d",
			                 REGISTER_NUMBERS - 1);
	}
	if (op->kind == REGISTER_FLIP && (op->row < 0 || op->row >= ROWS_MAX))
		return error_set(error, ERR_OUT_OF_RANGE, at, "row %d is not in 0..%d", op->row, ROWS_MAX - 1);
	return op->kind == REGISTER_PERMUTE ? check_map(n_wires, op->map, at, error) : 0;
}

int register_ops_check(int n_wires, const struct register_op *ops, int n_ops, struct qlstm_error *error)
{
	for (int i = 0; i < n_ops; i++)
		if ((unsigned)ops[i].kind >= REGISTER_OP_COUNT) {
			char at[64];
			snprintf(at, sizeof at, "/gates/%d/kind", i);
			return error_set(error, ERR_UNKNOWN_FIELD, at, "unknown operation %d", (int)ops[i].kind);
		}
	int code = check_gates(n_wires, ops, n_ops, error);
	for (int i = 0; i < n_ops && code == 0; i++)
		code = check_op(n_wires, &ops[i], i, error);
	return code;
}
