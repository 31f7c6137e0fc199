/* Cosine and sine of a register of angles, in float64. Only files in KERNEL_SRC (Makefile) include it. */
#ifndef QLSTM_VECTOR_TRIG_H
#define QLSTM_VECTOR_TRIG_H

#include <math.h>

#include "engine/elementary/elementary.h"
#include "engine/vector/fused.h"

/* For |angle| < ANGLE_FAST, within 2 units in the last place of 1. Reduction by Cody and Waite with pi / 2
 * in two parts, of which the first has 33 bits, then the kernel polynomials of fdlibm (k_sin.c, k_cos.c). */
#define ANGLE_FAST 5.0e4

static inline void cosine_sine_fast(vec64 angle, vec64 *cosine, vec64 *sine)
{
	/* Adding this rounds to an integer, whose low bits are then those of the sum. */
	const double shift = 0x1.8p52;
	vec64 shifted = fma64(angle, SPLAT64(M_2_PI), SPLAT64(shift));
	bits64 quadrant = (bits64)shifted;
	vec64 q = shifted - shift;
	vec64 r = fnma64(q, SPLAT64(1.57079632673412561417e+00), angle);
	r = fnma64(q, SPLAT64(6.07710050650619224932e-11), r);
	/* Both polynomials in pairs of terms, so that fewer steps wait for each other. */
	vec64 z = r * r, z2 = z * z;
	vec64 s = line64(z, 1.58969099521155010221e-10, -2.50507602534068634195e-08);
	s = fma64(s, z2, line64(z, 2.75573137070700676789e-06, -1.98412698298579493134e-04));
	s = fma64(s, z2, line64(z, 8.33333333332248946124e-03, -1.66666666666666324348e-01));
	s = fma64(r * z, s, r);
	vec64 c = line64(z, -1.13596475577881948265e-11, 2.08757232129817482790e-09);
	c = fma64(c, z2, line64(z, -2.75573143513906633035e-07, 2.48015872894767294178e-05));
	c = fma64(c, z2, line64(z, -1.38888888888741095749e-03, 4.16666666666666019037e-02));
	c = fma64(z2, c, line64(z, -0.5, 1.0));
	bits64 swap = ((bits64)s ^ (bits64)c) & -(quadrant & 1);
	*sine = (vec64)((bits64)s ^ swap ^ ((quadrant & 2) << 62));
	*cosine = (vec64)((bits64)c ^ swap ^ (((quadrant + 1) & 2) << 62));
}

/* The lanes that cosine_sine_fast takes; none that holds a NaN. */
static inline mask64 is_fast_angle(vec64 angle)
{
	const vec64 limit = (vec64){0} + ANGLE_FAST;
	return (angle < limit) & (angle > -limit);
}

static inline bool all_set(mask64 m)
{
	long long all = -1;
	for (size_t l = 0; l < WIDTH64; l++)
		all &= m[l];
	return all != 0;
}

/* Within 2 units in the last place of 1 for any angle; no lane depends on another one. */
static inline void cosine_sine(vec64 angle, vec64 *cosine, vec64 *sine)
{
	mask64 fast = is_fast_angle(angle);
	cosine_sine_fast(angle, cosine, sine);
	if (all_set(fast))
		return;
	for (size_t l = 0; l < WIDTH64; l++) {
		double c, s;
		if (fast[l])
			continue;
		elementary_cosine_sine(angle[l], &c, &s);
		(*cosine)[l] = c;
		(*sine)[l] = s;
	}
}

/* Of the angle atan(tangent), without computing it: cos t = 1 / sqrt(1 + tan^2 t) > 0. */
static inline void cosine_sine_atan(vec64 tangent, vec64 *cosine, vec64 *sine)
{
	/* Beyond this the angle is pi / 2 to the last digit, and the square could overflow. */
	const vec64 limit = (vec64){0} + 1e150;
	vec64 t = choose64(tangent > limit, limit, tangent), hypotenuse;
	t = choose64(t < -limit, -limit, t);
	hypotenuse = fma64(t, t, SPLAT64(1.0));
	for (size_t l = 0; l < WIDTH64; l++)
		hypotenuse[l] = sqrt(hypotenuse[l]);
	*cosine = 1.0 / hypotenuse;
	*sine = t * *cosine;
}

#endif
