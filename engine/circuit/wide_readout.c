/* Expectation values and their transpose on a statevector; see wide_readout.h. */
#include "engine/circuit/wide_readout.h"

#include <stdlib.h>
#include <string.h>

#define ALIGNMENT 64

static bool parity(size_t bits)
{
	return __builtin_parityll(bits) != 0;
}

static int block_bits_of(const struct wide_circuit *circuit)
{
	return circuit->n_bits < WIDE_TILE_BITS ? circuit->n_bits : WIDE_TILE_BITS;
}

/* Groups the diagonal observables; returns how many arrays of sums they need. */
static size_t find_groups(const struct wide_circuit *circuit, int block_bits, struct wide_group *groups, int *group_of,
                          int *n_groups)
{
	static double wanted; /* marks a group that needs an array before there is one */
	size_t arrays = 0;
	*n_groups = 0;
	for (int o = 0; o < circuit->n_observables; o++) {
		uint32_t z = circuit->observables[o].z, high = z >> block_bits << block_bits;
		int g = 0;
		group_of[o] = -1;
		if (circuit->observables[o].x != 0)
			continue;
		while (g < *n_groups && groups[g].high != high)
			g++;
		if (g == *n_groups)
			groups[(*n_groups)++] = (struct wide_group){.high = high};
		if (z != high && groups[g].sums == NULL) {
			groups[g].sums = &wanted;
			arrays++;
		}
		group_of[o] = g;
	}
	return arrays;
}

size_t wide_readout_bytes(const struct wide_circuit *circuit)
{
	/* At most one array for every observable. */
	size_t block = (size_t)1 << block_bits_of(circuit);
	return ((size_t)circuit->n_observables + 1) * block * sizeof(double);
}

struct wide_readout *wide_readout_new(const struct wide_circuit *circuit)
{
	struct wide_readout *readout = calloc(1, sizeof *readout);
	if (readout == NULL)
		return NULL;
	*readout = (struct wide_readout){
	    .circuit = circuit,
	    .block_bits = block_bits_of(circuit),
	    .groups = calloc((size_t)circuit->n_observables, sizeof *readout->groups),
	    .group_of = calloc((size_t)circuit->n_observables, sizeof *readout->group_of),
	};
	size_t block = (size_t)1 << readout->block_bits, arrays = 0;
	if (readout->groups != NULL && readout->group_of != NULL) {
		arrays =
		    find_groups(circuit, readout->block_bits, readout->groups, readout->group_of, &readout->n_groups);
		readout->memory = aligned_alloc(ALIGNMENT, (arrays + 1) * block * sizeof(double));
	}
	if (readout->memory == NULL) {
		wide_readout_free(readout);
		return NULL;
	}
	readout->factors = readout->memory;
	double *next = readout->memory + block;
	for (int g = 0; g < readout->n_groups; g++)
		if (readout->groups[g].sums != NULL) {
			readout->groups[g].sums = next;
			next += block;
		}
	return readout;
}

void wide_readout_free(struct wide_readout *readout)
{
	if (readout == NULL)
		return;
	free(readout->groups);
	free(readout->group_of);
	free(readout->memory);
	free(readout);
}

/* t[m] = sum_k (-1)^parity(k & m) t[k]. */
static void parity_sums(double *t, size_t size)
{
	for (size_t half = 1; half < size; half *= 2)
		for (size_t i = 0; i < size; i += 2 * half)
			for (size_t j = i; j < i + half; j++) {
				double a = t[j], b = t[j + half];
				t[j] = a + b;
				t[j + half] = a - b;
			}
}

static void clear(struct wide_readout *readout)
{
	for (int g = 0; g < readout->n_groups; g++) {
		readout->groups[g].total = 0.0;
		if (readout->groups[g].sums != NULL)
			memset(readout->groups[g].sums, 0, sizeof(double) << readout->block_bits);
	}
}

static struct wide_state at(const struct wide_state *state, size_t index)
{
	return (struct wide_state){state->re + index, state->im + index};
}

/* i^(number of Y) (-1)^parity(k & z) is the factor of P|k>: sign and whether it is imaginary. */
static double string_sign(const struct pauli_string *string, size_t k)
{
	bool negative = parity(k & string->z) != ((__builtin_popcount(string->x & string->z) & 2) != 0);
	return negative ? -1.0 : 1.0;
}

static bool string_imaginary(const struct pauli_string *string)
{
	return (__builtin_popcount(string->x & string->z) & 1) != 0;
}

/* <P> of a string with x != 0: sum_k conj(psi_(k^x)) factor(k) psi_k. */
static double expect(const struct wide_circuit *circuit, const struct pauli_string *string,
                     const struct wide_state *psi)
{
	double sum = 0.0;
	bool imaginary = string_imaginary(string);
	for (size_t k = 0; k < (size_t)1 << circuit->n_bits; k++) {
		size_t to = k ^ string->x;
		double value = imaginary ? psi->im[to] * psi->re[k] - psi->re[to] * psi->im[k]
		                         : psi->re[to] * psi->re[k] + psi->im[to] * psi->im[k];
		sum += string_sign(string, k) * value;
	}
	return sum;
}

/* lambda += g P psi of a string with x != 0. */
static void add_image(const struct wide_circuit *circuit, const struct pauli_string *string,
                      const struct wide_state *psi, const struct wide_state *lambda, double g)
{
	bool imaginary = string_imaginary(string);
	for (size_t k = 0; k < (size_t)1 << circuit->n_bits; k++) {
		size_t to = k ^ string->x;
		double factor = g * string_sign(string, k);
		lambda->re[to] += factor * (imaginary ? -psi->im[k] : psi->re[k]);
		lambda->im[to] += factor * (imaginary ? psi->re[k] : psi->im[k]);
	}
}

static void weigh_blocks(struct wide_readout *readout, const struct wide_kernels *kernels, const struct wide_state *psi)
{
	size_t block = (size_t)1 << readout->block_bits;
	for (size_t index = 0; index < (size_t)1 << readout->circuit->n_bits; index += block) {
		struct wide_state here = at(psi, index);
		double weight = kernels->weigh(&here, block, 0.0, NULL);
		for (int g = 0; g < readout->n_groups; g++) {
			double sign = parity(index & readout->groups[g].high) ? -1.0 : 1.0;
			readout->groups[g].total += sign * weight;
			if (readout->groups[g].sums != NULL)
				kernels->weigh(&here, block, sign, readout->groups[g].sums);
		}
	}
}

void wide_readout_measure(struct wide_readout *readout, const struct wide_kernels *kernels,
                          const struct wide_state *psi, double *outputs, size_t stride)
{
	const struct wide_circuit *circuit = readout->circuit;
	size_t block = (size_t)1 << readout->block_bits;
	clear(readout);
	if (readout->n_groups > 0)
		weigh_blocks(readout, kernels, psi);
	for (int g = 0; g < readout->n_groups; g++)
		if (readout->groups[g].sums != NULL)
			parity_sums(readout->groups[g].sums, block);
	for (int o = 0; o < circuit->n_observables; o++) {
		const struct pauli_string *string = &circuit->observables[o];
		double *out = &outputs[(size_t)o * stride];
		if (string->x != 0) {
			*out = expect(circuit, string, psi);
			continue;
		}
		const struct wide_group *group = &readout->groups[readout->group_of[o]];
		size_t low = string->z & (block - 1);
		*out = low == 0 ? group->total : group->sums[low];
	}
}

/* The factors of one block, but for the constant that is returned. */
static double gather_factors(struct wide_readout *readout, size_t index)
{
	double constant = 0.0, *factors = readout->factors;
	memset(factors, 0, sizeof(double) << readout->block_bits);
	for (int g = 0; g < readout->n_groups; g++) {
		const struct wide_group *group = &readout->groups[g];
		double sign = parity(index & group->high) ? -1.0 : 1.0;
		constant += sign * group->total;
		for (size_t k = 0; k < (size_t)1 << readout->block_bits && group->sums != NULL; k++)
			factors[k] += sign * group->sums[k];
	}
	return constant;
}

void wide_readout_apply(struct wide_readout *readout, const struct wide_kernels *kernels, const struct wide_state *psi,
                        const struct wide_state *lambda, const double *cotangents, size_t stride)
{
	const struct wide_circuit *circuit = readout->circuit;
	size_t block = (size_t)1 << readout->block_bits;
	clear(readout);
	for (int o = 0; o < circuit->n_observables; o++) {
		struct wide_group *group = &readout->groups[readout->group_of[o] >= 0 ? readout->group_of[o] : 0];
		size_t low = circuit->observables[o].z & (block - 1);
		if (circuit->observables[o].x != 0)
			continue;
		*(low == 0 ? &group->total : &group->sums[low]) += cotangents[(size_t)o * stride];
	}
	for (int g = 0; g < readout->n_groups; g++)
		if (readout->groups[g].sums != NULL)
			parity_sums(readout->groups[g].sums, block);
	for (size_t index = 0; index < (size_t)1 << circuit->n_bits; index += block) {
		struct wide_state from = at(psi, index), to = at(lambda, index);
		double constant = gather_factors(readout, index);
		kernels->scale(&to, &from, block, constant, readout->factors);
	}
	for (int o = 0; o < circuit->n_observables; o++)
		if (circuit->observables[o].x != 0)
			add_image(circuit, &circuit->observables[o], psi, lambda, cotangents[(size_t)o * stride]);
}
