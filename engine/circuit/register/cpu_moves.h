/* The steps that only move amplitudes: their own inverses, but for permutations. Included by cpu_kernel.c only. */
#ifndef QLSTM_CIRCUIT_REGISTER_CPU_MOVES_H
#define QLSTM_CIRCUIT_REGISTER_CPU_MOVES_H

#include "engine/circuit/register/cpu_tile.h"

static inline void exchange(struct amplitude *a, struct amplitude *b)
{
	struct amplitude keep = *a;
	*a = *b;
	*b = keep;
}

static void exchange_pairs(struct amplitude *state, const struct register_step *step)
{
	size_t rest = 0;
	do {
		size_t k = step->ones | rest;
		exchange(state + (k | step->first), state + (k | step->second));
	} while (next_subset(&rest, step->free));
}

static void apply_exchange(const struct tile *tile, const struct register_step *step)
{
	exchange_pairs(tile->psi, step);
}

static void backward_exchange(const struct tile *tile, const struct register_step *step)
{
	exchange_pairs(tile->psi, step);
	exchange_pairs(tile->cotangent, step);
}

static lane_mask flipped_lanes(const struct tile *tile, const struct register_step *step)
{
	const uint32_t *words = tile->inputs->words + (size_t)step->row * tile->samples + tile->first;
	lane_mask flipped = {0};
	for (size_t l = 0; l < tile->count; l++)
		flipped[l] = (words[l] >> step->shift & 1) != 0 ? -1 : 0;
	return flipped;
}

static void flip_pairs(struct amplitude *state, const struct register_step *step, lane_mask where)
{
	size_t rest = 0;
	do {
		struct amplitude *zero = state + (step->ones | rest), *one = zero + step->second;
		struct amplitude a = *zero, b = *one;
		*zero = (struct amplitude){choose(where, b.re, a.re), choose(where, b.im, a.im)};
		*one = (struct amplitude){choose(where, a.re, b.re), choose(where, a.im, b.im)};
	} while (next_subset(&rest, step->free));
}

static void apply_flip(const struct tile *tile, const struct register_step *step)
{
	flip_pairs(tile->psi, step, flipped_lanes(tile, step));
}

static void backward_flip(const struct tile *tile, const struct register_step *step)
{
	lane_mask where = flipped_lanes(tile, step);
	flip_pairs(tile->psi, step, where);
	flip_pairs(tile->cotangent, step, where);
}

static void apply_permute(const struct tile *tile, const struct register_step *step)
{
	for (size_t i = 0; i < step->n_swaps; i++)
		exchange(tile->psi + step->swaps[i][0], tile->psi + step->swaps[i][1]);
}

static void backward_permute(const struct tile *tile, const struct register_step *step)
{
	for (size_t i = step->n_swaps; i-- > 0;) {
		exchange(tile->psi + step->swaps[i][0], tile->psi + step->swaps[i][1]);
		exchange(tile->cotangent + step->swaps[i][0], tile->cotangent + step->swaps[i][1]);
	}
}

#endif
