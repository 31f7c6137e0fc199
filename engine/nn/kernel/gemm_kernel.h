/* Matrix products on arrays [rows][batch], the batch innermost, compiled once per instruction set from gemm_kernel.c.
 *
 * Our own rather than a BLAS (timings: README.md): an element's bits depend neither on its place in the batch nor on
 * the batch's size nor on which library is installed, and nothing starts threads or takes memory. Every element of a
 * sum adds its terms in the order in which they are given. */
#ifndef QLSTM_NN_GEMM_KERNEL_H
#define QLSTM_NN_GEMM_KERNEL_H

#include <stdbool.h>
#include <stddef.h>

/* A x: element (r, j) of A is a[r * row_step + j * step], row j of x starts at x + j * x_step. terms >= 1. */
struct product {
	const double *a;
	size_t row_step, step;
	const double *x;
	ptrdiff_t x_step;
	size_t terms;
};

#define GEMM_PRODUCTS 2

/* What a sum starts from: what is there, or bias[r], NULL for zero. */
struct gemm_start {
	bool add;
	const double *bias;
};

struct gemm_kernels {
	/* y[r][s] = start + the `count` products, 1 to GEMM_PRODUCTS; y [rows][batch]. */
	void (*sum)(const struct product *products, int count, struct gemm_start start, size_t rows, size_t batch,
	            double *y);
	/* d[o][k] += sum over sets and samples of dy[o][s] x[k][s]; dy [sets][rows][batch], x [sets][terms][batch], d
	 * [rows][terms]. Meant for many samples: few are better transposed and given to sum. */
	void (*outer)(const double *dy, size_t rows, const double *x, size_t terms, size_t sets, size_t batch,
	              double *d);
	/* sums[o] += sum over sets and samples of dy[o][s] */
	void (*totals)(const double *dy, size_t rows, size_t sets, size_t batch, double *sums);
	/* to[c * to_step + r] = from[r][c]; from [rows][columns] */
	void (*transpose)(const double *from, size_t rows, size_t columns, double *to, size_t to_step);
};

/* The same of float32, without sums over samples: these are made of `sum` of arrays that are transposed. */
struct product_f32 {
	const float *a;
	size_t row_step, step;
	const float *x;
	ptrdiff_t x_step;
	size_t terms;
};

struct gemm_start_f32 {
	bool add;
	const float *bias;
};

struct gemm_kernels_f32 {
	void (*sum)(const struct product_f32 *products, int count, struct gemm_start_f32 start, size_t rows,
	            size_t batch, float *y);
	void (*transpose)(const float *from, size_t rows, size_t columns, float *to, size_t to_step);
};

#endif
