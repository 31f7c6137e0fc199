/* Virtual lanes: what is summed over samples, or over the amplitudes of a register, is kept in as many sums as a
 * register of 64 bytes has lanes, whatever the processor's have, and these are added up as a tree. So results do not
 * depend on the instruction set. Example: float64 has 8 virtual lanes; with registers of 32 bytes, lanes 0..3 are in a
 * first register and 4..7 in a second one. Included by kernels only. */
#ifndef QLSTM_CIRCUIT_LANES_H
#define QLSTM_CIRCUIT_LANES_H

#include "engine/vector/fused.h"

#define VIRTUAL_BYTES 64

/* Lanes, and the registers that they take. */
enum { VIRTUAL_LANES = VIRTUAL_BYTES / sizeof(real), PIECES = VIRTUAL_BYTES / VECTOR_BYTES };

/* Their sum: lanes half of them apart, then a quarter, and so on. Overwrites them. */
static inline double lanes_total(double *lanes)
{
	UNROLL for (size_t apart = VIRTUAL_LANES / 2; apart > 0; apart /= 2)
	{
		UNROLL for (size_t l = 0; l < apart; l++) lanes[l] += lanes[l + apart];
	}
	return lanes[0];
}

/* lanes_total of the lanes of one register. */
static inline double register_total(vec64 v)
{
	typedef double pair __attribute__((vector_size(16)));
#if VECTOR_BYTES == 64
	typedef double quad __attribute__((vector_size(32)));
	quad q = __builtin_shufflevector(v, v, 0, 1, 2, 3) + __builtin_shufflevector(v, v, 4, 5, 6, 7);
	pair p = __builtin_shufflevector(q, q, 0, 1) + __builtin_shufflevector(q, q, 2, 3);
#elif VECTOR_BYTES == 32
	pair p = __builtin_shufflevector(v, v, 0, 1) + __builtin_shufflevector(v, v, 2, 3);
#else
	pair p = v;
#endif
	return p[0] + p[1];
}

/* Registers of float64 that hold the virtual lanes. */
enum { LANES_REGISTERS = VIRTUAL_LANES / WIDTH64 };

/* lanes_total of lanes in registers. Overwrites them. */
static inline double registers_total(vec64 sums[LANES_REGISTERS])
{
	UNROLL for (size_t count = LANES_REGISTERS / 2; count > 0; count /= 2)
	{
		UNROLL for (size_t k = 0; k < count; k++) sums[k] += sums[k + count];
	}
	return register_total(sums[0]);
}

/* The first `count` pieces of a row of virtual lanes, which stand `stride` registers apart, in float64; the others are
 * zeros. */
ALWAYS_INLINE void pieces_widen(const vec *pieces, size_t stride, size_t count, vec64 out[LANES_REGISTERS])
{
	UNROLL for (size_t p = 0; p < PIECES; p++)
	{
		vec piece = p < count ? pieces[p * stride] : (vec){0};
#ifdef KERNEL_FLOAT32
		half_vec low = __builtin_shufflevector(piece, piece, LOW_HALF);
		half_vec high = __builtin_shufflevector(piece, piece, HIGH_HALF);
		out[2 * p] = __builtin_convertvector(low, vec64);
		out[2 * p + 1] = __builtin_convertvector(high, vec64);
#else
		out[p] = piece;
#endif
	}
}

/* lanes_total of them. */
static inline double pieces_total(const vec *pieces, size_t stride, size_t count)
{
	vec64 sums[LANES_REGISTERS];
	pieces_widen(pieces, stride, count, sums);
	return registers_total(sums);
}

#endif
