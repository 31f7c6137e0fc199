/* Rows of cosines and sines of a tile's angles. Included by local_tile.h only. */
#ifndef QLSTM_CIRCUIT_LOCAL_ENCODE_H
#define QLSTM_CIRCUIT_LOCAL_ENCODE_H

#include "engine/circuit/encoder_slope.h"
#include "engine/vector/trig.h"

#ifdef KERNEL_FLOAT32
#include "engine/vector/trig_f32.h"
#endif

/* As many numbers as a vec64 has. */
#ifdef KERNEL_FLOAT32
typedef half_vec piece;
#else
typedef vec64 piece;
#endif

static inline void put(real *to, vec64 v)
{
	*(piece *)to = __builtin_convertvector(v, piece);
}

static inline vec64 get(const real *from)
{
	return __builtin_convertvector(*(const piece *)from, vec64);
}

/* Lanes that are computed where `used` hold samples: vectors are whole. */
static inline size_t whole_vectors(size_t used)
{
	return (used + WIDTH - 1) / WIDTH * WIDTH;
}

static inline size_t lanes_left(size_t used, size_t lane)
{
	return used > lane ? used - lane : 0;
}

/* cos and sin of what the encoder, which is not ENCODER_ATAN or ENCODER_ATAN_SQUARE, makes of features, turned further
 * by `more`, whatever their size. */
static inline void encode_any(enum encoder encoder, const double *from, size_t used, double more, real *cosines,
                              real *sines)
{
	for (size_t l = 0; l < whole_vectors(used); l += WIDTH64) {
		vec64 cosine, sine, angle = load64(from + l, lanes_left(used, l));
		for (size_t k = 0; k < WIDTH64 && encoder != ENCODER_X; k++)
			angle[k] = encoder_angle(encoder, angle[k]);
		cosine_sine(angle + more, &cosine, &sine);
		put(cosines + l, cosine);
		put(sines + l, sine);
	}
}

#ifdef KERNEL_FLOAT32
/* Of angles that are features, turned further by `more`; false when one of them is too large for that. */
ALWAYS_INLINE bool encode_fast(const double *from, size_t used, double more, real *cosines, real *sines)
{
	mask64 fast = {0};
	fast = ~fast;
	UNROLL for (size_t l = 0; l < whole_vectors(used); l += WIDTH)
	{
		vec64 low = load64(from + l, lanes_left(used, l)) + more;
		vec64 high = load64(from + l + WIDTH64, lanes_left(used, l + WIDTH64)) + more;
		fast &= is_fast_angle(low) & is_fast_angle(high);
		cosine_sine_row(low, high, (vec *)(cosines + l), (vec *)(sines + l));
	}
	return all_set(fast);
}

/* Of the angles atan(x) or atan(x^2). */
ALWAYS_INLINE void encode_atan(const double *from, size_t used, bool square, real *cosines, real *sines)
{
	UNROLL for (size_t l = 0; l < whole_vectors(used); l += WIDTH)
	{
		vec64 low = load64(from + l, lanes_left(used, l));
		vec64 high = load64(from + l + WIDTH64, lanes_left(used, l + WIDTH64));
		if (square) {
			low *= low;
			high *= high;
		}
		half_vec a = __builtin_convertvector(low, half_vec), b = __builtin_convertvector(high, half_vec);
		cosine_sine_atan_row(__builtin_shufflevector(a, b, LOW_HALF, HIGH_HALF), (vec *)(cosines + l),
		                     (vec *)(sines + l));
	}
}
#else
ALWAYS_INLINE bool encode_fast(const double *from, size_t used, double more, real *cosines, real *sines)
{
	mask64 fast = {0};
	fast = ~fast;
	UNROLL for (size_t l = 0; l < whole_vectors(used); l += WIDTH)
	{
		vec64 angle = load64(from + l, lanes_left(used, l)) + more;
		fast &= is_fast_angle(angle);
		cosine_sine_fast(angle, (vec64 *)(cosines + l), (vec64 *)(sines + l));
	}
	return all_set(fast);
}

ALWAYS_INLINE void encode_atan(const double *from, size_t used, bool square, real *cosines, real *sines)
{
	for (size_t l = 0; l < whole_vectors(used); l += WIDTH) {
		vec64 x = load64(from + l, lanes_left(used, l));
		if (square)
			x *= x;
		cosine_sine_atan(x, (vec64 *)(cosines + l), (vec64 *)(sines + l));
	}
}
#endif

#endif
