/* A register behind its handle, and the checks that its functions share. Internal to engine/circuit/register. */
#ifndef QLSTM_CIRCUIT_REGISTER_STATE_H
#define QLSTM_CIRCUIT_REGISTER_STATE_H

#include "engine/circuit/register/ops.h"

struct register_state {
	struct register_shape shape;
	const struct register_ops *ops;
	void *memory;
	int kept; /* states on the tape */
};

/* 0 when the register has a cotangent. */
int register_check_gradients(const struct register_state *reg, struct qlstm_error *error);
/* 0 when it has all wires of a set. */
int register_check_wires(const struct register_state *reg, uint32_t wires, struct qlstm_error *error);

#endif
