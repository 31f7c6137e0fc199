/* Sigmoid and tanh of float32 vectors, within 3 units in the last place. Included by gates_kernel_f32.c only. */
#ifndef QLSTM_NN_GATES_MATH_F32_H
#define QLSTM_NN_GATES_MATH_F32_H

#include "engine/vector/fused.h"

/* What comparing two of vec gives. */
typedef int mask32 __attribute__((vector_size(VECTOR_BYTES), may_alias));

static inline vec choose32(mask32 where, vec yes, vec no)
{
	return (vec)((where & (mask32)yes) | (~where & (mask32)no));
}

static inline vec line32(vec x, float slope, float start)
{
	return fma_vec(x, SPLAT(slope), SPLAT(start));
}

/* exp(y) = scale (1 + excess) with scale a power of two and |excess| < 0.42, for |y| < 88: Cody and Waite's reduction
 * and a polynomial, off by at most 1.6e-9 of exp(r) where |r| <= ln(2) / 2. */
static inline void exp_parts(vec y, vec *scale, vec *excess)
{
	/* Adding this rounds to an integer, whose low bits are then those of the sum. */
	const float shift = 0x1.8p23f;
	vec shifted = line32(y, 0x1.715476p+0f, shift), n = shifted - shift;
	vec r = fnma_vec(n, SPLAT(0x1.62e4p-1f), y);
	r = fnma_vec(n, SPLAT(0x1.7f7d1cp-20f), r);
	vec r2 = r * r;
	vec a = line32(r, 0x1.555556p-3f, 0x1p-1f);
	vec b = line32(r, 0x1.11107cp-7f, 0x1.555480p-5f);
	vec c = line32(r, 0x1.a1b804p-13f, 0x1.6d9684p-10f);
	*excess = fma_vec(r2, fma_vec(r2, fma_vec(r2, c, b), a), r);
	*scale = (vec)(((bits32)shifted + 127) << 23);
}

/* Below -87 it stays at 2e-38. */
static inline vec vector_sigmoid(vec x)
{
	const vec limit = SPLAT(87.0f);
	vec y = choose32(x < -limit, limit, choose32(x > limit, -limit, -x));
	vec scale, excess;
	exp_parts(y, &scale, &excess);
	return 1.0f / (1.0f + fma_vec(scale, excess, scale));
}

/* With e = exp(2 |x|) - 1: tanh |x| = e / (e + 2). Beyond 10 that is 1. */
static inline vec vector_tanh(vec x)
{
	const bits32 sign_bit = (bits32){0} + (1u << 31);
	const vec limit = SPLAT(10.0f);
	vec a = (vec)((bits32)x & ~sign_bit);
	vec scale, excess;
	exp_parts(2.0f * choose32(a > limit, limit, a), &scale, &excess);
	vec e = fma_vec(scale, excess, scale - 1.0f);
	return (vec)((bits32)(e / (e + 2.0f)) | ((bits32)x & sign_bit));
}

#endif
