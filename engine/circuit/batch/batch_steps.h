/* The passes over the amplitudes, forward and backward; see struct batch_step. Included by batch_kernel.c only. */
#ifndef QLSTM_CIRCUIT_BATCH_STEPS_H
#define QLSTM_CIRCUIT_BATCH_STEPS_H

#include "engine/circuit/batch/batch_block.h"
#include "engine/circuit/batch/batch_tile.h"

/* The turns of a step's gates: those of the set, or of features and weights mixed, collected in `mixed`. */
static inline const struct block_turn *step_turns(const struct tile *tile, const struct batch_step *step,
                                                  struct block_turn *mixed)
{
	const struct block_turn *of_set = (const struct block_turn *)tile->set->turns + step->first_gate;
	if (!step->featured)
		return of_set;
	const struct block_turn *of_features = (const struct block_turn *)tile->memory->turns + step->first_gate;
	for (int g = 0; g < step->n_gates; g++)
		mixed[g] = step->gates[g].slot < tile->circuit->n_feature_slots ? of_features[g] : of_set[g];
	return mixed;
}

static inline void rotate(const struct tile *tile, const struct batch_step *step, void *from, void *to)
{
	struct block_turn mixed[BATCH_BLOCK_GATES];
	blocks[step->n_gates][step->kind == STEP_ROTATE_X].forward(step, step_turns(tile, step, mixed), from, to);
}

static inline void rotate_backward(const struct tile *tile, const struct batch_step *step, void *psi, void *lambda)
{
	struct block_turn mixed[BATCH_BLOCK_GATES];
	const struct block_turn *turns = step_turns(tile, step, mixed);
	vec *slopes = tile_turn_slopes(tile, step);
	blocks[step->n_gates][step->kind == STEP_ROTATE_X].backward(step, turns, psi, lambda, step->undone, slopes);
	for (int g = 0; g < step->n_gates && step->featured; g++) {
		const struct batch_gate *gate = &step->gates[g];
		if (gate->slot >= tile->circuit->n_feature_slots)
			continue;
		*tile_gradient(tile, gate->slot) += gate->string.negative ? -slopes[g] : slopes[g];
		slopes[g] = (vec){0};
	}
}

/* Where the phase of amplitude k stands: of a STEP_DIAGONAL one number for all lanes, or in packed tiles a row; of a
 * STEP_DIAGONAL_LANES a row for each combination of signs. */
enum phase_form { PHASE_NUMBERS, PHASE_ROWS, PHASE_SIGNS };

struct phases {
	const real *numbers; /* [2^n][re, im] */
	const struct amplitude *rows;
	const uint32_t *signs;
};

static inline struct phases step_phases(const struct tile *tile, const struct batch_step *step)
{
	size_t first = (size_t)step->diagonal << tile->circuit->n_wires;
	if (step->kind == STEP_DIAGONAL)
		return (struct phases){.numbers = (const real *)tile->set->phases + 2 * first,
		                       .rows = (const struct amplitude *)tile->set->phases + first};
	const struct amplitude *rows = tile->memory->lane_phases[step - tile->circuit->steps];
	return (struct phases){.numbers = (const real *)rows, .rows = rows, .signs = step->signs};
}

ALWAYS_INLINE struct amplitude phase_at(const struct phases *phases, size_t k, enum phase_form form)
{
	if (form == PHASE_NUMBERS)
		return (struct amplitude){SPLAT(phases->numbers[2 * k]), SPLAT(phases->numbers[2 * k + 1])};
	return phases->rows[form == PHASE_SIGNS ? phases->signs[k] : k];
}

/* Real numbers widen from the top down, so that source and result may be the same memory. */
ALWAYS_INLINE void diagonal(const struct tile *tile, const struct batch_step *step, size_t size, enum phase_form form,
                            void *from, struct amplitude *to)
{
	struct phases phases = step_phases(tile, step);
	size_t run = run_length(size);
	for (size_t first = size - run; step->parts_before == 1; first -= run) {
		const vec *x = (const vec *)from + batch_place(first);
		struct amplitude *out = to + batch_place(first);
		UNROLL_SOME for (size_t k = run; k-- > 0;) out[k] = scale(phase_at(&phases, first + k, form), x[k]);
		if (first == 0)
			return;
	}
	RUNS(first, size)
	{
		const struct amplitude *x = (const struct amplitude *)from + batch_place(first);
		struct amplitude *out = to + batch_place(first);
		UNROLL_SOME for (size_t k = 0; k < run; k++) out[k] =
		    multiply(x[k], phase_at(&phases, first + k, form));
	}
}

ALWAYS_INLINE void diagonal_back(const struct tile *tile, const struct batch_step *step, size_t size,
                                 enum phase_form form, struct amplitude *psi)
{
	struct phases phases = step_phases(tile, step);
	RUNS(first, size)
	{
		struct amplitude *x = psi + batch_place(first);
		UNROLL_SOME for (size_t k = 0; k < run_length(size); k++) x[k] =
		    multiply_conj(phase_at(&phases, first + k, form), x[k]);
	}
}

/* Takes the phases off lambda; slopes[k] (+)= Im(conj(lambda_k) psi_k), psi being the state before them. Where that is
 * real, what comes before needs the real part of lambda only. */
ALWAYS_INLINE void diagonal_backward(const struct tile *tile, const struct batch_step *step, size_t size,
                                     enum phase_form form, const void *psi, struct amplitude *lambda, vec *slopes)
{
	struct phases phases = step_phases(tile, step);
	size_t run = run_length(size);
	RUNS(first, size)
	{
		struct amplitude *at = lambda + batch_place(first);
		vec *sums = slopes + first;
		if (step->parts_before == 1) {
			const vec *x = (const vec *)psi + batch_place(first);
			vec *narrow = (vec *)lambda + batch_place(first);
			UNROLL_SOME for (size_t k = 0; k < run; k++)
			{
				struct amplitude l = multiply_conj(phase_at(&phases, first + k, form), at[k]);
				sums[k] = fnma_vec(l.im, x[k], form == PHASE_SIGNS ? (vec){0} : sums[k]);
				narrow[k] = l.re;
			}
		} else {
			const struct amplitude *x = (const struct amplitude *)psi + batch_place(first);
			UNROLL_SOME for (size_t k = 0; k < run; k++)
			{
				struct amplitude l = multiply_conj(phase_at(&phases, first + k, form), at[k]);
				vec slope = fma_vec(l.re, x[k].im, form == PHASE_SIGNS ? (vec){0} : sums[k]);
				sums[k] = fnma_vec(l.im, x[k].re, slope);
				at[k] = l;
			}
		}
	}
}

/* Z-type gates: their derivatives are parity sums. */
static void collect_lanes(const struct tile *tile, const struct batch_step *step)
{
	for (int i = 0; i < step->n_gates; i++) {
		vec sum = ((vec *)tile->memory->sums)[step->gates[i].string.z];
		*tile_gradient(tile, step->gates[i].slot) += step->gates[i].string.negative ? -sum : sum;
	}
}

ALWAYS_INLINE void step_forward(const struct tile *tile, int n, const struct batch_step *step, void *from, void *to)
{
	size_t size = (size_t)1 << n;
	switch (step->kind) {
	case STEP_DIAGONAL:
		if (tile->packed)
			diagonal(tile, step, size, PHASE_ROWS, from, to);
		else
			diagonal(tile, step, size, PHASE_NUMBERS, from, to);
		break;
	case STEP_DIAGONAL_LANES:
		diagonal(tile, step, size, PHASE_SIGNS, from, to);
		break;
	case STEP_WIDEN:
		for (size_t k = size; k-- > 0;)
			((struct amplitude *)to)[batch_place(k)] =
			    (struct amplitude){((const vec *)from)[batch_place(k)], {0}};
		break;
	default:
		rotate(tile, step, from, to);
	}
}

/* From the state after a diagonal, in the same memory, to the one before it, which has as many parts. */
ALWAYS_INLINE void step_undo(const struct tile *tile, int n, const struct batch_step *step, void *psi)
{
	size_t size = (size_t)1 << n;
	if (step->kind == STEP_DIAGONAL && tile->packed)
		diagonal_back(tile, step, size, PHASE_ROWS, psi);
	else if (step->kind == STEP_DIAGONAL)
		diagonal_back(tile, step, size, PHASE_NUMBERS, psi);
	else
		diagonal_back(tile, step, size, PHASE_SIGNS, psi);
}

/* psi: the state after rotations, before all other steps. */
ALWAYS_INLINE void step_backward(const struct tile *tile, int n, const struct batch_step *step, void *psi, void *lambda)
{
	size_t size = (size_t)1 << n;
	switch (step->kind) {
	case STEP_DIAGONAL:
		if (tile->packed)
			diagonal_backward(tile, step, size, PHASE_ROWS, psi, lambda, tile_slopes(tile, step));
		else
			diagonal_backward(tile, step, size, PHASE_NUMBERS, psi, lambda, tile_slopes(tile, step));
		break;
	case STEP_DIAGONAL_LANES:
		diagonal_backward(tile, step, size, PHASE_SIGNS, psi, lambda, tile->memory->sums);
		parity_sums(tile->memory->sums, size);
		collect_lanes(tile, step);
		break;
	case STEP_WIDEN:
		for (size_t k = 0; k < size; k++)
			((vec *)lambda)[batch_place(k)] = ((const struct amplitude *)lambda)[batch_place(k)].re;
		break;
	default:
		rotate_backward(tile, step, psi, lambda);
	}
}

#endif
