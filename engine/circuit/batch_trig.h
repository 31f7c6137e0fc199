/* Cosine and sine of half angles, and what features need beyond. Always in float64.
 * Included by batch_kernel.c only. */
#ifndef QLSTM_CIRCUIT_BATCH_TRIG_H
#define QLSTM_CIRCUIT_BATCH_TRIG_H

#include <math.h>

#include "engine/circuit/program.h"
#include "engine/circuit/vector.h"

/* cos and sin of half the angle for |angle| < ANGLE_FAST. Reduction by Cody and Waite in three steps of pi / 2, then
 * the kernel polynomials of fdlibm (k_sin.c, k_cos.c). */
#define ANGLE_FAST 1.0e5

static inline void half_angle_fast(vec64 angle, vec64 *cosine, vec64 *sine)
{
	/* Adding this rounds to an integer, whose low bits are then those of the sum. */
	const double shift = 0x1.8p52;
	vec64 half = angle * 0.5;
	vec64 shifted = half * M_2_PI + shift;
	bits64 quadrant = (bits64)shifted;
	vec64 q = shifted - shift;
	vec64 r = half - q * 1.57079632673412561417e+00;
	r = r - q * 6.07710050630396597660e-11;
	r = r - q * 2.02226624879595063154e-21;
	vec64 z = r * r;
	vec64 s = 1.58969099521155010221e-10 * z - 2.50507602534068634195e-08;
	s = s * z + 2.75573137070700676789e-06;
	s = s * z - 1.98412698298579493134e-04;
	s = s * z + 8.33333333332248946124e-03;
	s = s * z - 1.66666666666666324348e-01;
	s = r + r * z * s;
	vec64 c = -1.13596475577881948265e-11 * z + 2.08757232129817482790e-09;
	c = c * z - 2.75573143513906633035e-07;
	c = c * z + 2.48015872894767294178e-05;
	c = c * z - 1.38888888888741095749e-03;
	c = c * z + 4.16666666666666019037e-02;
	c = 1.0 - 0.5 * z + z * z * c;
	mask64 odd = (mask64)(-(quadrant & 1));
	*sine = (vec64)((bits64)choose64(odd, c, s) ^ ((quadrant & 2) << 62));
	*cosine = (vec64)((bits64)choose64(odd, s, c) ^ (((quadrant + 1) & 2) << 62));
}

static inline bool all_set(mask64 m)
{
	long long all = -1;
	for (size_t l = 0; l < WIDTH64; l++)
		all &= m[l];
	return all != 0;
}

/* cos and sin of angle / 2, within 2 units in the last place of 1; `count` is a multiple of WIDTH64, arrays are
 * aligned. */
static void half_angles(const double *angle, size_t count, double *cosine, double *sine)
{
	const vec64 limit = (vec64){0} + ANGLE_FAST;
	mask64 fast = {0};
	fast = ~fast;
	for (size_t i = 0; i < count; i += WIDTH64) {
		vec64 a = *(const vec64 *)(angle + i);
		fast &= (a < limit) & (a > -limit); /* false for a NaN, too */
	}
	if (all_set(fast)) {
		for (size_t i = 0; i < count; i += WIDTH64)
			half_angle_fast(*(const vec64 *)(angle + i), (vec64 *)(cosine + i), (vec64 *)(sine + i));
		return;
	}
	for (size_t i = 0; i < count; i++) {
		cosine[i] = cos(angle[i] / 2);
		sine[i] = sin(angle[i] / 2);
	}
}

/* The same for the angle atan(tangent), without computing it: cos t = 1 / sqrt(1 + tan^2 t) > 0; then the half-angle
 * formulas, which cancel nowhere on this branch. */
static void half_angles_atan(const double *tangent, size_t count, double *restrict cosine, double *restrict sine)
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
static void encode(enum encoder encoder, double *x, size_t count, double *cosine, double *sine)
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
static void encoder_slopes(enum encoder encoder, const double *x, size_t count, double *slopes)
{
	for (size_t i = 0; i < count; i += WIDTH64) {
		vec64 v = *(const vec64 *)(x + i), square = v * v;
		if (encoder == ENCODER_ATAN)
			*(vec64 *)(slopes + i) = 1.0 / (1.0 + square);
		else if (encoder == ENCODER_ATAN_SQUARE)
			*(vec64 *)(slopes + i) = 2.0 * v / (1.0 + square * square);
		else
			for (size_t l = i; l < i + WIDTH64; l++)
				slopes[l] = encoder_derivative(encoder, x[l]);
	}
}

#endif
