/* The table of one-wire gates as Pauli rotations. */
#include "engine/circuit/lowering.h"

#include <math.h>

static const struct lowering lowerings[GATE_COUNT] = {
    [GATE_H] = {2, {{PAULI_Z, LOWERING_HALF_TURN}, {PAULI_Y, LOWERING_QUARTER_TURN}}},
    [GATE_X] = {1, {{PAULI_X, LOWERING_HALF_TURN}}},
    [GATE_Y] = {1, {{PAULI_Y, LOWERING_HALF_TURN}}},
    [GATE_Z] = {1, {{PAULI_Z, LOWERING_HALF_TURN}}},
    [GATE_S] = {1, {{PAULI_Z, LOWERING_QUARTER_TURN}}},
    [GATE_T] = {1, {{PAULI_Z, 1}}},
    [GATE_RX] = {1, {{PAULI_X, LOWERING_OWN_ANGLE}}},
    [GATE_RY] = {1, {{PAULI_Y, LOWERING_OWN_ANGLE}}},
    [GATE_RZ] = {1, {{PAULI_Z, LOWERING_OWN_ANGLE}}},
};

const struct lowering *lowering_of(enum gate gate)
{
	return &lowerings[gate];
}

struct angle lowering_angle(struct lowering_rotation rotation, struct angle own)
{
	return rotation.eighths == LOWERING_OWN_ANGLE ? own : angle_constant(M_PI_4 * rotation.eighths);
}
