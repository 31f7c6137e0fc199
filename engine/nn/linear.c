/* The linear map: matrix products of gemm_kernel.h. */
#include "engine/nn/linear.h"

#include "engine/vector/isa.h"
#include "engine/nn/gemm_kernel.h"

void linear_forward(const struct linear *linear, const double *x, int sets, int batch, double *y)
{
	const struct gemm_kernels *gemm = isa_pick()->gemm;
	size_t n_in = (size_t)linear->n_in, n_out = (size_t)linear->n_out, n = (size_t)batch;
	struct product product = {
	    .a = linear->weight, .row_step = n_in, .step = 1, .x = x, .x_step = batch, .terms = n_in};
	for (int k = 0; k < sets; k++, product.x += n_in * n, y += n_out * n)
		gemm->sum(&product, 1, (struct gemm_start){.bias = linear->bias}, n_out, n, y);
}

/* One sample a set: the sets are the terms of dW, and the rows of dx. */
static void backward_single(const struct linear *linear, const double *x, const double *dy, size_t sets, double *dx)
{
	const struct gemm_kernels *gemm = isa_pick()->gemm;
	size_t n_in = (size_t)linear->n_in, n_out = (size_t)linear->n_out;
	const struct gemm_start add = {.add = true};
	const double one = 1.0;
	struct product weight = {
	    .a = dy, .row_step = 1, .step = n_out, .x = x, .x_step = (ptrdiff_t)n_in, .terms = sets};
	gemm->sum(&weight, 1, add, n_out, n_in, linear->d_weight);
	struct product bias = {.a = &one, .x = dy, .x_step = (ptrdiff_t)n_out, .terms = sets};
	if (linear->d_bias != NULL)
		gemm->sum(&bias, 1, add, 1, n_out, linear->d_bias);
	struct product input = {
	    .a = dy, .row_step = n_out, .step = 1, .x = linear->weight, .x_step = (ptrdiff_t)n_in, .terms = n_out};
	if (dx != NULL)
		gemm->sum(&input, 1, (struct gemm_start){0}, sets, n_in, dx);
}

/* y = W x + b  =>  dW[o][k] = sum_s dy[o][s] x[k][s],  db[o] = sum_s dy[o][s],  dx[k][s] = sum_o W[o][k] dy[o][s] */
void linear_backward(const struct linear *linear, const double *x, const double *dy, int sets, int batch, double *dx)
{
	if (batch == 1) {
		backward_single(linear, x, dy, (size_t)sets, dx);
		return;
	}
	const struct gemm_kernels *gemm = isa_pick()->gemm;
	size_t n_in = (size_t)linear->n_in, n_out = (size_t)linear->n_out, n = (size_t)batch;
	gemm->outer(dy, n_out, x, n_in, (size_t)sets, n, linear->d_weight);
	if (linear->d_bias != NULL)
		gemm->totals(dy, n_out, (size_t)sets, n, linear->d_bias);
	struct product product = {
	    .a = linear->weight, .row_step = 1, .step = n_in, .x = dy, .x_step = batch, .terms = n_out};
	for (int k = 0; k < sets && dx != NULL; k++, product.x += n_out * n, dx += n_in * n)
		gemm->sum(&product, 1, (struct gemm_start){0}, n_in, n, dx);
}
