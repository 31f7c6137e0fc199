/* What an operation touches, and the check of a list of operations. Internal to engine/circuit/register. */
#ifndef QLSTM_CIRCUIT_REGISTER_OPERATION_H
#define QLSTM_CIRCUIT_REGISTER_OPERATION_H

#include "engine/circuit/register/register.h"

/* Numbers that tables can stand in; keeps 1 + index inside an int. */
#define REGISTER_NUMBERS (1 << 26)

/* The wires that carry the operation's 2x2 or 4x4 matrix. */
uint32_t register_op_targets(const struct register_op *op);
/* The wires whose word chooses the entry of its table. */
uint32_t register_op_selectors(const struct register_op *op);
/* Numbers of its table; 0 for kinds without one. */
int register_op_table_size(const struct register_op *op);

/* 0 when everything is in range and no wire plays two parts; the pointer names the operation. n_wires too is checked.
 */
int register_ops_check(int n_wires, const struct register_op *ops, int n_ops, struct qlstm_error *error);

#endif
