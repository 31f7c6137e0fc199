/* Sigmoid and tanh of vectors, within 4 units in the last place. Included by gates_kernel.c only. */
#ifndef QLSTM_NN_GATES_MATH_H
#define QLSTM_NN_GATES_MATH_H

#include "engine/vector/fused.h"

/* exp(y) = scale (1 + excess) with scale a power of two and |excess| < 0.42, for |y| < 709: Cody and Waite's reduction
 * and the Taylor series, whose remainder at ln(2) / 2 is below 2e-17 of the sum. */
static inline void exp_parts(vec64 y, vec64 *scale, vec64 *excess)
{
	/* Adding this rounds to an integer, whose low bits are then those of the sum. */
	const double shift = 0x1.8p52;
	vec64 shifted = line64(y, 1.44269504088896338700e+00, shift);
	bits64 k = (bits64)shifted;
	vec64 n = shifted - shift;
	vec64 r = fnma64(n, SPLAT64(6.93147180369123816490e-01), y);
	r = fnma64(n, SPLAT64(1.90821492927058770002e-10), r);
	/* By powers of r^2, for the sake of short chains. */
	vec64 r2 = r * r, r4 = r2 * r2;
	vec64 a = line64(r, 0x1.5555555555556p-3, 0x1.0000000000001p-1);
	vec64 b = line64(r, 0x1.11111111109b3p-7, 0x1.5555555553d63p-5);
	vec64 c = line64(r, 0x1.a01a01a7c41d5p-13, 0x1.6c16c1788bd90p-10);
	vec64 d = line64(r, 0x1.71de0dae63bb3p-19, 0x1.a019b90d2ae7ap-16);
	vec64 e = line64(r, 0x1.af38a9b0ec855p-26, 0x1.289185613a3d6p-22);
	vec64 p = fma64(r4, fma64(r4, e, fma64(d, r2, c)), fma64(b, r2, a));
	*excess = fma64(r2, p, r);
	*scale = (vec64)((k + 1023) << 52);
}

/* Below -708 it stays at 3e-308. */
static inline vec64 vector_sigmoid(vec64 x)
{
	const vec64 limit = (vec64){0} + 708.0;
	vec64 y = choose64(x < -limit, limit, choose64(x > limit, -limit, -x));
	vec64 scale, excess;
	exp_parts(y, &scale, &excess);
	return 1.0 / (1.0 + fma64(scale, excess, scale));
}

/* With e = exp(2 |x|) - 1: tanh |x| = e / (e + 2). Beyond 22 that is 1. */
static inline vec64 vector_tanh(vec64 x)
{
	const bits64 sign_bit = (bits64){0} + (1ull << 63);
	const vec64 limit = (vec64){0} + 22.0;
	vec64 a = (vec64)((bits64)x & ~sign_bit);
	vec64 scale, excess;
	exp_parts(2.0 * choose64(a > limit, limit, a), &scale, &excess);
	vec64 e = fma64(scale, excess, scale - 1.0);
	return (vec64)((bits64)(e / (e + 2.0)) | ((bits64)x & sign_bit));
}

/* Of smaller and larger ones vector_exp is none. */
#define EXP_NEAR 708.0

/* exp(x) with the bits of elementary_exp, whose operations these are, one by one. */
static inline vec64 vector_exp(vec64 x)
{
	const double shift = 0x1.8p52;
	vec64 shifted = x * 1.44269504088896338700e+00 + shift, n = shifted - shift;
	vec64 head = x - n * 0x1.62e42ffp-1, low = n * -0x1.718432a1b0e26p-35;
	vec64 r = head - low, tail = (head - r) - low;
	vec64 r2 = r * r, r4 = r2 * r2;
	vec64 a = r * 0x1.5555555555556p-3 + 0x1.0000000000001p-1;
	vec64 b = r * 0x1.11111111109b3p-7 + 0x1.5555555553d63p-5;
	vec64 c = r * 0x1.a01a01a7c41d5p-13 + 0x1.6c16c1788bd90p-10;
	vec64 d = r * 0x1.71de0dae63bb3p-19 + 0x1.a019b90d2ae7ap-16;
	vec64 e = r * 0x1.af38a9b0ec855p-26 + 0x1.289185613a3d6p-22;
	vec64 value = 1.0 + (r + (tail + r2 * ((b * r2 + a) + r4 * ((d * r2 + c) + r4 * e))));
	return value * (vec64)(((bits64)shifted + 1023) << 52);
}

#endif
