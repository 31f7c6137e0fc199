/* One-wire gates as Pauli rotations: the first step of every plan that does not apply gates as they stand.
 *
 * Up to a global phase, which no expectation sees, every one-wire gate is one rotation exp(-i t P / 2), or two in a
 * row. Example: H is RZ(pi), then RY(pi / 2). Angles that are known are whole eighths of a turn, t = eighths * pi / 4,
 * so that a plan can tell Clifford gates (an even number of eighths) from the others without comparing reals. */
#ifndef QLSTM_CIRCUIT_LOWERING_H
#define QLSTM_CIRCUIT_LOWERING_H

#include "engine/circuit/program.h"

#define LOWERING_ROTATIONS 2 /* at most, of a gate */

enum { LOWERING_OWN_ANGLE = 0, LOWERING_QUARTER_TURN = 2, LOWERING_HALF_TURN = 4 };

struct lowering_rotation {
	enum pauli axis;
	int eighths; /* LOWERING_OWN_ANGLE: as much as the gate's own angle says */
};

struct lowering {
	int n_rotations;                                        /* 0: a two-wire gate */
	struct lowering_rotation rotations[LOWERING_ROTATIONS]; /* in time order */
};

/* Borrowed from a table. */
const struct lowering *lowering_of(enum gate gate);
/* The rotation's angle; `own` is the gate's. */
struct angle lowering_angle(struct lowering_rotation rotation, struct angle own);

#endif
