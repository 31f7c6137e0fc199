/* The planner: what each plan kind would cost for a program, and which one is best. */
#ifndef QLSTM_CIRCUIT_PLANNER_H
#define QLSTM_CIRCUIT_PLANNER_H

#include <stddef.h>

#include "engine/circuit/program.h"

/* What a plan may take where nobody says otherwise: two states of 25 wires and their gradient fit. */
#define PLANNER_MEMORY_DEFAULT ((size_t)4 << 30)
/* The batch that "auto" has in mind where nobody says otherwise. */
#define PLANNER_BATCH_DEFAULT 64

struct plan_estimate {
	const char *kind;
	bool possible;
	const char *reason;   /* why it is not possible, one sentence; NULL when it is */
	size_t bytes;         /* scratch memory; SIZE_MAX when the plan does not apply */
	double ns_per_sample; /* forward and gradient on one core of the machine that planner.c names */
};

/* `kind` as in plan_new; "auto" gives the estimate of the kind chosen. The program is checked. Nothing large is
 * allocated, except that compiling for "local" takes up to a second for circuits at its limits. ERR_NOT_FOUND for an
 * unknown kind; 0 otherwise, also when the plan is not possible. */
int plan_estimate(const struct circuit_program *program, const char *kind, size_t batch, size_t memory_limit,
                  struct plan_estimate *out);

#endif
