/* Where tiles and amplitudes lie. Internal to engine/circuit. */
#ifndef QLSTM_CIRCUIT_WIDE_PLACE_H
#define QLSTM_CIRCUIT_WIDE_PLACE_H

#include "engine/circuit/wide/wide_strings.h"

/* The bits of `number` put where those of `among` are set, the lowest first. */
static inline uint32_t wide_spread(size_t number, uint32_t among)
{
	uint32_t out = 0;
	for (; among != 0; among &= among - 1, number >>= 1)
		out |= (number & 1) != 0 ? among & -among : 0;
	return out;
}

/* The other way. */
static inline uint32_t wide_compress(uint32_t bits, uint32_t among)
{
	uint32_t out = 0;
	for (int place = 0; among != 0; among &= among - 1, place++)
		out |= (bits >> __builtin_ctz(among) & 1) << place;
	return out;
}

/* The place (wide_kernel.h) of an amplitude among those that differ in the bits `among` only; UINT32_MAX: in memory. */
static inline uint32_t wide_place(uint32_t index, uint32_t among)
{
	index = among == UINT32_MAX ? index : wide_compress(index, among);
	return index >> WIDE_ROW_BITS << (WIDE_ROW_BITS + 1) | (index & (WIDE_ROW - 1));
}

#endif
