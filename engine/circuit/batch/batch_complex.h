/* The product state where some rotation is about another axis than Y, so that amplitudes are complex, and the way back
 * through it: the algorithm of batch_product.h. Included by batch_kernel.c only. */
#ifndef QLSTM_CIRCUIT_BATCH_COMPLEX_H
#define QLSTM_CIRCUIT_BATCH_COMPLEX_H

#include "engine/circuit/batch/batch_product.h"

static inline struct amplitude *complex_vector(const struct tile *tile, int wire)
{
	return (struct amplitude *)tile->memory->vectors + 2 * wire;
}

/* Real up to the first rotation that is about another axis than Y, most often about Z. */
static void complex_wire(const struct tile *tile, int wire)
{
	const struct batch_circuit *circuit = tile->circuit;
	const struct batch_prefix *prefix = circuit->prefix;
	int i = circuit->prefix_start[wire], end = circuit->prefix_start[wire + 1], turned = i;
	while (turned < end && prefix[turned].axis == PAULI_Y)
		turned++;
	struct real_state state = real_turns(tile, i, turned);
	struct amplitude zero = {state.zero, {0}}, one = {state.one, {0}};
	i = turned;
	if (i < end && prefix[i].axis == PAULI_Z) {
		vec c = *tile_cosine(tile, prefix[i].slot), s = *tile_sine(tile, prefix[i].slot);
		zero = (struct amplitude){state.zero * c, -(state.zero * s)};
		one = (struct amplitude){state.one * c, state.one * s};
		i++;
	}
	for (; i < end; i++)
		turn(prefix[i].axis, &zero, &one, *tile_cosine(tile, prefix[i].slot), *tile_sine(tile, prefix[i].slot));
	complex_vector(tile, wire)[0] = zero;
	complex_vector(tile, wire)[1] = one;
}

/* complex_wire of all wires where they are dressed. */
ALWAYS_INLINE void dressed_wires(const struct tile *tile, int n)
{
	const struct batch_dressed *dressed = &tile->circuit->dressed;
	const vec *cy = tile_cosine(tile, dressed->y), *sy = tile_sine(tile, dressed->y);
	const vec *cz = tile_cosine(tile, dressed->z), *sz = tile_sine(tile, dressed->z);
	const vec *first = tile_cosine(tile, dressed->constant), *second = tile_sine(tile, dressed->constant);
	struct amplitude *vectors = tile->memory->vectors;
	size_t apart = tile->tiles;
	for (int w = 0; w < n; w++, cy += apart, sy += apart, cz += apart, sz += apart, vectors += 2) {
		vec a = first[w * dressed->apart], b = second[w * dressed->apart];
		vec zero = fms_vec(*cy, a, *sy * b), one = fma_vec(*sy, a, *cy * b);
		vectors[0] = (struct amplitude){zero * *cz, -(zero * *sz)};
		vectors[1] = (struct amplitude){one * *cz, one * *sz};
	}
}

ALWAYS_INLINE void complex_wires(const struct tile *tile, int n)
{
	if (tile->circuit->dressed.all) {
		dressed_wires(tile, n);
		return;
	}
	for (int w = 0; w < n; w++)
		complex_wire(tile, w);
}

ALWAYS_INLINE void complex_grow(const struct tile *tile, int first, int count, struct amplitude *psi)
{
	psi[0] = (struct amplitude){(vec){0} + 1, {0}};
	for (int b = 0; b < 2 && count > 0; b++)
		psi[b] = complex_vector(tile, first)[b];
	UNROLL_SOME for (int w = 1; w < count; w++)
	{
		struct amplitude zero = complex_vector(tile, first + w)[0], one = complex_vector(tile, first + w)[1];
		UNROLL_SOME for (size_t j = (size_t)1 << w; j-- > 0;)
		{
			struct amplitude a = psi[j];
			psi[2 * j + 1] = multiply(a, one);
			psi[2 * j] = multiply(a, zero);
		}
	}
}

ALWAYS_INLINE void complex_product(const struct tile *tile, int n, struct amplitude *psi)
{
	struct halves halves = product_halves(tile, n, sizeof *psi);
	struct amplitude *left = halves.left, *right = halves.right;
	complex_wires(tile, n);
	complex_grow(tile, 0, halves.n_left, left);
	complex_grow(tile, halves.n_left, n - halves.n_left, right);
	UNROLL_SOME for (size_t a = 0; a < halves.rows; a++)
	{
		for (size_t first = 0; first < halves.columns; first += BATCH_RUN) {
			struct amplitude *to = psi + batch_place(a * halves.columns + first);
			UNROLL_SOME for (size_t b = 0; b < run_length(halves.columns); b++) to[b] =
			    multiply(left[a], right[first + b]);
		}
	}
}

/* complex_wire_backward where wires are dressed. */
static inline void dressed_wire_backward(const struct tile *tile, int wire, struct amplitude g0, struct amplitude g1)
{
	const struct batch_dressed *dressed = &tile->circuit->dressed;
	struct amplitude zero = complex_vector(tile, wire)[0], one = complex_vector(tile, wire)[1];
	size_t y = (size_t)(dressed->y + wire) * tile->tiles + tile->at;
	size_t z = (size_t)(dressed->z + wire) * tile->tiles + tile->at;
	vec c = tile->cosine[z], s = tile->sine[z], *gradient = tile->memory->gradient;
	gradient[z] += slope_z(&g0, &g1, &zero, &one);
	turn_z(&zero, &one, c, -s);
	turn_z(&g0, &g1, c, -s);
	gradient[y] += slope_y(&g0, &g1, &zero, &one);
}

/* Back to the first rotation whose angle is no constant. */
static void complex_wire_backward(const struct tile *tile, int wire, struct amplitude g0, struct amplitude g1)
{
	const struct batch_circuit *circuit = tile->circuit;
	if (circuit->dressed.all) {
		dressed_wire_backward(tile, wire, g0, g1);
		return;
	}
	struct amplitude zero = complex_vector(tile, wire)[0], one = complex_vector(tile, wire)[1];
	int first = circuit->prefix_learned[wire];
	for (int i = circuit->prefix_start[wire + 1] - 1; i >= first; i--) {
		int slot = circuit->prefix[i].slot;
		enum pauli axis = circuit->prefix[i].axis;
		*tile_gradient(tile, slot) += slope(axis, &g0, &g1, &zero, &one);
		if (i == first)
			return;
		vec c = *tile_cosine(tile, slot), s = *tile_sine(tile, slot);
		turn(axis, &zero, &one, c, -s);
		turn(axis, &g0, &g1, c, -s);
	}
}

ALWAYS_INLINE void complex_shrink(const struct tile *tile, int first, int count, struct amplitude *lambda)
{
	struct amplitude *others = tile->memory->others;
	for (int b = 0; b < 2 && count > 1; b++)
		others[2 + b] = complex_vector(tile, first)[b];
	UNROLL_SOME for (int w = 1; w + 1 < count; w++)
	{
		struct amplitude *from = others + ((size_t)1 << w), *to = from + ((size_t)1 << w);
		struct amplitude zero = complex_vector(tile, first + w)[0], one = complex_vector(tile, first + w)[1];
		UNROLL_SOME for (size_t j = 0; j < (size_t)1 << w; j++)
		{
			to[2 * j] = multiply(from[j], zero);
			to[2 * j + 1] = multiply(from[j], one);
		}
	}
	UNROLL_SOME for (int w = count - 1; w > 0; w--)
	{
		const struct amplitude *rest = others + ((size_t)1 << w);
		struct amplitude zero = complex_vector(tile, first + w)[0], one = complex_vector(tile, first + w)[1];
		struct amplitude g0 = {{0}, {0}}, g1 = {{0}, {0}};
		UNROLL_SOME for (size_t j = 0; j < (size_t)1 << w; j++)
		{
			struct amplitude l0 = lambda[2 * j], l1 = lambda[2 * j + 1];
			g0 = add_product_conj(g0, rest[j], l0);
			g1 = add_product_conj(g1, rest[j], l1);
			lambda[j] = add_product_conj(multiply_conj(zero, l0), one, l1);
		}
		complex_wire_backward(tile, first + w, g0, g1);
	}
	if (count > 0)
		complex_wire_backward(tile, first, lambda[0], lambda[1]);
}

ALWAYS_INLINE void complex_product_backward(const struct tile *tile, int n, const struct amplitude *lambda)
{
	struct halves halves = product_halves(tile, n, sizeof *lambda);
	const struct amplitude *left = halves.left, *right = halves.right;
	struct amplitude *left_slopes = halves.left_slopes, *right_slopes = halves.right_slopes;
	size_t block = n < 3 ? 2 : PRODUCT_BLOCK;
	for (size_t b = 0; b < halves.columns; b += block) {
		struct amplitude sums[PRODUCT_BLOCK] = {{{0}, {0}}};
		UNROLL_SOME for (size_t a = 0; a < halves.rows; a++)
		{
			struct amplitude sum = b > 0 ? left_slopes[a] : (struct amplitude){{0}, {0}};
			const struct amplitude *from = lambda + batch_place(a * halves.columns + b);
			UNROLL for (size_t i = 0; i < block; i++)
			{
				struct amplitude l = from[i];
				sum = add_product_conj(sum, right[b + i], l);
				sums[i] = add_product_conj(sums[i], left[a], l);
			}
			left_slopes[a] = sum;
		}
		UNROLL for (size_t i = 0; i < block; i++) right_slopes[b + i] = sums[i];
	}
	complex_shrink(tile, 0, halves.n_left, left_slopes);
	complex_shrink(tile, halves.n_left, n - halves.n_left, right_slopes);
}

#endif
