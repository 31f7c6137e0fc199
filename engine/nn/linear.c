/* The linear map: matrix products of gemm_kernel.h. */
#include "engine/nn/linear.h"

#include "engine/circuit/isa.h"
#include "engine/nn/gemm_kernel.h"

void linear_forward(const struct linear *linear, const double *x, int batch, double *y)
{
	struct product product = {.a = linear->weight,
	                          .row_step = (size_t)linear->n_in,
	                          .step = 1,
	                          .x = x,
	                          .x_step = batch,
	                          .terms = (size_t)linear->n_in};
	isa_pick()->gemm->sum(&product, 1, (struct gemm_start){.bias = linear->bias}, (size_t)linear->n_out,
	                      (size_t)batch, y);
}

/* One sample's dW = dy x^T is a sum of one term, its rows those of W. */
static void add_sample(const struct gemm_kernels *gemm, const struct linear *linear, const double *x, const double *dy)
{
	struct product product = {.a = dy, .row_step = 1, .x = x, .terms = 1};
	gemm->sum(&product, 1, (struct gemm_start){.add = true}, (size_t)linear->n_out, (size_t)linear->n_in,
	          linear->d_weight);
}

/* y = W x + b  =>  dW[o][k] = sum_s dy[o][s] x[k][s],  db[o] = sum_s dy[o][s],  dx[k][s] = sum_o W[o][k] dy[o][s] */
void linear_backward(const struct linear *linear, const double *x, const double *dy, int batch, double *dx)
{
	const struct gemm_kernels *gemm = isa_pick()->gemm;
	size_t n_in = (size_t)linear->n_in, n_out = (size_t)linear->n_out, n = (size_t)batch;
	if (batch == 1)
		add_sample(gemm, linear, x, dy);
	else
		gemm->outer(dy, n_out, x, n_in, n, linear->d_weight);
	if (linear->d_bias != NULL)
		gemm->totals(dy, n_out, n, linear->d_bias);
	if (dx == NULL)
		return;
	struct product product = {
	    .a = linear->weight, .row_step = 1, .step = n_in, .x = dy, .x_step = batch, .terms = n_out};
	gemm->sum(&product, 1, (struct gemm_start){0}, n_in, n, dx);
}
