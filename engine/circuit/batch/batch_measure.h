/* Expectations of Pauli strings, and what the backward pass starts from. Included by batch_kernel.c only. */
#ifndef QLSTM_CIRCUIT_BATCH_MEASURE_H
#define QLSTM_CIRCUIT_BATCH_MEASURE_H

#include "engine/circuit/batch/batch_tile.h"

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
			value = odd ? fms_vec(b[1], a[0], b[0] * a[1]) : fma_vec(a[0], b[0], a[1] * b[1]);
		sum += i < observable->n_positive ? value : -value;
	}
	return sum + sum;
}

/* sums[order[k]] = |psi_k|^2; order NULL: sums[k]. */
ALWAYS_INLINE void probabilities(const void *state, int parts, size_t size, const uint32_t *order, vec *sums)
{
	RUNS(first, size)
	{
		const vec *real_psi = (const vec *)state + batch_place(first);
		const struct amplitude *psi = (const struct amplitude *)state + batch_place(first);
		UNROLL_SOME for (size_t k = 0; k < run_length(size); k++)
		{
			vec value = parts == 1 ? real_psi[k] * real_psi[k] : squared(psi[k]);
			sums[order != NULL ? order[first + k] : first + k] = value;
		}
	}
}

/* ones[bit] = the sum of sums[u] over all u with that bit set; returns the sum over all u. Two bits a pass. */
ALWAYS_INLINE vec bit_sums(vec *sums, int n, vec *ones)
{
	int bit = 0;
	UNROLL_SOME for (; bit + 2 <= n; bit += 2)
	{
		vec low = {0}, high = {0};
		UNROLL_SOME for (size_t j = 0; j < (size_t)1 << (n - bit - 2); j++)
		{
			vec a = sums[4 * j], b = sums[4 * j + 1], c = sums[4 * j + 2], d = sums[4 * j + 3];
			low += b + d;
			high += c + d;
			sums[j] = (a + b) + (c + d);
		}
		ones[bit] = low;
		ones[bit + 1] = high;
	}
	if (bit == n)
		return sums[0];
	ones[bit] = sums[1];
	return sums[0] + sums[1];
}

/* sums[u] = sum over bits of g[bit], taken negative where the bit is set: the transpose of bit_sums, from the top down.
 */
ALWAYS_INLINE void spread_bits(vec *sums, int n, const vec *g)
{
	size_t size = 1;
	int bit = n;
	sums[0] = (vec){0};
	if (n % 2 != 0) {
		bit--;
		sums[0] = g[bit];
		sums[1] = -g[bit];
		size = 2;
	}
	UNROLL_SOME for (; bit > 0; bit -= 2)
	{
		vec same = g[bit - 1] + g[bit - 2], different = g[bit - 1] - g[bit - 2];
		UNROLL_SOME for (size_t j = size; j-- > 0;)
		{
			vec s = sums[j];
			sums[4 * j + 3] = s - same;
			sums[4 * j + 2] = s - different;
			sums[4 * j + 1] = s + different;
			sums[4 * j] = s + same;
		}
		size *= 4;
	}
}

/* Whether every observable is a bit of its own, as Z of each wire. */
static inline bool all_bits(const struct batch_circuit *circuit)
{
	return circuit->ordered && circuit->n_diagonal_observables == circuit->n_observables;
}

/* Where they are. */
ALWAYS_INLINE void store_bits(const struct batch_circuit *circuit, vec all, const vec *ones, double *to, size_t batch,
                              size_t used)
{
	const struct batch_observable *observable = circuit->observables, *end = observable + circuit->n_observables;
	for (; observable < end; observable++, to += batch) {
		vec one = ones[observable->bit], value = all - (one + one);
		store_row(to, observable->string.negative ? -value : value, used);
	}
}

/* outputs[o][first ..] of this tile's samples. */
ALWAYS_INLINE void measure(const struct tile *tile, int n, double *outputs, size_t batch)
{
	const struct batch_circuit *circuit = tile->circuit;
	const void *psi = tile->states[circuit->n_steps];
	vec *sums = tile->memory->sums, ones[CIRCUIT_MAX_WIRES], all = {0};
	size_t size = (size_t)1 << n;
	if (circuit->n_diagonal_observables > 0)
		probabilities(psi, circuit->parts, size, circuit->order, sums);
	if (circuit->ordered)
		all = bit_sums(sums, n, ones);
	else if (circuit->n_diagonal_observables > 0)
		parity_sums(sums, size);
	if (all_bits(circuit)) {
		store_bits(circuit, all, ones, outputs + tile->first, batch, tile->used);
		return;
	}
	for (size_t o = 0; o < (size_t)circuit->n_observables; o++) {
		const struct batch_observable *observable = &circuit->observables[o];
		vec value;
		if (observable->string.x != 0)
			value = expect_pairs(observable, size / 2, circuit->parts, psi);
		else if (circuit->ordered)
			value = all - (ones[observable->bit] + ones[observable->bit]);
		else
			value = sums[observable->string.z];
		bool minus = observable->string.x == 0 && observable->string.negative;
		store_row(outputs + o * batch + tile->first, minus ? -value : value, tile->used);
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
			lambda[zero] = fma_vec(factor, psi[one], lambda[zero]);
			lambda[one] = fma_vec(factor, psi[zero], lambda[one]);
		} else if (odd) {
			lambda[zero] = fma_vec(factor, psi[one + 1], lambda[zero]);
			lambda[zero + 1] = fnma_vec(factor, psi[one], lambda[zero + 1]);
			lambda[one] = fnma_vec(factor, psi[zero + 1], lambda[one]);
			lambda[one + 1] = fma_vec(factor, psi[zero], lambda[one + 1]);
		} else {
			for (size_t part = 0; part < 2; part++) {
				lambda[zero + part] = fma_vec(factor, psi[one + part], lambda[zero + part]);
				lambda[one + part] = fma_vec(factor, psi[zero + part], lambda[one + part]);
			}
		}
	}
}

/* From this many wires on, the factor of a state is the sum of one of the low half of its number's bits and one of the
 * high half, which two short tables hold. */
#define SPLIT_WIRES 6

/* The Z-type part of sum_o g_o O_o, as one real factor per basis state, in the order of circuit->order; `low` bits in a
 * first table, the others in a second one behind it. */
ALWAYS_INLINE void observable_factors(const struct tile *tile, int n, int low, const double *d_outputs, size_t batch)
{
	const struct batch_circuit *circuit = tile->circuit;
	vec *sums = tile->memory->sums, g[CIRCUIT_MAX_WIRES];
	size_t size = (size_t)1 << n;
	for (int bit = 0; bit < n && circuit->ordered; bit++)
		g[bit] = (vec){0};
	for (size_t k = 0; k < size && !circuit->ordered; k++)
		sums[k] = (vec){0};
	if (all_bits(circuit)) {
		const struct batch_observable *observable = circuit->observables,
		                              *end = observable + circuit->n_observables;
		const double *from = d_outputs + tile->first;
		for (; observable < end; observable++, from += batch) {
			vec cotangent = load_row(from, tile->used);
			g[observable->bit] += observable->string.negative ? -cotangent : cotangent;
		}
	}
	for (size_t o = 0; o < (size_t)circuit->n_observables && !all_bits(circuit); o++) {
		const struct batch_observable *observable = &circuit->observables[o];
		vec cotangent = load_row(d_outputs + o * batch + tile->first, tile->used);
		vec *to = circuit->ordered ? &g[observable->bit] : &sums[observable->string.z];
		if (observable->string.x == 0)
			*to += observable->string.negative ? -cotangent : cotangent;
	}
	if (circuit->ordered) {
		spread_bits(sums, low, g);
		if (low < n)
			spread_bits(sums + ((size_t)1 << low), n - low, g + low);
	} else if (circuit->n_diagonal_observables > 0)
		parity_sums(sums, size);
}

/* lambda = (sum_o g_o O_o) psi. */
ALWAYS_INLINE void measure_backward(const struct tile *tile, int n, const double *d_outputs, size_t batch)
{
	const struct batch_circuit *circuit = tile->circuit;
	const vec *real_psi = tile->states[circuit->n_steps], *sums = tile->memory->sums;
	const uint32_t *order = circuit->order;
	vec *real_lambda = tile->memory->lambda;
	size_t size = (size_t)1 << n;
	bool split = circuit->ordered && n >= SPLIT_WIRES;
	int low = split ? n / 2 : n;
	observable_factors(tile, n, low, d_outputs, batch);
	RUNS(first, size)
	{
		size_t place = batch_place(first) * (size_t)circuit->parts;
		const vec *psi = real_psi + place;
		vec *lambda = real_lambda + place;
		UNROLL_SOME for (size_t k = 0; k < run_length(size); k++)
		{
			size_t at = order != NULL ? order[first + k] : first + k;
			vec factor = sums[split ? at & (((size_t)1 << low) - 1) : at];
			if (split)
				factor += sums[((size_t)1 << low) + (at >> low)];
			if (circuit->parts == 1)
				lambda[k] = psi[k] * factor;
			else
				((struct amplitude *)lambda)[k] = scale(((const struct amplitude *)psi)[k], factor);
		}
	}
	if (circuit->n_diagonal_observables == circuit->n_observables)
		return;
	for (size_t o = 0; o < (size_t)circuit->n_observables; o++)
		if (circuit->observables[o].string.x != 0)
			apply_pairs(&circuit->observables[o], size / 2, circuit->parts,
			            load_row(d_outputs + o * batch + tile->first, tile->used), real_psi, real_lambda);
}

#endif
