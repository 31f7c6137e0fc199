/* Before a tile runs: from weights and features to the cosines, sines and phases of its gates. After it: gradients of
 * features to the caller's array. Included by batch_kernel.c only. */
#ifndef QLSTM_CIRCUIT_BATCH_LOAD_H
#define QLSTM_CIRCUIT_BATCH_LOAD_H

#include <string.h>

#include "engine/circuit/batch/batch_block.h"
#include "engine/circuit/batch/batch_tile.h"
#ifdef KERNEL_FLOAT32
#include "engine/circuit/half_angles_f32.h"
#else
#include "engine/circuit/half_angles.h"
#endif
#include "engine/circuit/parity.h"

/* Turns of the rotations whose angles are slots first .. end - 1, given the rows of those, `stride` apart. */
static void load_turns(const struct batch_circuit *circuit, int first, int end, const vec *cosine, const vec *sine,
                       size_t stride, struct block_turn *turns)
{
	for (int i = 0; i < circuit->n_gates; i++) {
		const struct batch_gate *gate = &circuit->gates[i];
		if (gate->string.x == 0 || gate->slot < first || gate->slot >= end)
			continue;
		size_t at = (size_t)(gate->slot - first) * stride;
		vec c = cosine[at], s = sine[at];
		vec sign = 1 + 2 * __builtin_convertvector(c < 0, vec); /* where true, a comparison gives -1 */
		s *= gate->string.negative ? -sign : sign;
		turns[i] = (struct block_turn){s, s / (1 + sign * c)};
	}
}

/* What depends on weights but not on samples. */

static size_t round_up(size_t count)
{
	return (count + WIDTH64 - 1) / WIDTH64 * WIDTH64;
}

static void load_weights(const struct batch_circuit *circuit, const struct batch_memory *memory, int set,
                         const double *weights)
{
	size_t count = (size_t)(circuit->n_slots - circuit->n_feature_slots), padded = round_up(count);
	const struct angle *slots = circuit->slots + circuit->n_feature_slots;
	double *angle = memory->scratch, *c = angle + padded, *s = c + padded;
	for (size_t i = 0; i < padded; i++)
		angle[i] = i >= count                        ? 0.0
		           : slots[i].source == ANGLE_WEIGHT ? weights[slots[i].index]
		                                             : slots[i].value;
	half_angles(angle, padded, c, s);
	for (size_t i = 0; i < count; i++) {
		((vec *)memory->sets[set].cosine)[i] = (vec){0} + (real)c[i];
		((vec *)memory->sets[set].sine)[i] = (vec){0} + (real)s[i];
	}
	load_turns(circuit, circuit->n_feature_slots, circuit->n_slots, memory->sets[set].cosine,
	           memory->sets[set].sine, 1, memory->sets[set].turns);
}

/* The angle of a basis state is the sum of the gates' angles, each with the sign of a parity: a Walsh-Hadamard
 * transform. */
static void load_phases(const struct batch_circuit *circuit, const struct batch_memory *memory, int set,
                        const struct batch_step *step, const double *weights)
{
	size_t size = (size_t)1 << circuit->n_wires, padded = round_up(size);
	double *angle = memory->scratch, *c = angle + padded, *s = c + padded;
	memset(angle, 0, padded * sizeof *angle);
	for (int g = 0; g < step->n_gates; g++) {
		const struct angle *slot = &circuit->slots[step->gates[g].slot];
		double value = slot->source == ANGLE_WEIGHT ? weights[slot->index] : slot->value;
		angle[step->gates[g].string.z] += step->gates[g].string.negative ? value : -value;
	}
	walsh_hadamard(angle, size, 1);
	half_angles(angle, padded, c, s);
	real *phases = (real *)memory->sets[set].phases + 2 * size * (size_t)step->diagonal;
	for (size_t k = 0; k < size; k++) {
		phases[2 * k] = (real)c[k];
		phases[2 * k + 1] = (real)s[k];
	}
}

/* A recurrent layer calls with the same weights for all its time steps, forward and backward: what is made of them is
 * kept until they change. */
static void load_sets(const struct batch_circuit *circuit, struct batch_memory *memory, const struct batch_call *call)
{
	size_t bytes = call->weights_per_set * sizeof(double);
	for (int k = 0; k < call->n_sets; k++) {
		struct batch_set *set = &memory->sets[k];
		const double *weights = call->weights + (size_t)k * call->weights_per_set;
		if (set->loaded && (bytes == 0 || memcmp(set->weights, weights, bytes) == 0))
			continue;
		load_weights(circuit, memory, k, weights);
		for (int i = 0; i < circuit->n_steps; i++)
			if (circuit->steps[i].kind == STEP_DIAGONAL)
				load_phases(circuit, memory, k, &circuit->steps[i], weights);
		if (bytes > 0)
			memcpy(set->weights, weights, bytes);
		set->loaded = true;
	}
}

/* What depends on samples but not on weights. */

/* exp(i t) of the angles whose sign is set, by doubling: relative to the state in which no sign is. */
static void load_lane_phases(const struct tile *tile, const struct batch_step *step)
{
	struct amplitude *phases = tile->memory->lane_phases[step - tile->circuit->steps];
	phases[0] = (struct amplitude){(vec){0} + 1, {0}};
	for (int g = 0; g < step->n_gates; g++) {
		vec c = *tile_cosine(tile, step->gates[g].slot), s = *tile_sine(tile, step->gates[g].slot);
		vec sine = 2 * s * c;
		struct amplitude phase = {fms_vec(c, c, s * s), step->gates[g].string.negative ? -sine : sine};
		phases[1u << g] = phase;
		for (size_t k = 1; k < (size_t)1 << g; k++)
			phases[k | 1u << g] = multiply(phases[k], phase);
	}
}

/* What depends on features alone is done for several tiles at a time: `tile` is the first of them, `samples` all of
 * theirs. */

/* The values of feature slot i; lanes left over repeat the last sample, so that none holds noise. Without memcpy, whose
 * call takes longer than what it copies of a small batch. */
static void load_feature(const struct tile *tile, const struct batch_call *call, size_t samples, int i, double *x)
{
	const double *from = call->features + (size_t)tile->circuit->slots[i].index * call->batch + tile->first;
	size_t count = tile->tiles * WIDTH, l = 0;
	for (; l + WIDTH64 <= samples; l += WIDTH64)
		*(vec64 *)(x + l) = load64(from + l, WIDTH64);
	for (; l < count; l++)
		x[l] = from[l < samples ? l : samples - 1];
}

/* `count` numbers that fill registers. */
static size_t whole_rows(size_t count)
{
	return (count + WIDTH - 1) / WIDTH * WIDTH;
}

/* cos and sin of half of what the encoder makes of x, which is overwritten. */
static void encode_rows(enum encoder encoder, double *x, size_t count, vec *cosine, vec *sine)
{
#ifdef KERNEL_FLOAT32
	encode_f32(encoder, x, count, cosine, sine);
#else
	encode(encoder, x, count, (double *)cosine, (double *)sine);
#endif
}

static void slope_rows(enum encoder encoder, const double *x, size_t count, vec *slopes)
{
#ifdef KERNEL_FLOAT32
	encoder_slopes_f32(encoder, x, count, (float *)slopes);
#else
	encoder_slopes(encoder, x, count, (double *)slopes);
#endif
}

/* Where the cosines and sines of the tiles' features stand, and the records: in `kept`, or nowhere but in the memory.
 */
static void place_features(struct tile *tile, char *kept)
{
	size_t bytes = (size_t)tile->circuit->n_feature_slots * tile->tiles * sizeof(vec);
	tile->cosine = kept != NULL ? (vec *)kept : tile->memory->cosine;
	tile->sine = kept != NULL ? (vec *)(kept + bytes) : tile->memory->sine;
	tile->records = kept != NULL ? kept + 2 * bytes : NULL;
}

static void load_features(const struct tile *tile, const struct batch_call *call, size_t samples)
{
	const struct batch_circuit *circuit = tile->circuit;
	size_t slots = (size_t)circuit->n_feature_slots, count = tile->tiles * WIDTH;
	double *x = tile->memory->scratch;
	for (size_t i = 0; i < slots; i++)
		load_feature(tile, call, samples, (int)i, x + i * count);
	/* Neighbours of one encoder together: independent arithmetic fills the pipelines. */
	for (size_t i = 0, end; i < slots; i = end) {
		for (end = i + 1; end < slots && circuit->slots[end].encoder == circuit->slots[i].encoder;)
			end++;
		encode_rows(circuit->slots[i].encoder, x + i * count, (end - i) * count, tile->cosine + i * tile->tiles,
		            tile->sine + i * tile->tiles);
	}
}

static void store_features(const struct tile *tile, const struct batch_call *call, size_t samples)
{
	const struct batch_circuit *circuit = tile->circuit;
	double *x = tile->memory->scratch;
	vec *slopes = (vec *)(x + tile->tiles * WIDTH);
	for (int i = 0; i < circuit->n_feature_slots; i++) {
		double *to = call->d_features + (size_t)circuit->slots[i].index * call->batch + tile->first;
		vec *gradient = (vec *)tile->memory->gradient + (size_t)i * tile->tiles;
		enum encoder encoder = circuit->slots[i].encoder;
		if (encoder != ENCODER_X) {
			load_feature(tile, call, samples, i, x);
			slope_rows(encoder, x, tile->tiles * WIDTH, slopes);
		}
		for (size_t l = 0; l < samples; l += WIDTH, gradient++) {
			vec slope = *gradient;
			if (encoder != ENCODER_X)
				slope *= slopes[l / WIDTH];
			store_row(to + l, load_row(to + l, samples - l) + slope, samples - l);
		}
	}
}

/* What depends on the features of one tile beyond that. */
static void load_lanes(const struct tile *tile)
{
	const struct batch_circuit *circuit = tile->circuit;
	if (circuit->featured_turns)
		load_turns(circuit, 0, circuit->n_feature_slots, tile_cosine(tile, 0), tile_sine(tile, 0), tile->tiles,
		           tile->memory->turns);
	for (int i = 0; i < circuit->n_steps; i++)
		if (circuit->steps[i].kind == STEP_DIAGONAL_LANES)
			load_lane_phases(tile, &circuit->steps[i]);
}

#endif
