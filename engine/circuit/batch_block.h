/* Several commuting rotations in one pass over the amplitudes: a block of 2^gates numbers is loaded, turned by every
 * rotation in registers, and stored. See struct batch_step. Included by batch_kernel.c only. */
#ifndef QLSTM_CIRCUIT_BATCH_BLOCK_H
#define QLSTM_CIRCUIT_BATCH_BLOCK_H

#include "engine/circuit/batch_circuit.h"
#include "engine/circuit/vector.h"

/* cos and sin of half the angles. */
struct block_angles {
	vec cosine[BATCH_BLOCK_GATES], sine[BATCH_BLOCK_GATES];
};

/* Index in the block of the number that rotation g takes to the other one of its pair; b has bit g clear. `crossed`:
 * for STEP_ROTATE_X. */
ALWAYS_INLINE unsigned block_first(unsigned b, int g, bool crossed)
{
	return crossed && __builtin_parity(b) ? b | 1u << g : b;
}

/* Loops over blocks' elements and rotations must vanish, or a block would not stay in registers. */
ALWAYS_INLINE void block_turn(vec *v, int gates, bool crossed, const struct block_angles *angles)
{
	UNROLL for (int g = 0; g < gates; g++)
	{
		vec c = angles->cosine[g], s = angles->sine[g];
		UNROLL for (unsigned b = 0; b < 1u << gates; b++)
		{
			if ((b >> g & 1) != 0)
				continue;
			unsigned first = block_first(b, g, crossed), second = first ^ 1u << g;
			vec zero = v[first], one = v[second];
			v[first] = c * zero - s * one;
			v[second] = s * zero + c * one;
		}
	}
}

/* to = the rotations applied to from; both may be the same. */
ALWAYS_INLINE void block_forward(const struct batch_step *step, int gates, bool crossed,
                                 const struct block_angles *angles, const vec *from, vec *to)
{
	const uint32_t *bases = step->bases;
	size_t n_bases = step->n_bases;
	struct block_angles local = *angles;
	uint32_t offsets[1 << BATCH_BLOCK_GATES];
	UNROLL for (unsigned b = 0; b < 1u << gates; b++) offsets[b] = step->offsets[b];
	for (size_t i = 0; i < n_bases; i++) {
		uint32_t base = bases[i];
		vec v[1 << BATCH_BLOCK_GATES];
		UNROLL for (unsigned b = 0; b < 1u << gates; b++) v[b] = from[base ^ offsets[b]];
		block_turn(v, gates, crossed, &local);
		UNROLL for (unsigned b = 0; b < 1u << gates; b++) to[base ^ offsets[b]] = v[b];
	}
}

/* Applies the rotations, their angles negated, to lambda, and adds their derivatives, Im <lambda|P|psi>, to slopes; psi
 * is the state before them. */
ALWAYS_INLINE void block_backward(const struct batch_step *step, int gates, bool crossed,
                                  const struct block_angles *angles, const vec *restrict psi, vec *restrict lambda,
                                  vec *slopes)
{
	const uint32_t *bases = step->bases;
	size_t n_bases = step->n_bases;
	struct block_angles local = *angles;
	uint32_t offsets[1 << BATCH_BLOCK_GATES];
	vec sums[BATCH_BLOCK_GATES] = {{0}};
	UNROLL for (unsigned b = 0; b < 1u << gates; b++) offsets[b] = step->offsets[b];
	for (size_t i = 0; i < n_bases; i++) {
		uint32_t base = bases[i];
		vec v[1 << BATCH_BLOCK_GATES];
		UNROLL for (unsigned b = 0; b < 1u << gates; b++) v[b] = lambda[base ^ offsets[b]];
		block_turn(v, gates, crossed, &local);
		UNROLL for (unsigned b = 0; b < 1u << gates; b++)
		{
			vec p = psi[base ^ offsets[b]];
			lambda[base ^ offsets[b]] = v[b];
			UNROLL for (int g = 0; g < gates; g++)
			{
				bool is_first = block_first(b & ~(1u << g), g, crossed) == b;
				if (is_first)
					sums[g] += v[b ^ 1u << g] * p;
				else
					sums[g] -= v[b ^ 1u << g] * p;
			}
		}
	}
	UNROLL for (int g = 0; g < gates; g++) slopes[g] += sums[g];
}

/* One pair of functions per number of rotations and kind. */
#define BLOCK(gates, crossed)                                                                                          \
	static void block_forward_##gates##_##crossed(const struct batch_step *step,                                   \
	                                              const struct block_angles *angles, const vec *from, vec *to)     \
	{                                                                                                              \
		block_forward(step, gates, crossed, angles, from, to);                                                 \
	}                                                                                                              \
	static void block_backward_##gates##_##crossed(const struct batch_step *step,                                  \
	                                               const struct block_angles *angles, const vec *psi, vec *lambda, \
	                                               vec *slopes)                                                    \
	{                                                                                                              \
		block_backward(step, gates, crossed, angles, psi, lambda, slopes);                                     \
	}
#define BLOCKS(X) X(1, 0) X(1, 1) X(2, 0) X(2, 1) X(3, 0) X(3, 1) X(4, 0) X(4, 1)

BLOCKS(BLOCK)

static const struct {
	void (*forward)(const struct batch_step *step, const struct block_angles *angles, const vec *from, vec *to);
	void (*backward)(const struct batch_step *step, const struct block_angles *angles, const vec *psi, vec *lambda,
	                 vec *slopes);
} blocks[BATCH_BLOCK_GATES + 1][2] = {
#define BLOCK_ROW(gates, crossed)                                                                                      \
	[gates][crossed] = {block_forward_##gates##_##crossed, block_backward_##gates##_##crossed},
    BLOCKS(BLOCK_ROW)
#undef BLOCK_ROW
};

#endif
