/* What tiles accumulate for weights: cleared before a group of tiles, collected and handed over after it. Included by
 * batch_kernel.c only. */
#ifndef QLSTM_CIRCUIT_BATCH_COLLECT_H
#define QLSTM_CIRCUIT_BATCH_COLLECT_H

#include <string.h>

#include "engine/circuit/batch/batch_pack.h"

/* What the first `pieces` of the virtual lanes accumulate. */
static void clear_set(const struct batch_circuit *circuit, const struct batch_set *set, size_t pieces)
{
	size_t slots = (size_t)(circuit->n_slots - circuit->n_feature_slots), gates = (size_t)circuit->n_gates;
	size_t diagonals = (size_t)circuit->n_diagonals << circuit->n_wires;
	memset(set->gradient, 0, pieces * slots * sizeof(vec));
	memset(set->turn_slopes, 0, pieces * gates * sizeof(vec));
	memset(set->slopes, 0, pieces * diagonals * sizeof(vec));
}

/* The number of wires as a constant where loops are short. From 5 wires on that gains nothing. */
#define CONSTANT_WIRES(X) X(1) X(2) X(3) X(4)

static void transform_slopes(vec *slopes, int n)
{
	switch (n) {
#define TRANSFORM(wires)                                                                                               \
	case wires:                                                                                                    \
		parity_sums(slopes, (size_t)1 << (wires));                                                             \
		break;
		CONSTANT_WIRES(TRANSFORM)
#undef TRANSFORM
	default:
		parity_sums(slopes, (size_t)1 << n);
	}
}

static void add_slopes(vec *gradient, const struct batch_slope *first, const struct batch_slope *end, const vec *rows)
{
	for (; first < end; first++)
		gradient[first->slot] = fma_vec(SPLAT((real)first->sign), rows[first->row], gradient[first->slot]);
}

/* Everything that a set has accumulated in a piece of the virtual lanes, by slot, into the rows of `gradient`. */
static void collect_slopes(const struct batch_circuit *circuit, const struct batch_set *set, size_t piece)
{
	const struct batch_slope *slopes = circuit->slopes, *diagonal = slopes + circuit->n_turn_slopes;
	size_t size = (size_t)1 << circuit->n_wires, slots = (size_t)(circuit->n_slots - circuit->n_feature_slots);
	vec *gradient = (vec *)set->gradient + piece * slots;
	vec *rows = (vec *)set->slopes + size * piece * (size_t)circuit->n_diagonals;
	add_slopes(gradient, slopes, diagonal, (const vec *)set->turn_slopes + piece * (size_t)circuit->n_gates);
	for (int i = 0; i < circuit->n_steps; i++) {
		const struct batch_step *step = &circuit->steps[i];
		if (step->kind == STEP_DIAGONAL && step->trainable)
			transform_slopes(rows + size * (size_t)step->diagonal, circuit->n_wires);
	}
	add_slopes(gradient, diagonal, slopes + circuit->n_slopes, rows);
}

/* Moves what has accumulated in vectors of samples, in the first `pieces`, to the totals of the set. */
static void total_set(const struct batch_circuit *circuit, const struct batch_set *set, size_t pieces)
{
	size_t slots = (size_t)(circuit->n_slots - circuit->n_feature_slots);
	for (size_t piece = 0; piece < pieces; piece++)
		collect_slopes(circuit, set, piece);
	for (int k = 0; k < circuit->n_trained; k++)
		set->totals[k] += pieces_total((const vec *)set->gradient + circuit->trained[k].slot, slots, pieces);
}

static void store_weights(const struct batch_circuit *circuit, const struct batch_set *set, double *d_weights)
{
	const struct batch_trained *trained = circuit->trained;
	for (int k = 0; k < circuit->n_trained; k++)
		d_weights[trained[k].weight] += set->totals[k];
}

/* Rows of what has accumulated in the first `count` pieces of the virtual lanes, which stand `apart` registers apart.
 */
struct pieces {
	const vec *rows;
	size_t count, apart;
};

/* The sum of each set's virtual lanes in a row: sums[0 .. side - 1]. */
ALWAYS_INLINE void sum_sides(const struct pieces *pieces, size_t at, size_t side, double sums[VIRTUAL_LANES])
{
	vec64 lanes[LANES_REGISTERS];
	pieces_widen(pieces->rows + at, pieces->apart, pieces->count, lanes);
	UNROLL for (size_t count = LANES_REGISTERS / 2; count > 0; count /= 2)
	{
		if (count * WIDTH64 < side)
			continue;
		UNROLL for (size_t k = 0; k < count; k++) lanes[k] += lanes[k + count];
	}
	UNROLL for (size_t k = 0; k < LANES_REGISTERS; k++)
	{
		*(vec64 *)(sums + k * WIDTH64) = lanes[k];
	}
	UNROLL for (size_t apart = WIDTH64 / 2; apart > 0; apart /= 2)
	{
		if (apart < side)
			continue;
		UNROLL for (size_t v = 0; v < apart; v++) sums[v] += sums[v + apart];
	}
}

ALWAYS_INLINE void store_sides(const struct batch_circuit *circuit, const struct pack *pack,
                               const struct pieces *pieces, size_t sets)
{
	const struct batch_call *call = pack->call;
	for (int k = 0; k < circuit->n_trained; k++) {
		const struct batch_trained *trained = &circuit->trained[k];
		_Alignas(64) double sums[VIRTUAL_LANES];
		double *to = call->d_weights + trained->weight;
		sum_sides(pieces, (size_t)trained->slot, pack->side, sums);
		UNROLL for (size_t set = 0; set < sets; set++) to[set * call->weights_per_set] += sums[set];
	}
}

/* What has accumulated in packed tiles, to the gradients of weights. */
static void store_packed(const struct batch_circuit *circuit, const struct batch_memory *memory,
                         const struct pack *pack)
{
	const struct batch_set *packed = &memory->packed[0];
	struct pieces pieces = {packed->gradient, pack->tiles < PIECES ? pack->tiles : PIECES,
	                        (size_t)(circuit->n_slots - circuit->n_feature_slots)};
	for (size_t piece = 0; piece < pieces.count; piece++)
		collect_slopes(circuit, packed, piece);
	FOUR_OR_NOT(store_sides, (size_t)pack->call->n_sets, circuit, pack, &pieces);
}

#endif
