/* Cosine and sine of half angles, and what features need beyond. Always in float64.
 * Included by kernels only. */
#ifndef QLSTM_CIRCUIT_HALF_ANGLES_H
#define QLSTM_CIRCUIT_HALF_ANGLES_H

#include <math.h>

#include "engine/circuit/encoder_slope.h"
#include "engine/vector/trig.h"

/* cos and sin of angle / 2, within 2 units in the last place of 1; `count` is a multiple of WIDTH64, arrays are
 * aligned. */
static void half_angles(const double *angle, size_t count, double *cosine, double *sine)
{
	const vec64 limit = (vec64){0} + 2 * ANGLE_FAST;
	mask64 fast = {0};
	fast = ~fast;
	for (size_t i = 0; i < count; i += WIDTH64) {
		vec64 a = *(const vec64 *)(angle + i);
		fast &= (a < limit) & (a > -limit); /* false for a NaN, too */
	}
	for (size_t i = 0; i < count; i += WIDTH64)
		cosine_sine_fast(*(const vec64 *)(angle + i) * 0.5, (vec64 *)(cosine + i), (vec64 *)(sine + i));
	for (size_t i = 0; i < count && !all_set(fast); i += WIDTH64)
		cosine_sine(*(const vec64 *)(angle + i) * 0.5, (vec64 *)(cosine + i), (vec64 *)(sine + i));
}

/* The same for the angle atan(tangent), without computing it: cos t = 1 / sqrt(1 + tan^2 t) > 0; then the half-angle
 * formulas, which cancel nowhere on this branch. */
static inline void half_angles_atan(const double *tangent, size_t count, double *restrict cosine, double *restrict sine)
{
	/* Beyond this the angle is pi / 2 to the last digit, and the square could overflow. */
	const vec64 limit = (vec64){0} + 1e150;
	for (size_t i = 0; i < count; i += WIDTH64) {
		vec64 t = *(const vec64 *)(tangent + i);
		t = choose64(t > limit, limit, t);
		*(vec64 *)(sine + i) = choose64(t < -limit, -limit, t);
	}
	for (size_t i = 0; i < count; i++) {
		double whole = 1.0 / sqrt(1.0 + sine[i] * sine[i]);
		cosine[i] = sqrt(0.5 + 0.5 * whole);
		sine[i] = 0.5 * sine[i] * whole / cosine[i];
	}
}

/* cos and sin of half of what the encoder makes of x; x is overwritten. */
static inline void encode(enum encoder encoder, double *x, size_t count, double *cosine, double *sine)
{
	switch (encoder) {
	case ENCODER_ATAN_SQUARE:
		for (size_t i = 0; i < count; i++)
			x[i] *= x[i];
		half_angles_atan(x, count, cosine, sine);
		return;
	case ENCODER_ATAN:
		half_angles_atan(x, count, cosine, sine);
		return;
	default:
		for (size_t i = 0; i < count && encoder != ENCODER_X; i++)
			x[i] = encoder_angle(encoder, x[i]);
		half_angles(x, count, cosine, sine);
	}
}

/* What gradients with respect to the angle are multiplied with; `count` is a multiple of WIDTH64. */
static inline void encoder_slopes(enum encoder encoder, const double *x, size_t count, double *slopes)
{
	for (size_t i = 0; i < count; i += WIDTH64)
		*(vec64 *)(slopes + i) = encoder_slope(encoder, *(const vec64 *)(x + i));
}

#endif
