/* Expectations of Pauli strings, and what the backward pass starts from. All Z-type observables together are one parity
 * sum over probabilities. Included by batch_kernel.c only. */
#ifndef QLSTM_CIRCUIT_BATCH_MEASURE_H
#define QLSTM_CIRCUIT_BATCH_MEASURE_H

#include "engine/circuit/batch_tile.h"

/* <P> of a string with x != 0. An odd one vanishes on real amplitudes. */
static vec expect_pairs(const struct batch_observable *observable, size_t count, int parts, const vec *psi)
{
	vec sum = {0};
	bool odd = observable->string.odd;
	if (parts == 1 && odd)
		return sum;
	for (size_t i = 0; i < count; i++) {
		const vec *a = psi + (size_t)parts * observable->pairs[i].zero;
		const vec *b = psi + (size_t)parts * observable->pairs[i].one;
		vec value;
		if (parts == 1)
			value = a[0] * b[0];
		else
			value = odd ? b[1] * a[0] - b[0] * a[1] : a[0] * b[0] + a[1] * b[1];
		sum += i < observable->n_positive ? value : -value;
	}
	return sum + sum;
}

ALWAYS_INLINE void probabilities(const void *state, int parts, size_t size, vec *sums)
{
	if (parts == 1) {
		const vec *psi = state;
		UNROLL for (size_t k = 0; k < size; k++) sums[k] = psi[k] * psi[k];
	} else {
		const struct amplitude *psi = state;
		UNROLL for (size_t k = 0; k < size; k++) sums[k] = psi[k].re * psi[k].re + psi[k].im * psi[k].im;
	}
}

/* outputs[o][first ..] of this tile's samples. */
ALWAYS_INLINE void measure(const struct tile *tile, int n, double *outputs, size_t batch)
{
	const struct batch_circuit *circuit = tile->circuit;
	const void *psi = tile->memory->states[circuit->n_steps];
	vec *sums = tile->memory->sums;
	size_t size = (size_t)1 << n;
	if (circuit->n_diagonal_observables > 0) {
		probabilities(psi, circuit->parts, size, sums);
		parity_sums(sums, size);
	}
	for (size_t o = 0; o < (size_t)circuit->n_observables; o++) {
		const struct batch_observable *observable = &circuit->observables[o];
		const struct batch_string *string = &observable->string;
		vec value = string->x != 0 ? expect_pairs(observable, size / 2, circuit->parts, psi) : sums[string->z];
		store_row(outputs + o * batch + tile->first, string->x == 0 && string->negative ? -value : value,
		          tile->used);
	}
}

/* lambda += g P psi of a string with x != 0. */
static void apply_pairs(const struct batch_observable *observable, size_t count, int parts, vec g, const vec *psi,
                        vec *lambda)
{
	bool odd = observable->string.odd;
	if (parts == 1 && odd)
		return; /* imaginary: of no effect on what only real rotations do */
	for (size_t i = 0; i < count; i++) {
		size_t zero = (size_t)parts * observable->pairs[i].zero, one = (size_t)parts * observable->pairs[i].one;
		vec factor = i < observable->n_positive ? g : -g;
		if (parts == 1) {
			lambda[zero] += factor * psi[one];
			lambda[one] += factor * psi[zero];
		} else if (odd) {
			lambda[zero] += factor * psi[one + 1];
			lambda[zero + 1] -= factor * psi[one];
			lambda[one] -= factor * psi[zero + 1];
			lambda[one + 1] += factor * psi[zero];
		} else {
			for (size_t part = 0; part < 2; part++) {
				lambda[zero + part] += factor * psi[one + part];
				lambda[one + part] += factor * psi[zero + part];
			}
		}
	}
}

/* lambda = (sum_o g_o O_o) psi. All Z-type observables together are one real factor per basis state. */
ALWAYS_INLINE void measure_backward(const struct tile *tile, int n, const double *d_outputs, size_t batch)
{
	const struct batch_circuit *circuit = tile->circuit;
	const vec *psi = tile->memory->states[circuit->n_steps];
	vec *sums = tile->memory->sums, *lambda = tile->memory->lambda;
	size_t size = (size_t)1 << n;
	UNROLL for (size_t k = 0; k < size; k++) sums[k] = (vec){0};
	for (size_t o = 0; o < (size_t)circuit->n_observables; o++) {
		const struct batch_string *string = &circuit->observables[o].string;
		vec g = load_row(d_outputs + o * batch + tile->first, tile->used);
		if (string->x == 0)
			sums[string->z] += string->negative ? -g : g;
	}
	if (circuit->n_diagonal_observables > 0)
		parity_sums(sums, size);
	if (circuit->parts == 1)
		UNROLL for (size_t k = 0; k < size; k++) lambda[k] = psi[k] * sums[k];
	else
		UNROLL for (size_t k = 0; k < size; k++)((struct amplitude *)lambda)[k] =
		    scale(((const struct amplitude *)psi)[k], sums[k]);
	for (size_t o = 0; o < (size_t)circuit->n_observables; o++)
		if (circuit->observables[o].string.x != 0)
			apply_pairs(&circuit->observables[o], size / 2, circuit->parts,
			            load_row(d_outputs + o * batch + tile->first, tile->used), psi, lambda);
}

#endif
