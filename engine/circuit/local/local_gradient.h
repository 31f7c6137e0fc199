/* The local plan's gradient as expressions: reverse-mode differentiation of a graph into itself, so that what vanishes
 * or repeats costs nothing there either. Internal to engine/circuit. */
#ifndef QLSTM_CIRCUIT_LOCAL_GRADIENT_H
#define QLSTM_CIRCUIT_LOCAL_GRADIENT_H

#include "engine/circuit/local/local_circuit.h"

/* The vector-Jacobian product for the cotangents NODE_COTANGENT. Phases: the gradient of a feature's angle is computed
 * for every tile, that of a weight after the last one, from totals over the samples. */
struct local_gradient {
	int n_totals;
	local_ref *totals;  /* what NODE_TOTAL k becomes with one more tile; never a negative reference */
	local_ref *slots;   /* d / d angle */
	local_ref *weights; /* by slot: of the weight in it, if any */
};

/* False when out of memory or over the graph's limit; local_gradient_free afterwards in any case. */
bool local_gradient_init(struct local_gradient *gradient, const struct local_circuit *circuit,
                         const local_ref *outputs);
void local_gradient_free(struct local_gradient *gradient);

#endif
