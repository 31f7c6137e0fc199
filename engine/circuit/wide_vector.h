/* Vectors of amplitudes and what Pauli matrices do to them. Included by wide_kernel.c only, which is compiled once per
 * instruction set. */
#ifndef QLSTM_CIRCUIT_WIDE_VECTOR_H
#define QLSTM_CIRCUIT_WIDE_VECTOR_H

#include "engine/circuit/wide_kernel.h"

#if defined __AVX512F__
#define VECTOR_BYTES 64
#define LANE_BITS    3
#elif defined __AVX__
#define VECTOR_BYTES 32
#define LANE_BITS    2
#else
#define VECTOR_BYTES 16
#define LANE_BITS    1
#endif

typedef double vec __attribute__((vector_size(VECTOR_BYTES), may_alias));
typedef long long mask __attribute__((vector_size(VECTOR_BYTES), may_alias));

enum { WIDTH = VECTOR_BYTES / sizeof(double) };

#define INLINE static inline __attribute__((always_inline))

struct amplitude {
	vec re, im;
};

INLINE struct amplitude load(const struct wide_state *state, size_t k)
{
	return (struct amplitude){*(const vec *)(state->re + k), *(const vec *)(state->im + k)};
}

INLINE void store(const struct wide_state *state, size_t k, struct amplitude a)
{
	*(vec *)(state->re + k) = a.re;
	*(vec *)(state->im + k) = a.im;
}

/* The lanes exchanged in pairs that differ in bit `place`. */
INLINE vec exchange(vec v, int place)
{
#if LANE_BITS == 3
	if (place == 2)
		return __builtin_shufflevector(v, v, 4, 5, 6, 7, 0, 1, 2, 3);
	if (place == 1)
		return __builtin_shufflevector(v, v, 2, 3, 0, 1, 6, 7, 4, 5);
	return __builtin_shufflevector(v, v, 1, 0, 3, 2, 5, 4, 7, 6);
#elif LANE_BITS == 2
	if (place == 1)
		return __builtin_shufflevector(v, v, 2, 3, 0, 1);
	return __builtin_shufflevector(v, v, 1, 0, 3, 2);
#else
	(void)place;
	return __builtin_shufflevector(v, v, 1, 0);
#endif
}

/* All ones in the lanes of the vector at k whose basis state has bit `place` set. */
INLINE mask bit_mask(size_t k, int place)
{
	mask lanes = {0};
	if (place >= LANE_BITS)
		return lanes - (long long)(k >> place & 1);
	for (int l = 0; l < WIDTH; l++)
		lanes[l] = -(long long)(l >> place & 1);
	return lanes;
}

INLINE vec choose(mask where, vec yes, vec no)
{
	return (vec)((where & (mask)yes) | (~where & (mask)no));
}

INLINE vec negate_where(mask where, vec v)
{
	return (vec)((mask)v ^ (where & INT64_MIN));
}

/* P on two vectors of amplitudes that differ in the target bit. */
INLINE void image_pair(enum wide_kind axis, struct amplitude a, struct amplitude b, struct amplitude *of_a,
                       struct amplitude *of_b)
{
	*of_a = axis == WIDE_ROTATE_X ? b : axis == WIDE_ROTATE_Y ? (struct amplitude){b.im, -b.re} : a;
	*of_b = axis == WIDE_ROTATE_X   ? a
	        : axis == WIDE_ROTATE_Y ? (struct amplitude){-a.im, a.re}
	                                : (struct amplitude){-b.re, -b.im};
}

/* P on a vector, the target bit being one of the lane. */
INLINE struct amplitude image_lanes(enum wide_kind axis, struct amplitude a, int place)
{
	mask set = bit_mask(0, place);
	struct amplitude other = {exchange(a.re, place), exchange(a.im, place)};
	if (axis == WIDE_ROTATE_X)
		return other;
	if (axis == WIDE_ROTATE_Y)
		return (struct amplitude){negate_where(set, other.im), negate_where(~set, other.re)};
	return (struct amplitude){negate_where(set, a.re), negate_where(set, a.im)};
}

/* cos a - i sin image. */
INLINE struct amplitude turn(struct amplitude a, struct amplitude image, double c, double s)
{
	return (struct amplitude){c * a.re + s * image.im, c * a.im - s * image.re};
}

/* The share of Im <lambda|P|psi>. */
INLINE vec slope(struct amplitude lambda, struct amplitude image)
{
	return lambda.re * image.im - lambda.im * image.re;
}

INLINE double total(vec v)
{
	double sum = 0.0;
	for (int l = 0; l < WIDTH; l++)
		sum += v[l];
	return sum;
}

#endif
