/* The table of plan kinds and dispatch; planner.c chooses between them. */
#include "engine/circuit/plan.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/vector/isa.h"
#include "engine/circuit/plan_kind.h"
#include "engine/circuit/planner.h"
#include "engine/circuit/shift.h"

static const struct plan_kind *const kinds[] = {&plan_reference, &plan_batch, &plan_local, &plan_wide};
enum { KIND_COUNT = sizeof kinds / sizeof kinds[0] };

struct plan {
	const struct plan_kind *kind;
	const struct circuit_program *program;
	struct plan_estimate estimate;
	void *state;
	struct shift
	    *shift; /* that evaluates and differentiates in the place of kind and state; NULL: the adjoint method */
};

int plan_new(struct plan **out, const struct circuit_program *program, const char *kind, struct qlstm_error *error)
{
	return plan_new_precision(out, program, kind, PRECISION_FLOAT64, error);
}

int plan_new_precision(struct plan **out, const struct circuit_program *program, const char *kind,
                       enum precision precision, struct qlstm_error *error)
{
	const struct plan_request request = planner_defaults(kind, precision);
	return plan_new_request(out, program, &request, error);
}

/* A plan whose gradients are those of the parameter-shift rule, on the kind that the planner chooses for it. */
static int new_shift(struct plan **out, const struct circuit_program *program, const struct plan_request *request,
                     struct qlstm_error *error)
{
	struct shift *shift = NULL;
	int rc = shift_new(&shift, program, request, error);
	struct plan *plan = rc == 0 ? malloc(sizeof *plan) : NULL;
	if (rc != 0)
		return rc;
	if (plan == NULL) {
		shift_free(shift);
		return error_set(error, ERR_OUT_OF_MEMORY, NULL, "out of memory");
	}
	const struct plan *inner = shift_plan(shift);
	*plan = (struct plan){.kind = inner->kind, .program = program, .estimate = inner->estimate, .shift = shift};
	shift_estimate(program, &plan->estimate);
	*out = plan;
	return 0;
}

int plan_new_request(struct plan **out, const struct circuit_program *program, const struct plan_request *request,
                     struct qlstm_error *error)
{
	*out = NULL;
	int code = program_check(program, error);
	if (code != 0)
		return code;
	if (request->diff_method == DIFF_PARAMETER_SHIFT)
		return new_shift(out, program, request, error);
	struct plan_estimate estimate;
	const struct plan_kind *found;
	void *state;
	if (planner_select(program, request, &estimate, &found, &state) != 0)
		return error_set(error, ERR_NOT_FOUND, NULL, "no plan is called '%s'", request->kind);
	if (!estimate.possible)
		return error_set(error, ERR_TOO_LARGE, NULL, "plan '%s' does not take this circuit of %d wires: %s",
		                 estimate.kind, program->n_wires, estimate.reason);
	struct plan *plan = malloc(sizeof *plan);
	if (plan == NULL || !found->allocate(state)) {
		found->destroy(state);
		free(plan);
		return error_set(error, ERR_TOO_LARGE, NULL, "%d wires need more memory than there is for plan '%s'",
		                 program->n_wires, found->name);
	}
	*plan = (struct plan){.kind = found, .program = program, .estimate = estimate, .state = state};
	*out = plan;
	return 0;
}

void plan_free(struct plan *plan)
{
	if (plan == NULL)
		return;
	if (plan->shift != NULL)
		shift_free(plan->shift);
	else
		plan->kind->destroy(plan->state);
	free(plan);
}

const char *plan_name(const struct plan *plan)
{
	return plan->kind->name;
}

enum precision plan_precision(const struct plan *plan)
{
	return plan->estimate.precision;
}

const struct plan_estimate *plan_estimated(const struct plan *plan)
{
	return &plan->estimate;
}

bool plan_takes_team(const struct plan *plan)
{
	return plan->kind->set_team != NULL;
}

bool plan_set_team(struct plan *plan, struct team *team)
{
	if (!plan_takes_team(plan))
		return false;
	if (plan->shift != NULL)
		return plan_set_team(shift_plan(plan->shift), team);
	plan->kind->set_team(plan->state, team);
	return true;
}

const char *plan_choice(const struct circuit_program *program, const char *kind)
{
	return plan_choice_precision(program, kind, PRECISION_FLOAT64);
}

const char *plan_choice_precision(const struct circuit_program *program, const char *kind, enum precision precision)
{
	struct plan_request request = planner_defaults(kind, precision);
	struct plan_estimate estimate;
	return plan_estimate(program, &request, &estimate) == 0 ? estimate.kind : NULL;
}

const char *plan_kind_name(int index)
{
	return index >= 0 && index < KIND_COUNT ? kinds[index]->name : NULL;
}

const char *plan_isa(void)
{
	return isa_pick()->name;
}

bool plan_isa_same_bytes(const char *name)
{
	return isa_same_bytes(name, plan_isa());
}

int plan_isa_use(const char *name, struct qlstm_error *error)
{
	char known[128] = "";
	const struct isa *isa;
	for (int i = 0; (isa = isa_at(i)) != NULL; i++) {
		if (strcmp(isa->name, name) != 0) {
			size_t used = strlen(known);
			snprintf(known + used, sizeof known - used, "%s%s", used > 0 ? ", " : "", isa->name);
			continue;
		}
		if (!isa->supported())
			return error_set(error, ERR_INVALID, NULL, "this processor lacks the instruction set %s", name);
		isa_force(isa);
		return 0;
	}
	return error_set(error, ERR_NOT_FOUND, NULL, "'%.40s' is no instruction set of this program (%s)", name, known);
}

size_t plan_bytes(const struct circuit_program *program, const char *kind)
{
	return plan_bytes_precision(program, kind, PRECISION_FLOAT64);
}

size_t plan_bytes_precision(const struct circuit_program *program, const char *kind, enum precision precision)
{
	const struct plan_request request = planner_defaults(kind, precision);
	struct plan_estimate estimate;
	return plan_estimate(program, &request, &estimate) == 0 ? plan_estimate_bytes(&estimate, 1) : 0;
}

bool plan_estimate_takes_team(const struct plan_estimate *estimate)
{
	for (int k = 0; k < KIND_COUNT; k++)
		if (strcmp(kinds[k]->name, estimate->kind) == 0)
			return kinds[k]->set_team != NULL;
	return false;
}

size_t plan_estimate_bytes(const struct plan_estimate *estimate, int threads)
{
	size_t plans = plan_estimate_takes_team(estimate) ? 1 : (size_t)threads;
	return estimate->bytes < PLAN_BYTES_NEVER / plans ? plans * estimate->bytes : PLAN_BYTES_NEVER;
}

void plan_forward(struct plan *plan, const double *features, const double *weights, size_t batch, double *outputs)
{
	if (plan->shift != NULL)
		shift_forward(plan->shift, features, weights, batch, outputs);
	else
		plan->kind->forward(plan->state, features, weights, batch, outputs);
}

void plan_backward(struct plan *plan, const double *features, const double *weights, size_t batch,
                   const double *d_outputs, double *d_features, double *d_weights)
{
	if (plan->shift != NULL)
		shift_backward(plan->shift, features, weights, batch, d_outputs, d_features, d_weights);
	else
		plan->kind->backward(plan->state, features, weights, batch, d_outputs, d_features, d_weights);
}

size_t plan_kept_bytes(const struct plan *plan, int sets, size_t batch)
{
	return plan->shift != NULL ? 0 : plan_estimate_kept(&plan->estimate, sets, batch);
}

void plan_forward_kept(struct plan *plan, const double *features, const double *weights, int sets, size_t batch,
                       double *outputs, struct plan_room kept)
{
	if (plan->shift == NULL && plan->kind->forward_many != NULL) {
		plan->kind->forward_many(plan->state, features, weights, sets, batch, outputs, kept);
		return;
	}
	size_t n_weights = (size_t)plan->program->n_weights, n_outputs = (size_t)plan->program->n_observables * batch;
	for (size_t k = 0; k < (size_t)sets; k++)
		plan_forward(plan, features, weights + k * n_weights, batch, outputs + k * n_outputs);
}

void plan_backward_kept(struct plan *plan, const double *features, const double *weights, int sets, size_t batch,
                        const double *d_outputs, double *d_features, double *d_weights, struct plan_room kept)
{
	if (plan->shift == NULL && plan->kind->backward_many != NULL) {
		plan->kind->backward_many(plan->state, features, weights, sets, batch, d_outputs, d_features, d_weights,
		                          kept);
		return;
	}
	size_t n_weights = (size_t)plan->program->n_weights, n_outputs = (size_t)plan->program->n_observables * batch;
	for (size_t k = 0; k < (size_t)sets; k++)
		plan_backward(plan, features, weights + k * n_weights, batch, d_outputs + k * n_outputs, d_features,
		              d_weights != NULL ? d_weights + k * n_weights : NULL);
}

void plan_forward_many(struct plan *plan, const double *features, const double *weights, int sets, size_t batch,
                       double *outputs)
{
	plan_forward_kept(plan, features, weights, sets, batch, outputs, PLAN_NO_ROOM);
}

void plan_backward_many(struct plan *plan, const double *features, const double *weights, int sets, size_t batch,
                        const double *d_outputs, double *d_features, double *d_weights)
{
	plan_backward_kept(plan, features, weights, sets, batch, d_outputs, d_features, d_weights, PLAN_NO_ROOM);
}
