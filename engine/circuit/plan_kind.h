/* What a plan kind provides. Internal to engine/circuit: to add one, define a plan_kind, add it to the table in plan.c
 * and give it a price in planner.c. Contracts as in plan.h. */
#ifndef QLSTM_CIRCUIT_PLAN_KIND_H
#define QLSTM_CIRCUIT_PLAN_KIND_H

#include <stddef.h>

#include "engine/circuit/plan.h"
#include "engine/circuit/planner.h"
#include "engine/team.h"

/* What a compiled program will take. */
struct plan_work {
	size_t bytes;             /* all of the plan's memory; SIZE_MAX when that cannot be told */
	double operations;        /* for a tile, forward and backward; in a unit of the kind's own (planner.c) */
	double call_operations;   /* likewise, for a call whatever its batch */
	size_t lanes;             /* samples in a tile */
	enum precision precision; /* of the arithmetic */
	bool packs;               /* several sets of weights share tiles */
	size_t kept;              /* as in plan_estimate */
};

struct plan_kind {
	const char *name;
	/* The state of a plan without its large memory, which allocate adds: the planner compiles for every kind and
	 * keeps one. A kind without arithmetic in `precision` takes float64. The program is checked. NULL when the plan
	 * does not apply (`refusal` is the reason; NULL for a kind that takes every program) or memory is short. */
	void *(*compile)(const struct circuit_program *program, enum precision precision, struct plan_work *work);
	const char *refusal;
	/* All the memory that forward and backward need; false when it cannot be had. */
	bool (*allocate)(void *state);
	void (*destroy)(void *state); /* allocated or not */
	void (*forward)(void *state, const double *features, const double *weights, size_t batch, double *outputs);
	void (*backward)(void *state, const double *features, const double *weights, size_t batch,
	                 const double *d_outputs, double *d_features, double *d_weights);
	/* Several sets of weights in one call, `kept` as in plan.h. NULL: plan.c makes one call for each. */
	void (*forward_many)(void *state, const double *features, const double *weights, int sets, size_t batch,
	                     double *outputs, struct plan_room kept);
	void (*backward_many)(void *state, const double *features, const double *weights, int sets, size_t batch,
	                      const double *d_outputs, double *d_features, double *d_weights, struct plan_room kept);
	/* The team that forward and backward share a sample's work with; NULL: the kind does not. */
	void (*set_team)(void *state, struct team *team);
};

extern const struct plan_kind plan_reference, plan_batch, plan_local, plan_wide;

/* plan_estimate that also hands over what was compiled: *kind and *state are NULL unless the estimate is possible. */
int planner_select(const struct circuit_program *program, const struct plan_request *request,
                   struct plan_estimate *estimate, const struct plan_kind **kind, void **state);

#endif
