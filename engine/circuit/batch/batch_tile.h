/* One tile on its way through a kernel: WIDTH samples and one set of weights. Included by batch_kernel.c only. */
#ifndef QLSTM_CIRCUIT_BATCH_TILE_H
#define QLSTM_CIRCUIT_BATCH_TILE_H

#include "engine/circuit/batch/batch_kernel.h"
#include "engine/circuit/amplitude_vector.h"
#include "engine/circuit/lanes.h"

struct tile {
	const struct batch_circuit *circuit;
	struct batch_memory *memory;
	const struct batch_set *set;
	void **states;      /* states, kept_states or record_states of the memory */
	vec *cosine, *sine; /* [feature slots][tiles] */
	/* What is kept of the tiles whose features are loaded: records of the first `recorded` ones, by tile and set;
	 * `spare` has those of the call's first tile. NULL: nothing is kept of the call. */
	char *records, *spare;
	size_t recorded;
	bool replayed;      /* backward from what is kept */
	size_t first, used; /* its samples; lanes left over repeat the last one and get cotangent zero */
	size_t at, tiles;   /* among those whose features are loaded */
	size_t piece;       /* which of the set's accumulators takes its gradients */
	size_t packed;      /* as in the call */
};

/* Basis states 0 .. size - 1, a run at a time (batch_place); the loop inside counts to run_length(size). */
#define RUNS(first, size) for (size_t first = 0; first < (size); first += BATCH_RUN)

static inline size_t run_length(size_t size)
{
	return size < BATCH_RUN ? size : BATCH_RUN;
}

/* Of the virtual lanes: pieces that the tiles whose features are loaded accumulate in. */
static inline size_t tile_pieces(const struct tile *tile)
{
	return tile->tiles < PIECES ? tile->tiles : PIECES;
}

static inline vec *tile_row(const struct tile *tile, void *features, void *weights, int slot)
{
	int n = tile->circuit->n_feature_slots;
	return slot < n ? (vec *)features + (size_t)slot * tile->tiles + tile->at : (vec *)weights + (slot - n);
}

static inline vec *tile_cosine(const struct tile *tile, int slot)
{
	return tile_row(tile, tile->cosine, tile->set->cosine, slot);
}

static inline vec *tile_sine(const struct tile *tile, int slot)
{
	return tile_row(tile, tile->sine, tile->set->sine, slot);
}

static inline vec *tile_gradient(const struct tile *tile, int slot)
{
	size_t slots = (size_t)(tile->circuit->n_slots - tile->circuit->n_feature_slots);
	return tile_row(tile, tile->memory->gradient, (vec *)tile->set->gradient + tile->piece * slots, slot);
}

/* Of the set's rotations from step->first_gate on; of its diagonal. */
static inline vec *tile_turn_slopes(const struct tile *tile, const struct batch_step *step)
{
	return (vec *)tile->set->turn_slopes + tile->piece * (size_t)tile->circuit->n_gates + step->first_gate;
}

static inline vec *tile_slopes(const struct tile *tile, const struct batch_step *step)
{
	size_t diagonal = tile->piece * (size_t)tile->circuit->n_diagonals + (size_t)step->diagonal;
	return (vec *)tile->set->slopes + (diagonal << tile->circuit->n_wires);
}

#endif
