/* Cosine and sine of a register of angles, in float32: twice as many angles as one of trig.h holds. Only kernels in
 * float32 (-DKERNEL_FLOAT32) include it. */
#ifndef QLSTM_VECTOR_TRIG_F32_H
#define QLSTM_VECTOR_TRIG_F32_H

#include "engine/vector/trig.h"

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

/* cos and sin of WIDTH angles below ANGLE_FAST, within 4 units in the last place of 1. The polynomials are those of
 * Cephes (sinf.c, cosf.c). */
ALWAYS_INLINE void cosine_sine_row(vec64 first, vec64 others, vec *cosine, vec *sine)
{
	half_bits32 quadrant_low, quadrant_high;
	half_vec low = reduce(first, &quadrant_low), high = reduce(others, &quadrant_high);
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

/* Of the angles atan(tangent), without computing them: cos t = 1 / sqrt(1 + tan^2 t) > 0. */
ALWAYS_INLINE void cosine_sine_atan_row(vec tangent, vec *cosine, vec *sine)
{
	/* Beyond this the angle is pi / 2 to the last digit, and the square could overflow. */
	const float limit = 1e18f;
	vec hypotenuse;
	UNROLL for (size_t l = 0; l < WIDTH; l++)
	{
		float t = tangent[l] > limit ? limit : tangent[l];
		tangent[l] = t < -limit ? -limit : t;
	}
	hypotenuse = fma_vec(tangent, tangent, SPLAT(1.0f));
	UNROLL for (size_t l = 0; l < WIDTH; l++) hypotenuse[l] = sqrtf(hypotenuse[l]);
	*cosine = 1.0f / hypotenuse;
	*sine = tangent / hypotenuse;
}

#endif
