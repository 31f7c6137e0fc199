/* Several commuting rotations in one pass over the amplitudes: a block of 2^gates numbers is loaded, turned by every
 * rotation in registers, and stored. See struct batch_step. Included by batch_kernel.c only. */
#ifndef QLSTM_CIRCUIT_BATCH_BLOCK_H
#define QLSTM_CIRCUIT_BATCH_BLOCK_H

#include "engine/circuit/batch/batch_circuit.h"
#include "engine/vector/vector.h"

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

/* A rotation as three shears, which need no register beside the numbers they turn. Loops over blocks' elements and
 * rotations must vanish, or a block would not stay in registers. */
ALWAYS_INLINE void block_turn(vec *v, int gates, bool crossed, bool back, const struct block_turn *turns)
{
	UNROLL for (int g = 0; g < gates; g++)
	{
		vec sine = turns[g].sine, shear = turns[g].shear;
		UNROLL for (unsigned b = 0; b < 1u << gates; b++)
		{
			if ((b >> g & 1) != 0)
				continue;
			unsigned first = block_first(b, g, crossed), second = first ^ 1u << g;
			if (back)
				first = second, second = first ^ 1u << g;
			v[first] -= shear * v[second];
			v[second] += sine * v[first];
			v[first] -= shear * v[second];
		}
	}
}

ALWAYS_INLINE vec *block_at(void *state, uint32_t offset)
{
	return (vec *)((char *)state + offset);
}

/* to = the rotations applied to from, or undone; both may be the same. */
ALWAYS_INLINE void block_apply(const struct batch_step *step, int gates, bool crossed, bool back,
                               const struct block_turn *turns, void *from, void *to)
{
	const uint32_t *rows = step->rows, *end = rows + (step->n_bases << gates);
	for (; rows < end; rows += 1u << gates) {
		vec v[1 << BATCH_BLOCK_GATES];
		UNROLL for (unsigned b = 0; b < 1u << gates; b++) v[b] = *block_at(from, rows[b]);
		block_turn(v, gates, crossed, back, turns);
		UNROLL for (unsigned b = 0; b < 1u << gates; b++) * block_at(to, rows[b]) = v[b];
	}
}

/* Applies the rotations, their angles negated, to lambda, and adds their derivatives, Im <lambda|P|psi>, to slopes; psi
 * is the state before them. */
ALWAYS_INLINE void block_backward(const struct batch_step *step, int gates, bool crossed,
                                  const struct block_turn *turns, void *restrict psi, void *restrict lambda,
                                  vec *slopes)
{
	const uint32_t *rows = step->rows, *end = rows + (step->n_bases << gates);
	vec sums[BATCH_BLOCK_GATES] = {{0}};
	for (; rows < end; rows += 1u << gates) {
		vec v[1 << BATCH_BLOCK_GATES];
		UNROLL for (unsigned b = 0; b < 1u << gates; b++) v[b] = *block_at(lambda, rows[b]);
		block_turn(v, gates, crossed, true, turns);
		UNROLL for (unsigned b = 0; b < 1u << gates; b++)
		{
			vec p = *block_at(psi, rows[b]);
			*block_at(lambda, rows[b]) = v[b];
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

/* Three functions per number of rotations and kind. */
#define BLOCK(gates, crossed)                                                                                          \
	static void block_forward_##gates##_##crossed(const struct batch_step *step, const struct block_turn *turns,   \
	                                              void *from, void *to)                                            \
	{                                                                                                              \
		block_apply(step, gates, crossed, false, turns, from, to);                                             \
	}                                                                                                              \
	static void block_undo_##gates##_##crossed(const struct batch_step *step, const struct block_turn *turns,      \
	                                           void *psi)                                                          \
	{                                                                                                              \
		block_apply(step, gates, crossed, true, turns, psi, psi);                                              \
	}                                                                                                              \
	static void block_backward_##gates##_##crossed(const struct batch_step *step, const struct block_turn *turns,  \
	                                               void *psi, void *lambda, vec *slopes)                           \
	{                                                                                                              \
		block_backward(step, gates, crossed, turns, psi, lambda, slopes);                                      \
	}
#define BLOCKS(X) X(1, 0) X(1, 1) X(2, 0) X(2, 1) X(3, 0) X(3, 1) X(4, 0) X(4, 1)

BLOCKS(BLOCK)

static const struct {
	void (*forward)(const struct batch_step *step, const struct block_turn *turns, void *from, void *to);
	void (*undo)(const struct batch_step *step, const struct block_turn *turns, void *psi);
	void (*backward)(const struct batch_step *step, const struct block_turn *turns, void *psi, void *lambda,
	                 vec *slopes);
} blocks[BATCH_BLOCK_GATES + 1][2] = {
#define BLOCK_ROW(gates, crossed)                                                                                      \
	[gates][crossed] = {block_forward_##gates##_##crossed, block_undo_##gates##_##crossed,                         \
	                    block_backward_##gates##_##crossed},
    BLOCKS(BLOCK_ROW)
#undef BLOCK_ROW
};

#endif
