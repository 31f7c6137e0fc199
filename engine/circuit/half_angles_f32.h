/* Cosine and sine of half angles for circuits in float32, within 4 units in the last place of 1: a register holds twice
 * as many samples as one of half_angles.h. Included by kernels in float32 only. */
#ifndef QLSTM_CIRCUIT_HALF_ANGLES_F32_H
#define QLSTM_CIRCUIT_HALF_ANGLES_F32_H

#include "engine/circuit/half_angles.h"
#include "engine/vector/trig_f32.h"

/* cos and sin of the halves of WIDTH angles below 2 ANGLE_FAST. */
ALWAYS_INLINE void half_angles_row(const double *angle, vec *cosine, vec *sine)
{
	cosine_sine_row(*(const vec64 *)angle * 0.5, *(const vec64 *)(angle + WIDTH64) * 0.5, cosine, sine);
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
