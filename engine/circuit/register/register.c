/* Opening registers and preparing sequences for them. */
#include "engine/circuit/register/register.h"

#include <stdlib.h>
#include <string.h>

#include "engine/circuit/register/cpu.h"
#include "engine/circuit/register/state.h"

static const struct {
	const char *name;
	const struct register_ops *(*pick)(enum precision precision);
} kinds[] = {{"cpu", register_cpu_pick}};

enum { N_KINDS = sizeof kinds / sizeof *kinds };

const char *register_kind_name(int index)
{
	return index >= 0 && index < N_KINDS ? kinds[index].name : NULL;
}

static const struct register_ops *find_ops(const char *kind, enum precision precision)
{
	for (int i = 0; i < N_KINDS; i++)
		if (kind == NULL || strcmp(kind, kinds[i].name) == 0)
			return kinds[i].pick(precision);
	return NULL;
}

size_t register_bytes(const char *kind, const struct register_shape *shape)
{
	const struct register_ops *ops = find_ops(kind, shape->precision);
	return ops != NULL ? ops->bytes(shape) : 0;
}

static int check_shape(const struct register_shape *shape, struct qlstm_error *error)
{
	if (shape->n_wires < 1 || shape->n_wires > CIRCUIT_MAX_WIRES)
		return error_set(error, ERR_OUT_OF_RANGE, "/n_wires", "a register has 1 to %d wires, not %d",
		                 CIRCUIT_MAX_WIRES, shape->n_wires);
	if (shape->samples < 1)
		return error_set(error, ERR_OUT_OF_RANGE, "/samples", "a register has at least 1 sample");
	if (shape->n_checkpoints < 0 || shape->n_kept < 0)
		return error_set(error, ERR_OUT_OF_RANGE, NULL, "a number of states is negative");
	return 0;
}

int register_open(struct register_state **out, const char *kind, const struct register_shape *shape,
                  struct qlstm_error *error)
{
	*out = NULL;
	int code = check_shape(shape, error);
	if (code != 0)
		return code;
	const struct register_ops *ops = find_ops(kind, shape->precision);
	if (ops == NULL)
		return error_set(error, ERR_NOT_FOUND, NULL, "there are no registers of the kind '%s'", kind);
	if (ops->bytes(shape) == SIZE_MAX)
		return error_set(error, ERR_TOO_LARGE, NULL, "%zu states of %d wires and %zu samples fit no memory",
		                 register_states(shape), shape->n_wires, shape->samples);
	struct register_state *reg = malloc(sizeof *reg);
	void *memory = reg != NULL ? ops->open(shape) : NULL;
	if (memory == NULL) {
		free(reg);
		return error_set(error, ERR_OUT_OF_MEMORY, NULL, "no memory for a register of %zu bytes",
		                 ops->bytes(shape));
	}
	*reg = (struct register_state){.shape = *shape, .ops = ops, .memory = memory};
	ops->reset(memory, REGISTER_PSI);
	*out = reg;
	return 0;
}

void register_close(struct register_state *reg)
{
	if (reg == NULL)
		return;
	reg->ops->close(reg->memory);
	free(reg);
}

const struct register_shape *register_shape_of(const struct register_state *reg)
{
	return &reg->shape;
}

int register_prepare(struct register_sequence **out, struct register_state *reg, const struct register_op *ops,
                     int n_ops, struct qlstm_error *error)
{
	int code = register_sequence_new(out, reg->shape.n_wires, ops, n_ops, error);
	if (code != 0)
		return code;
	struct register_sequence *sequence = *out;
	sequence->ops = reg->ops;
	sequence->prepared = reg->ops->prepare(reg->memory, sequence);
	if (sequence->prepared != NULL)
		return 0;
	register_sequence_free(sequence);
	*out = NULL;
	return error_set(error, ERR_OUT_OF_MEMORY, NULL, "no memory for a sequence of %d operations", n_ops);
}

int register_prepare_program(struct register_sequence **out, struct register_state *reg,
                             const struct circuit_program *program, struct qlstm_error *error)
{
	*out = NULL;
	if (program->failed)
		return error_set(error, ERR_OUT_OF_MEMORY, NULL, "out of memory while building the circuit");
	if (program->n_wires != reg->shape.n_wires)
		return error_set(error, ERR_INVALID, "/n_wires", "the circuit has %d wires, the register %d",
		                 program->n_wires, reg->shape.n_wires);
	struct register_op *ops = calloc((size_t)program->n_ops + 1, sizeof *ops);
	if (ops == NULL)
		return error_set(error, ERR_OUT_OF_MEMORY, NULL, "no memory for %d operations", program->n_ops);
	for (int i = 0; i < program->n_ops; i++)
		ops[i] = register_op_of(&program->ops[i]);
	int code = register_prepare(out, reg, ops, program->n_ops, error);
	free(ops);
	return code;
}

struct register_needs register_sequence_needs(const struct register_sequence *sequence)
{
	return sequence->needs;
}
