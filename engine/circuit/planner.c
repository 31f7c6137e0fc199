/* The cost model; see planner.h.
 *
 * The constants were fitted by hand to tests/bench/plans.c on one core of a Zen 3 EPYC at 2.4 GHz (AVX2, 512 KiB of L2,
 * 32 MiB of L3), gcc 12: V(n,L), chen2020, chen2024 and qdi with n = 4..16 (batch), 12..24 (wide), 4..25 (local). They
 * are right within about 40 percent there; elsewhere only their ratios matter. After a plan got faster, fit its row
 * again. */
#include "engine/circuit/planner.h"

#include <stdint.h>
#include <string.h>

#include "engine/circuit/plan_kind.h"

struct work {
	size_t bytes;
	double operations; /* in the kind's own unit */
	double angles;     /* encoded features, each a sine and a cosine a sample */
};

struct model {
	const struct plan_kind *kind;
	void (*count)(const struct circuit_program *program, struct work *work); /* NULL: the kind counts */
	size_t lanes;                                                            /* samples in a tile */
	double angle, operation, operation_far;                                  /* ns */
	size_t near_bytes; /* operation_far holds beyond this much memory */
};

static double amplitudes(const struct circuit_program *program)
{
	return (double)((size_t)1 << program->n_wires);
}

/* Every gate once forward and twice per angle for the parameter shift, on every amplitude. */
static void count_reference(const struct circuit_program *program, struct work *work)
{
	double angles = 0.0;
	for (int i = 0; i < program->n_ops; i++)
		angles += program->ops[i].angle.source > ANGLE_CONSTANT;
	work->operations = amplitudes(program) * (program->n_ops + 4.0 * program->n_observables) * (1.0 + 2.0 * angles);
}

/* A rotation that is not part of the product state, or a diagonal made anew for every sample, is a pass over the
 * amplitudes; so is an observable with an X or Y. Preparing, measuring and their reverse are as much as 3.5 of them. */
static void count_batch(const struct circuit_program *program, struct work *work)
{
	uint32_t entangled = 0;
	double passes = 3.5;
	for (int i = 0; i < program->n_ops; i++) {
		const struct circuit_op *op = &program->ops[i];
		if (gate_wires(op->gate) == 2)
			entangled |= 1u << op->wires[0] | 1u << op->wires[1];
		else if ((entangled >> op->wires[0] & 1) != 0 && op->gate != GATE_X)
			passes += op->gate == GATE_RZ && op->angle.source != ANGLE_FEATURE ? 0.2 : 1.0;
	}
	for (int o = 0; o < program->n_observables; o++)
		passes += program->observables[o].x != 0;
	work->operations = amplitudes(program) * passes;
}

static const struct model models[] = {
    {&plan_reference, count_reference, 1, 20.0, 4.0, 4.0, SIZE_MAX},
    {&plan_batch, count_batch, 8, 5.0, 1.3, 6.0, 24 << 20},
    {&plan_wide, NULL, 1, 50.0, 1.6, 2.5, 8 << 20},
    {&plan_local, NULL, 8, 8.0, 2.1, 4.5, 16 << 20},
};
enum { MODELS = sizeof models / sizeof models[0] };

static void refuse(struct plan_estimate *estimate, const char *reason)
{
	estimate->possible = false;
	estimate->reason = reason;
	estimate->bytes = SIZE_MAX;
}

static void estimate_kind(const struct model *model, const struct circuit_program *program, size_t batch, size_t limit,
                          struct plan_estimate *out)
{
	struct work work = {0};
	*out = (struct plan_estimate){.kind = model->kind->name, .possible = true};
	if (model->kind->work != NULL && !model->kind->work(program, &work.bytes, &work.operations)) {
		refuse(out, model->kind->refusal);
		return;
	}
	if (model->count != NULL) {
		work.bytes = model->kind->bytes(program);
		model->count(program, &work);
	}
	for (int i = 0; i < program->n_ops; i++)
		work.angles += program->ops[i].angle.source == ANGLE_FEATURE;
	double each = work.bytes <= model->near_bytes ? model->operation : model->operation_far;
	size_t tiles = (batch + model->lanes - 1) / model->lanes;
	out->bytes = work.bytes;
	out->ns_per_sample =
	    (work.angles * model->angle + work.operations * each) * (double)(tiles * model->lanes) / (double)batch;
	if (work.bytes > limit) {
		refuse(out, "it needs more memory than the limit allows");
		out->bytes = work.bytes;
	}
}

int plan_estimate(const struct circuit_program *program, const char *kind, size_t batch, size_t memory_limit,
                  struct plan_estimate *out)
{
	bool choose = kind == NULL || strcmp(kind, "auto") == 0, found = false;
	*out = (struct plan_estimate){.kind = "auto"};
	refuse(out, "no plan fits the memory limit");
	for (int i = 0; i < MODELS; i++) {
		struct plan_estimate estimate;
		if (!choose && strcmp(models[i].kind->name, kind) != 0)
			continue;
		found = true;
		estimate_kind(&models[i], program, batch > 0 ? batch : 1, memory_limit, &estimate);
		bool better = !out->possible || estimate.ns_per_sample < out->ns_per_sample;
		if (!choose || (estimate.possible && better))
			*out = estimate;
	}
	return found ? 0 : ERR_NOT_FOUND;
}
