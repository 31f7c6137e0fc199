/* One neuron, or one rotation, on a state: the inner loops. Included by neuron_kernel.c only.
 *
 * A state is a row of numbers in registers of the processor; amplitudes are the lanes, since each sample reads the
 * tables of its own input word. What meets is a pair of amplitudes that differ in the target's bit: in two registers
 * (far), or in the 64 bytes of virtual lanes (near: exchanged between the registers of these 64 bytes, or within one).
 * Both do the same to every number, so results do not depend on how wide a register is. */
#ifndef QLSTM_CIRCUIT_NEURON_NEURON_TURN_H
#define QLSTM_CIRCUIT_NEURON_NEURON_TURN_H

#include "engine/circuit/lanes.h"
#include "engine/circuit/neuron/neuron_kernel.h"

#define LANES_2(b)  0 ^ (b), 1 ^ (b)
#define LANES_4(b)  LANES_2(b), 2 ^ (b), 3 ^ (b)
#define LANES_8(b)  LANES_4(b), 4 ^ (b), 5 ^ (b), 6 ^ (b), 7 ^ (b)
#define LANES_16(b) LANES_8(b), 8 ^ (b), 9 ^ (b), 10 ^ (b), 11 ^ (b), 12 ^ (b), 13 ^ (b), 14 ^ (b), 15 ^ (b)
#ifdef KERNEL_FLOAT32
#if VECTOR_BYTES == 64
#define LANES_OF LANES_16
#elif VECTOR_BYTES == 32
#define LANES_OF LANES_8
#else
#define LANES_OF LANES_4
#endif
#elif VECTOR_BYTES == 64
#define LANES_OF LANES_8
#elif VECTOR_BYTES == 32
#define LANES_OF LANES_4
#else
#define LANES_OF LANES_2
#endif

/* Lane l of the result is lane l ^ bit; bit < WIDTH, a constant where it is inlined. */
ALWAYS_INLINE vec exchange_lanes(vec v, size_t bit)
{
	switch (bit) {
	case 1:
		return __builtin_shufflevector(v, v, LANES_OF(1));
#if VECTOR_BYTES / 4 > 2 && (defined KERNEL_FLOAT32 || VECTOR_BYTES > 16)
	case 2:
		return __builtin_shufflevector(v, v, LANES_OF(2));
#endif
#if VECTOR_BYTES == 64 || (VECTOR_BYTES == 32 && defined KERNEL_FLOAT32)
	case 4:
		return __builtin_shufflevector(v, v, LANES_OF(4));
#endif
#if VECTOR_BYTES == 64 && defined KERNEL_FLOAT32
	case 8:
		return __builtin_shufflevector(v, v, LANES_OF(8));
#endif
	default:
		return v;
	}
}

/* Of piece k of 64 bytes: the partners of its numbers. */
ALWAYS_INLINE vec partners(const vec pieces[PIECES], size_t k, size_t bit)
{
	return bit < WIDTH ? exchange_lanes(pieces[k], bit) : pieces[k ^ (bit / WIDTH)];
}

/* z = c p + s p', p' the partners; `step` is 0 where all 64 bytes of a state share c and s. z may be p. */
ALWAYS_INLINE void turn_near(size_t bit, const vec *c, const vec *s, size_t step, size_t count, const vec *p, vec *z)
{
	for (size_t v = 0; v < count; v += PIECES, c += step, s += step) {
		vec own[PIECES];
		UNROLL for (size_t k = 0; k < PIECES; k++) own[k] = p[v + k];
		UNROLL for (size_t k = 0; k < PIECES; k++)
		{
			z[v + k] = fma_vec(s[k], partners(own, k, bit), c[k] * own[k]);
		}
	}
}

/* d = c d - s d': the transpose. */
ALWAYS_INLINE void turn_near_back(size_t bit, const vec *c, const vec *s, size_t step, size_t count, vec *d)
{
	for (size_t v = 0; v < count; v += PIECES, c += step, s += step) {
		vec own[PIECES];
		UNROLL for (size_t k = 0; k < PIECES; k++) own[k] = d[v + k];
		UNROLL for (size_t k = 0; k < PIECES; k++)
		{
			d[v + k] = fnma_vec(s[k], partners(own, k, bit), c[k] * own[k]);
		}
	}
}

/* dc += p d, ds += p' d, then the transpose. */
ALWAYS_INLINE void neuron_near_back(size_t bit, const vec *c, const vec *s, size_t count, const vec *p, vec *dc,
                                    vec *ds, vec *d)
{
	for (size_t v = 0; v < count; v += PIECES) {
		vec before[PIECES], own[PIECES];
		UNROLL for (size_t k = 0; k < PIECES; k++)
		{
			before[k] = p[v + k];
			own[k] = d[v + k];
		}
		UNROLL for (size_t k = 0; k < PIECES; k++)
		{
			dc[v + k] = fma_vec(before[k], own[k], dc[v + k]);
			ds[v + k] = fma_vec(partners(before, k, bit), own[k], ds[v + k]);
			d[v + k] = fnma_vec(s[v + k], partners(own, k, bit), c[v + k] * own[k]);
		}
	}
}

/* sum += d z' over the 64 bytes of a state. */
ALWAYS_INLINE void rotation_near_sum(size_t bit, size_t count, const vec *z, const vec *d, vec *sum)
{
	vec total[PIECES];
	UNROLL for (size_t k = 0; k < PIECES; k++) total[k] = sum[k];
	for (size_t v = 0; v < count; v += PIECES) {
		UNROLL for (size_t k = 0; k < PIECES; k++)
		{
			total[k] = fma_vec(d[v + k], partners(z + v, k, bit), total[k]);
		}
	}
	UNROLL for (size_t k = 0; k < PIECES; k++) sum[k] = total[k];
}

/* The near loops, with the bit as a constant. */
#ifdef KERNEL_FLOAT32
#define NEAR_8(call)                                                                                                   \
	case 8:                                                                                                        \
		call(8);                                                                                               \
		break;
#else
#define NEAR_8(call)
#endif
#define NEAR(bit, call)                                                                                                \
	switch (bit) {                                                                                                 \
	case 1:                                                                                                        \
		call(1);                                                                                               \
		break;                                                                                                 \
	case 2:                                                                                                        \
		call(2);                                                                                               \
		break;                                                                                                 \
	case 4:                                                                                                        \
		call(4);                                                                                               \
		break;                                                                                                 \
		NEAR_8(call)                                                                                           \
	default:                                                                                                       \
		break;                                                                                                 \
	}

/* z0 = c p0 - s p1, z1 = s p0 + c p1, pairs `apart` registers apart; c and s move on with the pairs. z may be p. */
static inline void neuron_far(size_t apart, const vec *c, const vec *s, size_t count, const vec *p, vec *z)
{
	for (size_t v = 0; v < count; v += 2 * apart, c += apart, s += apart)
		UNROLL_SOME for (size_t i = v; i < v + apart; i++)
		{
			vec p0 = p[i], p1 = p[i + apart], cosine = c[i - v], sine = s[i - v];
			z[i] = fnma_vec(sine, p1, cosine * p0);
			z[i + apart] = fma_vec(sine, p0, cosine * p1);
		}
}

static inline void neuron_far_back(size_t apart, const vec *c, const vec *s, size_t count, const vec *p, vec *dc,
                                   vec *ds, vec *d)
{
	for (size_t v = 0; v < count; v += 2 * apart, c += apart, s += apart, dc += apart, ds += apart)
		UNROLL_SOME for (size_t i = v; i < v + apart; i++)
		{
			vec p0 = p[i], p1 = p[i + apart], d0 = d[i], d1 = d[i + apart];
			vec cosine = c[i - v], sine = s[i - v];
			dc[i - v] = fma_vec(p1, d1, fma_vec(p0, d0, dc[i - v]));
			ds[i - v] = fnma_vec(p1, d0, fma_vec(p0, d1, ds[i - v]));
			d[i] = fma_vec(sine, d1, cosine * d0);
			d[i + apart] = fnma_vec(sine, d0, cosine * d1);
		}
}

/* The same with one c and one s for all pairs; `sine` has the other sign to turn back. */
static inline void rotation_far(size_t apart, vec cosine, vec sine, size_t count, vec *z)
{
	for (size_t v = 0; v < count; v += 2 * apart)
		UNROLL_SOME for (size_t i = v; i < v + apart; i++)
		{
			vec p0 = z[i], p1 = z[i + apart];
			z[i] = fnma_vec(sine, p1, cosine * p0);
			z[i + apart] = fma_vec(sine, p0, cosine * p1);
		}
}

/* sum += d1 z0 - d0 z1, in the 64 bytes that the numbers of a pair lie at in theirs. */
static inline void rotation_far_sum(size_t apart, size_t count, const vec *z, const vec *d, vec *sum)
{
	vec total[PIECES];
	UNROLL for (size_t k = 0; k < PIECES; k++) total[k] = sum[k];
	for (size_t v = 0; v < count; v += 2 * apart)
		for (size_t i = v; i < v + apart; i += PIECES) {
			UNROLL for (size_t k = 0; k < PIECES; k++)
			{
				size_t low = i + k, high = i + k + apart;
				total[k] = fnma_vec(d[low], z[high], fma_vec(d[high], z[low], total[k]));
			}
		}
	UNROLL for (size_t k = 0; k < PIECES; k++) sum[k] = total[k];
}

#endif
