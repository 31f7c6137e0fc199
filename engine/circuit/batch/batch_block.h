/* Several commuting rotations in one pass over the amplitudes: a block of 2^gates numbers is loaded, turned by every
 * rotation in registers, and stored. See struct batch_step. Included by batch_kernel.c only. */
#ifndef QLSTM_CIRCUIT_BATCH_BLOCK_H
#define QLSTM_CIRCUIT_BATCH_BLOCK_H

#include "engine/circuit/batch/batch_circuit.h"
#include "engine/circuit/lanes.h"

/* Two rows of a rotation by t: sin t and tan(t / 2), t being half the angle, plus pi where that makes cos t positive: a
 * change of the state's sign. */
struct block_turn {
	vec sine, shear;
};

/* Index in the block of the number that rotation g takes to the other one of its pair; b has bit g clear. `crossed`:
 * for STEP_ROTATE_X. */
ALWAYS_INLINE unsigned block_first(unsigned b, int g, bool crossed)
{
	return crossed && __builtin_parity(b) ? b | 1u << g : b;
}

/* Rotations whose blocks are turned in registers; larger blocks are turned in two halves of their rotations, from and
 * to the nearest cache. */
#if VECTOR_BYTES == 64
#define REGISTER_GATES 4
#else
#define REGISTER_GATES 3
#endif

#ifdef KERNEL_ROLLED
#define ROLLED
#else
#define ROLLED _Pragma("GCC unroll 1")
#endif

ALWAYS_INLINE vec *block_at(void *state, uint32_t offset)
{
	return (vec *)((char *)state + offset);
}

/* A rotation as three shears, which need no register beside the numbers they turn. Loops over blocks' elements and
 * rotations must vanish, or a block would not stay in registers. `odd`: the bits of b above these rotations have odd
 * parity. */
ALWAYS_INLINE void block_turn(vec *v, int gates, bool crossed, bool odd, bool back, const struct block_turn *turns)
{
	UNROLL for (int g = 0; g < gates; g++)
	{
		vec sine = turns[g].sine, shear = turns[g].shear;
		UNROLL for (unsigned b = 0; b < 1u << gates; b++)
		{
			if ((b >> g & 1) != 0)
				continue;
			unsigned first = block_first(b, g, crossed), second = first ^ 1u << g;
			if (back != (crossed && odd))
				first = second, second = first ^ 1u << g;
			v[first] = fnma_vec(shear, v[second], v[first]);
			v[second] = fma_vec(sine, v[first], v[second]);
			v[first] = fnma_vec(shear, v[second], v[first]);
		}
	}
}

/* Of a block, the numbers at rows[0], rows[stride], ..., which `gates` of its rotations exchange. */
ALWAYS_INLINE void block_part(const uint32_t *rows, unsigned stride, int gates, bool crossed, bool odd, bool back,
                              const struct block_turn *turns, void *from, void *to)
{
	vec v[1 << REGISTER_GATES];
	UNROLL for (unsigned b = 0; b < 1u << gates; b++) v[b] = *block_at(from, rows[b * stride]);
	block_turn(v, gates, crossed, odd, back, turns);
	UNROLL for (unsigned b = 0; b < 1u << gates; b++) * block_at(to, rows[b * stride]) = v[b];
}

/* `from` and `to` may be the same. */
ALWAYS_INLINE void block_whole(const uint32_t *rows, int gates, bool crossed, bool back, const struct block_turn *turns,
                               void *from, void *to)
{
	int low = gates > REGISTER_GATES ? gates - gates / 2 : gates, high = gates - low;
	if (high == 0) {
		block_part(rows, 1, low, crossed, false, back, turns, from, to);
		return;
	}
	ROLLED for (unsigned b = 0; b < 1u << high; b++)
	    block_part(rows + (b << low), 1, low, crossed, __builtin_parity(b) != 0, back, turns, from, to);
	ROLLED for (unsigned b = 0; b < 1u << low; b++)
	    block_part(rows + b, 1u << low, high, crossed, __builtin_parity(b) != 0, back, turns + low, to, to);
}

/* to = the rotations applied to from; both may be the same. */
ALWAYS_INLINE void block_forward(const struct batch_step *step, int gates, bool crossed, const struct block_turn *turns,
                                 void *from, void *to)
{
	const uint32_t *rows = step->rows, *end = rows + (step->n_bases << gates);
	for (; rows < end; rows += 1u << gates)
		block_whole(rows, gates, crossed, false, turns, from, to);
}

/* Whether number b is the one that rotation g takes to the other of its pair. */
ALWAYS_INLINE bool block_is_first(unsigned b, int g, bool crossed)
{
	return block_first(b & ~(1u << g), g, crossed) == b;
}

/* The derivatives of the first `held` rotations over 2^held numbers; `odd`: all signs the other way round. */
ALWAYS_INLINE void block_slopes_held(const uint32_t *rows, int held, bool crossed, bool odd, void *psi, void *lambda,
                                     vec *sums)
{
	vec l[1 << REGISTER_GATES];
	UNROLL for (unsigned b = 0; b < 1u << held; b++) l[b] = *block_at(lambda, rows[b]);
	UNROLL for (unsigned b = 0; b < 1u << held; b++)
	{
		vec p = *block_at(psi, rows[b]);
		UNROLL for (int g = 0; g < held; g++)
		{
			if (block_is_first(b, g, crossed) != odd)
				sums[g] = fma_vec(l[b ^ 1u << g], p, sums[g]);
			else
				sums[g] = fnma_vec(l[b ^ 1u << g], p, sums[g]);
		}
	}
}

/* The derivative of a rotation whose pairs lie 2^held numbers or more apart; `first`: numbers of even parity, or all
 * unless crossed, are those that it takes to the others. */
ALWAYS_INLINE vec block_slope_far(const uint32_t *others, int held, bool crossed, bool first, const vec *p,
                                  void *lambda, vec sum)
{
	UNROLL for (unsigned b = 0; b < 1u << held; b++)
	{
		vec l = *block_at(lambda, others[b]);
		sum = first != (crossed && __builtin_parity(b)) ? fma_vec(l, p[b], sum) : fnma_vec(l, p[b], sum);
	}
	return sum;
}

/* Adds the derivatives of one block's rotations, Im <lambda|P|psi>, to sums, each by rising b, whether the block fits
 * the registers or not. */
ALWAYS_INLINE void block_slopes(const uint32_t *rows, int gates, bool crossed, void *psi, void *lambda, vec *sums)
{
	if (gates <= REGISTER_GATES) {
		block_slopes_held(rows, gates, crossed, false, psi, lambda, sums);
		return;
	}
	const int held = 3;
	ROLLED for (unsigned part = 0; part < 1u << gates; part += 1u << held)
	{
		if (crossed && __builtin_parity(part))
			block_slopes_held(rows + part, held, crossed, true, psi, lambda, sums);
		else
			block_slopes_held(rows + part, held, crossed, false, psi, lambda, sums);
		vec p[1 << held];
		UNROLL for (unsigned b = 0; b < 1u << held; b++) p[b] = *block_at(psi, rows[part + b]);
		UNROLL for (int g = held; g < gates; g++)
		{
			const uint32_t *others = rows + (part ^ 1u << g);
			if (block_is_first(part, g, crossed))
				sums[g] = block_slope_far(others, held, crossed, true, p, lambda, sums[g]);
			else
				sums[g] = block_slope_far(others, held, crossed, false, p, lambda, sums[g]);
		}
	}
}

/* Adds the rotations' derivatives to slopes, then undoes them on lambda and, if `undo`, on psi, which is the state
 * after them: they commute, so the derivatives may be taken on either side. */
ALWAYS_INLINE void block_backward(const struct batch_step *step, int gates, bool crossed,
                                  const struct block_turn *turns, void *restrict psi, void *restrict lambda, bool undo,
                                  vec *slopes)
{
	const uint32_t *rows = step->rows, *end = rows + (step->n_bases << gates);
	vec sums[BATCH_BLOCK_GATES] = {{0}};
	for (; rows < end; rows += 1u << gates) {
		block_slopes(rows, gates, crossed, psi, lambda, sums);
		block_whole(rows, gates, crossed, true, turns, lambda, lambda);
		if (undo)
			block_whole(rows, gates, crossed, true, turns, psi, psi);
	}
	UNROLL for (int g = 0; g < gates; g++) slopes[g] += sums[g];
}

/* Two functions per number of rotations and kind. */
#define BLOCK(gates, crossed)                                                                                          \
	static void block_forward_##gates##_##crossed(const struct batch_step *step, const struct block_turn *turns,   \
	                                              void *from, void *to)                                            \
	{                                                                                                              \
		block_forward(step, gates, crossed, turns, from, to);                                                  \
	}                                                                                                              \
	static void block_backward_##gates##_##crossed(const struct batch_step *step, const struct block_turn *turns,  \
	                                               void *psi, void *lambda, bool undo, vec *slopes)                \
	{                                                                                                              \
		block_backward(step, gates, crossed, turns, psi, lambda, undo, slopes);                                \
	}
#define BLOCKS(X) X(1, 0) X(1, 1) X(2, 0) X(2, 1) X(3, 0) X(3, 1) X(4, 0) X(4, 1) X(5, 0) X(5, 1) X(6, 0) X(6, 1)

BLOCKS(BLOCK)

static const struct {
	void (*forward)(const struct batch_step *step, const struct block_turn *turns, void *from, void *to);
	void (*backward)(const struct batch_step *step, const struct block_turn *turns, void *psi, void *lambda,
	                 bool undo, vec *slopes);
} blocks[BATCH_BLOCK_GATES + 1][2] = {
#define BLOCK_ROW(gates, crossed)                                                                                      \
	[gates][crossed] = {block_forward_##gates##_##crossed, block_backward_##gates##_##crossed},
    BLOCKS(BLOCK_ROW)
#undef BLOCK_ROW
};

#endif
