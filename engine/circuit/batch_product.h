/* The product state at the start of a circuit, and the way back through it. Real when all its rotations are about Y,
 * complex otherwise: the same algorithm on numbers of one or two parts. Included by batch_kernel.c only. */
#ifndef QLSTM_CIRCUIT_BATCH_PRODUCT_H
#define QLSTM_CIRCUIT_BATCH_PRODUCT_H

#include "engine/circuit/batch_tile.h"

/* The state of one wire from its rotations about Y. */
static inline void real_wire(const struct tile *tile, int wire)
{
	const struct batch_circuit *circuit = tile->circuit;
	int first = circuit->prefix_start[wire], end = circuit->prefix_start[wire + 1];
	vec zero = (vec){0} + 1, one = {0};
	if (first < end) {
		zero = *tile_cosine(tile, circuit->prefix[first].slot);
		one = *tile_sine(tile, circuit->prefix[first].slot);
	}
	for (int i = first + 1; i < end; i++) {
		vec c = *tile_cosine(tile, circuit->prefix[i].slot), s = *tile_sine(tile, circuit->prefix[i].slot);
		vec next = c * zero - s * one;
		one = s * zero + c * one;
		zero = next;
	}
	vec *vectors = (vec *)tile->memory->vectors + 2 * wire;
	vectors[0] = zero;
	vectors[1] = one;
}

/* psi = the product of the wires' states, wire by wire, growing in place from the top down. */
ALWAYS_INLINE void real_product(const struct tile *tile, int n, vec *psi)
{
	const vec *vectors = tile->memory->vectors;
	for (int w = 0; w < n; w++)
		real_wire(tile, w);
	psi[0] = vectors[0];
	psi[1] = vectors[1];
	UNROLL for (int w = 1; w < n; w++)
	{
		vec zero = vectors[2 * w], one = vectors[2 * w + 1];
		UNROLL for (size_t j = (size_t)1 << w; j-- > 0;)
		{
			vec a = psi[j];
			psi[2 * j + 1] = a * one;
			psi[2 * j] = a * zero;
		}
	}
}

/* Rotations about Y on one wire commute, so they have the same derivative. g0 and g1 are lambda contracted with the
 * states of all other wires. */
static inline void real_wire_backward(const struct tile *tile, int wire, vec g0, vec g1)
{
	const struct batch_circuit *circuit = tile->circuit;
	const vec *vectors = (vec *)tile->memory->vectors + 2 * wire;
	vec slope = g1 * vectors[0] - g0 * vectors[1];
	for (int i = circuit->prefix_start[wire]; i < circuit->prefix_start[wire + 1]; i++)
		*tile_gradient(tile, circuit->prefix[i].slot) += slope;
}

/* others takes the products of the first m wires at 2^m; lambda is contracted with one wire after the other, the last
 * one first. */
ALWAYS_INLINE void real_product_backward(const struct tile *tile, int n, vec *lambda)
{
	const vec *vectors = tile->memory->vectors;
	vec *others = tile->memory->others;
	others[1] = (vec){0} + 1;
	UNROLL for (int w = 0; w + 1 < n; w++)
	{
		vec *from = others + ((size_t)1 << w), *to = from + ((size_t)1 << w);
		vec zero = vectors[2 * w], one = vectors[2 * w + 1];
		UNROLL for (size_t j = 0; j < (size_t)1 << w; j++)
		{
			to[2 * j] = from[j] * zero;
			to[2 * j + 1] = from[j] * one;
		}
	}
	UNROLL for (int w = n - 1; w >= 0; w--)
	{
		const vec *rest = others + ((size_t)1 << w);
		vec zero = vectors[2 * w], one = vectors[2 * w + 1], g0 = {0}, g1 = {0};
		UNROLL for (size_t j = 0; j < (size_t)1 << w; j++)
		{
			vec l0 = lambda[2 * j], l1 = lambda[2 * j + 1];
			g0 += rest[j] * l0;
			g1 += rest[j] * l1;
			lambda[j] = zero * l0 + one * l1;
		}
		real_wire_backward(tile, w, g0, g1);
	}
}

static inline struct amplitude *complex_vector(const struct tile *tile, int wire)
{
	return (struct amplitude *)tile->memory->vectors + 2 * wire;
}

static void complex_wire(const struct tile *tile, int wire)
{
	const struct batch_circuit *circuit = tile->circuit;
	struct amplitude zero = {(vec){0} + 1, {0}}, one = {{0}, {0}};
	for (int i = circuit->prefix_start[wire]; i < circuit->prefix_start[wire + 1]; i++) {
		int slot = circuit->prefix[i].slot;
		turn(circuit->prefix[i].axis, &zero, &one, *tile_cosine(tile, slot), *tile_sine(tile, slot));
	}
	complex_vector(tile, wire)[0] = zero;
	complex_vector(tile, wire)[1] = one;
}

ALWAYS_INLINE void complex_product(const struct tile *tile, int n, struct amplitude *psi)
{
	for (int w = 0; w < n; w++)
		complex_wire(tile, w);
	psi[0] = complex_vector(tile, 0)[0];
	psi[1] = complex_vector(tile, 0)[1];
	UNROLL for (int w = 1; w < n; w++)
	{
		struct amplitude zero = complex_vector(tile, w)[0], one = complex_vector(tile, w)[1];
		UNROLL for (size_t j = (size_t)1 << w; j-- > 0;)
		{
			struct amplitude a = psi[j];
			psi[2 * j + 1] = multiply(a, one);
			psi[2 * j] = multiply(a, zero);
		}
	}
}

static void complex_wire_backward(const struct tile *tile, int wire, struct amplitude g0, struct amplitude g1)
{
	const struct batch_circuit *circuit = tile->circuit;
	struct amplitude zero = complex_vector(tile, wire)[0], one = complex_vector(tile, wire)[1];
	for (int i = circuit->prefix_start[wire + 1] - 1; i >= circuit->prefix_start[wire]; i--) {
		int slot = circuit->prefix[i].slot;
		enum pauli axis = circuit->prefix[i].axis;
		vec c = *tile_cosine(tile, slot), s = *tile_sine(tile, slot);
		*tile_gradient(tile, slot) += slope(axis, &g0, &g1, &zero, &one);
		turn(axis, &zero, &one, c, -s);
		turn(axis, &g0, &g1, c, -s);
	}
}

ALWAYS_INLINE void complex_product_backward(const struct tile *tile, int n, struct amplitude *lambda)
{
	struct amplitude *others = tile->memory->others;
	others[1] = (struct amplitude){(vec){0} + 1, {0}};
	UNROLL for (int w = 0; w + 1 < n; w++)
	{
		struct amplitude *from = others + ((size_t)1 << w), *to = from + ((size_t)1 << w);
		struct amplitude zero = complex_vector(tile, w)[0], one = complex_vector(tile, w)[1];
		UNROLL for (size_t j = 0; j < (size_t)1 << w; j++)
		{
			to[2 * j] = multiply(from[j], zero);
			to[2 * j + 1] = multiply(from[j], one);
		}
	}
	UNROLL for (int w = n - 1; w >= 0; w--)
	{
		const struct amplitude *rest = others + ((size_t)1 << w);
		struct amplitude zero = complex_vector(tile, w)[0], one = complex_vector(tile, w)[1];
		struct amplitude g0 = {{0}, {0}}, g1 = {{0}, {0}};
		UNROLL for (size_t j = 0; j < (size_t)1 << w; j++)
		{
			struct amplitude l0 = lambda[2 * j], l1 = lambda[2 * j + 1];
			g0 = add(g0, multiply_conj(rest[j], l0));
			g1 = add(g1, multiply_conj(rest[j], l1));
			lambda[j] = add(multiply_conj(zero, l0), multiply_conj(one, l1));
		}
		complex_wire_backward(tile, w, g0, g1);
	}
}

#endif
