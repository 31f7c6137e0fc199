/* Parameters as safetensors. */
#include "engine/export/params_tensors.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

_Static_assert(SAFETENSORS_MAX_RANK >= PARAM_MAX_RANK, "ranks of tensors");

int params_to_safetensors(const struct params *params, const struct safetensors_meta *meta, int n_meta,
                          unsigned char **bytes, size_t *length, struct qlstm_error *error)
{
	struct safetensors_tensor *tensors = calloc((size_t)params->count + 1, sizeof *tensors);
	if (tensors == NULL)
		return error_set(error, ERR_OUT_OF_MEMORY, NULL, "out of memory for the weights");
	for (int i = 0; i < params->count; i++) {
		const struct param *param = &params->items[i];
		tensors[i].name = param->name;
		tensors[i].rank = param->rank;
		memcpy(tensors[i].dims, param->dims, (size_t)param->rank * sizeof *param->dims);
		tensors[i].data = params->values + param->offset;
	}
	int rc = safetensors_encode(tensors, params->count, meta, n_meta, bytes, length, error);
	free(tensors);
	return rc;
}

/* "[4][2][3]", "a number" for rank 0. */
static void print_shape(int rank, const size_t *dims, char *out, size_t size)
{
	size_t used = 0;
	snprintf(out, size, "%s", rank == 0 ? "a number" : "");
	for (int i = 0; i < rank && used < size; i++)
		used += (size_t)snprintf(out + used, size - used, "[%zu]", dims[i]);
}

int params_refuse_missing(const struct param *param, struct qlstm_error *error)
{
	char shape[160];
	print_shape(param->rank, param->dims, shape, sizeof shape);
	return error_set(error, ERR_MISSING, NULL, "the weights lack '%s' of shape %s", param->name, shape);
}

int params_refuse_extra(const struct params *params, const char *name, struct qlstm_error *error)
{
	const char **names = calloc((size_t)params->count + 1, sizeof *names);
	const char *near = NULL;
	for (int i = 0; names != NULL && i < params->count; i++)
		names[i] = params->items[i].name;
	if (names != NULL)
		near = error_nearest(name, names, (size_t)params->count);
	free(names);
	if (near == NULL)
		return error_set(error, ERR_UNKNOWN_FIELD, NULL, "the model has no tensor '%s'", name);
	return error_set(error, ERR_UNKNOWN_FIELD, NULL, "the model has no tensor '%s'; did you mean '%s'?", name,
	                 near);
}

int params_check_shape(const struct param *param, int rank, const size_t *dims, struct qlstm_error *error)
{
	if (rank == param->rank && memcmp(dims, param->dims, (size_t)rank * sizeof *dims) == 0)
		return 0;
	char expected[160], given[160];
	print_shape(param->rank, param->dims, expected, sizeof expected);
	print_shape(rank, dims, given, sizeof given);
	return error_set(error, ERR_INVALID, NULL, "'%s' has shape %s; the model needs %s", param->name, given,
	                 expected);
}

int params_from_safetensors(struct params *params, const struct safetensors_file *file, struct qlstm_error *error)
{
	static const char passed_over[] = PARAMS_OPTIMIZER_PREFIX;
	for (int i = 0; i < file->n_tensors; i++)
		if (params_find(params, file->tensors[i].name) == NULL &&
		    strncmp(file->tensors[i].name, passed_over, sizeof passed_over - 1) != 0)
			return params_refuse_extra(params, file->tensors[i].name, error);
	for (int i = 0; i < params->count; i++) {
		const struct param *param = &params->items[i];
		const struct safetensors_tensor *tensor = safetensors_find(file, param->name);
		if (tensor == NULL)
			return params_refuse_missing(param, error);
		int rc = params_check_shape(param, tensor->rank, tensor->dims, error);
		if (rc != 0)
			return rc;
	}
	for (int i = 0; i < params->count; i++) {
		const struct param *param = &params->items[i];
		memcpy(params->values + param->offset, safetensors_find(file, param->name)->data,
		       param->size * sizeof(double));
	}
	return 0;
}
