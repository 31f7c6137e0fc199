/* The cost model; see planner.h.
 *
 * The constants were fitted to what `plan_forward` and `plan_backward` take on one core of a virtual machine on a
 * Sapphire Rapids Xeon (AVX-512, 2 MiB of L2), gcc 12: the six ansätze with 1 to 3 layers, n = 1..10 (batch), 1..8
 * (local), batches of 1 to 200, both precisions. A sweep of `wide`, what `local` does once a call, its sines in float32
 * and encoder_price were fitted on a Zen 3 EPYC (AVX2) and brought to that machine by plan_speed.h. Elsewhere only
 * their ratios matter. After a plan got faster, fit its row again (`make bench-estimates`). The choice of a plan, and
 * how batches are cut into slices, follow from them, so other constants mean other last digits. */
#include "engine/circuit/planner.h"

#include <stdint.h>
#include <string.h>

#include "engine/circuit/plan_estimates.h"
#include "engine/circuit/plan_kind.h"

/* Prices in ns. */
struct price {
	const struct plan_kind *kind;
	double call, gate;               /* a call, and each gate of its circuit, whatever the batch */
	double tile, tile_gate;          /* a tile, and each gate in it */
	double angle[2];                 /* an encoded feature in a tile: its sine and cosine; by precision */
	double operation, operation_far; /* of the kind's own, in a tile or a call */
	size_t near_bytes;               /* operation_far holds beyond this much memory */
};

static const struct price prices[] = {
    {&plan_reference, 0.0, 0.0, 0.0, 60.0, {60.0, 60.0}, 4.0, 4.0, SIZE_MAX},
    {&plan_batch, 245.0, 2.8, 12.0, 0.0, {30.0, 74.0}, 1.5, 4.2, 8 << 20},
    {&plan_wide, 0.0, 0.0, 0.0, 80.0, {0.0, 0.0}, 0.55, 0.65, 12 << 20},
    {&plan_local, 150.0, 0.0, 30.0, 0.0, {38.0, 28.0}, 2.55, 6.9, 16 << 20},
};
enum { PRICES = sizeof prices / sizeof prices[0] };

/* What a feature takes more in a lane where its angle is not computed a register at a time, forward and gradient. */
static const double encoder_price[ENCODER_COUNT] = {
    [ENCODER_PI_X] = 10.0, [ENCODER_ASIN] = 30.0, [ENCODER_ACOS] = 30.0, [ENCODER_TANH] = 45.0};

struct plan_request planner_defaults(const char *kind, enum precision precision)
{
	return (struct plan_request){.kind = kind,
	                             .precision = precision,
	                             .batch = PLANNER_BATCH_DEFAULT,
	                             .memory_limit = PLANNER_MEMORY_DEFAULT};
}

static size_t tiles_of(size_t samples, size_t lanes)
{
	return (samples + lanes - 1) / lanes;
}

double plan_estimate_ns(const struct plan_estimate *estimate, int sets, size_t batch)
{
	size_t tiles = (size_t)sets * tiles_of(batch, estimate->lanes);
	if (!estimate->packs)
		return estimate->ns_per_call * sets + estimate->ns_per_tile * (double)tiles;
	size_t packed = tiles_of((size_t)sets * batch, estimate->lanes);
	return estimate->ns_per_call + estimate->ns_per_tile * (double)(packed < tiles ? packed : tiles);
}

size_t plan_estimate_kept(const struct plan_estimate *estimate, int sets, size_t batch)
{
	return (size_t)sets * tiles_of(batch, estimate->lanes) * estimate->kept;
}

static void refuse(struct plan_estimate *estimate, const char *reason)
{
	estimate->possible = false;
	estimate->reason = reason;
	estimate->bytes = SIZE_MAX;
}

/* Of encoded features, in a tile. */
static double angles_price(const struct price *price, const struct circuit_program *program,
                           const struct plan_work *work)
{
	double ns = 0.0;
	for (int i = 0; i < program->n_ops; i++) {
		const struct angle *angle = &program->ops[i].angle;
		if (angle->source == ANGLE_FEATURE)
			ns += price->angle[work->precision] + (double)work->lanes * encoder_price[angle->encoder];
	}
	return ns;
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
	double each = work.bytes <= price->near_bytes ? price->operation : price->operation_far;
	size_t batch = request->batch > 0 ? request->batch : 1;
	out->precision = work.precision;
	out->bytes = work.bytes;
	out->lanes = work.lanes;
	out->packs = work.packs;
	out->kept = work.kept;
	out->ns_per_call = price->call + price->gate * program->n_ops + work.call_operations * each;
	out->ns_per_tile = price->tile + price->tile_gate * program->n_ops + angles_price(price, program, &work) +
	                   work.operations * each;
	out->ns_per_sample = plan_estimate_ns(out, 1, batch) / (double)batch;
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
