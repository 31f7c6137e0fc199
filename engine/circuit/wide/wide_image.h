/* Pauli strings that are not diagonal, on a whole state: one number at a time. Included by wide_kernel.c only. */
#ifndef QLSTM_CIRCUIT_WIDE_IMAGE_H
#define QLSTM_CIRCUIT_WIDE_IMAGE_H

#include "engine/circuit/wide/wide_vector.h"

/* P|k> = i^(number of Y) (-1)^parity(k & z) |k ^ x>: the sign, and whether the factor is imaginary. */
static double image_sign(const struct pauli_string *string, uint32_t k)
{
	bool odd = __builtin_parity(k & string->z) != 0;
	return odd != ((__builtin_popcount(string->x & string->z) & 2) != 0) ? -1.0 : 1.0;
}

static bool image_imaginary(const struct pauli_string *string)
{
	return (__builtin_popcount(string->x & string->z) & 1) != 0;
}

static size_t real_part_at(uint32_t k)
{
	return ((size_t)k >> WIDE_ROW_BITS << (WIDE_ROW_BITS + 1)) + (k & (WIDE_ROW - 1));
}

static double expect(const struct pauli_string *string, const void *state, int n_bits)
{
	const real *psi = state;
	double sum = 0.0;
	bool imaginary = image_imaginary(string);
	for (uint32_t k = 0; k < 1u << n_bits; k++) {
		const real *from = psi + real_part_at(k), *to = psi + real_part_at(k ^ string->x);
		double re = (double)from[0], im = (double)from[WIDE_ROW], t_re = (double)to[0],
		       t_im = (double)to[WIDE_ROW];
		sum += image_sign(string, k) * (imaginary ? t_im * re - t_re * im : t_re * re + t_im * im);
	}
	return sum;
}

static void add_image(const struct pauli_string *string, double factor, const void *state, void *image, int n_bits)
{
	const real *psi = state;
	bool imaginary = image_imaginary(string);
	for (uint32_t k = 0; k < 1u << n_bits; k++) {
		const real *from = psi + real_part_at(k);
		real *to = (real *)image + real_part_at(k ^ string->x), f = (real)(factor * image_sign(string, k));
		to[0] += f * (imaginary ? -from[WIDE_ROW] : from[0]);
		to[WIDE_ROW] += f * (imaginary ? from[0] : from[WIDE_ROW]);
	}
}

#endif
