/* Random numbers by a counter-based generator: Philox4x32-10 (Salmon et al., SC11). A draw is a pure function of
 * (seed, purpose, stream, counter), so results do not depend on threads or on where a run was interrupted. */
#ifndef QLSTM_PHILOX_H
#define QLSTM_PHILOX_H

#include <stddef.h>
#include <stdint.h>

enum philox_purpose {
	PHILOX_INIT = 1,
	PHILOX_SHUFFLE = 2,
	PHILOX_LAYER = 3,
	PHILOX_DATA = 4,
	PHILOX_SPLIT = 5,
	PHILOX_TEST = 99
};

struct philox {
	uint32_t key[2];     /* from the seed */
	uint32_t counter[4]; /* block number (low, high), stream, purpose; or a place, see below */
	uint32_t block[4];
	unsigned used; /* words of block already handed out; 4: block is empty */
};

void philox_open(struct philox *rng, uint64_t seed, enum philox_purpose purpose, uint32_t stream);
/* What a layer draws for one sample in one epoch of training: whoever draws, and beside which other samples, does not
 * matter. layer < 256, sample < 2^48; 2^34 words before two places overlap. */
struct philox_place {
	uint32_t layer, epoch;
	uint64_t sample; /* its index in the data set */
};
void philox_open_place(struct philox *rng, uint64_t seed, const struct philox_place *place);
uint32_t philox_u32(struct philox *rng);
/* Uniform in [0, 1) with 53 bits. */
double philox_uniform(struct philox *rng);
/* Standard normal, Box-Muller; takes two uniforms a draw. */
double philox_normal(struct philox *rng);
/* Uniform in [0, bound), unbiased (rejection); bound > 0. */
uint32_t philox_below(struct philox *rng, uint32_t bound);
/* Fisher-Yates permutation of 0 .. n-1 written to order. */
void philox_permute(struct philox *rng, size_t *order, size_t n);

/* The raw block function, for the published test vectors. */
void philox_block(const uint32_t counter[4], const uint32_t key[2], uint32_t out[4]);

#endif
