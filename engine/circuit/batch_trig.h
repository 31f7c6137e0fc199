/* Cosine and sine of half angles, a row at a time; contracts in batch_kernel.h. Included by batch_kernel.c only. */
#ifndef QLSTM_CIRCUIT_BATCH_TRIG_H
#define QLSTM_CIRCUIT_BATCH_TRIG_H

#include <math.h>

#include "engine/circuit/batch_vector.h"

/* cos and sin of half the angle for |angle| < ANGLE_FAST. Reduction by Cody and Waite in three steps of pi / 2, then
 * the kernel polynomials of fdlibm (k_sin.c, k_cos.c). */
#define ANGLE_FAST 1.0e5

static inline void half_angle_fast(vec angle, vec *cosine, vec *sine)
{
	/* Adding this rounds to an integer, whose low bits are then those of the sum. */
	const double shift = 0x1.8p52;
	vec half = angle * 0.5;
	vec shifted = half * M_2_PI + shift;
	bits quadrant = (bits)shifted;
	vec q = shifted - shift;
	vec r = half - q * 1.57079632673412561417e+00;
	r = r - q * 6.07710050630396597660e-11;
	r = r - q * 2.02226624879595063154e-21;
	vec z = r * r;
	vec s = 1.58969099521155010221e-10 * z - 2.50507602534068634195e-08;
	s = s * z + 2.75573137070700676789e-06;
	s = s * z - 1.98412698298579493134e-04;
	s = s * z + 8.33333333332248946124e-03;
	s = s * z - 1.66666666666666324348e-01;
	s = r + r * z * s;
	vec c = -1.13596475577881948265e-11 * z + 2.08757232129817482790e-09;
	c = c * z - 2.75573143513906633035e-07;
	c = c * z + 2.48015872894767294178e-05;
	c = c * z - 1.38888888888741095749e-03;
	c = c * z + 4.16666666666666019037e-02;
	c = 1.0 - 0.5 * z + z * z * c;
	mask odd = (mask)(-(quadrant & 1));
	*sine = (vec)((bits)choose(odd, c, s) ^ ((quadrant & 2) << 62));
	*cosine = (vec)((bits)choose(odd, s, c) ^ (((quadrant + 1) & 2) << 62));
}

static void half_angles(const double *angle, double *cosine, double *sine)
{
	int fast = 1;
	for (size_t i = 0; i < BATCH_LANES; i++)
		fast &= fabs(angle[i]) < ANGLE_FAST; /* false for a NaN, too */
	if (fast) {
		for (size_t i = 0; i < BATCH_LANES; i += WIDTH)
			half_angle_fast(*(const vec *)(angle + i), (vec *)(cosine + i), (vec *)(sine + i));
		return;
	}
	for (size_t i = 0; i < BATCH_LANES; i++) {
		cosine[i] = cos(angle[i] / 2);
		sine[i] = sin(angle[i] / 2);
	}
}

/* cos t = 1 / sqrt(1 + tan^2 t) > 0; then the half-angle formulas, which cancel nowhere on this branch. */
static void half_angles_atan(const double *tangent, double *restrict cosine, double *restrict sine)
{
	/* Beyond this the angle is pi / 2 to the last digit, and the square could overflow. */
	const vec limit = (vec){0} + 1e150;
	for (size_t i = 0; i < BATCH_LANES; i += WIDTH) {
		vec t = *(const vec *)(tangent + i);
		t = choose(t > limit, limit, t);
		*(vec *)(sine + i) = choose(t < -limit, -limit, t);
	}
	for (size_t i = 0; i < BATCH_LANES; i++) {
		double whole = 1.0 / sqrt(1.0 + sine[i] * sine[i]);
		cosine[i] = sqrt(0.5 + 0.5 * whole);
		sine[i] = 0.5 * sine[i] * whole / cosine[i];
	}
}

#endif
