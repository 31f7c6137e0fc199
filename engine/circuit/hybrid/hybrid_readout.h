/* Readouts of the state of one tile, their way back, and measurement. Included by hybrid_kernel.c only. */
#ifndef QLSTM_CIRCUIT_HYBRID_HYBRID_READOUT_H
#define QLSTM_CIRCUIT_HYBRID_HYBRID_READOUT_H

#include <math.h>

#include "engine/circuit/hybrid/hybrid_turn.h"

/* Numbers of one qubit for each of its Pauli matrices: expectations, or gradients on them. */
struct pauli_numbers {
	vec x, y, z;
};

static inline size_t paulis_of(const struct hybrid_shape *shape)
{
	return shape->readouts == HYBRID_XYZ ? 3 : shape->readouts == HYBRID_XZ ? 2 : 1;
}

/* sum.x + i sum.y += conj(p0) p1 */
ALWAYS_INLINE void add_overlap(struct pauli_numbers *sum, const struct amplitude *p0, const struct amplitude *p1)
{
	sum->x = fma_vec(p0->im, p1->im, fma_vec(p0->re, p1->re, sum->x));
	sum->y = fnma_vec(p0->im, p1->re, fma_vec(p0->re, p1->im, sum->y));
}

/* Of the qubits `qubit` and `qubit` + 1. */
ALWAYS_INLINE void read_two(const struct hybrid_shape *shape, bool overlaps, size_t qubit, const struct amplitude *psi,
                            struct pauli_numbers numbers[2])
{
	size_t size = (size_t)1 << shape->qubits, second = size >> (qubit + 2), first = 2 * second;
	struct pauli_numbers high = {{0}, {0}, {0}}, low = high;
	for (size_t block = 0; block < size; block += 2 * first)
		for (size_t i = block; i < block + second; i++) {
			const struct amplitude p[4] = {psi[i], psi[i + second], psi[i + first],
			                               psi[i + first + second]};
			const vec n[4] = {squared(p[0]), squared(p[1]), squared(p[2]), squared(p[3])};
			high.z += (n[0] + n[1]) - (n[2] + n[3]);
			low.z += (n[0] + n[2]) - (n[1] + n[3]);
			if (!overlaps)
				continue;
			add_overlap(&high, &p[0], &p[2]);
			add_overlap(&high, &p[1], &p[3]);
			add_overlap(&low, &p[0], &p[1]);
			add_overlap(&low, &p[2], &p[3]);
		}
	numbers[0] = high;
	numbers[1] = low;
}

/* Of one qubit. */
static struct pauli_numbers read_one(const struct hybrid_shape *shape, size_t qubit, const struct amplitude *psi)
{
	size_t size = (size_t)1 << shape->qubits, half = size >> (qubit + 1);
	struct pauli_numbers sum = {{0}, {0}, {0}};
	for (size_t block = 0; block < size; block += 2 * half)
		for (size_t i = block; i < block + half; i++) {
			sum.z += squared(psi[i]) - squared(psi[i + half]);
			add_overlap(&sum, &psi[i], &psi[i + half]);
		}
	return sum;
}

/* The rows of one qubit, at the tile's place. */
static void store_numbers(const struct hybrid_pass *pass, size_t qubit, size_t first, size_t count,
                          struct pauli_numbers sum)
{
	const struct hybrid_shape *shape = &pass->shape;
	double *row = pass->readouts + qubit * paulis_of(shape) * pass->batch + first;
	if (shape->readouts != HYBRID_Z) {
		store_row(row, sum.x + sum.x, count);
		row += pass->batch;
	}
	if (shape->readouts == HYBRID_XYZ) {
		store_row(row, sum.y + sum.y, count);
		row += pass->batch;
	}
	store_row(row, sum.z, count);
}

static struct pauli_numbers load_numbers(const struct hybrid_pass *pass, size_t qubit, size_t first, size_t count)
{
	const struct hybrid_shape *shape = &pass->shape;
	const double *row = pass->d_readouts + qubit * paulis_of(shape) * pass->batch + first;
	struct pauli_numbers numbers = {{0}, {0}, {0}};
	if (shape->readouts != HYBRID_Z) {
		numbers.x = load_row(row, count);
		row += pass->batch;
	}
	if (shape->readouts == HYBRID_XYZ) {
		numbers.y = load_row(row, count);
		row += pass->batch;
	}
	numbers.z = load_row(row, count);
	return numbers;
}

static void read_state(const struct hybrid_pass *pass, size_t first, size_t count, const struct amplitude *psi)
{
	const struct hybrid_shape *shape = &pass->shape;
	size_t n = (size_t)shape->qubits, qubit = n % 2;
	if (qubit == 1)
		store_numbers(pass, 0, first, count, read_one(shape, 0, psi));
	for (; qubit < n; qubit += 2) {
		struct pauli_numbers numbers[2];
		if (shape->readouts == HYBRID_Z)
			read_two(shape, false, qubit, psi, numbers);
		else
			read_two(shape, true, qubit, psi, numbers);
		store_numbers(pass, qubit, first, count, numbers[0]);
		store_numbers(pass, qubit + 1, first, count, numbers[1]);
	}
}

/* ---- Back: lambda += sum_k g_k P_k psi ---- */

/* l0 += (g.x - i g.y) p1, l1 += (g.x + i g.y) p0. */
ALWAYS_INLINE void add_flipped(const struct pauli_numbers *g, const struct amplitude *p0, const struct amplitude *p1,
                               struct amplitude *l0, struct amplitude *l1)
{
	l0->re = fma_vec(g->y, p1->im, fma_vec(g->x, p1->re, l0->re));
	l0->im = fnma_vec(g->y, p1->re, fma_vec(g->x, p1->im, l0->im));
	l1->re = fnma_vec(g->y, p0->im, fma_vec(g->x, p0->re, l1->re));
	l1->im = fma_vec(g->y, p0->re, fma_vec(g->x, p0->im, l1->im));
}

ALWAYS_INLINE void read_back_two(const struct hybrid_shape *shape, bool overlaps, size_t qubit,
                                 const struct pauli_numbers g[2], const struct amplitude *psi, struct amplitude *lambda)
{
	size_t size = (size_t)1 << shape->qubits, second = size >> (qubit + 2), first = 2 * second;
	const struct pauli_numbers high = g[0], low = g[1];
	const vec same = high.z + low.z, other = high.z - low.z;
	const vec diagonal[4] = {same, other, -other, -same};
	for (size_t block = 0; block < size; block += 2 * first)
		for (size_t i = block; i < block + second; i++) {
			const size_t at[4] = {i, i + second, i + first, i + first + second};
			struct amplitude p[4], l[4];
			UNROLL for (size_t k = 0; k < 4; k++)
			{
				p[k] = psi[at[k]];
				l[k] = add_scaled(lambda[at[k]], p[k], diagonal[k]);
			}
			if (overlaps) {
				add_flipped(&high, &p[0], &p[2], &l[0], &l[2]);
				add_flipped(&high, &p[1], &p[3], &l[1], &l[3]);
				add_flipped(&low, &p[0], &p[1], &l[0], &l[1]);
				add_flipped(&low, &p[2], &p[3], &l[2], &l[3]);
			}
			UNROLL for (size_t k = 0; k < 4; k++) lambda[at[k]] = l[k];
		}
}

static void read_back_first(const struct hybrid_shape *shape, const struct pauli_numbers *numbers,
                            const struct amplitude *psi, struct amplitude *lambda)
{
	const struct pauli_numbers g = *numbers;
	size_t half = (size_t)1 << (shape->qubits - 1);
	for (size_t i = 0; i < half; i++) {
		struct amplitude l0 = add_scaled(lambda[i], psi[i], g.z);
		struct amplitude l1 = add_scaled(lambda[i + half], psi[i + half], -g.z);
		add_flipped(&g, &psi[i], &psi[i + half], &l0, &l1);
		lambda[i] = l0;
		lambda[i + half] = l1;
	}
}

static void read_back(const struct hybrid_pass *pass, size_t first, size_t count, const struct amplitude *psi,
                      struct amplitude *lambda)
{
	const struct hybrid_shape *shape = &pass->shape;
	size_t n = (size_t)shape->qubits, qubit = n % 2;
	if (qubit == 1) {
		const struct pauli_numbers g = load_numbers(pass, 0, first, count);
		read_back_first(shape, &g, psi, lambda);
	}
	for (; qubit < n; qubit += 2) {
		const struct pauli_numbers g[2] = {load_numbers(pass, qubit, first, count),
		                                   load_numbers(pass, qubit + 1, first, count)};
		if (shape->readouts == HYBRID_Z)
			read_back_two(shape, false, qubit, g, psi, lambda);
		else
			read_back_two(shape, true, qubit, g, psi, lambda);
	}
}

/* ---- Measurement ---- */

/* psi += s P psi on a pair, then times `scaled`; s is 1 or -1, of P's own number, the others are 0. */
static void project(const struct hybrid_shape *shape, size_t qubit, const struct pauli_numbers *s, vec scaled,
                    struct amplitude *psi)
{
	size_t size = (size_t)1 << shape->qubits, half = size >> (qubit + 1);
	for (size_t block = 0; block < size; block += 2 * half)
		for (size_t i = block; i < block + half; i++) {
			const struct amplitude p0 = psi[i], p1 = psi[i + half];
			struct amplitude l0 = add_scaled(p0, p0, s->z), l1 = add_scaled(p1, p1, -s->z);
			add_flipped(s, &p0, &p1, &l0, &l1);
			psi[i] = scale(l0, scaled);
			psi[i + half] = scale(l1, scaled);
		}
}

/* Measures one Pauli matrix of one qubit; `row` of readouts and uniforms. */
static void measure_one(const struct hybrid_pass *pass, size_t qubit, enum pauli pauli, size_t row, size_t first,
                        size_t count, struct amplitude *psi)
{
	const struct pauli_numbers at = read_one(&pass->shape, qubit, psi);
	const vec mean = pauli == PAULI_X ? at.x + at.x : pauli == PAULI_Y ? at.y + at.y : at.z;
	vec u = load_row(pass->uniforms + row * pass->batch + first, count), found, scaled;
	for (size_t l = 0; l < WIDTH; l++) {
		double p = 0.5 * (1.0 + (double)mean[l]);
		bool up = (double)u[l] < p;
		found[l] = (real)(up ? 1.0 : -1.0);
		/* (1 + s P) / 2 and a norm of sqrt(p) or sqrt(1 - p) */
		scaled[l] = (real)(0.5 / sqrt(up ? p : 1.0 - p));
	}
	const vec zero = {0};
	const struct pauli_numbers s = {pauli == PAULI_X ? found : zero, pauli == PAULI_Y ? found : zero,
	                                pauli == PAULI_Z ? found : zero};
	project(&pass->shape, qubit, &s, scaled, psi);
	store_row(pass->readouts + row * pass->batch + first, found, count);
}

static void measure_state(const struct hybrid_pass *pass, size_t first, size_t count, struct amplitude *psi)
{
	const struct hybrid_shape *shape = &pass->shape;
	size_t row = 0;
	for (size_t qubit = 0; qubit < (size_t)shape->qubits; qubit++) {
		if (shape->readouts != HYBRID_Z)
			measure_one(pass, qubit, PAULI_X, row++, first, count, psi);
		if (shape->readouts == HYBRID_XYZ)
			measure_one(pass, qubit, PAULI_Y, row++, first, count, psi);
		measure_one(pass, qubit, PAULI_Z, row++, first, count, psi);
	}
}

#endif
