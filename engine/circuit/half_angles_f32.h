/* Cosine and sine of half angles for circuits in float32, within 4 units in the last place of 1: a register holds twice
 * as many samples as one of half_angles.h. Included by kernels in float32 only. */
#ifndef QLSTM_CIRCUIT_HALF_ANGLES_F32_H
#define QLSTM_CIRCUIT_HALF_ANGLES_F32_H

#include "engine/circuit/half_angles.h"

typedef unsigned int bits32 __attribute__((vector_size(VECTOR_BYTES), may_alias));
typedef unsigned int half_bits32 __attribute__((vector_size(VECTOR_BYTES / 2), may_alias));

/* An angle less its quarter turns, within a register's half. The reduction is in float64, where an angle of thousands
 * of turns keeps its digits. */
ALWAYS_INLINE half_vec reduce(vec64 angle, half_bits32 *quadrant)
{
	const double shift = 0x1.8p52;
	vec64 shifted = fma64(angle, SPLAT64(M_2_PI), SPLAT64(shift)), q = shifted - shift;
	vec64 r = fnma64(q, SPLAT64(1.57079632673412561417e+00), angle);
	r = fnma64(q, SPLAT64(6.07710050650619224932e-11), r);
	*quadrant = __builtin_convertvector((bits64)shifted & 3, half_bits32);
	return __builtin_convertvector(r, half_vec);
}

/* cos and sin of the halves of WIDTH angles below ANGLE_FAST. The polynomials are those of Cephes (sinf.c, cosf.c). */
ALWAYS_INLINE void half_angles_row(const double *angle, vec *cosine, vec *sine)
{
	half_bits32 quadrant_low, quadrant_high;
	half_vec low = reduce(*(const vec64 *)angle * 0.5, &quadrant_low);
	half_vec high = reduce(*(const vec64 *)(angle + WIDTH64) * 0.5, &quadrant_high);
	vec r = __builtin_shufflevector(low, high, LOW_HALF, HIGH_HALF);
	bits32 quadrant = __builtin_shufflevector(quadrant_low, quadrant_high, LOW_HALF, HIGH_HALF);
	vec z = r * r;
	vec s = fma_vec(SPLAT(-1.9515295891e-4f), z, SPLAT(8.3321608736e-3f));
	s = fma_vec(s, z, SPLAT(-1.6666654611e-1f));
	s = fma_vec(r * z, s, r);
	vec c = fma_vec(SPLAT(2.443315711809948e-5f), z, SPLAT(-1.388731625493765e-3f));
	c = fma_vec(c, z, SPLAT(4.166664568298827e-2f));
	c = fma_vec(z * z, c, fma_vec(SPLAT(-0.5f), z, SPLAT(1.0f)));
	bits32 swap = ((bits32)s ^ (bits32)c) & -(quadrant & 1);
	*sine = (vec)((bits32)s ^ swap ^ ((quadrant & 2) << 30));
	*cosine = (vec)((bits32)c ^ swap ^ (((quadrant + 1) & 2) << 30));
}

/* cos and sin of angle / 2; `count` is a multiple of WIDTH, arrays are aligned. *angle is overwritten where one is
 * large. */
static void half_angles_f32(double *angle, size_t count, vec *cosine, vec *sine)
{
	const vec64 limit = (vec64){0} + 2 * ANGLE_FAST;
	mask64 fast = {0};
	fast = ~fast;
	for (size_t i = 0; i < count; i += WIDTH64) {
		vec64 a = *(const vec64 *)(angle + i);
		fast &= (a < limit) & (a > -limit); /* false for a NaN, too */
	}
	for (size_t i = 0; i < count; i += WIDTH)
		half_angles_row(angle + i, cosine + i / WIDTH, sine + i / WIDTH);
	for (size_t i = 0; i < count && !all_set(fast); i++)
		if (!(fabs(angle[i]) < 2 * ANGLE_FAST)) {
			double c, s;
			elementary_cosine_sine(0.5 * angle[i], &c, &s);
			((float *)cosine)[i] = (float)c;
			((float *)sine)[i] = (float)s;
		}
}

/* As half_angles_atan; `square` for the angle atan(x^2). */
static void half_angles_atan_f32(const double *x, size_t count, bool square, vec *cosine, vec *sine)
{
	/* Beyond this the angle is pi / 2 to the last digit, and the square could overflow. */
	const float limit = 1e18f;
	float *restrict c = (float *)cosine, *restrict s = (float *)sine;
	for (size_t i = 0; i < count; i++) {
		float t = (float)(square ? x[i] * x[i] : x[i]);
		t = t > limit ? limit : t;
		s[i] = t < -limit ? -limit : t;
	}
	for (size_t i = 0; i < count; i++) {
		float whole = 1.0f / sqrtf(1.0f + s[i] * s[i]);
		c[i] = sqrtf(0.5f + 0.5f * whole);
		s[i] = 0.5f * s[i] * whole / c[i];
	}
}

/* cos and sin of half of what the encoder makes of x; x is overwritten. */
static void encode_f32(enum encoder encoder, double *x, size_t count, vec *cosine, vec *sine)
{
	if (encoder == ENCODER_ATAN || encoder == ENCODER_ATAN_SQUARE) {
		half_angles_atan_f32(x, count, encoder == ENCODER_ATAN_SQUARE, cosine, sine);
		return;
	}
	for (size_t i = 0; i < count && encoder != ENCODER_X; i++)
		x[i] = encoder_angle(encoder, x[i]);
	half_angles_f32(x, count, cosine, sine);
}

/* As encoder_slopes. */
static void encoder_slopes_f32(enum encoder encoder, const double *x, size_t count, float *slopes)
{
	for (size_t i = 0; i < count && encoder == ENCODER_ATAN; i++) {
		float t = (float)x[i];
		slopes[i] = 1.0f / (1.0f + t * t);
	}
	for (size_t i = 0; i < count && encoder == ENCODER_ATAN_SQUARE; i++) {
		float t = (float)x[i], square = t * t;
		slopes[i] = 2.0f * (t / (1.0f + square * square));
	}
	for (size_t i = 0; i < count && encoder != ENCODER_ATAN && encoder != ENCODER_ATAN_SQUARE; i++)
		slopes[i] = (float)encoder_derivative(encoder, x[i]);
}

#endif
