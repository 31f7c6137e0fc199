/* Whole rows: products, sums over their numbers, scaling. Included by neuron_kernel.c only. */
#ifndef QLSTM_CIRCUIT_NEURON_NEURON_ROWS_H
#define QLSTM_CIRCUIT_NEURON_NEURON_ROWS_H

#include <math.h>

#include "engine/circuit/lanes.h"

#ifdef KERNEL_FLOAT32
typedef int real_bits __attribute__((vector_size(VECTOR_BYTES)));
#else
typedef long long real_bits __attribute__((vector_size(VECTOR_BYTES)));
#endif

/* z = a b, and z += a b. */
static inline void row_multiply(const vec *a, const vec *b, size_t count, vec *z)
{
	for (size_t v = 0; v < count; v++)
		z[v] = a[v] * b[v];
}

static inline void row_add_product(const vec *a, const vec *b, size_t count, vec *z)
{
	for (size_t v = 0; v < count; v++)
		z[v] = fma_vec(a[v], b[v], z[v]);
}

static inline void row_scale(const vec *a, real factor, size_t count, vec *z)
{
	const vec all = SPLAT(factor);
	for (size_t v = 0; v < count; v++)
		z[v] = a[v] * all;
}

/* The sum of a b in virtual lanes, as a tree. */
static inline double row_dot(const vec *a, const vec *b, size_t count)
{
	vec sum[PIECES] = {{0}};
	for (size_t v = 0; v < count; v += PIECES) {
		UNROLL for (size_t k = 0; k < PIECES; k++) sum[k] = fma_vec(a[v + k], b[v + k], sum[k]);
	}
	return pieces_total(sum, 1, PIECES);
}

static inline double row_largest(const vec *a, size_t count)
{
	const vec zero = {0};
	const real_bits sign = (real_bits)-zero;
	vec most = zero;
	double largest = 0.0;
	for (size_t v = 0; v < count; v++) {
		vec size = (vec)((real_bits)a[v] & ~sign);
		real_bits larger = (real_bits)(size > most);
		most = (vec)((larger & (real_bits)size) | (~larger & (real_bits)most));
	}
	for (size_t l = 0; l < WIDTH; l++)
		largest = (double)most[l] > largest ? (double)most[l] : largest;
	return largest;
}

/* Multiplies the row by a power of two that brings its largest number to 1/2 at least and below 1: no digit is lost.
 * Returns the factor. */
static inline real row_to_one(size_t count, vec *z)
{
	int exponent = 0;
	frexp(row_largest(z, count), &exponent);
	real factor = (real)ldexp(1.0, exponent > -120 ? -exponent : 120);
	row_scale(z, factor, count, z);
	return factor;
}

#endif
