/* What a code has to do, still in terms of expressions. Internal to engine/circuit. */
#ifndef QLSTM_CIRCUIT_LOCAL_STEPS_H
#define QLSTM_CIRCUIT_LOCAL_STEPS_H

#include "engine/circuit/local/local_code.h"

/* An instruction whose operands and result are still nodes. */
struct local_step {
	uint32_t operation, out, in[LOCAL_OPERANDS];
};

struct local_steps {
	struct local_step *at; /* by phase, operands before the steps that take them */
	uint32_t count[LOCAL_PHASES];
	uint32_t *uses; /* by node; 0 for what no step takes, and for a product that is part of its sum */
};

/* Leaves out what the goals do not need and fuses sums with products. False when out of memory; local_steps_free
 * afterwards in any case. */
bool local_steps_init(struct local_steps *steps, const struct local_graph *graph, const struct local_goals *goals);
void local_steps_free(struct local_steps *steps);

/* The first step of a phase; of LOCAL_PHASES: one past the last. */
static inline struct local_step *local_steps_of(const struct local_steps *steps, int phase)
{
	struct local_step *first = steps->at;
	for (int before = 0; before < phase; before++)
		first += steps->count[before];
	return first;
}

#endif
