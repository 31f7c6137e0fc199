/* The table of plan kinds, the choice between them, and dispatch. */
#include "engine/circuit/plan.h"

#include <stdlib.h>
#include <string.h>

#include "engine/circuit/isa.h"
#include "engine/circuit/plan_kind.h"

/* Above this the planner prefers one sample at a time over a tile of samples. */
#define BATCH_BYTES_MAX ((size_t)2 << 30)

static const struct plan_kind *const kinds[] = {&plan_reference, &plan_batch, &plan_local};
enum { KIND_COUNT = sizeof kinds / sizeof kinds[0] };

struct plan {
	const struct plan_kind *kind;
	void *state;
};

static const struct plan_kind *choose(const struct circuit_program *program)
{
	return plan_batch.bytes(program) <= BATCH_BYTES_MAX ? &plan_batch : &plan_reference;
}

static const struct plan_kind *find(const struct circuit_program *program, const char *name)
{
	if (name == NULL || strcmp(name, "auto") == 0)
		return choose(program);
	for (int i = 0; i < KIND_COUNT; i++)
		if (strcmp(kinds[i]->name, name) == 0)
			return kinds[i];
	return NULL;
}

int plan_new(struct plan **out, const struct circuit_program *program, const char *kind, struct qlstm_error *error)
{
	*out = NULL;
	int code = program_check(program, error);
	if (code != 0)
		return code;
	const struct plan_kind *found = find(program, kind);
	if (found == NULL)
		return error_set(error, ERR_NOT_FOUND, NULL, "no plan is called '%s'", kind);
	struct plan *plan = malloc(sizeof *plan);
	void *state = plan != NULL ? found->create(program) : NULL;
	if (state == NULL) {
		free(plan);
		if (found->refusal != NULL)
			return error_set(error, ERR_TOO_LARGE, NULL, "%s", found->refusal);
		return error_set(error, ERR_TOO_LARGE, NULL, "%d wires need more memory than there is for plan '%s'",
		                 program->n_wires, found->name);
	}
	*plan = (struct plan){.kind = found, .state = state};
	*out = plan;
	return 0;
}

void plan_free(struct plan *plan)
{
	if (plan == NULL)
		return;
	plan->kind->destroy(plan->state);
	free(plan);
}

const char *plan_name(const struct plan *plan)
{
	return plan->kind->name;
}

const char *plan_kind_name(int index)
{
	return index >= 0 && index < KIND_COUNT ? kinds[index]->name : NULL;
}

const char *plan_isa(void)
{
	return isa_pick()->name;
}

size_t plan_bytes(const struct circuit_program *program, const char *kind)
{
	const struct plan_kind *found = find(program, kind);
	return found != NULL ? found->bytes(program) : 0;
}

void plan_forward(struct plan *plan, const double *features, const double *weights, size_t batch, double *outputs)
{
	plan->kind->forward(plan->state, features, weights, batch, outputs);
}

void plan_backward(struct plan *plan, const double *features, const double *weights, size_t batch,
                   const double *d_outputs, double *d_features, double *d_weights)
{
	plan->kind->backward(plan->state, features, weights, batch, d_outputs, d_features, d_weights);
}
