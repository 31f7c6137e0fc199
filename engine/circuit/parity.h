/* Z-strings as signs: on basis state k the string with the bits of `mask` is (-1)^parity(k & mask). Internal to
 * engine/circuit. */
#ifndef QLSTM_CIRCUIT_PARITY_H
#define QLSTM_CIRCUIT_PARITY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Whether an odd number of bits is set. */
static inline bool parity(uint32_t bits)
{
	return __builtin_parity(bits) != 0;
}

/* The Walsh-Hadamard transform of `size` rows of `width` numbers, in place: t[m] = sum_k (-1)^parity(k & m) t[k]. Both
 * are powers of two. */
static inline void walsh_hadamard(double *t, size_t size, size_t width)
{
	for (size_t half = width; half < size * width; half *= 2)
		for (size_t i = 0; i < size * width; i += 2 * half)
			for (size_t j = i; j < i + half; j++) {
				double a = t[j], b = t[j + half];
				t[j] = a + b;
				t[j + half] = a - b;
			}
}

#endif
