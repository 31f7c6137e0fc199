/* The parameter block. */
#include "engine/nn/params.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/philox.h"

static int grow(struct params *params)
{
	int capacity = params->capacity == 0 ? 16 : params->capacity * 2;
	struct param *items = reallocarray(params->items, (size_t)capacity, sizeof *items);
	if (items == NULL)
		return ERR_OUT_OF_MEMORY;
	params->items = items;
	params->capacity = capacity;
	return 0;
}

int params_add(struct params *params, const char *name, enum param_kind kind, enum param_init init, double scale,
               int rank, const size_t *dims)
{
	if (rank < 0 || rank > PARAM_MAX_RANK)
		return ERR_INTERNAL;
	if (params->count == params->capacity && grow(params) != 0)
		return ERR_OUT_OF_MEMORY;
	size_t *size = kind == PARAM_STATE ? &params->state_size : &params->size;
	struct param param = {.kind = kind, .init = init, .scale = scale, .rank = rank, .offset = *size, .size = 1};
	snprintf(param.name, sizeof param.name, "%s", name);
	for (int i = 0; i < rank; i++) {
		param.dims[i] = dims[i];
		if (__builtin_mul_overflow(param.size, dims[i], &param.size))
			return ERR_OUT_OF_MEMORY;
	}
	if (__builtin_add_overflow(*size, param.size, size))
		return ERR_OUT_OF_MEMORY;
	params->items[params->count] = param;
	return params->count++;
}

int params_allocate(struct params *params, struct qlstm_error *error)
{
	size_t elements, size;
	if (__builtin_add_overflow(params->size, params->state_size, &elements))
		return error_set(error, ERR_OUT_OF_MEMORY, NULL, "out of memory for %zu parameters", params->size);
	for (int k = 0; k < params->count; k++)
		if (params->items[k].kind == PARAM_STATE)
			params->items[k].offset += params->size;
	size = elements > 0 ? elements : 1;
	params->values = calloc(size, sizeof(double));
	params->own_gradients = calloc(size, sizeof(double));
	params->gradients = params->own_gradients;
	if (params->values != NULL && params->gradients != NULL)
		return 0;
	free(params->own_gradients);
	free(params->values);
	params->values = params->gradients = params->own_gradients = NULL;
	return error_set(error, ERR_OUT_OF_MEMORY, NULL, "out of memory for %zu parameters", params->size);
}

void params_share_values(struct params *params, const struct params *from)
{
	if (!params->borrows_values)
		free(params->values);
	params->values = from->values;
	params->borrows_values = true;
}

void params_set_gradients(struct params *params, double *block)
{
	params->gradients = block != NULL ? block : params->own_gradients;
}

void params_free(struct params *params)
{
	free(params->own_gradients);
	if (!params->borrows_values)
		free(params->values);
	free(params->items);
	*params = (struct params){0};
}

static double draw_zero(struct philox *rng, double scale)
{
	(void)rng;
	(void)scale;
	return 0;
}

static double draw_uniform(struct philox *rng, double scale)
{
	return scale * (2 * philox_uniform(rng) - 1);
}

static double draw_angle(struct philox *rng, double scale)
{
	return scale * philox_uniform(rng);
}

static double draw_constant(struct philox *rng, double scale)
{
	(void)rng;
	return scale;
}

static double draw_normal(struct philox *rng, double scale)
{
	return scale * philox_normal(rng);
}

void params_initialise(struct params *params, uint64_t seed)
{
	static double (*const draws[])(struct philox *, double) = {
	    [INIT_ZERO] = draw_zero,     [INIT_UNIFORM] = draw_uniform,   [INIT_ANGLE] = draw_angle,
	    [INIT_NORMAL] = draw_normal, [INIT_CONSTANT] = draw_constant,
	};
	for (int i = 0; i < params->count; i++) {
		const struct param *param = &params->items[i];
		struct philox rng;
		philox_open(&rng, seed, PHILOX_INIT, (uint32_t)i);
		for (size_t k = 0; k < param->size; k++)
			params->values[param->offset + k] = draws[param->init](&rng, param->scale);
	}
}

void params_zero_gradients(struct params *params)
{
	memset(params->gradients, 0, params_elements(params) * sizeof(double));
}

size_t params_elements(const struct params *params)
{
	return params->size + params->state_size;
}

const struct param *params_find(const struct params *params, const char *name)
{
	for (int i = 0; i < params->count; i++)
		if (strcmp(params->items[i].name, name) == 0)
			return &params->items[i];
	return NULL;
}

size_t params_count(const struct params *params, enum param_kind kind)
{
	size_t count = 0;
	for (int i = 0; i < params->count; i++)
		if (params->items[i].kind == kind)
			count += params->items[i].size;
	return count;
}
