/* The passes over the amplitudes, forward and backward; see struct batch_step. Included by batch_kernel.c only. */
#ifndef QLSTM_CIRCUIT_BATCH_STEPS_H
#define QLSTM_CIRCUIT_BATCH_STEPS_H

#include "engine/circuit/batch_block.h"
#include "engine/circuit/batch_tile.h"

static inline void load_angles(const struct tile *tile, const struct batch_step *step, bool back,
                               struct block_angles *angles)
{
	for (int g = 0; g < step->n_gates; g++) {
		const struct batch_gate *gate = &step->gates[g];
		vec s = *tile_sine(tile, gate->slot);
		angles->cosine[g] = *tile_cosine(tile, gate->slot);
		angles->sine[g] = gate->string.negative != back ? -s : s;
	}
}

static void rotate(const struct tile *tile, const struct batch_step *step, bool back, const vec *from, vec *to)
{
	struct block_angles angles;
	load_angles(tile, step, back, &angles);
	blocks[step->n_gates][step->kind == STEP_ROTATE_X].forward(step, &angles, from, to);
}

static void rotate_backward(const struct tile *tile, const struct batch_step *step, const vec *psi, vec *lambda)
{
	struct block_angles angles;
	vec slopes[BATCH_BLOCK_GATES] = {{0}};
	load_angles(tile, step, true, &angles);
	blocks[step->n_gates][step->kind == STEP_ROTATE_X].backward(step, &angles, psi, lambda, slopes);
	for (int g = 0; g < step->n_gates; g++) {
		const struct batch_gate *gate = &step->gates[g];
		*tile_gradient(tile, gate->slot) += gate->string.negative ? -slopes[g] : slopes[g];
	}
}

/* The phase of amplitude k: of a STEP_DIAGONAL the same in all lanes. */
struct phases {
	const real *shared; /* [2^n][re, im] */
	const struct amplitude *lanes;
	const uint32_t *signs;
};

static inline struct phases step_phases(const struct tile *tile, const struct batch_step *step)
{
	if (step->kind == STEP_DIAGONAL)
		return (struct phases){.shared = (const real *)tile->set->phases +
		                                 ((size_t)step->diagonal << (tile->circuit->n_wires + 1))};
	return (struct phases){.lanes = tile->memory->lane_phases[step - tile->circuit->steps], .signs = step->signs};
}

ALWAYS_INLINE struct amplitude phase_at(const struct phases *phases, size_t k, bool lanes)
{
	if (lanes)
		return phases->lanes[phases->signs[k]];
	return (struct amplitude){SPLAT(phases->shared[2 * k]), SPLAT(phases->shared[2 * k + 1])};
}

/* Real numbers widen from the top down, so that source and result may be the same memory. */
ALWAYS_INLINE void diagonal(const struct tile *tile, const struct batch_step *step, size_t size, bool lanes, void *from,
                            struct amplitude *to)
{
	struct phases phases = step_phases(tile, step);
	if (step->parts_before == 1) {
		const vec *x = from;
		UNROLL for (size_t k = size; k-- > 0;) to[k] = scale(phase_at(&phases, k, lanes), x[k]);
	} else {
		const struct amplitude *x = from;
		UNROLL for (size_t k = 0; k < size; k++) to[k] = multiply(x[k], phase_at(&phases, k, lanes));
	}
}

ALWAYS_INLINE void diagonal_back(const struct tile *tile, const struct batch_step *step, size_t size, bool lanes,
                                 struct amplitude *psi)
{
	struct phases phases = step_phases(tile, step);
	UNROLL for (size_t k = 0; k < size; k++) psi[k] = multiply_conj(phase_at(&phases, k, lanes), psi[k]);
}

/* Takes the phases off lambda; slopes[k] (+)= Im(conj(lambda_k) psi_k), psi being the state before them. Where that is
 * real, what comes before needs the real part of lambda only. */
ALWAYS_INLINE void diagonal_backward(const struct tile *tile, const struct batch_step *step, size_t size, bool lanes,
                                     const void *psi, struct amplitude *lambda, vec *slopes)
{
	struct phases phases = step_phases(tile, step);
	if (step->parts_before == 1) {
		const vec *x = psi;
		vec *narrow = (vec *)lambda;
		UNROLL for (size_t k = 0; k < size; k++)
		{
			struct amplitude l = multiply_conj(phase_at(&phases, k, lanes), lambda[k]);
			slopes[k] = (lanes ? (vec){0} : slopes[k]) - l.im * x[k];
			narrow[k] = l.re;
		}
	} else {
		const struct amplitude *x = psi;
		UNROLL for (size_t k = 0; k < size; k++)
		{
			struct amplitude l = multiply_conj(phase_at(&phases, k, lanes), lambda[k]);
			slopes[k] = (lanes ? (vec){0} : slopes[k]) + (l.re * x[k].im - l.im * x[k].re);
			lambda[k] = l;
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
		diagonal(tile, step, size, false, from, to);
		break;
	case STEP_DIAGONAL_LANES:
		diagonal(tile, step, size, true, from, to);
		break;
	case STEP_WIDEN:
		UNROLL for (size_t k = size; k-- > 0;)((struct amplitude *)to)[k] =
		    (struct amplitude){((const vec *)from)[k], {0}};
		break;
	default:
		rotate(tile, step, false, from, to);
	}
}

/* From the state after the step, in the same memory, to the one before it, which has as many parts. */
ALWAYS_INLINE void step_undo(const struct tile *tile, int n, const struct batch_step *step, void *psi)
{
	size_t size = (size_t)1 << n;
	if (step->kind == STEP_DIAGONAL)
		diagonal_back(tile, step, size, false, psi);
	else if (step->kind == STEP_DIAGONAL_LANES)
		diagonal_back(tile, step, size, true, psi);
	else
		rotate(tile, step, true, psi, psi);
}

ALWAYS_INLINE void step_backward(const struct tile *tile, int n, const struct batch_step *step, const void *psi,
                                 void *lambda)
{
	size_t size = (size_t)1 << n;
	switch (step->kind) {
	case STEP_DIAGONAL:
		diagonal_backward(tile, step, size, false, psi, lambda,
		                  (vec *)tile->set->slopes + ((size_t)step->diagonal << n));
		break;
	case STEP_DIAGONAL_LANES:
		diagonal_backward(tile, step, size, true, psi, lambda, tile->memory->sums);
		parity_sums(tile->memory->sums, size);
		collect_lanes(tile, step);
		break;
	case STEP_WIDEN:
		UNROLL for (size_t k = 0; k < size; k++)((vec *)lambda)[k] = ((const struct amplitude *)lambda)[k].re;
		break;
	default:
		rotate_backward(tile, step, psi, lambda);
	}
}

#endif
