/* Linear maps as tensors. */
#include "engine/nn/linear_tensors.h"

#include <math.h>
#include <stdio.h>

int linear_tensors_add(struct linear_tensors *tensors, struct params *params, const char *prefix, const char *name,
                       int n_in, int n_out)
{
	char full[PARAM_NAME_SIZE];
	double scale = 1.0 / sqrt((double)n_in);
	const size_t dims[] = {(size_t)n_out, (size_t)n_in};
	*tensors = (struct linear_tensors){.n_in = n_in, .n_out = n_out};
	snprintf(full, sizeof full, "%s.%s.weight", prefix, name);
	tensors->weight = params_add(params, full, PARAM_CLASSICAL, INIT_UNIFORM, scale, 2, dims);
	snprintf(full, sizeof full, "%s.%s.bias", prefix, name);
	tensors->bias = params_add(params, full, PARAM_CLASSICAL, INIT_UNIFORM, scale, 1, dims);
	return tensors->weight < 0 || tensors->bias < 0 ? ERR_OUT_OF_MEMORY : 0;
}

struct linear linear_tensors_map(const struct linear_tensors *tensors, const struct params *params)
{
	size_t weight = params->items[tensors->weight].offset, bias = params->items[tensors->bias].offset;
	return (struct linear){.n_in = tensors->n_in,
	                       .n_out = tensors->n_out,
	                       .weight = params->values + weight,
	                       .bias = params->values + bias,
	                       .d_weight = params->gradients + weight,
	                       .d_bias = params->gradients + bias};
}
