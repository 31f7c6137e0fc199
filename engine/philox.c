/* Philox4x32-10. J. K. Salmon, M. A. Moraes, R. O. Dror, D. E. Shaw, "Parallel random numbers: as easy as 1, 2, 3",
 * SC11; constants and rounds as in their Random123 library. */
#include "engine/philox.h"

#include <math.h>

#include "engine/elementary/elementary.h"

enum { ROUNDS = 10, BLOCK_WORDS = 4 };

void philox_block(const uint32_t counter[4], const uint32_t key[2], uint32_t out[4])
{
	uint32_t c0 = counter[0], c1 = counter[1], c2 = counter[2], c3 = counter[3];
	uint32_t k0 = key[0], k1 = key[1];
	for (int round = 0; round < ROUNDS; round++) {
		uint64_t p0 = UINT64_C(0xD2511F53) * c0;
		uint64_t p1 = UINT64_C(0xCD9E8D57) * c2;
		c0 = (uint32_t)(p1 >> 32) ^ c1 ^ k0;
		c1 = (uint32_t)p1;
		c2 = (uint32_t)(p0 >> 32) ^ c3 ^ k1;
		c3 = (uint32_t)p0;
		k0 += 0x9E3779B9; /* golden ratio */
		k1 += 0xBB67AE85; /* sqrt(3) - 1 */
	}
	out[0] = c0;
	out[1] = c1;
	out[2] = c2;
	out[3] = c3;
}

void philox_open(struct philox *rng, uint64_t seed, enum philox_purpose purpose, uint32_t stream)
{
	*rng = (struct philox){
	    .key = {(uint32_t)seed, (uint32_t)(seed >> 32)},
	    .counter = {0, 0, stream, (uint32_t)purpose},
	    .used = BLOCK_WORDS,
	};
}

/* The purpose takes the low 8 bits of its word alone; above it stand the layer and the sample's high bits. */
void philox_open_place(struct philox *rng, uint64_t seed, const struct philox_place *place)
{
	philox_open(rng, seed, PHILOX_LAYER, place->epoch);
	rng->counter[1] = (uint32_t)place->sample;
	rng->counter[3] |= (place->layer & 0xff) << 8 | (uint32_t)(place->sample >> 32 & 0xffff) << 16;
}

uint32_t philox_u32(struct philox *rng)
{
	if (rng->used == BLOCK_WORDS) {
		philox_block(rng->counter, rng->key, rng->block);
		rng->used = 0;
		if (++rng->counter[0] == 0)
			rng->counter[1]++;
	}
	return rng->block[rng->used++];
}

double philox_uniform(struct philox *rng)
{
	uint64_t high = philox_u32(rng) >> 5; /* 27 bits */
	uint64_t low = philox_u32(rng) >> 6;  /* 26 bits */
	return (double)(high << 26 | low) * 0x1p-53;
}

double philox_normal(struct philox *rng)
{
	double radius = sqrt(-2 * elementary_log(1 - philox_uniform(rng))); /* 1 - u lies in (0, 1] */
	return radius * elementary_cos(2 * 3.14159265358979323846 * philox_uniform(rng));
}

uint32_t philox_below(struct philox *rng, uint32_t bound)
{
	/* The 2^32 mod bound lowest words would favour small remainders. */
	uint32_t reject = (0 - bound) % bound;
	uint32_t word;
	do
		word = philox_u32(rng);
	while (word < reject);
	return word % bound;
}

void philox_permute(struct philox *rng, size_t *order, size_t n)
{
	for (size_t i = 0; i < n; i++)
		order[i] = i;
	/* n stays below 2^32: that many samples do not fit any memory. */
	for (size_t i = n; i > 1; i--) {
		size_t j = philox_below(rng, (uint32_t)i);
		size_t swap = order[i - 1];
		order[i - 1] = order[j];
		order[j] = swap;
	}
}
