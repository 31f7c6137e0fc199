/* The planner: what each plan kind would cost for a program, and which one is best. */
#ifndef QLSTM_CIRCUIT_PLANNER_H
#define QLSTM_CIRCUIT_PLANNER_H

#include <stddef.h>

#include "engine/circuit/plan.h"
#include "engine/circuit/program.h"

/* What a plan may take where nobody says otherwise: two states of 25 wires and their gradient fit. */
#define PLANNER_MEMORY_DEFAULT ((size_t)4 << 30)
/* The batch that "auto" has in mind where nobody says otherwise. */
#define PLANNER_BATCH_DEFAULT 64

struct plan_estimates;

/* How gradients come about: from the state, going back through the gates (plan.h), or from the circuit's values with
 * angles shifted (shift.h), as hardware would. Both are exact. */
enum diff_method { DIFF_ADJOINT, DIFF_PARAMETER_SHIFT };

/* What plan_estimate is asked. */
struct plan_request {
	const char *kind; /* as in plan_new */
	enum precision precision;
	size_t batch;
	size_t memory_limit; /* bytes */
	enum diff_method diff_method;
	struct plan_estimates *known; /* plan_estimates.h: looked up first, and added to. Borrowed; NULL: none */
};

struct plan_estimate {
	const char *kind;
	bool possible;
	const char *reason;       /* why it is not possible, one sentence; NULL when it is */
	enum precision precision; /* what it computes in: float32 only where that was asked for and the kind has it */
	size_t bytes;             /* scratch memory; SIZE_MAX when the plan does not apply */
	size_t lanes;             /* samples in a tile: a call takes whole tiles */
	size_t kept;              /* bytes for a tile and a set that plan_forward_kept leaves; 0: nothing */
	bool packs;               /* where sets of weights leave lanes idle, they share tiles, and a call */
	/* Forward and gradient on one core of the machine that planner.c names: a call whatever its batch, and each
	 * tile. */
	double ns_per_call, ns_per_tile;
	double ns_per_sample; /* the same for one sample of a batch of the size asked for */
};

/* What plan_new asks for: the two defaults above. */
struct plan_request planner_defaults(const char *kind, enum precision precision);

/* "auto" gives the estimate of the kind chosen: the cheapest, which may be one that computes in float64 where float32
 * was asked for. The program is checked. Nothing large is allocated, except that compiling for "local" takes up to four
 * seconds and 400 MiB for circuits at its limits. ERR_NOT_FOUND for an unknown kind; 0 otherwise, also when the plan is
 * not possible. */
int plan_estimate(const struct circuit_program *program, const struct plan_request *request, struct plan_estimate *out);

/* Forward and gradient of `batch` samples in one call, with `sets` sets of weights (plan_forward_many). */
double plan_estimate_ns(const struct plan_estimate *estimate, int sets, size_t batch);
/* plan_kept_bytes of a plan that was estimated so. */
size_t plan_estimate_kept(const struct plan_estimate *estimate, int sets, size_t batch);
/* What `threads` threads take: a plan each, or one that they share. PLAN_BYTES_NEVER when it does not apply. */
size_t plan_estimate_bytes(const struct plan_estimate *estimate, int threads);
/* plan_takes_team of a plan that was estimated so. */
bool plan_estimate_takes_team(const struct plan_estimate *estimate);

#endif
