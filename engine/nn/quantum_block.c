/* A circuit, its angles and its plan. */
#include "engine/nn/quantum_block.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/circuit/planner.h"
#include "engine/circuit/shift.h"

static void list_append(struct quantum_list *list, struct quantum_block *block)
{
	struct quantum_block **last = &list->first;
	while (*last != NULL)
		last = &(*last)->next;
	*last = block;
}

struct quantum_block *quantum_list_find(const struct quantum_list *list, const char *role)
{
	struct quantum_block *block = list->first;
	while (block != NULL && strcmp(block->role, role) != 0)
		block = block->next;
	return block;
}

int quantum_list_prepare(const struct quantum_list *list, const struct plan_request *request, struct qlstm_error *error)
{
	int rc = 0;
	for (struct quantum_block *block = list->first; block != NULL && rc == 0; block = block->next)
		rc = quantum_block_prepare(block, request, error);
	return rc;
}

size_t quantum_block_kept(const struct quantum_list *list, struct quantum_block *block,
                          const struct plan_request *request, int steps, int batch)
{
	size_t bytes = plan_estimate_kept(quantum_block_estimate(block, request), block->sets, (size_t)batch);
	size_t blocks = 0;
	for (const struct quantum_block *other = list->first; other != NULL; other = other->next)
		blocks++;
	size_t share = QUANTUM_KEPT_BYTES / blocks / ARENA_ALIGN * ARENA_ALIGN;
	if (bytes == 0 || steps < 1 || list->forgets)
		return 0;
	return bytes < share / (size_t)steps ? (size_t)steps * bytes : share;
}

size_t quantum_list_kept(const struct quantum_list *list, const struct plan_request *request, int steps, int batch)
{
	size_t bytes = 0;
	for (struct quantum_block *block = list->first; block != NULL; block = block->next)
		bytes += quantum_block_kept(list, block, request, steps, batch);
	return bytes;
}

void quantum_list_lay_out(const struct quantum_list *list, const struct plan_request *request, struct arena *arena,
                          int steps, int batch)
{
	for (struct quantum_block *block = list->first; block != NULL; block = block->next) {
		block->kept_size = quantum_block_kept(list, block, request, steps, batch);
		block->kept = arena_take(arena, block->kept_size);
	}
}

void quantum_list_begin(const struct quantum_list *list, int steps, int batch, bool turns)
{
	for (struct quantum_block *block = list->first; block != NULL; block = block->next) {
		size_t bytes = turns ? plan_kept_bytes(block->plan, block->sets, (size_t)batch) : 0;
		bytes = bytes < block->kept_size ? bytes : block->kept_size;
		size_t calls = bytes > 0 ? block->kept_size / bytes : 0;
		block->steps = steps;
		block->kept_bytes = bytes;
		block->kept_calls = calls < (size_t)steps ? (int)calls : steps;
	}
}

int quantum_block_open(struct quantum_block *block, const struct quantum_design *design, struct quantum_list *list,
                       struct qlstm_error *error)
{
	*block = (struct quantum_block){.role = design->role, .calls = design->calls, .sets = design->sets};
	int rc = ansatz_build(design->ansatz, &design->circuit, &block->program, error);
	if (rc != 0)
		return rc;
	int given = design->circuit.n_features;
	block->n_features = given > 0 ? given : design->ansatz->features(&design->circuit);
	block->n_expectations = block->program->n_observables;
	list_append(list, block);
	return 0;
}

int quantum_block_adopt(struct quantum_block *block, const char *role, struct circuit_program *program,
                        const struct angle_multiple *multiples, struct quantum_list *list, struct qlstm_error *error)
{
	*block = (struct quantum_block){.role = role,
	                                .calls = QUANTUM_EVERY_STEP,
	                                .sets = 1,
	                                .n_features = program->n_features,
	                                .n_expectations = program->n_observables,
	                                .program = program,
	                                .multiples = multiples};
	block->angles = calloc((size_t)program->n_weights + 1, sizeof(double));
	block->d_angles = calloc((size_t)program->n_weights + 1, sizeof(double));
	list_append(list, block);
	if (block->angles == NULL || block->d_angles == NULL)
		return error_set(error, ERR_OUT_OF_MEMORY, "", "out of memory");
	return 0;
}

void quantum_block_close(struct quantum_block *block)
{
	free(block->angles);
	free(block->d_angles);
	block->angles = block->d_angles = NULL;
	plan_free(block->plan);
	program_free(block->program);
	block->plan = NULL;
	block->program = NULL;
}

int quantum_angles_add(struct params *params, const char *prefix, const struct quantum_design *design, int rows,
                       enum angle_init init)
{
	struct ansatz_shape shape;
	design->ansatz->shape(&design->circuit, &shape);
	size_t dims[PARAM_MAX_RANK] = {(size_t)rows};
	for (int k = 0; k < shape.rank; k++)
		dims[k + 1] = (size_t)shape.dims[k];
	char name[PARAM_NAME_SIZE];
	snprintf(name, sizeof name, "%s.circuits", prefix);
	bool uniform = init == ANGLE_INIT_UNIFORM;
	return params_add(params, name, PARAM_QUANTUM, uniform ? INIT_ANGLE : INIT_NORMAL, uniform ? 2.0 * M_PI : 0.01,
	                  shape.rank + 1, dims);
}

void quantum_block_bind(struct quantum_block *block, struct params *params, int tensor, int first_set)
{
	block->params = params;
	block->tensor = tensor;
	block->first_set = first_set;
}

int quantum_block_prepare(struct quantum_block *block, const struct plan_request *request, struct qlstm_error *error)
{
	return block->plan != NULL ? 0 : plan_new_request(&block->plan, block->program, request, error);
}

const struct plan_estimate *quantum_block_estimate(struct quantum_block *block, const struct plan_request *request)
{
	if (block->plan != NULL)
		return plan_estimated(block->plan);
	if (!block->estimated)
		plan_estimate(block->program, request, &block->estimate); /* of an unknown kind: not possible */
	if (!block->estimated && request->diff_method == DIFF_PARAMETER_SHIFT)
		shift_estimate(block->program, &block->estimate);
	block->estimated = true;
	return &block->estimate;
}

double quantum_block_evaluations(const struct quantum_block *block, int steps, int outs)
{
	const double calls[] = {
	    [QUANTUM_EVERY_STEP] = steps, [QUANTUM_BETWEEN_STEPS] = steps - 1, [QUANTUM_OUTPUTS] = outs};
	return block->sets * calls[block->calls];
}

/* Of a tensor's row whose length is that of the program's weights, in elements of the parameter block. */
static size_t angles_at(const struct quantum_block *block)
{
	size_t one = block->multiples != NULL ? 0 : (size_t)block->program->n_weights;
	return block->params->items[block->tensor].offset + (size_t)block->first_set * one;
}

/* [program->n_weights]; borrowed, until the next call. */
static const double *angles_of(const struct quantum_block *block, int set)
{
	const double *numbers = block->params->values + angles_at(block);
	if (block->multiples == NULL)
		return numbers + (size_t)set * (size_t)block->program->n_weights;
	for (int k = 0; k < block->program->n_weights; k++)
		block->angles[k] = block->multiples[k].scale * numbers[block->multiples[k].source];
	return block->angles;
}

void quantum_block_trained(const struct quantum_block *block, int set, struct trained_angles *out)
{
	const struct param *tensor = &block->params->items[block->tensor];
	bool made = block->multiples != NULL;
	*out = (struct trained_angles){.role = block->role,
	                               .program = block->program,
	                               .angles = angles_of(block, set),
	                               .multiples = block->multiples,
	                               .n_numbers = made ? (int)tensor->size : block->program->n_weights,
	                               .made = block->made};
	out->numbers = made ? block->params->values + tensor->offset : out->angles;
}

/* Where the call of a time step keeps what it has computed. */
static struct plan_room kept_at(const struct quantum_block *block, int step)
{
	int back = block->steps - 1 - step;
	if (back < 0 || back >= block->kept_calls)
		return PLAN_NO_ROOM;
	return (struct plan_room){block->kept + (size_t)back * block->kept_bytes, block->kept_bytes};
}

void quantum_block_forward(const struct quantum_block *block, int step, const double *features, int batch,
                           double *expectations)
{
	plan_forward_kept(block->plan, features, angles_of(block, 0), block->sets, (size_t)batch, expectations,
	                  kept_at(block, step));
}

void quantum_block_backward(const struct quantum_block *block, int step, const double *features, int batch,
                            const double *d_expectations, double *d_features)
{
	double *gradients = block->params->gradients + angles_at(block);
	struct plan_room kept = kept_at(block, step);
	if (block->multiples == NULL) {
		plan_backward_kept(block->plan, features, angles_of(block, 0), block->sets, (size_t)batch,
		                   d_expectations, d_features, gradients, kept);
		return;
	}
	memset(block->d_angles, 0, (size_t)block->program->n_weights * sizeof(double));
	plan_backward_kept(block->plan, features, angles_of(block, 0), 1, (size_t)batch, d_expectations, d_features,
	                   block->d_angles, kept);
	for (int k = 0; k < block->program->n_weights; k++)
		gradients[block->multiples[k].source] += block->multiples[k].scale * block->d_angles[k];
}
