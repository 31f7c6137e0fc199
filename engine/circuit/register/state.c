/* The states of a register as a whole: set, written, read, saved and restored. */
#include "engine/circuit/register/state.h"

#include <string.h>

int register_check_gradients(const struct register_state *reg, struct qlstm_error *error)
{
	return reg->shape.gradients ? 0
	                            : error_set(error, ERR_INVALID, NULL, "the register was opened without gradients");
}

int register_check_wires(const struct register_state *reg, uint32_t wires, struct qlstm_error *error)
{
	return wires >> reg->shape.n_wires == 0
	           ? 0
	           : error_set(error, ERR_OUT_OF_RANGE, NULL, "a wire is outside 0..%d", reg->shape.n_wires - 1);
}

void register_reset(struct register_state *reg)
{
	register_forget(reg);
	reg->ops->reset(reg->memory, REGISTER_PSI);
}

void register_load(struct register_state *reg, const double *amplitudes, bool shared)
{
	register_forget(reg);
	reg->ops->clear(reg->memory, REGISTER_PSI);
	reg->ops->add(reg->memory, REGISTER_PSI, amplitudes, shared);
}

int register_load_backward(struct register_state *reg, bool shared, double *d_amplitudes, struct qlstm_error *error)
{
	int code = register_check_gradients(reg, error);
	if (code == 0)
		reg->ops->gather(reg->memory, REGISTER_COTANGENT, d_amplitudes, shared);
	return code;
}

void register_store(const struct register_state *reg, double *amplitudes)
{
	memset(amplitudes, 0, ((size_t)2 << reg->shape.n_wires) * reg->shape.samples * sizeof *amplitudes);
	reg->ops->gather(reg->memory, REGISTER_PSI, amplitudes, false);
}

int register_store_backward(struct register_state *reg, const double *d_amplitudes, struct qlstm_error *error)
{
	int code = register_check_gradients(reg, error);
	if (code == 0)
		reg->ops->add(reg->memory, REGISTER_COTANGENT, d_amplitudes, false);
	return code;
}

int register_cotangent_clear(struct register_state *reg, struct qlstm_error *error)
{
	int code = register_check_gradients(reg, error);
	if (code == 0)
		reg->ops->clear(reg->memory, REGISTER_COTANGENT);
	return code;
}

static int find_checkpoint(const struct register_state *reg, int checkpoint, size_t *state, struct qlstm_error *error)
{
	if (checkpoint < 0 || checkpoint >= reg->shape.n_checkpoints)
		return error_set(error, ERR_OUT_OF_RANGE, NULL, "checkpoint %d is not one of %d", checkpoint,
		                 reg->shape.n_checkpoints);
	*state = 1 + (size_t)reg->shape.gradients + (size_t)checkpoint;
	return 0;
}

int register_save(struct register_state *reg, int checkpoint, const bool *which, struct qlstm_error *error)
{
	size_t state = 0;
	int code = find_checkpoint(reg, checkpoint, &state, error);
	if (code == 0)
		reg->ops->copy(reg->memory, state, REGISTER_PSI, which);
	return code;
}

int register_restore(struct register_state *reg, int checkpoint, const bool *which, struct qlstm_error *error)
{
	size_t state = 0;
	int code = find_checkpoint(reg, checkpoint, &state, error);
	if (code == 0)
		reg->ops->copy(reg->memory, REGISTER_PSI, state, which);
	return code;
}

int register_kept(const struct register_state *reg)
{
	return reg->kept;
}

void register_forget(struct register_state *reg)
{
	reg->kept = 0;
}
