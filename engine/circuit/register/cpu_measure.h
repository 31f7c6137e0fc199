/* Expectations, probabilities and projections on one tile, forward and backward. Included by cpu_kernel.c only. */
#ifndef QLSTM_CIRCUIT_REGISTER_CPU_MEASURE_H
#define QLSTM_CIRCUIT_REGISTER_CPU_MEASURE_H

#include <math.h>

#include "engine/circuit/register/cpu_tile.h"

/* P|k> for one k: i^n_y (-1)^parity(k & z) times the amplitude. */
static inline struct amplitude pauli_image(const struct register_pauli *string, size_t k, struct amplitude a)
{
	int quarter = (string->n_y + 2 * __builtin_parityll(k & string->z)) & 3;
	if ((quarter & 1) != 0)
		a = (struct amplitude){-a.im, a.re};
	return (quarter & 2) != 0 ? (struct amplitude){-a.re, -a.im} : a;
}

static vec tile_expect(const struct tile *tile, const struct register_pauli *string)
{
	vec sum = {0};
	for (size_t k = 0; k < tile->size; k++) {
		struct amplitude image = pauli_image(string, k, tile->psi[k]), bra = tile->psi[k ^ string->x];
		sum = fma_vec(bra.im, image.im, fma_vec(bra.re, image.re, sum));
	}
	return sum;
}

/* d<P> = 2 Re <P psi|dpsi>. */
static void tile_expect_backward(const struct tile *tile, const struct register_pauli *string, vec d_output)
{
	for (size_t k = 0; k < tile->size; k++) {
		struct amplitude *to = &tile->cotangent[k ^ string->x];
		*to = add_scaled(*to, pauli_image(string, k, tile->psi[k]), d_output + d_output);
	}
}

/* The wires beside `wires`. */
static size_t other_wires(const struct tile *tile, size_t wires)
{
	return (tile->size - 1) & ~wires;
}

static vec word_probability(const struct tile *tile, size_t word, size_t others)
{
	vec sum = {0};
	size_t rest = 0;
	do
		sum += squared(tile->psi[word | rest]);
	while (next_subset(&rest, others));
	return sum;
}

static void tile_probabilities(const struct tile *tile, size_t wires, double *probabilities)
{
	size_t others = other_wires(tile, wires);
	size_t word = 0, row = 0;
	do
		store_samples(tile, probabilities, row++, word_probability(tile, word, others));
	while (next_subset(&word, wires));
}

static void tile_probabilities_backward(const struct tile *tile, size_t wires, const double *d_probabilities)
{
	size_t others = other_wires(tile, wires);
	size_t word = 0, row = 0;
	do {
		vec d = load_samples(tile, d_probabilities, row++), twice = d + d;
		size_t rest = 0;
		do {
			struct amplitude *to = &tile->cotangent[word | rest];
			*to = add_scaled(*to, tile->psi[word | rest], twice);
		} while (next_subset(&rest, others));
	} while (next_subset(&word, wires));
}

/* 1 in the lanes that project on `word`, else 0. */
static vec word_lanes(const struct tile *tile, const uint32_t *words, size_t word)
{
	vec lanes = {0};
	for (size_t l = 0; l < tile->count; l++)
		lanes[l] = words == NULL || words[tile->first + l] == word;
	return lanes;
}

/* What the projection divides by: 1 / sqrt(max(p, floor)), and in which lanes p is not below the floor. */
static vec renormalisation(const struct tile *tile, vec p, vec *above)
{
	vec factor = {0};
	*above = factor;
	for (size_t l = 0; l < tile->count; l++) {
		bool low = !(p[l] >= (real)REGISTER_PROBABILITY_FLOOR);
		(*above)[l] = !low;
		factor[l] = (real)(1.0 / sqrt(low ? REGISTER_PROBABILITY_FLOOR : (double)p[l]));
	}
	return factor;
}

static vec tile_project(const struct tile *tile, size_t wires, const uint32_t *words, vec *above)
{
	size_t others = other_wires(tile, wires);
	vec p = {0};
	size_t word = 0, number = 0;
	do
		p = fma_vec(word_lanes(tile, words, number++), word_probability(tile, word, others), p);
	while (next_subset(&word, wires));
	vec factor = renormalisation(tile, p, above);
	number = 0;
	do {
		vec kept = word_lanes(tile, words, number++) * factor;
		size_t rest = 0;
		do
			tile->psi[word | rest] = scale(tile->psi[word | rest], kept);
		while (next_subset(&rest, others));
	} while (next_subset(&word, wires));
	return p;
}

/* p = <z|z> and Re <z|dpsi'>, with z the part that is kept. */
static void kept_sums(const struct tile *tile, size_t wires, const uint32_t *words, vec *p, vec *overlap)
{
	size_t others = other_wires(tile, wires);
	size_t word = 0, number = 0;
	*p = *overlap = (vec){0};
	do {
		vec lanes = word_lanes(tile, words, number++), sum = {0};
		size_t rest = 0;
		do {
			struct amplitude z = tile->psi[word | rest], d = tile->cotangent[word | rest];
			sum = fma_vec(z.im, d.im, fma_vec(z.re, d.re, sum));
		} while (next_subset(&rest, others));
		*p = fma_vec(lanes, word_probability(tile, word, others), *p);
		*overlap = fma_vec(lanes, sum, *overlap);
	} while (next_subset(&word, wires));
}

static void tile_project_backward(const struct tile *tile, size_t wires, const uint32_t *words, vec d_probability)
{
	size_t others = other_wires(tile, wires);
	vec p, overlap, above;
	kept_sums(tile, wires, words, &p, &overlap);
	vec factor = renormalisation(tile, p, &above);
	vec along = fnma_vec(above * overlap * factor * factor, factor, d_probability + d_probability);
	size_t word = 0, number = 0;
	do {
		vec lanes = word_lanes(tile, words, number++), rate = lanes * factor, part = lanes * along;
		size_t rest = 0;
		do {
			struct amplitude *d = &tile->cotangent[word | rest];
			*d = add_scaled(scale(*d, rate), tile->psi[word | rest], part);
		} while (next_subset(&rest, others));
	} while (next_subset(&word, wires));
}

#endif
