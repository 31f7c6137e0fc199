/* Fused multiply-add of registers: one rounding, wherever the source says so and nowhere else (-ffp-contract=off).
 * An instruction set without one (the x86-64 baseline) multiplies and adds, and promises no bytes. Only files in
 * KERNEL_SRC (Makefile) include it. */
#ifndef QLSTM_VECTOR_FUSED_H
#define QLSTM_VECTOR_FUSED_H

#include "engine/vector/vector.h"

#if defined __FMA__ && VECTOR_BYTES <= 64 && !defined KERNEL_BYTES
#include <immintrin.h>
#if VECTOR_BYTES == 64
#define FUSED(operation, kind, register_, a, b, c)                                                                     \
	_mm512_##operation##_##kind((register_)(a), (register_)(b), (register_)(c))
#define FUSED_64(operation, a, b, c) ((vec64)FUSED(operation, pd, __m512d, a, b, c))
#define FUSED_32(operation, a, b, c) ((vec)FUSED(operation, ps, __m512, a, b, c))
#else
#define FUSED(operation, kind, register_, a, b, c)                                                                     \
	_mm256_##operation##_##kind((register_)(a), (register_)(b), (register_)(c))
#define FUSED_64(operation, a, b, c) ((vec64)FUSED(operation, pd, __m256d, a, b, c))
#define FUSED_32(operation, a, b, c) ((vec)FUSED(operation, ps, __m256, a, b, c))
#endif
#elif defined __aarch64__ && !defined KERNEL_BYTES
#include <arm_neon.h>
#define NEON_fmadd(kind, a, b, c)  vfmaq_##kind(c, a, b)
#define NEON_fmsub(kind, a, b, c)  vfmaq_##kind(vnegq_##kind(c), a, b)
#define NEON_fnmadd(kind, a, b, c) vfmsq_##kind(c, a, b)
#define FUSED_64(operation, a, b, c)                                                                                   \
	((vec64)NEON_##operation(f64, (float64x2_t)(a), (float64x2_t)(b), (float64x2_t)(c)))
#define FUSED_32(operation, a, b, c) ((vec)NEON_##operation(f32, (float32x4_t)(a), (float32x4_t)(b), (float32x4_t)(c)))
#elif defined __FMA__ || defined __aarch64__
/* Wider than the registers (KERNEL_BYTES): lane by lane, for tests. */
#define LANE_fmadd(a, b, c)  __builtin_fma(a, b, c)
#define LANE_fmsub(a, b, c)  __builtin_fma(a, b, -(c))
#define LANE_fnmadd(a, b, c) __builtin_fma(-(a), b, c)
#ifdef KERNEL_FLOAT32
#define LANE_32_fmadd(a, b, c)  __builtin_fmaf(a, b, c)
#define LANE_32_fmsub(a, b, c)  __builtin_fmaf(a, b, -(c))
#define LANE_32_fnmadd(a, b, c) __builtin_fmaf(-(a), b, c)
#endif
#define FUSED_LANES(name, type, lane)                                                                                  \
	ALWAYS_INLINE type name(type a, type b, type c)                                                                \
	{                                                                                                              \
		for (size_t l = 0; l < sizeof a / sizeof a[0]; l++)                                                    \
			c[l] = lane(a[l], b[l], c[l]);                                                                 \
		return c;                                                                                              \
	}
#define FUSED_64(operation, a, b, c) lanes_64_##operation(a, b, c)
FUSED_LANES(lanes_64_fmadd, vec64, LANE_fmadd)
FUSED_LANES(lanes_64_fmsub, vec64, LANE_fmsub)
FUSED_LANES(lanes_64_fnmadd, vec64, LANE_fnmadd)
#ifdef KERNEL_FLOAT32
#define FUSED_32(operation, a, b, c) lanes_32_##operation(a, b, c)
FUSED_LANES(lanes_32_fmadd, vec, LANE_32_fmadd)
FUSED_LANES(lanes_32_fmsub, vec, LANE_32_fmsub)
FUSED_LANES(lanes_32_fnmadd, vec, LANE_32_fnmadd)
#endif
#else
#define PLAIN_fmadd(a, b, c)         ((a) * (b) + (c))
#define PLAIN_fmsub(a, b, c)         ((a) * (b) - (c))
#define PLAIN_fnmadd(a, b, c)        ((c) - (a) * (b))
#define FUSED_64(operation, a, b, c) PLAIN_##operation(a, b, c)
#define FUSED_32(operation, a, b, c) PLAIN_##operation(a, b, c)
#endif

/* Of single numbers that amplitudes are made of. */
#if (defined __FMA__ || defined __aarch64__) && defined KERNEL_FLOAT32
#define FUSED_NUMBER(a, b, c) __builtin_fmaf(a, b, c)
#elif defined __FMA__ || defined __aarch64__
#define FUSED_NUMBER(a, b, c) __builtin_fma(a, b, c)
#else
#define FUSED_NUMBER(a, b, c) ((a) * (b) + (c))
#endif

/* A number in all lanes. */
#define SPLAT64(x) ((x) - (vec64){0})

/* a b + c, a b - c and c - a b: of float64, then of the numbers that amplitudes are made of. */

ALWAYS_INLINE vec64 fma64(vec64 a, vec64 b, vec64 c)
{
	return FUSED_64(fmadd, a, b, c);
}

ALWAYS_INLINE vec64 fms64(vec64 a, vec64 b, vec64 c)
{
	return FUSED_64(fmsub, a, b, c);
}

ALWAYS_INLINE vec64 fnma64(vec64 a, vec64 b, vec64 c)
{
	return FUSED_64(fnmadd, a, b, c);
}

/* slope x + start */
ALWAYS_INLINE vec64 line64(vec64 x, double slope, double start)
{
	return fma64(x, SPLAT64(slope), SPLAT64(start));
}

#ifdef KERNEL_FLOAT32
#define FUSED_VEC FUSED_32
#else
#define FUSED_VEC FUSED_64
#endif

ALWAYS_INLINE vec fma_vec(vec a, vec b, vec c)
{
	return FUSED_VEC(fmadd, a, b, c);
}

ALWAYS_INLINE vec fms_vec(vec a, vec b, vec c)
{
	return FUSED_VEC(fmsub, a, b, c);
}

ALWAYS_INLINE vec fnma_vec(vec a, vec b, vec c)
{
	return FUSED_VEC(fnmadd, a, b, c);
}

#endif
