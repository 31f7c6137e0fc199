/* The linear map: matrix products of gemm_kernel.h. */
#include "engine/nn/linear.h"

#include "engine/vector/isa.h"
#include "engine/nn/kernel/gemm_kernel.h"

void linear_forward(const struct linear *linear, const double *x, int sets, int batch, double *y)
{
	const struct gemm_kernels *gemm = isa_pick()->gemm;
	size_t n_in = (size_t)linear->n_in, n_out = (size_t)linear->n_out, n = (size_t)batch;
	struct product product = {
	    .a = linear->weight, .row_step = n_in, .step = 1, .x = x, .x_step = batch, .terms = n_in};
	for (int k = 0; k < sets; k++, product.x += n_in * n, y += n_out * n)
		gemm->sum(&product, 1, (struct gemm_start){.bias = linear->bias}, n_out, n, y);
}

/* One sample a set: the sets are the terms of dW. */
static void single_weights(const struct linear *linear, const double *x, const double *dy, size_t sets)
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
}

/* y = W x + b  =>  dW[o][k] = sum_s dy[o][s] x[k][s],  db[o] = sum_s dy[o][s] */
void linear_backward_weights(const struct linear *linear, const double *x, const double *dy, int sets, int batch)
{
	if (batch == 1) {
		single_weights(linear, x, dy, (size_t)sets);
		return;
	}
	const struct gemm_kernels *gemm = isa_pick()->gemm;
	size_t n_in = (size_t)linear->n_in, n_out = (size_t)linear->n_out, n = (size_t)batch;
	gemm->outer(dy, n_out, x, n_in, (size_t)sets, n, linear->d_weight);
	if (linear->d_bias != NULL)
		gemm->totals(dy, n_out, (size_t)sets, n, linear->d_bias);
}

/* dx[k][s] = sum_o W[o][k] dy[o][s]; where a set is one sample, the sets are the rows of dx. */
static void linear_input(const struct linear *linear, const double *dy, int sets, int batch, struct gemm_start start,
                         double *dx)
{
	const struct gemm_kernels *gemm = isa_pick()->gemm;
	size_t n_in = (size_t)linear->n_in, n_out = (size_t)linear->n_out, n = (size_t)batch;
	if (batch == 1) {
		struct product rows = {.a = dy,
		                       .row_step = n_out,
		                       .step = 1,
		                       .x = linear->weight,
		                       .x_step = (ptrdiff_t)n_in,
		                       .terms = n_out};
		gemm->sum(&rows, 1, start, (size_t)sets, n_in, dx);
		return;
	}
	struct product product = {
	    .a = linear->weight, .row_step = 1, .step = n_in, .x = dy, .x_step = batch, .terms = n_out};
	for (int k = 0; k < sets; k++, product.x += n_out * n, dx += n_in * n)
		gemm->sum(&product, 1, start, n_in, n, dx);
}

void linear_add_input(const struct linear *linear, const double *dy, int sets, int batch, double *dx)
{
	linear_input(linear, dy, sets, batch, (struct gemm_start){.add = true}, dx);
}

void linear_backward(const struct linear *linear, const double *x, const double *dy, int sets, int batch, double *dx)
{
	linear_backward_weights(linear, x, dy, sets, batch);
	if (dx != NULL)
		linear_input(linear, dy, sets, batch, (struct gemm_start){0}, dx);
}
