/* The `batch` plan: a statevector with the batch innermost, a register of samples at a time; gradients by the adjoint
 * method. It compiles the program (batch_circuit.c, batch_schedule.c) and owns the memory; the work is done in
 * batch_kernel.c. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "engine/arena.h"
#include "engine/circuit/batch/batch_kernel.h"
#include "engine/vector/isa.h"
#include "engine/circuit/plan_kind.h"

/* Between large arrays: without it, the same index of two arrays, whose sizes are powers of two, would compete for the
 * same few ways of the cache. */
#define STAGGER 1088
/* While the states before all steps fit in this, the backward pass finds them where it left them when it went forward;
 * beyond, it undoes the steps on one state. Measured: an L2 cache. */
#define STATES_BYTES_MAX ((size_t)1 << 20)
/* Sets of weights are interleaved sample by sample while tables for all of them stay small. */
#define SETS_WIRES_MAX 8

struct batch {
	struct batch_circuit *circuit;
	const struct batch_kernels *kernels;
	struct batch_memory memory;
	size_t row;                 /* bytes; BATCH_ROW_BYTES for estimates, which are the same on every machine */
	int sets;                   /* that the memory is for */
	size_t pieces, lanes, kept; /* of a row of virtual lanes: tiles, samples, bytes that are kept for a set */
	void *block;                /* everything that the pointers in memory and circuit point to */
};

static void *take(struct arena *arena, size_t bytes)
{
	void *at = arena_take(arena, bytes);
	if (bytes >= 4096)
		arena_take(arena, STAGGER);
	return at;
}

static void lay_out_tables(struct batch *self, struct arena *arena)
{
	struct batch_circuit *circuit = self->circuit;
	size_t size = (size_t)1 << circuit->n_wires;
	for (int i = 0; i < circuit->n_steps; i++) {
		struct batch_step *step = &circuit->steps[i];
		step->rows = take(arena, (step->n_bases << step->n_gates) * sizeof *step->rows);
		if (step->kind == STEP_DIAGONAL_LANES)
			step->signs = take(arena, size * sizeof *step->signs);
	}
	if (circuit->ordered)
		circuit->order = take(arena, size * sizeof *circuit->order);
	for (int o = 0; o < circuit->n_observables; o++)
		if (circuit->observables[o].string.x != 0)
			circuit->observables[o].pairs = take(arena, size / 2 * sizeof(struct batch_pair));
}

/* Whether the backward pass reads the state before step i: rotations read the one after them, diagonals the one before.
 */
static bool is_read(const struct batch_circuit *circuit, int i)
{
	if (i == 0 && circuit->joined)
		return false;
	bool after = i > 0 && batch_step_rotates(&circuit->steps[i - 1]);
	return after || i == circuit->n_steps || circuit->steps[i].kind == STEP_DIAGONAL ||
	       circuit->steps[i].kind == STEP_DIAGONAL_LANES;
}

/* A step is undone where an earlier state that is read lies in the same memory as the one after it. */
static void mark_undone(const struct batch *self)
{
	void **states = self->memory.kept_states;
	for (int i = 0; i < self->circuit->n_steps; i++) {
		self->circuit->steps[i].undone = false;
		for (int j = 0; j <= i; j++)
			self->circuit->steps[i].undone |= states[j] == states[i + 1] && is_read(self->circuit, j);
	}
}

/* The first state has memory of its own, since sets of weights may share it. The others share one memory for real and
 * one for complex states, but where the backward pass keeps those that it reads they have memory of their own. */
static void lay_out_states(struct batch *self, struct arena *arena)
{
	const struct batch_circuit *circuit = self->circuit;
	struct batch_memory *memory = &self->memory;
	size_t part = self->row * batch_place((size_t)1 << circuit->n_wires),
	       numbers = circuit->joined ? 0 : (size_t)circuit->prefix_parts;
	for (int i = 0; i < circuit->n_steps; i++)
		numbers += is_read(circuit, i + 1) ? (size_t)circuit->steps[i].parts : 0;
	bool keep = (numbers * BATCH_ROW_BYTES) << circuit->n_wires <= STATES_BYTES_MAX;
	void *shared[3] = {NULL, NULL, NULL}, *kept = NULL;
	bool taken[3] = {false, false, false}, free_to_use = false;
	size_t at = 0;
	memory->states = take(arena, ((size_t)circuit->n_steps + 1) * sizeof *memory->states);
	memory->kept_states = take(arena, ((size_t)circuit->n_steps + 1) * sizeof *memory->kept_states);
	memory->record_states = take(arena, ((size_t)circuit->n_steps + 1) * sizeof *memory->record_states);
	memory->record_at = take(arena, ((size_t)circuit->n_steps + 1) * sizeof *memory->record_at);
	memory->record = 0;
	void *first = take(arena, circuit->joined ? 0 : (size_t)circuit->prefix_parts * part);
	if (arena->base != NULL)
		memory->states[0] = memory->kept_states[0] = memory->record_states[0] = first;
	for (int i = 0; i < circuit->n_steps; i++) {
		int parts = circuit->steps[i].parts;
		bool widens = parts != circuit->steps[i].parts_before;
		bool fresh = !taken[parts] || (keep && (widens || !free_to_use));
		void *state = fresh ? take(arena, (size_t)parts * part) : keep ? kept : shared[parts];
		if (!taken[parts])
			shared[parts] = state;
		taken[parts] = true;
		kept = state;
		if (fresh && keep) {
			at = memory->record;
			memory->record += (size_t)parts * part;
		}
		free_to_use = !is_read(circuit, i + 1);
		if (arena->base == NULL)
			continue;
		memory->states[i + 1] = shared[parts];
		memory->kept_states[i + 1] = state;
		memory->record_at[i + 1] = at;
	}
	if (arena->base != NULL)
		mark_undone(self);
}

/* See struct batch_memory. */
static size_t scratch_bytes(const struct batch *self)
{
	const struct batch_circuit *circuit = self->circuit;
	size_t lanes = BATCH_ROW_BYTES / self->kernels->number_bytes, size = (size_t)1 << circuit->n_wires;
	size_t angles = BATCH_ROWS * ((size_t)circuit->n_slots + 1) * lanes;
	size_t phases = circuit->n_wires <= SETS_WIRES_MAX ? size * lanes : size;
	return 3 * ((angles > phases ? angles : phases) * sizeof(double) + ARENA_ALIGN);
}

static void lay_out_rows(struct batch *self, struct arena *arena)
{
	const struct batch_circuit *circuit = self->circuit;
	struct batch_memory *memory = &self->memory;
	size_t row = self->row, size = (size_t)1 << circuit->n_wires;
	size_t features = (size_t)circuit->n_feature_slots, prefix = (size_t)circuit->prefix_parts;
	size_t places = batch_place(size), loaded = BATCH_ROWS * features * BATCH_ROW_BYTES;
	size_t half = (size_t)1 << (circuit->n_wires - circuit->n_wires / 2);
	memory->lambda = take(arena, (size_t)circuit->parts * places * row);
	memory->lambda_sum = take(arena, circuit->prefix_shared && !circuit->joined ? prefix * places * row : 0);
	memory->halves = take(arena, 4 * half * prefix * row);
	memory->others = take(arena, half * prefix * row);
	memory->sums = take(arena, size * row);
	memory->vectors = take(arena, 2 * prefix * (size_t)circuit->n_wires * row);
	memory->cosine = take(arena, loaded);
	memory->sine = take(arena, loaded);
	memory->gradient = take(arena, loaded);
	memory->turns = take(arena, circuit->featured_turns ? 2 * (size_t)circuit->n_gates * row : 0);
	memory->scratch = take(arena, scratch_bytes(self));
	memory->lane_phases = take(arena, (size_t)circuit->n_steps * sizeof *memory->lane_phases);
	for (int i = 0; i < circuit->n_steps; i++) {
		if (circuit->steps[i].kind != STEP_DIAGONAL_LANES)
			continue;
		void *phases = take(arena, (2 * row) << circuit->steps[i].n_gates);
		if (arena->base != NULL)
			memory->lane_phases[i] = phases;
	}
}

static struct batch_set lay_out_set(const struct batch *self, struct arena *arena, size_t phase_bytes)
{
	const struct batch_circuit *circuit = self->circuit;
	size_t row = self->row, size = (size_t)1 << circuit->n_wires;
	size_t slots = (size_t)(circuit->n_slots - circuit->n_feature_slots), gates = (size_t)circuit->n_gates;
	size_t diagonals = (size_t)circuit->n_diagonals;
	struct batch_set set = {
	    .cosine = take(arena, slots * row),
	    .sine = take(arena, slots * row),
	    .turns = take(arena, 2 * gates * row),
	    .phases = take(arena, 2 * diagonals * size * phase_bytes),
	    .weights = take(arena, (size_t)circuit->program->n_weights * sizeof(double)),
	    .totals = take(arena, slots * sizeof(double)),
	};
	return set;
}

/* What gradients add up in, a row of virtual lanes each. */
static void lay_out_sums(const struct batch *self, struct arena *arena, struct batch_set *set)
{
	const struct batch_circuit *circuit = self->circuit;
	size_t slots = (size_t)(circuit->n_slots - circuit->n_feature_slots), gates = (size_t)circuit->n_gates;
	size_t diagonals = (size_t)circuit->n_diagonals << circuit->n_wires;
	set->gradient = take(arena, (slots + gates + diagonals) * BATCH_ROW_BYTES);
	if (arena->base == NULL)
		return;
	set->turn_slopes = (char *)set->gradient + slots * BATCH_ROW_BYTES;
	set->slopes = (char *)set->turn_slopes + gates * BATCH_ROW_BYTES;
}

static void lay_out(struct batch *self, struct arena *arena)
{
	const struct circuit_program *program = self->circuit->program;
	size_t number = self->kernels->number_bytes, pieces = BATCH_ROW_BYTES / self->row;
	size_t outputs = (size_t)program->n_observables;
	lay_out_tables(self, arena);
	lay_out_states(self, arena);
	lay_out_rows(self, arena);
	self->sets = self->circuit->n_wires <= SETS_WIRES_MAX ? BATCH_SETS : 1;
	for (int k = 0; k < self->sets; k++) {
		self->memory.sets[k] = lay_out_set(self, arena, number);
		lay_out_sums(self, arena, &self->memory.sets[k]);
	}
	if (self->sets == 1)
		return;
	for (size_t k = 0; k < pieces; k++)
		self->memory.packed[k] = lay_out_set(self, arena, self->row);
	struct batch_set *packed = self->memory.packed;
	lay_out_sums(self, arena, &packed[0]);
	for (size_t k = 1; k < pieces; k++) {
		packed[k].gradient = packed[0].gradient;
		packed[k].turn_slopes = packed[0].turn_slopes;
		packed[k].slopes = packed[0].slopes;
	}
	self->memory.packed_weights = take(arena, BATCH_SETS * (size_t)program->n_weights * sizeof(double));
	self->memory.pairs = take(arena, BATCH_ROWS * outputs * BATCH_ROW_BYTES / number * sizeof(double));
}

static void destroy(void *state)
{
	struct batch *self = state;
	batch_circuit_free(self->circuit);
	free(self->block);
	free(self);
}

static void fill_tables(struct batch_circuit *circuit, size_t row_bytes)
{
	if (circuit->ordered)
		batch_order_fill(circuit);
	for (int i = 0; i < circuit->n_steps; i++)
		batch_step_fill(&circuit->steps[i], circuit->n_wires, row_bytes);
	for (int o = 0; o < circuit->n_observables; o++)
		if (circuit->observables[o].string.x != 0)
			batch_observable_fill(&circuit->observables[o], circuit->n_wires);
}

/* An operation is about a load, some arithmetic and a store of a row of real numbers, one for each sample of a tile.
 * The weights of the kinds of step are measured. */
static double operations(const struct batch_circuit *circuit)
{
	double rows = 3.0 * circuit->prefix_parts + 3.0 * circuit->parts;
	for (int i = 0; i < circuit->n_steps; i++) {
		const struct batch_step *step = &circuit->steps[i];
		bool rotates = step->kind == STEP_ROTATE_X || step->kind == STEP_ROTATE_Y;
		rows += step->parts * (rotates ? 1.0 + 1.0 * step->n_gates : 2.0);
	}
	rows += 1.5 * (circuit->n_observables - circuit->n_diagonal_observables) * circuit->parts;
	return rows * (double)((size_t)1 << circuit->n_wires);
}

/* Of a row of virtual lanes and a set: a record, and the cosines and sines of features, which sets may share. */
static size_t kept_row(const struct batch *self)
{
	size_t record = self->memory.record * (BATCH_ROW_BYTES / self->row);
	return record > 0 ? record + 2 * (size_t)self->circuit->n_feature_slots * BATCH_ROW_BYTES : 0;
}

static void *compile(const struct circuit_program *program, enum precision precision, struct plan_work *work)
{
	struct batch *self = calloc(1, sizeof *self);
	struct arena arena = {NULL, 0};
	if (self == NULL)
		return NULL;
	self->kernels = precision == PRECISION_FLOAT32 ? isa_pick()->batch_f32 : isa_pick()->batch;
	self->row = BATCH_ROW_BYTES;
	self->circuit = batch_circuit_new(program);
	if (self->circuit == NULL) {
		destroy(self);
		return NULL;
	}
	lay_out(self, &arena);
	*work = (struct plan_work){.bytes = sizeof *self + arena.used,
	                           .operations = operations(self->circuit),
	                           .lanes = BATCH_ROW_BYTES / self->kernels->number_bytes,
	                           .precision = precision,
	                           .kept = kept_row(self),
	                           .packs = self->circuit->n_wires <= SETS_WIRES_MAX};
	return self;
}

static bool allocate(void *state)
{
	struct batch *self = state;
	struct arena arena = {NULL, 0};
	self->row = self->kernels->row_bytes;
	lay_out(self, &arena);
	self->block = aligned_alloc(ARENA_ALIGN, (arena.used + ARENA_ALIGN - 1) / ARENA_ALIGN * ARENA_ALIGN);
	if (self->block == NULL)
		return false;
	arena = (struct arena){self->block, 0};
	lay_out(self, &arena);
	self->pieces = BATCH_ROW_BYTES / self->row;
	self->lanes = BATCH_ROW_BYTES / self->kernels->number_bytes;
	self->kept = kept_row(self);
	fill_tables(self->circuit, self->kernels->row_bytes);
	return true;
}

/* Where there is no room for all tiles: how many rows of virtual lanes are kept, besides the features of a group, of
 * which some may not be. */
static size_t rows_kept(const struct batch *self, int sets, size_t rows, size_t room)
{
	size_t each = (size_t)sets * self->kept;
	size_t spare = 2 * BATCH_ROWS * (size_t)self->circuit->n_feature_slots * BATCH_ROW_BYTES;
	if (each == 0 || rows * each <= room)
		return each == 0 ? 0 : rows;
	return sets <= self->sets && room > spare ? (room - spare) / each : 0;
}

/* As many sets at a time as there is memory for. */
static void run(struct batch *self, struct batch_call call, int sets, struct plan_room kept)
{
	size_t weights = (size_t)self->circuit->program->n_weights;
	size_t outputs = (size_t)self->circuit->n_observables * call.batch;
	size_t rows = (call.batch + self->lanes - 1) / self->lanes;
	size_t left = kept.at != NULL ? rows_kept(self, sets, rows, kept.bytes) : 0;
	call.weights_per_set = weights;
	call.kept_tiles = left * self->pieces;
	call.kept = left > 0 ? kept.at : NULL;
	for (int first = 0; first < sets; first += self->sets) {
		if (first > 0 && call.kept != NULL)
			call.kept += (size_t)self->sets * rows * self->kept;
		size_t done = (size_t)(first > 0 ? self->sets : 0);
		call.n_sets = sets - first < self->sets ? sets - first : self->sets;
		call.weights += done * weights;
		if (call.outputs != NULL) {
			call.outputs += done * outputs;
			self->kernels->forward(self->circuit, &self->memory, &call);
			continue;
		}
		call.d_outputs += done * outputs;
		call.d_weights = call.d_weights != NULL ? call.d_weights + done * weights : NULL;
		self->kernels->backward(self->circuit, &self->memory, &call);
	}
}

static void forward_many(void *state, const double *features, const double *weights, int sets, size_t batch,
                         double *outputs, struct plan_room kept)
{
	run(state, (struct batch_call){.features = features, .weights = weights, .batch = batch, .outputs = outputs},
	    sets, kept);
}

static void backward_many(void *state, const double *features, const double *weights, int sets, size_t batch,
                          const double *d_outputs, double *d_features, double *d_weights, struct plan_room kept)
{
	run(state,
	    (struct batch_call){.features = features,
	                        .weights = weights,
	                        .batch = batch,
	                        .d_outputs = d_outputs,
	                        .d_features = d_features,
	                        .d_weights = d_weights},
	    sets, kept);
}

static void forward(void *state, const double *features, const double *weights, size_t batch, double *outputs)
{
	forward_many(state, features, weights, 1, batch, outputs, PLAN_NO_ROOM);
}

static void backward(void *state, const double *features, const double *weights, size_t batch, const double *d_outputs,
                     double *d_features, double *d_weights)
{
	backward_many(state, features, weights, 1, batch, d_outputs, d_features, d_weights, PLAN_NO_ROOM);
}

const struct plan_kind plan_batch = {
    .name = "batch",
    .compile = compile,
    .allocate = allocate,
    .destroy = destroy,
    .forward = forward,
    .backward = backward,
    .forward_many = forward_many,
    .backward_many = backward_many,
};
