/* The bits of a float64. */
#ifndef QLSTM_ELEMENTARY_NUMBER_BITS_H
#define QLSTM_ELEMENTARY_NUMBER_BITS_H

#include <stdint.h>
#include <string.h>

static inline uint64_t number_bits(double x)
{
	uint64_t bits;
	memcpy(&bits, &x, sizeof bits);
	return bits;
}

static inline double number_from_bits(uint64_t bits)
{
	double x;
	memcpy(&x, &bits, sizeof x);
	return x;
}

/* 2^exponent for -1022 <= exponent <= 1023. */
static inline double number_power_of_two(int exponent)
{
	return number_from_bits((uint64_t)(exponent + 1023) << 52);
}

/* x without its lower 32 bits: a product of two such is exact. */
static inline double number_head(double x)
{
	return number_from_bits(number_bits(x) & UINT64_C(0xffffffff00000000));
}

/* c[0] + c[1] z + ... + c[n - 1] z^(n-1), by Horner's scheme. */
static inline double number_polynomial(const double *c, int n, double z)
{
	double sum = c[n - 1];
	for (int k = n - 2; k >= 0; k--)
		sum = sum * z + c[k];
	return sum;
}

#endif
