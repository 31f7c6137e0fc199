/* One tile on its way through a kernel: WIDTH samples and one set of weights. Included by batch_kernel.c only. */
#ifndef QLSTM_CIRCUIT_BATCH_TILE_H
#define QLSTM_CIRCUIT_BATCH_TILE_H

#include "engine/circuit/batch/batch_kernel.h"
#include "engine/circuit/amplitude_vector.h"

struct tile {
	const struct batch_circuit *circuit;
	struct batch_memory *memory;
	const struct batch_set *set;
	void **states;      /* states or kept_states of the memory */
	size_t first, used; /* its samples; lanes left over repeat the last one and get cotangent zero */
	size_t at, tiles;   /* among those whose features are loaded */
	bool packed;        /* see batch_pack.h */
};

static inline vec *tile_row(const struct tile *tile, void *features, void *weights, int slot)
{
	int n = tile->circuit->n_feature_slots;
	return slot < n ? (vec *)features + (size_t)slot * tile->tiles + tile->at : (vec *)weights + (slot - n);
}

static inline vec *tile_cosine(const struct tile *tile, int slot)
{
	return tile_row(tile, tile->memory->cosine, tile->set->cosine, slot);
}

static inline vec *tile_sine(const struct tile *tile, int slot)
{
	return tile_row(tile, tile->memory->sine, tile->set->sine, slot);
}

static inline vec *tile_gradient(const struct tile *tile, int slot)
{
	return tile_row(tile, tile->memory->gradient, tile->set->gradient, slot);
}

#endif
