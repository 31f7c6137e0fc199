/* Several sets of weights in the lanes of a register. What is left of a batch beyond full rows of virtual lanes would
 * leave lanes idle for every set; packed tiles hold pairs of a set and a sample instead, set by set. They are tiles of
 * a call of their own, whose samples are the pairs, and each has tables of its own, whose rows differ from lane to
 * lane. Included by batch_kernel.c only. */
#ifndef QLSTM_CIRCUIT_BATCH_PACK_H
#define QLSTM_CIRCUIT_BATCH_PACK_H

#include "engine/circuit/batch/batch_load.h"

/* Samples of the call that packed tiles take: those left over where packing saves tiles. */
static size_t pack_samples(const struct batch_memory *memory, const struct batch_call *call)
{
	size_t left = call->batch % VIRTUAL_LANES, sets = (size_t)call->n_sets;
	size_t rows = (left * sets + VIRTUAL_LANES - 1) / VIRTUAL_LANES;
	return memory->packed[0].cosine != NULL && rows < sets ? left : 0;
}

/* Whose tables lane l of a packed tile takes; lanes left over repeat the last pair. */
static const struct batch_set *pack_lane(const struct batch_memory *memory, const struct batch_call *packed,
                                         size_t tile, size_t l)
{
	size_t pair = tile * WIDTH + l;
	return &memory->sets[(pair < packed->batch ? pair : packed->batch - 1) / memory->packed_samples];
}

/* Lane l of `rows` rows from those of another set. */
static void pack_rows(void *to, const void *from, size_t rows, size_t l)
{
	for (size_t i = 0; i < rows; i++)
		((real *)to)[i * WIDTH + l] = ((const real *)from)[i * WIDTH + l];
}

/* The tables of packed tiles from those of the sets, unless they are there. */
static void pack_sets(const struct batch_circuit *circuit, struct batch_memory *memory, const struct batch_call *call,
                      const struct batch_call *packed, size_t left)
{
	size_t weights = (size_t)call->n_sets * call->weights_per_set * sizeof(double);
	size_t slots = (size_t)(circuit->n_slots - circuit->n_feature_slots);
	size_t numbers = (size_t)circuit->n_diagonals << (circuit->n_wires + 1);
	if (memory->packed_sets == call->n_sets && memory->packed_samples == left &&
	    (weights == 0 || memcmp(memory->packed_weights, call->weights, weights) == 0))
		return;
	memory->packed_sets = call->n_sets;
	memory->packed_samples = left;
	if (weights > 0)
		memcpy(memory->packed_weights, call->weights, weights);
	for (size_t i = 0; i < (packed->batch + WIDTH - 1) / WIDTH * WIDTH; i++) {
		size_t tile = i / WIDTH, l = i % WIDTH;
		const struct batch_set *from = pack_lane(memory, packed, tile, l);
		struct batch_set *to = &memory->packed[tile];
		pack_rows(to->cosine, from->cosine, slots, l);
		pack_rows(to->sine, from->sine, slots, l);
		pack_rows(to->turns, from->turns, 2 * (size_t)circuit->n_gates, l);
		for (size_t k = 0; k < numbers; k++)
			((real *)to->phases)[k * WIDTH + l] = ((const real *)from->phases)[k];
	}
}

/* Row r of an array of the call, [rows][batch] or [sets][rows][batch], to or from the pairs. */

static void pack_in(const struct batch_call *call, size_t left, size_t rows, size_t set_stride, const double *from,
                    double *to)
{
	size_t sets = (size_t)call->n_sets;
	for (size_t r = 0; r < rows; r++)
		for (size_t set = 0; set < sets; set++)
			for (size_t i = 0; i < left; i++)
				to[(r * sets + set) * left + i] =
				    from[set * set_stride + (r + 1) * call->batch - left + i];
}

static void pack_out(const struct batch_call *call, size_t left, size_t rows, const double *from, double *outputs)
{
	size_t sets = (size_t)call->n_sets;
	for (size_t r = 0; r < rows; r++)
		for (size_t set = 0; set < sets; set++)
			for (size_t i = 0; i < left; i++)
				outputs[(set * rows + r + 1) * call->batch - left + i] =
				    from[(r * sets + set) * left + i];
}

/* The gradient of a feature is the sum of those of its pairs. */
static void pack_add(const struct batch_call *call, size_t left, size_t rows, const double *from, double *d_features)
{
	size_t sets = (size_t)call->n_sets;
	for (size_t r = 0; r < rows; r++)
		for (size_t i = 0; i < left; i++) {
			double sum = 0.0;
			for (size_t set = 0; set < sets; set++)
				sum += from[(r * sets + set) * left + i];
			d_features[(r + 1) * call->batch - left + i] += sum;
		}
}

/* The call of the pairs; its arrays lie in memory->pairs. */
static struct batch_call pack_call(const struct batch_circuit *circuit, struct batch_memory *memory,
                                   const struct batch_call *call, size_t left)
{
	size_t features = (size_t)circuit->program->n_features, outputs = (size_t)circuit->n_observables;
	struct batch_call packed = {.batch = left * (size_t)call->n_sets, .n_sets = 1, .packed = true};
	double *x = memory->pairs, *y = x + features * packed.batch, *dx = y + outputs * packed.batch;
	pack_in(call, left, features, 0, call->features, x);
	packed.features = x;
	if (call->outputs != NULL)
		packed.outputs = y;
	else
		pack_in(call, left, outputs, outputs * call->batch, call->d_outputs, y);
	packed.d_outputs = call->outputs == NULL ? y : NULL;
	packed.d_features = call->outputs == NULL && call->d_features != NULL ? dx : NULL;
	packed.d_weights = call->d_weights;
	if (packed.d_features != NULL)
		memset(dx, 0, features * packed.batch * sizeof *dx);
	pack_sets(circuit, memory, call, &packed, left);
	return packed;
}

static void pack_results(const struct batch_circuit *circuit, const struct batch_call *call,
                         const struct batch_call *packed, size_t left)
{
	if (packed->outputs != NULL)
		pack_out(call, left, (size_t)circuit->n_observables, packed->outputs, call->outputs);
	if (packed->d_features != NULL)
		pack_add(call, left, (size_t)circuit->program->n_features, packed->d_features, call->d_features);
}

#endif
