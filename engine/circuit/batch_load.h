/* From weights and features to what tiles compute with, and gradients of features back. Included by batch_kernel.c
 * only. */
#ifndef QLSTM_CIRCUIT_BATCH_LOAD_H
#define QLSTM_CIRCUIT_BATCH_LOAD_H

#include <string.h>

#include "engine/circuit/batch_block.h"
#include "engine/circuit/batch_tile.h"
#include "engine/circuit/batch_trig.h"

/* Turns of the rotations whose angles are slots first .. end - 1, given the rows of those. */
static void load_turns(const struct batch_circuit *circuit, int first, int end, const vec *cosine, const vec *sine,
                       struct block_turn *turns)
{
	for (int i = 0; i < circuit->n_gates; i++) {
		const struct batch_gate *gate = &circuit->gates[i];
		if (gate->string.x == 0 || gate->slot < first || gate->slot >= end)
			continue;
		vec c = cosine[gate->slot - first], s = sine[gate->slot - first];
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
	           memory->sets[set].sine, memory->sets[set].turns);
}

/* In place: t[m] = sum_k (-1)^parity(k & m) t[k]. */
static void parity_sums_scalar(double *t, size_t size)
{
	for (size_t half = 1; half < size; half *= 2)
		for (size_t i = 0; i < size; i += 2 * half)
			for (size_t j = i; j < i + half; j++) {
				double a = t[j], b = t[j + half];
				t[j] = a + b;
				t[j + half] = a - b;
			}
}

/* The angle of a basis state is the sum of the gates' angles, each with the sign of a parity: a parity sum again. */
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
	parity_sums_scalar(angle, size);
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
		struct amplitude phase = {c * c - s * s, step->gates[g].string.negative ? -sine : sine};
		phases[1u << g] = phase;
		for (size_t k = 1; k < (size_t)1 << g; k++)
			phases[k | 1u << g] = multiply(phases[k], phase);
	}
}

/* Lanes left over repeat the last sample, so that none holds noise. */
static vec64 gather(const double *row, size_t count)
{
	vec64 x = load64(row, count);
	for (size_t l = count; l < WIDTH64; l++)
		x[l] = row[count - 1];
	return x;
}

/* The values of feature slot i in all lanes. */
static void load_feature(const struct tile *tile, const struct batch_call *call, int i, double *x)
{
	const double *row = call->features + (size_t)tile->circuit->slots[i].index * call->batch + tile->first;
	for (size_t l = 0; l < WIDTH; l += WIDTH64) {
		size_t left = tile->used > l ? tile->used - l : 0;
		/* A register of float32 takes two of float64, of which the second may be all left over. */
		*(vec64 *)(x + l) = left > 0 ? gather(row + l, left) : gather(row + tile->used - 1, 1);
	}
}

static void load_features(const struct tile *tile, const struct batch_call *call)
{
	const struct batch_circuit *circuit = tile->circuit;
	const struct batch_memory *memory = tile->memory;
	size_t slots = (size_t)circuit->n_feature_slots, count = slots * WIDTH;
	double *x = memory->scratch, *c = x + count, *s = c + count;
	for (size_t i = 0; i < slots; i++) {
		load_feature(tile, call, (int)i, x + i * WIDTH);
		((vec *)memory->gradient)[i] = (vec){0};
	}
	/* Neighbours of one encoder together: independent arithmetic fills the pipelines. */
	for (size_t i = 0, end; i < slots; i = end) {
		for (end = i + 1; end < slots && circuit->slots[end].encoder == circuit->slots[i].encoder;)
			end++;
		encode(circuit->slots[i].encoder, x + i * WIDTH, (end - i) * WIDTH, c + i * WIDTH, s + i * WIDTH);
	}
	for (size_t i = 0; i < slots; i++) {
		((vec *)memory->cosine)[i] = load_row(c + i * WIDTH, WIDTH);
		((vec *)memory->sine)[i] = load_row(s + i * WIDTH, WIDTH);
	}
	if (circuit->featured_turns)
		load_turns(circuit, 0, circuit->n_feature_slots, memory->cosine, memory->sine, memory->turns);
	for (int i = 0; i < circuit->n_steps; i++)
		if (circuit->steps[i].kind == STEP_DIAGONAL_LANES)
			load_lane_phases(tile, &circuit->steps[i]);
}

static void store_features(const struct tile *tile, const struct batch_call *call)
{
	const struct batch_circuit *circuit = tile->circuit;
	double *x = tile->memory->scratch, *slopes = x + WIDTH;
	for (int i = 0; i < circuit->n_feature_slots; i++) {
		double *to = call->d_features + (size_t)circuit->slots[i].index * call->batch + tile->first;
		vec gradient = ((vec *)tile->memory->gradient)[i];
		enum encoder encoder = circuit->slots[i].encoder;
		if (encoder != ENCODER_X) {
			load_feature(tile, call, i, x);
			encoder_slopes(encoder, x, WIDTH, slopes);
			gradient *= load_row(slopes, WIDTH);
		}
		store_row(to, load_row(to, tile->used) + gradient, tile->used);
	}
}

#endif
