/* The wide plan's memory; see wide_state.h. */
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "engine/arena.h"
#include "engine/circuit/wide/wide_state.h"

/* Keeps the two tiles of a worker off the same sets of the cache. */
#define STAGGER 1088
/* Gathering rows from pages of 4 KiB would miss the page tables' cache at every row. */
#define HUGE_PAGE ((size_t)2 << 20)
/* The least state that is stored past the caches. */
#define PAST_CACHES ((size_t)64 << 20)

static void lay_out_tables(struct wide *self, struct arena *arena)
{
	const struct wide_circuit *circuit = self->circuit;
	size_t most = 1, real = self->kernels->real_size;
	self->diagonals = arena_take(arena, (size_t)circuit->n_sweeps * sizeof *self->diagonals);
	for (int i = 0; i < circuit->n_sweeps; i++) {
		const struct wide_strings *strings = &circuit->sweeps[i].diagonal;
		size_t low = (size_t)strings->n_low, high = (size_t)strings->n_high;
		struct wide_diagonal diagonal = {arena_take(arena, low * 2 * WIDE_ROW * real),
		                                 arena_take_numbers(arena, high * strings->n_rows),
		                                 arena_take_numbers(arena, high * strings->n_rows)};
		if (self->diagonals != NULL)
			self->diagonals[i] = diagonal;
		most = low > most ? low : most;
	}
	size_t low = (size_t)circuit->readout.n_low, high = (size_t)circuit->readout.n_high;
	most = low > most ? low : most;
	self->readout_low = arena_take(arena, low * WIDE_ROW * real);
	self->readout_high = arena_take_numbers(arena, high * self->n_rows);
	self->product_low = arena_take(arena, 2 * WIDE_ROW * real);
	self->product_rows_re = arena_take_numbers(arena, self->n_rows);
	self->product_rows_im = arena_take_numbers(arena, self->n_rows);
	self->product_tiles_re = arena_take_numbers(arena, self->n_tiles);
	self->product_tiles_im = arena_take_numbers(arena, self->n_tiles);
	self->tiles_re = arena_take_numbers(arena, self->n_tiles);
	self->tiles_im = arena_take_numbers(arena, self->n_tiles);
	/* Three tables of the largest diagonal, or a product of all bits of a kind. */
	size_t wanted = 3 * most * WIDE_ROW + 2 * self->n_rows;
	self->work = arena_take_numbers(arena, wanted > self->n_tiles ? wanted : self->n_tiles);
	for (int i = 0; i < self->n_workers; i++)
		self->workers[i].low = arena_take_numbers(arena, most * WIDE_ROW);
}

static void lay_out_parts(struct wide *self, struct arena *arena)
{
	for (int i = 0; i < self->n_parts; i++)
		self->parts[i] = (struct wide_part){
		    .gradient = arena_take_numbers(arena, (size_t)self->circuit->n_slots),
		    .outputs = arena_take_numbers(arena, (size_t)self->circuit->n_observables),
		    .low_re = arena_take_numbers(arena, WIDE_ROW),
		    .low_im = arena_take_numbers(arena, WIDE_ROW),
		    .rows_re = arena_take_numbers(arena, self->n_rows),
		    .rows_im = arena_take_numbers(arena, self->n_rows),
		};
}

static void lay_out_workers(struct wide *self, struct arena *arena)
{
	size_t tile = self->n_rows * 2 * WIDE_ROW * self->kernels->real_size;
	for (int i = 0; i < self->n_workers; i++) {
		struct wide_worker *worker = &self->workers[i];
		worker->psi = arena_take(arena, tile + STAGGER);
		worker->lambda = arena_take(arena, tile + STAGGER);
		worker->rows_re = arena_take_numbers(arena, self->n_rows);
		worker->rows_im = arena_take_numbers(arena, self->n_rows);
		worker->more_rows_re = arena_take_numbers(arena, self->n_rows);
		worker->more_rows_im = arena_take_numbers(arena, self->n_rows);
	}
}

static size_t lay_out(struct wide *self, char *memory)
{
	struct arena arena = {memory, 0};
	size_t state = (self->kernels->real_size * 2) << self->circuit->n_bits;
	size_t bits = (size_t)self->circuit->n_bits, slots = (size_t)self->circuit->n_slots;
	self->psi = arena_take(&arena, state);
	self->lambda = arena_take(&arena, state);
	self->angle = arena_take_numbers(&arena, slots);
	self->cosine = arena_take_numbers(&arena, slots);
	self->sine = arena_take_numbers(&arena, slots);
	self->gradient = arena_take_numbers(&arena, slots);
	self->bits = arena_take(&arena, bits * sizeof *self->bits);
	self->cotangents = arena_take(&arena, bits * sizeof *self->cotangents);
	lay_out_tables(self, &arena);
	lay_out_parts(self, &arena);
	lay_out_workers(self, &arena);
	return arena.used;
}

static int smaller(size_t a, int b)
{
	return a < (size_t)b ? (int)a : b;
}

size_t wide_state_bytes(struct wide *self)
{
	const struct wide_circuit *circuit = self->circuit;
	self->n_rows = (size_t)1 << (circuit->tile_bits - WIDE_ROW_BITS);
	self->n_tiles = (size_t)1 << (circuit->n_bits - circuit->tile_bits);
	self->past_caches = (self->kernels->real_size * 2) << circuit->n_bits >= PAST_CACHES;
	self->n_parts = smaller(self->n_tiles, WIDE_PARTS_MAX);
	self->n_workers = smaller(self->n_tiles, WIDE_WORKERS_MAX);
	return lay_out(self, NULL);
}

bool wide_state_lay_out(struct wide *self)
{
	size_t bytes = wide_state_bytes(self);
	bool huge = bytes >= HUGE_PAGE;
	void *memory;
	if (posix_memalign(&memory, huge ? HUGE_PAGE : ARENA_ALIGN, bytes) != 0)
		return false;
	self->memory = memory;
	if (huge)
		(void)madvise(self->memory, bytes, MADV_HUGEPAGE); /* only speed depends on it */
	lay_out(self, self->memory);
	return true;
}
