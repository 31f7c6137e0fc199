/* The `batch` plan: a statevector with the batch innermost, in tiles of BATCH_LANES samples; gradients by the adjoint
 * method. It compiles the program (batch_circuit.c), owns the memory and moves samples in and out of the tiles; the
 * inner loops are in batch_kernel.c. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "engine/circuit/batch_kernel.h"
#include "engine/circuit/isa.h"
#include "engine/circuit/plan_kind.h"

#define ALIGNMENT 64

struct batch {
	struct batch_circuit *circuit;
	const struct batch_kernels *kernels;
	struct batch_tile tile;
	void *memory; /* everything that the pointers above and those inside the circuit's steps point to */
};

/* Hands out parts of one block of memory; with base NULL it only counts. */
struct arena {
	char *base;
	size_t used;
};

static void *take(struct arena *arena, size_t bytes)
{
	void *at = arena->base != NULL ? arena->base + arena->used : NULL;
	arena->used += (bytes + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
	return at;
}

static double *take_rows(struct arena *arena, size_t rows)
{
	return take(arena, rows * BATCH_LANES * sizeof(double));
}

static void lay_out(struct batch_circuit *circuit, struct batch_tile *tile, struct arena *arena)
{
	size_t size = (size_t)1 << circuit->n_wires, slots = (size_t)circuit->n_slots;
	bool lanes = false;
	for (int i = 0; i < circuit->n_steps; i++) {
		struct batch_step *step = &circuit->steps[i];
		lanes |= step->kind == STEP_DIAGONAL_LANES;
		if (step->kind == STEP_DIAGONAL)
			step->phases = take(arena, 2 * size * sizeof(double));
		if (step->kind == STEP_ROTATE_X || step->kind == STEP_ROTATE_Y)
			step->pairs.items = take(arena, size / 2 * sizeof(struct batch_pair));
	}
	for (int o = 0; o < circuit->n_observables; o++)
		if (circuit->observables[o].string.x != 0)
			circuit->observables[o].pairs.items = take(arena, size / 2 * sizeof(struct batch_pair));
	*tile = (struct batch_tile){
	    .psi = take_rows(arena, 2 * size),
	    .lambda = take_rows(arena, 2 * size),
	    .sums = take_rows(arena, size),
	    .phases = take_rows(arena, lanes ? 2 * size : 0),
	    .vectors = take_rows(arena, 4 * (size_t)circuit->n_wires),
	    .cosine = take_rows(arena, slots),
	    .sine = take_rows(arena, slots),
	    .gradient = take_rows(arena, slots),
	    .outputs = take_rows(arena, (size_t)circuit->n_observables),
	    .cotangents = take_rows(arena, (size_t)circuit->n_observables),
	};
}

static size_t bytes(const struct circuit_program *program)
{
	struct batch_circuit *circuit = batch_circuit_new(program);
	if (circuit == NULL)
		return SIZE_MAX;
	struct batch_tile tile;
	struct arena arena = {NULL, 0};
	lay_out(circuit, &tile, &arena);
	batch_circuit_free(circuit);
	return sizeof(struct batch) + arena.used;
}

static void destroy(void *state)
{
	struct batch *self = state;
	batch_circuit_free(self->circuit);
	free(self->memory);
	free(self);
}

static void fill_pairs(struct batch_circuit *circuit)
{
	for (int i = 0; i < circuit->n_steps; i++)
		if (circuit->steps[i].pairs.items != NULL)
			batch_pairs_fill(&circuit->steps[i].pairs, &circuit->steps[i].gates->string, circuit->n_wires);
	for (int o = 0; o < circuit->n_observables; o++)
		if (circuit->observables[o].pairs.items != NULL)
			batch_pairs_fill(&circuit->observables[o].pairs, &circuit->observables[o].string,
			                 circuit->n_wires);
}

static void *create(const struct circuit_program *program)
{
	struct batch *self = calloc(1, sizeof *self);
	if (self == NULL)
		return NULL;
	self->kernels = isa_pick()->kernels;
	self->circuit = batch_circuit_new(program);
	struct arena arena = {NULL, 0};
	if (self->circuit != NULL) {
		lay_out(self->circuit, &self->tile, &arena);
		self->memory = aligned_alloc(ALIGNMENT, arena.used);
	}
	if (self->memory == NULL) {
		destroy(self);
		return NULL;
	}
	arena = (struct arena){self->memory, 0};
	lay_out(self->circuit, &self->tile, &arena);
	fill_pairs(self->circuit);
	return self;
}

/* One call's arrays. */
struct call {
	const double *features, *weights;
	size_t batch;
};

/* cos and sin of half the angle of slots first .. first + count - 1, in all lanes; slots of features are left alone. */
static void load_shared_slots(struct batch *self, const struct call *call, size_t first, size_t count)
{
	double angle[BATCH_LANES] __attribute__((aligned(ALIGNMENT))) = {0};
	double c[BATCH_LANES] __attribute__((aligned(ALIGNMENT))), s[BATCH_LANES] __attribute__((aligned(ALIGNMENT)));
	const struct angle *slots = self->circuit->slots + first;
	for (size_t i = 0; i < count; i++)
		if (slots[i].source != ANGLE_FEATURE)
			angle[i] = slots[i].source == ANGLE_WEIGHT ? call->weights[slots[i].index] : slots[i].value;
	self->kernels->half_angles(angle, c, s);
	for (size_t i = 0; i < count; i++)
		for (size_t l = 0; l < BATCH_LANES && slots[i].source != ANGLE_FEATURE; l++) {
			self->tile.cosine[(first + i) * BATCH_LANES + l] = c[i];
			self->tile.sine[(first + i) * BATCH_LANES + l] = s[i];
		}
}

/* What is the same for every sample of the call. */
static void load_shared(struct batch *self, const struct call *call)
{
	size_t slots = (size_t)self->circuit->n_slots;
	for (size_t first = 0; first < slots; first += BATCH_LANES)
		load_shared_slots(self, call, first, slots - first < BATCH_LANES ? slots - first : BATCH_LANES);
	for (int i = 0; i < self->circuit->n_steps; i++)
		if (self->circuit->steps[i].kind == STEP_DIAGONAL)
			self->kernels->fill_phases(self->circuit, &self->circuit->steps[i], &self->tile);
}

/* The last samples of a batch may leave lanes over: those repeat the last sample, so that no lane holds noise. */
static size_t sample_of(const struct call *call, size_t first, size_t lane)
{
	return first + lane < call->batch ? first + lane : call->batch - 1;
}

static void load_samples(struct batch *self, const struct call *call, size_t first)
{
	self->tile.used = call->batch - first < BATCH_LANES ? call->batch - first : BATCH_LANES;
	for (int i = 0; i < self->circuit->n_slots; i++) {
		const struct angle *slot = &self->circuit->slots[i];
		if (slot->source != ANGLE_FEATURE)
			continue;
		double in[BATCH_LANES] __attribute__((aligned(ALIGNMENT)));
		double *c = self->tile.cosine + (size_t)i * BATCH_LANES, *s = self->tile.sine + (size_t)i * BATCH_LANES;
		const double *feature = call->features + (size_t)slot->index * call->batch;
		for (size_t l = 0; l < BATCH_LANES; l++)
			in[l] = feature[sample_of(call, first, l)];
		if (slot->encoder == ENCODER_ATAN || slot->encoder == ENCODER_ATAN_SQUARE) {
			for (size_t l = 0; l < BATCH_LANES && slot->encoder == ENCODER_ATAN_SQUARE; l++)
				in[l] *= in[l];
			self->kernels->half_angles_atan(in, c, s);
		} else {
			for (size_t l = 0; l < BATCH_LANES && slot->encoder != ENCODER_X; l++)
				in[l] = encoder_angle(slot->encoder, in[l]);
			self->kernels->half_angles(in, c, s);
		}
	}
}

static void forward(void *state, const double *features, const double *weights, size_t batch, double *outputs)
{
	struct batch *self = state;
	struct call call = {features, weights, batch};
	load_shared(self, &call);
	for (size_t first = 0; first < batch; first += BATCH_LANES) {
		load_samples(self, &call, first);
		self->kernels->forward(self->circuit, &self->tile);
		for (size_t o = 0; o < (size_t)self->circuit->n_observables; o++)
			memcpy(outputs + o * batch + first, self->tile.outputs + o * BATCH_LANES,
			       self->tile.used * sizeof *outputs);
	}
}

/* Lanes left over get cotangent zero, so that they add nothing to any gradient. */
static void load_cotangents(struct batch *self, const double *d_outputs, size_t batch, size_t first)
{
	for (size_t o = 0; o < (size_t)self->circuit->n_observables; o++)
		for (size_t l = 0; l < BATCH_LANES; l++)
			self->tile.cotangents[o * BATCH_LANES + l] =
			    l < self->tile.used ? d_outputs[o * batch + first + l] : 0.0;
}

/* Moves the gradients of the feature slots out; those of the weights stay and add up over the tiles. */
static void store_features(struct batch *self, const struct call *call, size_t first, double *d_features)
{
	for (int i = 0; i < self->circuit->n_slots; i++) {
		const struct angle *slot = &self->circuit->slots[i];
		if (slot->source != ANGLE_FEATURE)
			continue;
		double *gradient = self->tile.gradient + (size_t)i * BATCH_LANES;
		size_t offset = (size_t)slot->index * call->batch + first;
		for (size_t l = 0; l < BATCH_LANES && l < self->tile.used && d_features != NULL; l++)
			d_features[offset + l] +=
			    gradient[l] * encoder_derivative(slot->encoder, call->features[offset + l]);
		memset(gradient, 0, BATCH_LANES * sizeof *gradient);
	}
}

static void store_weights(struct batch *self, double *d_weights)
{
	for (int i = 0; i < self->circuit->n_slots; i++) {
		if (self->circuit->slots[i].source != ANGLE_WEIGHT)
			continue;
		const double *gradient = self->tile.gradient + (size_t)i * BATCH_LANES;
		double sum = 0.0;
		for (size_t l = 0; l < BATCH_LANES; l++)
			sum += gradient[l];
		d_weights[self->circuit->slots[i].index] += sum;
	}
}

static void backward(void *state, const double *features, const double *weights, size_t batch, const double *d_outputs,
                     double *d_features, double *d_weights)
{
	struct batch *self = state;
	struct call call = {features, weights, batch};
	load_shared(self, &call);
	memset(self->tile.gradient, 0, (size_t)self->circuit->n_slots * BATCH_LANES * sizeof(double));
	for (size_t first = 0; first < batch; first += BATCH_LANES) {
		load_samples(self, &call, first);
		load_cotangents(self, d_outputs, batch, first);
		self->kernels->backward(self->circuit, &self->tile);
		store_features(self, &call, first, d_features);
	}
	if (d_weights != NULL)
		store_weights(self, d_weights);
}

const struct plan_kind plan_batch = {
    .name = "batch",
    .bytes = bytes,
    .create = create,
    .destroy = destroy,
    .forward = forward,
    .backward = backward,
};
