/* A linear map whose weight and bias are tensors of the parameter block. */
#ifndef QLSTM_NN_LINEAR_TENSORS_H
#define QLSTM_NN_LINEAR_TENSORS_H

#include "engine/nn/linear.h"
#include "engine/nn/params.h"

struct linear_tensors {
	int n_in, n_out;
	int weight, bias; /* indices into params->items */
};

/* Declares "PREFIX.NAME.weight" [n_out][n_in] and "PREFIX.NAME.bias" [n_out], initially uniform in +-1/sqrt(n_in)
 * (torch.nn.Linear's default). 0, or ERR_OUT_OF_MEMORY. */
int linear_tensors_add(struct linear_tensors *tensors, struct params *params, const char *prefix, const char *name,
                       int n_in, int n_out);
/* The map with its present values and gradients. */
struct linear linear_tensors_map(const struct linear_tensors *tensors, const struct params *params);

#endif
