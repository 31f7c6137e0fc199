/* What the planner said of circuits, kept for the next time: a circuit that was compiled once for its estimate is not
 * compiled again. Whoever plans many models has one and names it in its requests (planner.h); it grows to a bound and
 * then forgets what was not asked for the longest. Thread-safe. */
#ifndef QLSTM_CIRCUIT_PLAN_ESTIMATES_H
#define QLSTM_CIRCUIT_PLAN_ESTIMATES_H

#include "engine/circuit/planner.h"

#define PLAN_ESTIMATES_MAX     256  /* circuits, each for one kind, precision, batch and limit */
#define PLAN_ESTIMATES_MAX_OPS 1000 /* gates and observables; a longer circuit is not kept: 16 MiB are the most */

struct plan_estimates;

int plan_estimates_new(struct plan_estimates **out, struct qlstm_error *error);
void plan_estimates_free(struct plan_estimates *known); /* NULL is allowed */

/* For plan_estimate. Whether there is one; false where `known` is NULL. */
bool plan_estimates_find(struct plan_estimates *known, const struct circuit_program *program,
                         const struct plan_request *request, struct plan_estimate *out);
void plan_estimates_keep(struct plan_estimates *known, const struct circuit_program *program,
                         const struct plan_request *request, const struct plan_estimate *estimate);

#endif
