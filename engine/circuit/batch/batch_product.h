/* The product state at the start of a circuit, and the way back through it, where all its rotations are about Y: then
 * amplitudes are real. batch_complex.h has the same algorithm on complex ones. Included by batch_kernel.c only. */
#ifndef QLSTM_CIRCUIT_BATCH_PRODUCT_H
#define QLSTM_CIRCUIT_BATCH_PRODUCT_H

#include "engine/circuit/batch/batch_steps.h"

/* The state is the product of a left half of the wires, the high bits of an index, and a right half. */
struct halves {
	int n_left;
	size_t rows, columns;             /* their numbers of states */
	void *left, *right;               /* their states */
	void *left_slopes, *right_slopes; /* lambda contracted with the other one */
};

/* Columns that are contracted at a time; from three wires on there are as many. */
#define PRODUCT_BLOCK 4

ALWAYS_INLINE struct halves product_halves(const struct tile *tile, int n, size_t bytes)
{
	size_t columns = (size_t)1 << (n - n / 2);
	char *at = tile->memory->halves;
	return (struct halves){n / 2,
	                       (size_t)1 << n / 2,
	                       columns,
	                       at,
	                       at + columns * bytes,
	                       at + 2 * columns * bytes,
	                       at + 3 * columns * bytes};
}

/* What rotations `first` to `end` - 1 of the prefix, about Y, make of |0>. */
struct real_state {
	vec zero, one;
};

static inline struct real_state real_turns(const struct tile *tile, int first, int end)
{
	const struct batch_prefix *prefix = tile->circuit->prefix;
	vec zero = (vec){0} + 1, one = {0};
	if (first < end) {
		zero = *tile_cosine(tile, prefix[first].slot);
		one = *tile_sine(tile, prefix[first].slot);
	}
	for (int i = first + 1; i < end; i++) {
		vec c = *tile_cosine(tile, prefix[i].slot), s = *tile_sine(tile, prefix[i].slot);
		vec next = fms_vec(c, zero, s * one);
		one = fma_vec(s, zero, c * one);
		zero = next;
	}
	return (struct real_state){zero, one};
}

/* The state of one wire from its rotations about Y. */
static inline void real_wire(const struct tile *tile, int wire)
{
	const struct batch_circuit *circuit = tile->circuit;
	struct real_state state = real_turns(tile, circuit->prefix_start[wire], circuit->prefix_start[wire + 1]);
	vec *vectors = (vec *)tile->memory->vectors + 2 * wire;
	vectors[0] = state.zero;
	vectors[1] = state.one;
}

/* real_wire of all wires where they are paired. */
ALWAYS_INLINE void paired_wires(const struct tile *tile, int n)
{
	const struct batch_paired *paired = &tile->circuit->paired;
	const vec *c0 = tile_cosine(tile, paired->feature), *s0 = tile_sine(tile, paired->feature);
	const vec *c1 = tile_cosine(tile, paired->other), *s1 = tile_sine(tile, paired->other);
	size_t apart = tile->tiles;
	vec *vectors = tile->memory->vectors;
	for (int w = 0; w < n; w++, c0 += apart, s0 += apart, c1 += paired->apart, s1 += paired->apart) {
		vec zero = *c0, one = *s0, c = *c1, s = *s1;
		vectors[2 * w] = fms_vec(c, zero, s * one);
		vectors[2 * w + 1] = fma_vec(s, zero, c * one);
	}
}

ALWAYS_INLINE void real_wires(const struct tile *tile, int n)
{
	if (tile->circuit->paired.all) {
		paired_wires(tile, n);
		return;
	}
	for (int w = 0; w < n; w++)
		real_wire(tile, w);
}

/* psi = the product of the states of `count` wires, wire by wire, growing in place from the top down. */
ALWAYS_INLINE void real_grow(const struct tile *tile, int first, int count, vec *psi)
{
	const vec *vectors = (vec *)tile->memory->vectors + 2 * first;
	psi[0] = (vec){0} + 1;
	for (int b = 0; b < 2 && count > 0; b++)
		psi[b] = vectors[b];
	UNROLL_SOME for (int w = 1; w < count; w++)
	{
		vec zero = vectors[2 * w], one = vectors[2 * w + 1];
		UNROLL_SOME for (size_t j = (size_t)1 << w; j-- > 0;)
		{
			vec a = psi[j];
			psi[2 * j + 1] = a * one;
			psi[2 * j] = a * zero;
		}
	}
}

ALWAYS_INLINE void real_halves(const struct tile *tile, int n)
{
	struct halves halves = product_halves(tile, n, sizeof(vec));
	real_wires(tile, n);
	real_grow(tile, 0, halves.n_left, halves.left);
	real_grow(tile, halves.n_left, n - halves.n_left, halves.right);
}

ALWAYS_INLINE void real_product(const struct tile *tile, int n, vec *psi)
{
	struct halves halves = product_halves(tile, n, sizeof(vec));
	const vec *left = halves.left, *right = halves.right;
	real_halves(tile, n);
	UNROLL_SOME for (size_t a = 0; a < halves.rows; a++)
	{
		for (size_t first = 0; first < halves.columns; first += BATCH_RUN) {
			vec *to = psi + batch_place(a * halves.columns + first);
			UNROLL_SOME for (size_t b = 0; b < run_length(halves.columns); b++) to[b] =
			    left[a] * right[first + b];
		}
	}
}

/* Rotations about Y on one wire commute, so they have the same derivative. */
static inline void real_wire_backward(const struct tile *tile, int wire, vec slope)
{
	const struct batch_circuit *circuit = tile->circuit;
	for (int i = circuit->prefix_start[wire]; i < circuit->prefix_start[wire + 1]; i++)
		*tile_gradient(tile, circuit->prefix[i].slot) += slope;
}

/* Where the gradients of paired wires stand. */
struct paired_rows {
	vec *features, *others;
	size_t apart, others_apart;
	bool all;
};

static inline struct paired_rows paired_gradients(const struct tile *tile)
{
	const struct batch_paired *paired = &tile->circuit->paired;
	if (!paired->all)
		return (struct paired_rows){.all = false};
	return (struct paired_rows){tile_gradient(tile, paired->feature), tile_gradient(tile, paired->other),
	                            tile->tiles, (size_t)paired->apart, true};
}

/* Of a wire in this state; g0 and g1 are lambda contracted with the states of all other wires. */
ALWAYS_INLINE void real_slope(const struct tile *tile, struct paired_rows rows, int wire, const vec *state, vec g0,
                              vec g1)
{
	vec slope = fms_vec(g1, state[0], g0 * state[1]);
	if (!rows.all) {
		real_wire_backward(tile, wire, slope);
		return;
	}
	rows.features[(size_t)wire * rows.apart] += slope;
	rows.others[(size_t)wire * rows.others_apart] += slope;
}

/* Of `count` wires: others takes the products of the first m of them at 2^m; lambda is contracted with one wire after
 * the other, the last one first. */
ALWAYS_INLINE void real_shrink(const struct tile *tile, struct paired_rows rows, int first, int count, vec *lambda)
{
	const vec *vectors = (vec *)tile->memory->vectors + 2 * first;
	vec *others = tile->memory->others;
	for (int b = 0; b < 2 && count > 1; b++)
		others[2 + b] = vectors[b];
	UNROLL_SOME for (int w = 1; w + 1 < count; w++)
	{
		vec *from = others + ((size_t)1 << w), *to = from + ((size_t)1 << w);
		vec zero = vectors[2 * w], one = vectors[2 * w + 1];
		UNROLL_SOME for (size_t j = 0; j < (size_t)1 << w; j++)
		{
			to[2 * j] = from[j] * zero;
			to[2 * j + 1] = from[j] * one;
		}
	}
	UNROLL_SOME for (int w = count - 1; w > 0; w--)
	{
		const vec *rest = others + ((size_t)1 << w);
		vec zero = vectors[2 * w], one = vectors[2 * w + 1], g0 = {0}, g1 = {0};
		UNROLL_SOME for (size_t j = 0; j < (size_t)1 << w; j++)
		{
			vec l0 = lambda[2 * j], l1 = lambda[2 * j + 1];
			g0 = fma_vec(rest[j], l0, g0);
			g1 = fma_vec(rest[j], l1, g1);
			lambda[j] = fma_vec(zero, l0, one * l1);
		}
		real_slope(tile, rows, first + w, vectors + 2 * w, g0, g1);
	}
	if (count > 0)
		real_slope(tile, rows, first, vectors, lambda[0], lambda[1]);
}

/* The gradients of either half from lambda contracted with the other one. */
ALWAYS_INLINE void real_halves_backward(const struct tile *tile, int n)
{
	struct halves halves = product_halves(tile, n, sizeof(vec));
	struct paired_rows rows = paired_gradients(tile);
	real_shrink(tile, rows, 0, halves.n_left, halves.left_slopes);
	real_shrink(tile, rows, halves.n_left, n - halves.n_left, halves.right_slopes);
}

/* lambda contracted with the right half is what the left half gets, and the other way round. */
ALWAYS_INLINE void real_product_backward(const struct tile *tile, int n, const vec *lambda)
{
	struct halves halves = product_halves(tile, n, sizeof(vec));
	const vec *left = halves.left, *right = halves.right;
	vec *left_slopes = halves.left_slopes, *right_slopes = halves.right_slopes;
	size_t block = n < 3 ? 2 : PRODUCT_BLOCK;
	for (size_t b = 0; b < halves.columns; b += block) {
		vec sums[PRODUCT_BLOCK] = {{0}};
		UNROLL_SOME for (size_t a = 0; a < halves.rows; a++)
		{
			vec sum = b > 0 ? left_slopes[a] : (vec){0};
			const vec *from = lambda + batch_place(a * halves.columns + b);
			UNROLL for (size_t i = 0; i < block; i++)
			{
				vec l = from[i];
				sum = fma_vec(right[b + i], l, sum);
				sums[i] = fma_vec(left[a], l, sums[i]);
			}
			left_slopes[a] = sum;
		}
		UNROLL for (size_t i = 0; i < block; i++) right_slopes[b + i] = sums[i];
	}
	real_halves_backward(tile, n);
}

/* A diagonal on the product state, which is made there and then, from its halves (circuit->joined). */
ALWAYS_INLINE void joined_form(const struct tile *tile, int n, enum phase_form form, struct amplitude *psi)
{
	struct halves halves = product_halves(tile, n, sizeof(vec));
	struct phases phases = step_phases(tile, &tile->circuit->steps[0]);
	const vec *left = halves.left, *right = halves.right;
	UNROLL_SOME for (size_t a = 0; a < halves.rows; a++)
	{
		for (size_t first = 0; first < halves.columns; first += BATCH_RUN) {
			size_t k = a * halves.columns + first;
			struct amplitude *to = psi + batch_place(k);
			UNROLL_SOME for (size_t b = 0; b < run_length(halves.columns); b++) to[b] =
			    scale(phase_at(&phases, k + b, form), left[a] * right[first + b]);
		}
	}
}

ALWAYS_INLINE void joined_forward(const struct tile *tile, int n, struct amplitude *psi)
{
	if (tile->circuit->steps[0].kind == STEP_DIAGONAL_LANES)
		joined_form(tile, n, PHASE_SIGNS, psi);
	else if (tile->packed)
		joined_form(tile, n, PHASE_ROWS, psi);
	else
		joined_form(tile, n, PHASE_NUMBERS, psi);
}

/* Takes the phases off lambda, of which the product state needs the real part only, and contracts it with either half;
 * the diagonal's slopes as in diagonal_backward. `fresh`: the contractions start here, else they are added to. */
ALWAYS_INLINE void joined_form_backward(const struct tile *tile, int n, enum phase_form form, bool fresh,
                                        const struct amplitude *lambda, vec *slopes)
{
	struct halves halves = product_halves(tile, n, sizeof(vec));
	struct phases phases = step_phases(tile, &tile->circuit->steps[0]);
	const vec *left = halves.left, *right = halves.right;
	vec *left_slopes = halves.left_slopes, *right_slopes = halves.right_slopes;
	size_t block = n < 3 ? 2 : PRODUCT_BLOCK;
	for (size_t b = 0; b < halves.columns; b += block) {
		vec sums[PRODUCT_BLOCK] = {{0}};
		UNROLL for (size_t i = 0; i < block && !fresh; i++) sums[i] = right_slopes[b + i];
		UNROLL_SOME for (size_t a = 0; a < halves.rows; a++)
		{
			vec sum = b > 0 || !fresh ? left_slopes[a] : (vec){0};
			size_t k = a * halves.columns + b;
			const struct amplitude *from = lambda + batch_place(k);
			UNROLL for (size_t i = 0; i < block; i++)
			{
				struct amplitude l = multiply_conj(phase_at(&phases, k + i, form), from[i]);
				vec before = form == PHASE_SIGNS ? (vec){0} : slopes[k + i];
				slopes[k + i] = fnma_vec(l.im, left[a] * right[b + i], before);
				sum = fma_vec(right[b + i], l.re, sum);
				sums[i] = fma_vec(left[a], l.re, sums[i]);
			}
			left_slopes[a] = sum;
		}
		UNROLL for (size_t i = 0; i < block; i++) right_slopes[b + i] = sums[i];
	}
}

ALWAYS_INLINE void joined_backward(const struct tile *tile, int n, bool fresh, const struct amplitude *lambda)
{
	const struct batch_step *step = &tile->circuit->steps[0];
	vec *sums = tile->memory->sums;
	if (step->kind == STEP_DIAGONAL_LANES) {
		joined_form_backward(tile, n, PHASE_SIGNS, fresh, lambda, sums);
		parity_sums(sums, (size_t)1 << n);
		collect_lanes(tile, step);
	} else if (tile->packed) {
		joined_form_backward(tile, n, PHASE_ROWS, fresh, lambda, tile_slopes(tile, step));
	} else {
		joined_form_backward(tile, n, PHASE_NUMBERS, fresh, lambda, tile_slopes(tile, step));
	}
}

#endif
