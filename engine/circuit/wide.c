/* The `wide` plan: one sample at a time, amplitudes in the lanes, for circuits whose state does not fit the cache. It
 * runs the schedule of wide_circuit.c: a sweep moves every amplitude through the cache once and applies many gates.
 * Gradients by the adjoint method: two states, whatever the number of gates. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "engine/circuit/isa.h"
#include "engine/circuit/plan_kind.h"
#include "engine/circuit/wide_readout.h"

#define ALIGNMENT 64

struct wide {
	struct wide_circuit *circuit;
	struct wide_readout *readout;
	const struct wide_kernels *kernels;
	struct wide_state psi, lambda;           /* [2^n_bits] */
	struct wide_state psi_tile, lambda_tile; /* [2^WIDE_TILE_BITS] */
	double *cosine, *sine, *gradient;        /* by slot */
	struct wide_vector vectors[CIRCUIT_MAX_WIRES];
	double *memory; /* what the pointers above point to */
};

/* One sample of a call. */
struct sample {
	const double *features, *weights;
	size_t batch, index;
};

static size_t tile_size(const struct wide_circuit *circuit)
{
	return (size_t)1 << (circuit->n_bits < WIDE_TILE_BITS ? circuit->n_bits : WIDE_TILE_BITS);
}

static size_t slot_room(const struct wide_circuit *circuit)
{
	size_t step = ALIGNMENT / sizeof(double);
	return ((size_t)circuit->n_slots + step) / step * step;
}

static size_t numbers_wanted(const struct wide_circuit *circuit)
{
	return 4 * ((size_t)1 << circuit->n_bits) + 4 * tile_size(circuit) + 3 * slot_room(circuit);
}

static void destroy(void *state)
{
	struct wide *self = state;
	wide_readout_free(self->readout);
	wide_circuit_free(self->circuit);
	free(self->memory);
	free(self);
}

static double *take(double **next, size_t count)
{
	double *at = *next;
	*next += count;
	return at;
}

static void lay_out(struct wide *self)
{
	size_t size = (size_t)1 << self->circuit->n_bits, tile = tile_size(self->circuit);
	double *next = self->memory;
	struct wide_state *states[] = {&self->psi, &self->lambda}, *tiles[] = {&self->psi_tile, &self->lambda_tile};
	for (int i = 0; i < 2; i++) {
		states[i]->re = take(&next, size);
		states[i]->im = take(&next, size);
		tiles[i]->re = take(&next, tile);
		tiles[i]->im = take(&next, tile);
	}
	self->cosine = take(&next, slot_room(self->circuit));
	self->sine = take(&next, slot_room(self->circuit));
	self->gradient = take(&next, slot_room(self->circuit));
}

/* An operation is a gate, or a sweep's load and store, on one amplitude. */
static void *compile(const struct circuit_program *program, enum precision precision, struct plan_work *work)
{
	(void)precision;
	struct wide *self = calloc(1, sizeof *self);
	if (self == NULL)
		return NULL;
	self->kernels = isa_pick()->wide;
	self->circuit = wide_circuit_new(program);
	if (self->circuit == NULL) {
		destroy(self);
		return NULL;
	}
	const struct wide_circuit *circuit = self->circuit;
	double passes = circuit->n_gates + 2.0 * circuit->n_sweeps + 3.0;
	for (int o = 0; o < circuit->n_observables; o++)
		passes += circuit->observables[o].x != 0 ? 4.0 : 0.0;
	*work = (struct plan_work){.bytes = sizeof *self + numbers_wanted(circuit) * sizeof(double) +
	                                    wide_readout_bytes(circuit),
	                           .operations = passes * (double)((size_t)1 << circuit->n_bits),
	                           .lanes = 1,
	                           .precision = PRECISION_FLOAT64};
	return self;
}

static bool allocate(void *state)
{
	struct wide *self = state;
	self->readout = wide_readout_new(self->circuit);
	self->memory = aligned_alloc(ALIGNMENT, numbers_wanted(self->circuit) * sizeof(double));
	if (self->readout == NULL || self->memory == NULL)
		return false;
	lay_out(self);
	return true;
}

static double angle_of(const struct sample *sample, const struct angle *angle)
{
	if (angle->source == ANGLE_WEIGHT)
		return sample->weights[angle->index];
	if (angle->source == ANGLE_CONSTANT)
		return angle->value;
	return encoder_angle(angle->encoder, sample->features[(size_t)angle->index * sample->batch + sample->index]);
}

static void load_angles(struct wide *self, const struct sample *sample)
{
	for (int i = 0; i < self->circuit->n_slots; i++) {
		double angle = angle_of(sample, &self->circuit->slots[i]);
		self->cosine[i] = cos(angle / 2);
		self->sine[i] = sin(angle / 2);
	}
}

/* Copies a tile's rows between the state and a contiguous buffer. */
static void move_tile(const struct wide_state *state, const struct wide_state *tile, size_t index, size_t row,
                      size_t rows, bool gather)
{
	size_t at = 0, offset = 0;
	do {
		double *re = state->re + index + offset, *im = state->im + index + offset;
		memcpy(gather ? tile->re + at : re, gather ? re : tile->re + at, row * sizeof(double));
		memcpy(gather ? tile->im + at : im, gather ? im : tile->im + at, row * sizeof(double));
		at += row;
		offset = (offset - rows) & rows; /* the next number made of bits of `rows` */
	} while (offset != 0);
}

/* The tile at `index` of a state: in place when it is contiguous, else copied to `buffer`. */
static struct wide_state borrow_tile(const struct wide_state *state, const struct wide_state *buffer, size_t index,
                                     size_t row, size_t rows)
{
	if (rows == 0)
		return (struct wide_state){state->re + index, state->im + index};
	move_tile(state, buffer, index, row, rows, true);
	return *buffer;
}

static void return_tile(const struct wide_state *state, const struct wide_state *buffer, size_t index, size_t row,
                        size_t rows)
{
	if (rows != 0)
		move_tile(state, buffer, index, row, rows, false);
}

static void run_sweep(struct wide *self, const struct wide_sweep *sweep, bool backward)
{
	size_t all = ((size_t)1 << self->circuit->n_bits) - 1, active = sweep->active;
	size_t row = (size_t)1 << __builtin_ctzll(~active), rows = active & ~(row - 1);
	size_t outside = all & ~active, index = 0;
	struct wide_angles angles = {self->cosine, self->sine};
	do {
		struct wide_state psi = borrow_tile(&self->psi, &self->psi_tile, index, row, rows);
		if (backward) {
			struct wide_state lambda = borrow_tile(&self->lambda, &self->lambda_tile, index, row, rows);
			self->kernels->backward(sweep, &angles, index, &psi, &lambda, self->gradient);
			return_tile(&self->lambda, &lambda, index, row, rows);
		} else {
			self->kernels->forward(sweep, &angles, index, &psi);
		}
		return_tile(&self->psi, &psi, index, row, rows);
		index = (index - outside) & outside;
	} while (index != 0);
}

static struct wide_state at(const struct wide_state *state, size_t index)
{
	return (struct wide_state){state->re + index, state->im + index};
}

/* exp(-i t P / 2) on one bit; `turns` is 1, or -1 to undo it. */
static void turn_vector(const struct wide *self, const struct wide_gate *gate, double turns, struct wide_vector *v)
{
	double c = self->cosine[gate->slot], s = turns * self->sine[gate->slot];
	double a_re = v->re[0], a_im = v->im[0], b_re = v->re[1], b_im = v->im[1];
	switch (gate->kind) {
	case WIDE_ROTATE_X:
		*v = (struct wide_vector){{c * a_re + s * b_im, c * b_re + s * a_im},
		                          {c * a_im - s * b_re, c * b_im - s * a_re}};
		break;
	case WIDE_ROTATE_Y:
		*v = (struct wide_vector){{c * a_re - s * b_re, s * a_re + c * b_re},
		                          {c * a_im - s * b_im, s * a_im + c * b_im}};
		break;
	default:
		*v = (struct wide_vector){{c * a_re + s * a_im, c * b_re - s * b_im},
		                          {c * a_im - s * a_re, c * b_im + s * b_re}};
	}
}

/* Im <lambda|P|v>. */
static double slope(enum wide_kind axis, const struct wide_vector *lambda, const struct wide_vector *v)
{
	const double *lr = lambda->re, *li = lambda->im, *r = v->re, *i = v->im;
	if (axis == WIDE_ROTATE_X)
		return lr[0] * i[1] - li[0] * r[1] + lr[1] * i[0] - li[1] * r[0];
	if (axis == WIDE_ROTATE_Y)
		return lr[1] * r[0] + li[1] * i[0] - lr[0] * r[1] - li[0] * i[1];
	return lr[0] * i[0] - li[0] * r[0] - lr[1] * i[1] + li[1] * r[1];
}

static void prepare_vectors(struct wide *self)
{
	for (int bit = 0; bit < self->circuit->n_bits; bit++)
		self->vectors[bit] = (struct wide_vector){{1.0, 0.0}, {0.0, 0.0}};
	for (int i = 0; i < self->circuit->n_prefix; i++)
		turn_vector(self, &self->circuit->prefix[i], 1.0, &self->vectors[self->circuit->prefix[i].target]);
}

/* The product of the lowest m bits' states at psi + 2^m, for every m below n. */
static void prepare_products(struct wide *self)
{
	self->psi.re[1] = 1.0;
	self->psi.im[1] = 0.0;
	for (int bit = 0; bit + 1 < self->circuit->n_bits; bit++) {
		size_t size = (size_t)1 << bit;
		struct wide_state from = at(&self->psi, size), to = at(&self->psi, 2 * size);
		self->kernels->extend(&to, &from, size, &self->vectors[bit]);
	}
}

static void prepare(struct wide *self, const struct sample *sample)
{
	int top = self->circuit->n_bits - 1;
	load_angles(self, sample);
	prepare_vectors(self);
	prepare_products(self);
	struct wide_state from = at(&self->psi, (size_t)1 << top);
	self->kernels->extend(&self->psi, &from, (size_t)1 << top, &self->vectors[top]);
	for (int i = 0; i < self->circuit->n_sweeps; i++)
		run_sweep(self, &self->circuit->sweeps[i], false);
}

/* The reverse of preparing the product: lambda is contracted with one bit after the other, the highest first. */
static void backward_products(struct wide *self)
{
	struct wide_vector cotangents[CIRCUIT_MAX_WIRES];
	prepare_products(self);
	size_t size = (size_t)1 << self->circuit->n_bits;
	for (int bit = self->circuit->n_bits - 1; bit >= 0; bit--) {
		size /= 2;
		struct wide_state others = at(&self->psi, size);
		cotangents[bit] = self->kernels->contract(&self->lambda, &others, size, &self->vectors[bit]);
	}
	for (int i = self->circuit->n_prefix - 1; i >= 0; i--) {
		const struct wide_gate *gate = &self->circuit->prefix[i];
		struct wide_vector *v = &self->vectors[gate->target], *lambda = &cotangents[gate->target];
		self->gradient[gate->slot] += slope(gate->kind, lambda, v);
		turn_vector(self, gate, -1.0, v);
		turn_vector(self, gate, -1.0, lambda);
	}
}

static void forward(void *state, const double *features, const double *weights, size_t batch, double *outputs)
{
	struct wide *self = state;
	for (size_t b = 0; b < batch; b++) {
		struct sample sample = {features, weights, batch, b};
		prepare(self, &sample);
		wide_readout_measure(self->readout, self->kernels, &self->psi, outputs + b, batch);
	}
}

static void store_gradient(const struct wide *self, const struct sample *sample, double *d_features, double *d_weights)
{
	for (int i = 0; i < self->circuit->n_slots; i++) {
		const struct angle *angle = &self->circuit->slots[i];
		size_t at = (size_t)angle->index * sample->batch + sample->index;
		if (angle->source == ANGLE_WEIGHT && d_weights != NULL)
			d_weights[angle->index] += self->gradient[i];
		if (angle->source == ANGLE_FEATURE && d_features != NULL)
			d_features[at] += self->gradient[i] * encoder_derivative(angle->encoder, sample->features[at]);
	}
}

static void backward(void *state, const double *features, const double *weights, size_t batch, const double *d_outputs,
                     double *d_features, double *d_weights)
{
	struct wide *self = state;
	for (size_t b = 0; b < batch; b++) {
		struct sample sample = {features, weights, batch, b};
		prepare(self, &sample);
		wide_readout_apply(self->readout, self->kernels, &self->psi, &self->lambda, d_outputs + b, batch);
		memset(self->gradient, 0, (size_t)self->circuit->n_slots * sizeof(double));
		for (int i = self->circuit->n_sweeps - 1; i >= 0; i--)
			run_sweep(self, &self->circuit->sweeps[i], true);
		backward_products(self);
		store_gradient(self, &sample, d_features, d_weights);
	}
}

const struct plan_kind plan_wide = {
    .name = "wide",
    .compile = compile,
    .allocate = allocate,
    .destroy = destroy,
    .forward = forward,
    .backward = backward,
};
