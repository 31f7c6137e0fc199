/* Several sets of weights in the lanes of a register. Few samples would leave lanes idle for every set; packed tiles
 * hold pairs of a sample and a set instead: four sets, for example, and two samples in eight virtual lanes. The sets of
 * a sample stand side by side, filled up to a power of two, so every tile has the same tables, whose rows differ from
 * lane to lane, and their sums add up over all tiles. Included by batch_kernel.c only. */
#ifndef QLSTM_CIRCUIT_BATCH_PACK_H
#define QLSTM_CIRCUIT_BATCH_PACK_H

#include "engine/circuit/batch/batch_load.h"

/* Which samples of a call are packed: its last ones. */
struct pack {
	const struct batch_call *call;
	size_t samples, first; /* how many, and the first of them */
	size_t side;           /* lanes of a sample: the sets, then idle ones */
	size_t tiles;          /* registers */
};

static size_t rows_of(size_t samples, size_t each)
{
	return (samples + each - 1) / each;
}

/* How many samples packed tiles take: those beyond full rows of virtual lanes, where that makes fewer tiles. Full rows
 * are quicker set by set, whose tables need a number for all lanes. */
static size_t pack_samples(const struct batch_memory *memory, const struct batch_call *call, size_t side)
{
	size_t sets = (size_t)call->n_sets, left = call->batch % VIRTUAL_LANES;
	if (memory->packed[0].cosine == NULL || sets < 2)
		return 0;
	return rows_of(left, VIRTUAL_LANES / side) < sets ? left : 0;
}

static struct pack pack_choose(const struct batch_memory *memory, const struct batch_call *call)
{
	size_t side = 1;
	while (side < (size_t)call->n_sets)
		side *= 2;
	size_t samples = pack_samples(memory, call, side);
	return (struct pack){call, samples, call->batch - samples, side, rows_of(samples * side, WIDTH)};
}

/* Tables that differ from each other: by piece of the virtual lanes until the sets come again. */
static inline size_t pack_tables(const struct pack *pack)
{
	return pack->side > WIDTH ? pack->side / WIDTH : 1;
}

/* The angle of a slot in all lanes of a table; idle lanes have that of the first set. */
static inline void pack_angle(const struct pack *pack, size_t table, const struct angle *slot, double *to)
{
	const struct batch_call *call = pack->call;
	for (size_t l = 0; l < WIDTH; l++) {
		size_t set = (table * WIDTH + l) % pack->side;
		const double *weights = call->weights + (set < (size_t)call->n_sets ? set : 0) * call->weights_per_set;
		to[l] = slot->source == ANGLE_WEIGHT ? weights[slot->index] : slot->value;
	}
}

/* Cosines and sines of half of `count` rows of angles, in scratch, to every `apart`-th row of `cosine` and `sine`. */
static void pack_half_angles(double *scratch, size_t count, vec *cosine, vec *sine, size_t apart)
{
	double *c = scratch + count * WIDTH, *s = c + count * WIDTH;
	half_angles(scratch, count * WIDTH, c, s);
	for (size_t i = 0; i < count; i++, cosine += apart, sine += apart) {
		*cosine = load_row(c + i * WIDTH, WIDTH);
		*sine = load_row(s + i * WIDTH, WIDTH);
	}
}

/* As load_weights. */
static void pack_weights(const struct batch_circuit *circuit, const struct batch_memory *memory,
                         const struct pack *pack, size_t table)
{
	const struct batch_set *to = &memory->packed[table];
	size_t count = (size_t)(circuit->n_slots - circuit->n_feature_slots);
	const struct angle *slots = circuit->slots + circuit->n_feature_slots;
	for (size_t i = 0; i < count; i++)
		pack_angle(pack, table, &slots[i], memory->scratch + i * WIDTH);
	pack_half_angles(memory->scratch, count, to->cosine, to->sine, 1);
	load_turns(circuit, circuit->n_feature_slots, circuit->n_slots, to->cosine, to->sine, 1, to->turns);
}

/* As load_phases. */
static void pack_phases(const struct batch_circuit *circuit, const struct batch_memory *memory, const struct pack *pack,
                        size_t table, const struct batch_step *step)
{
	size_t size = (size_t)1 << circuit->n_wires;
	struct amplitude *phases = (struct amplitude *)memory->packed[table].phases + size * (size_t)step->diagonal;
	double *angle = memory->scratch, one[WIDTH];
	memset(angle, 0, size * WIDTH * sizeof *angle);
	for (int g = 0; g < step->n_gates; g++) {
		const struct batch_gate *gate = &step->gates[g];
		double *to = angle + gate->string.z * WIDTH;
		pack_angle(pack, table, &circuit->slots[gate->slot], one);
		for (size_t l = 0; l < WIDTH; l++)
			to[l] += gate->string.negative ? one[l] : -one[l];
	}
	walsh_hadamard(angle, size, WIDTH);
	pack_half_angles(angle, size, &phases->re, &phases->im, 2);
}

/* The tables of packed tiles, unless they are there. */
static void pack_sets(const struct batch_circuit *circuit, struct batch_memory *memory, const struct pack *pack)
{
	const struct batch_call *call = pack->call;
	size_t weights = (size_t)call->n_sets * call->weights_per_set * sizeof(double);
	if (memory->packed_sets == call->n_sets &&
	    (weights == 0 || memcmp(memory->packed_weights, call->weights, weights) == 0))
		return;
	for (size_t table = 0; table < pack_tables(pack); table++) {
		pack_weights(circuit, memory, pack, table);
		for (int i = 0; i < circuit->n_steps; i++)
			if (circuit->steps[i].kind == STEP_DIAGONAL)
				pack_phases(circuit, memory, pack, table, &circuit->steps[i]);
	}
	memory->packed_sets = call->n_sets;
	if (weights > 0)
		memcpy(memory->packed_weights, call->weights, weights);
}

/* Four sets, those of an LSTM's gates, as a constant: loops over so few cost more than what is done in them. */
#define FOUR_OR_NOT(work, sets, ...) ((sets) == 4 ? (work)(__VA_ARGS__, 4) : (work)(__VA_ARGS__, (sets)))

/* The outputs' rows of the pairs, in memory->pairs, from or to [sets][rows][batch]. */

ALWAYS_INLINE void pack_rows_in(const struct pack *pack, size_t rows, double *pairs, size_t sets)
{
	const struct batch_call *call = pack->call;
	size_t apart = rows * call->batch;
	for (size_t r = 0; r < rows; r++, pairs += pack->tiles * WIDTH) {
		const double *from = call->d_outputs + r * call->batch + pack->first;
		double *to = pairs;
		for (size_t i = 0; i < pack->samples; i++, to += pack->side)
			UNROLL for (size_t set = 0; set < sets; set++) to[set] = from[set * apart + i];
	}
}

ALWAYS_INLINE void pack_rows_out(const struct pack *pack, size_t rows, const double *pairs, size_t sets)
{
	const struct batch_call *call = pack->call;
	size_t apart = rows * call->batch;
	for (size_t r = 0; r < rows; r++, pairs += pack->tiles * WIDTH) {
		double *to = call->outputs + r * call->batch + pack->first;
		const double *from = pairs;
		for (size_t i = 0; i < pack->samples; i++, from += pack->side)
			UNROLL for (size_t set = 0; set < sets; set++) to[set * apart + i] = from[set];
	}
}

static void pack_in(const struct batch_circuit *circuit, const struct batch_memory *memory, const struct pack *pack)
{
	size_t rows = (size_t)circuit->n_observables, sets = (size_t)pack->call->n_sets, lanes = pack->tiles * WIDTH;
	if (pack->samples * sets < lanes)
		memset(memory->pairs, 0, rows * lanes * sizeof *memory->pairs);
	FOUR_OR_NOT(pack_rows_in, sets, pack, rows, memory->pairs);
}

static void pack_out(const struct batch_circuit *circuit, const struct batch_memory *memory, const struct pack *pack)
{
	size_t rows = (size_t)circuit->n_observables, sets = (size_t)pack->call->n_sets;
	FOUR_OR_NOT(pack_rows_out, sets, pack, rows, memory->pairs);
}

/* The lanes from `lane` on replaced by x. */
static inline vec replace_from(vec v, size_t lane, real x)
{
	vec number;
	for (size_t l = 0; l < WIDTH; l++)
		number[l] = (real)l;
	mask64 where = (mask64)(number >= SPLAT((real)lane));
	return (vec)((where & (mask64)SPLAT(x)) | (~where & (mask64)v));
}

/* Every number to all lanes of its sample; the last one also to lanes left over. A register is made of a number for
 * all its lanes, those from the next sample's on replaced by that one's, and so on. */
static void pack_spread(const struct pack *pack, const real *from, vec *to)
{
	size_t last = pack->samples - 1;
	if (pack->side == WIDTH && pack->tiles == pack->samples) {
		for (size_t t = 0; t <= last; t++)
			to[t] = SPLAT(from[t]);
		return;
	}
	for (size_t t = 0; t < pack->tiles; t++) {
		size_t i = t * WIDTH / pack->side;
		vec row = SPLAT(from[i < last ? i : last]);
		for (size_t lane = pack->side; lane < WIDTH; lane += pack->side) {
			i++;
			row = replace_from(row, lane, from[i < last ? i : last]);
		}
		to[t] = row;
	}
}

/* What depends on features alone (load_features), once for all sets of a sample. */
static void pack_features(const struct tile *tile, const struct pack *pack)
{
	const struct batch_circuit *circuit = tile->circuit;
	const struct batch_memory *memory = tile->memory;
	int slots = circuit->n_feature_slots;
	size_t samples = pack->samples;
	for (int i = 0, end; i < slots; i = end) {
		double *x = memory->scratch;
		for (end = i; end < slots && circuit->slots[end].encoder == circuit->slots[i].encoder; end++) {
			size_t row = (size_t)circuit->slots[end].index * pack->call->batch + pack->first;
			for (size_t k = 0; k < samples; k++)
				*x++ = pack->call->features[row + k];
		}
		size_t count = whole_rows((size_t)(x - memory->scratch));
		real *c = (real *)(memory->scratch + count), *s = c + count;
		for (; x < memory->scratch + count; x++)
			*x = x[-1];
		encode_rows(circuit->slots[i].encoder, memory->scratch, count, (vec *)c, (vec *)s);
		for (int k = i; k < end; k++, c += samples, s += samples) {
			pack_spread(pack, c, tile->cosine + (size_t)k * pack->tiles);
			pack_spread(pack, s, tile->sine + (size_t)k * pack->tiles);
		}
	}
}

/* The gradient of a feature is the sum of those of its pairs; slopes: of its encoder, NULL where they are 1. */
ALWAYS_INLINE void pack_sum(const struct pack *pack, const real *gradient, const real *slopes, double *to, size_t sets)
{
	for (size_t k = 0; k < pack->samples; k++, gradient += pack->side) {
		double sum = 0.0;
		UNROLL for (size_t set = 0; set < sets; set++) sum += (double)gradient[set];
		to[k] += slopes != NULL ? sum * (double)slopes[k] : sum;
	}
}

static void pack_slopes(const struct batch_circuit *circuit, const struct batch_memory *memory, const struct pack *pack)
{
	const struct batch_call *call = pack->call;
	double *x = memory->scratch, *end = x + whole_rows(pack->samples);
	const real *gradient = memory->gradient;
	for (int i = 0; i < circuit->n_feature_slots; i++, gradient += pack->tiles * WIDTH) {
		enum encoder encoder = circuit->slots[i].encoder;
		size_t row = (size_t)circuit->slots[i].index * call->batch + pack->first;
		if (encoder != ENCODER_X) {
			memcpy(x, call->features + row, pack->samples * sizeof *x);
			for (double *more = x + pack->samples; more < end; more++)
				*more = more[-1];
			slope_rows(encoder, x, (size_t)(end - x), (vec *)end);
		}
		const real *slopes = encoder != ENCODER_X ? (const real *)end : NULL;
		FOUR_OR_NOT(pack_sum, (size_t)call->n_sets, pack, gradient, slopes, call->d_features + row);
	}
}

/* The call of the pairs, all lanes used. */
static struct batch_call pack_call(const struct batch_circuit *circuit, struct batch_memory *memory,
                                   const struct pack *pack)
{
	const struct batch_call *call = pack->call;
	struct batch_call packed = *call;
	packed.batch = pack->tiles * WIDTH;
	packed.n_sets = 1;
	packed.packed = pack_tables(pack);
	packed.outputs = call->outputs != NULL ? memory->pairs : NULL;
	packed.d_outputs = memory->pairs;
	pack_sets(circuit, memory, pack);
	if (call->outputs == NULL)
		pack_in(circuit, memory, pack);
	return packed;
}

#endif
