/* The cost model; see planner.h.
 *
 * The constants were fitted by hand to `make bench-estimates` on one core of a Zen 3 EPYC at 2.4 GHz (AVX2, 512 KiB of
 * L2, 32 MiB of L3), gcc 12: V(n,L), chen2020, chen2024 and qdi with n = 2..18 (batch), 12..24 (wide), 4..25 (local).
 * They are right within about 40 percent there; elsewhere only their ratios matter. After a plan got faster, fit its
 * row again. */
#include "engine/circuit/planner.h"

#include <stdint.h>
#include <string.h>

#include "engine/circuit/plan_estimates.h"
#include "engine/circuit/plan_kind.h"

/* Prices for a tile, in ns. */
struct price {
	const struct plan_kind *kind;
	double call;                     /* whatever the circuit */
	double angle;                    /* an encoded feature: its sine and cosine */
	double operation, operation_far; /* of the kind's own */
	size_t near_bytes;               /* operation_far holds beyond this much memory */
};

static const struct price prices[] = {
    {&plan_reference, 0.0, 20.0, 4.0, 4.0, SIZE_MAX},
    {&plan_batch, 80.0, 20.0, 1.1, 2.0, 8 << 20},
    {&plan_wide, 6000.0, 50.0, 0.75, 0.82, 48 << 20},
    {&plan_local, 0.0, 65.0, 3.7, 10.0, 16 << 20},
};
enum { PRICES = sizeof prices / sizeof prices[0] };

struct plan_request planner_defaults(const char *kind, enum precision precision)
{
	return (struct plan_request){kind, precision, PLANNER_BATCH_DEFAULT, PLANNER_MEMORY_DEFAULT, NULL};
}

double plan_estimate_ns(const struct plan_estimate *estimate, size_t batch)
{
	size_t tiles = (batch + estimate->lanes - 1) / estimate->lanes;
	return estimate->ns_per_tile * (double)tiles;
}

static void refuse(struct plan_estimate *estimate, const char *reason)
{
	estimate->possible = false;
	estimate->reason = reason;
	estimate->bytes = SIZE_MAX;
}

/* The compiled state, NULL unless the estimate is possible. */
static void *estimate_kind(const struct price *price, const struct circuit_program *program,
                           const struct plan_request *request, struct plan_estimate *out)
{
	struct plan_work work = {.bytes = SIZE_MAX, .lanes = 1};
	*out = (struct plan_estimate){.kind = price->kind->name, .possible = true, .lanes = 1};
	void *state = price->kind->compile(program, request->precision, &work);
	if (state == NULL) {
		refuse(out, price->kind->refusal != NULL ? price->kind->refusal : "memory is short");
		return NULL;
	}
	double angles = 0.0;
	for (int i = 0; i < program->n_ops; i++)
		angles += program->ops[i].angle.source == ANGLE_FEATURE;
	double each = work.bytes <= price->near_bytes ? price->operation : price->operation_far;
	size_t batch = request->batch > 0 ? request->batch : 1;
	out->precision = work.precision;
	out->bytes = work.bytes;
	out->lanes = work.lanes;
	out->ns_per_tile = price->call + angles * price->angle + work.operations * each;
	out->ns_per_sample = plan_estimate_ns(out, batch) / (double)batch;
	if (work.bytes <= request->memory_limit)
		return state;
	refuse(out, "it needs more memory than the limit allows");
	out->bytes = work.bytes;
	price->kind->destroy(state);
	return NULL;
}

int planner_select(const struct circuit_program *program, const struct plan_request *request,
                   struct plan_estimate *estimate, const struct plan_kind **kind, void **state)
{
	bool choose = request->kind == NULL || strcmp(request->kind, "auto") == 0, found = false;
	*estimate = (struct plan_estimate){.kind = "auto", .lanes = 1};
	*kind = NULL;
	*state = NULL;
	refuse(estimate, "no plan fits the memory limit");
	for (int i = 0; i < PRICES; i++) {
		struct plan_estimate other;
		if (!choose && strcmp(prices[i].kind->name, request->kind) != 0)
			continue;
		found = true;
		void *compiled = estimate_kind(&prices[i], program, request, &other);
		bool better = !estimate->possible || other.ns_per_sample < estimate->ns_per_sample;
		if (choose && (!other.possible || !better)) {
			if (compiled != NULL)
				prices[i].kind->destroy(compiled);
			continue;
		}
		if (*state != NULL)
			(*kind)->destroy(*state);
		*estimate = other;
		*kind = compiled != NULL ? prices[i].kind : NULL;
		*state = compiled;
	}
	return found ? 0 : ERR_NOT_FOUND;
}

int plan_estimate(const struct circuit_program *program, const struct plan_request *request, struct plan_estimate *out)
{
	const struct plan_kind *kind;
	void *state;
	if (plan_estimates_find(request->known, program, request, out))
		return 0;
	int code = planner_select(program, request, out, &kind, &state);
	if (state != NULL)
		kind->destroy(state);
	if (code == 0)
		plan_estimates_keep(request->known, program, request, out);
	return code;
}
