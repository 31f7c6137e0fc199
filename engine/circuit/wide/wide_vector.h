/* Registers of amplitudes whose lanes change places, and how they are stored: intrinsics, here and nowhere else in
 * `wide`. Included by wide_kernel.c only. */
#ifndef QLSTM_CIRCUIT_WIDE_VECTOR_H
#define QLSTM_CIRCUIT_WIDE_VECTOR_H

#include "engine/circuit/lanes.h"
#include "engine/circuit/wide/wide_kernel.h"

#if defined __x86_64__
#include <immintrin.h>
#endif

#define BITS_OF(lanes) ((lanes) == 16 ? 4 : (lanes) == 8 ? 3 : (lanes) == 4 ? 2 : 1)

/* Registers in a row of numbers; bits of a lane's number in a register, and among the virtual lanes. */
enum { ROW_VECS = WIDE_ROW / WIDTH, LANE_BITS = BITS_OF(WIDTH), VIRTUAL_LANE_BITS = BITS_OF(VIRTUAL_LANES) };

/* The lanes' numbers, exclusive or m. */
#define LANES_2(m) 0 ^ (m), 1 ^ (m)
#define LANES_4(m) LANES_2(m), 2 ^ (m), 3 ^ (m)
#define LANES_8(m) LANES_4(m), 4 ^ (m), 5 ^ (m), 6 ^ (m), 7 ^ (m)
#ifdef KERNEL_FLOAT32
#define REAL_BYTES 4
#else
#define REAL_BYTES 8
#endif
#if VECTOR_BYTES / REAL_BYTES == 16
#define LANES(m) LANES_8(m), 8 ^ (m), 9 ^ (m), 10 ^ (m), 11 ^ (m), 12 ^ (m), 13 ^ (m), 14 ^ (m), 15 ^ (m)
#elif VECTOR_BYTES / REAL_BYTES == 8
#define LANES(m) LANES_8(m)
#elif VECTOR_BYTES / REAL_BYTES == 4
#define LANES(m) LANES_4(m)
#else
#define LANES(m) LANES_2(m)
#endif

/* The lanes exchanged in pairs that differ in bit `place`, a constant. */
ALWAYS_INLINE vec exchange(vec v, int place)
{
#if VECTOR_BYTES / REAL_BYTES >= 16
	if (place == 3)
		return __builtin_shufflevector(v, v, LANES(8));
#endif
#if VECTOR_BYTES / REAL_BYTES >= 8
	if (place == 2)
		return __builtin_shufflevector(v, v, LANES(4));
#endif
#if VECTOR_BYTES / REAL_BYTES >= 4
	if (place == 1)
		return __builtin_shufflevector(v, v, LANES(2));
#endif
	(void)place;
	return __builtin_shufflevector(v, v, LANES(1));
}

/* -x in the virtual lanes of a piece with bit `place` clear, x in the others. */
ALWAYS_INLINE vec lane_signs(int piece, int place, real x)
{
	vec signs;
	for (int l = 0; l < WIDTH; l++)
		signs[l] = ((piece * WIDTH + l) >> place & 1) != 0 ? x : -x;
	return signs;
}

/* Piece `piece` of the virtual lanes at `from`, exchanged in pairs that differ in bit `place`. */
ALWAYS_INLINE vec exchanged(const real *from, int piece, int place)
{
	if (place >= LANE_BITS)
		return *((const vec *)from + (piece ^ 1 << (place - LANE_BITS)));
	return exchange(*((const vec *)from + piece), place);
}

/* Where each lane of a register comes from; `numbers` are of 32-bit pieces. */
union lane_sources {
	vec64 register_;
	uint32_t numbers[VECTOR_BYTES / 4];
};

static union lane_sources lane_sources(const uint32_t *lanes)
{
	union lane_sources sources;
	const uint32_t pieces = REAL_BYTES / 4;
	for (uint32_t i = 0; i < VECTOR_BYTES / 4; i++)
		sources.numbers[i] = lanes[i / pieces] * pieces + i % pieces;
	return sources;
}

/* A permutation known at run time. */
ALWAYS_INLINE vec permute(vec v, const union lane_sources *sources)
{
#if defined __AVX512F__ && VECTOR_BYTES == 64
	return (vec)_mm512_permutexvar_ps((__m512i)sources->register_, (__m512)v);
#elif defined __AVX2__ && VECTOR_BYTES == 32
	return (vec)_mm256_permutevar8x32_ps((__m256)v, (__m256i)sources->register_);
#else
	union {
		vec v;
		uint32_t pieces[VECTOR_BYTES / 4];
	} from = {v}, to;
	for (int i = 0; i < VECTOR_BYTES / 4; i++)
		to.pieces[i] = from.pieces[sources->numbers[i]];
	return to.v;
#endif
}

/* Stores a register past the caches where the instruction set can; whole cache lines in a row are then written without
 * being read. Others see them for certain only after stores_past_end. */
ALWAYS_INLINE void store_past(vec *to, vec v)
{
#if defined __AVX512F__ && VECTOR_BYTES == 64
	_mm512_stream_ps((float *)to, (__m512)v);
#elif defined __AVX__ && VECTOR_BYTES == 32
	_mm256_stream_ps((float *)to, (__m256)v);
#elif defined __SSE2__ && VECTOR_BYTES == 16
	_mm_stream_ps((float *)to, (__m128)v);
#else
	*to = v;
#endif
}

ALWAYS_INLINE void stores_past_end(void)
{
#if defined __x86_64__
	_mm_sfence();
#endif
}

/* to[lane] += v. */
ALWAYS_INLINE void accumulate(double *to, vec v)
{
#ifdef KERNEL_FLOAT32
	half_vec low = __builtin_shufflevector(v, v, LOW_HALF), high = __builtin_shufflevector(v, v, HIGH_HALF);
	*(loose64 *)to += __builtin_convertvector(low, vec64);
	*(loose64 *)(to + WIDTH64) += __builtin_convertvector(high, vec64);
#else
	*(loose64 *)to += v;
#endif
}

#endif
