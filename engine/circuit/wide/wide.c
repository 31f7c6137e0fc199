/* The `wide` plan: one sample at a time, amplitudes in the lanes, for circuits whose state does not fit the cache. It
 * runs the schedule of wide_circuit.h: a sweep moves every amplitude through the cache once and applies many gates.
 * Gradients by the adjoint method: two states, whatever the number of gates. The last sweep's tiles are measured, or
 * turned around, before they leave the cache. */
#include <stdlib.h>
#include <string.h>

#include "engine/vector/isa.h"
#include "engine/circuit/plan_kind.h"
#include "engine/circuit/wide/wide_state.h"
#include "engine/elementary/number_bits.h"

/* One sample of a call. */
struct sample {
	const double *features, *weights;
	size_t batch, index;
};

static void destroy(void *state)
{
	struct wide *self = state;
	wide_circuit_free(self->circuit);
	free(self->memory);
	free(self);
}

/* What a sweep costs whatever the number of amplitudes: its tables, maps and calls. */
#define SWEEP_OPERATIONS 2700.0

/* An operation: one rotation of one amplitude, forward alone and forward and backward. A sweep's moves cost as much as
 * ten of them, a diagonal's group three, a string that is not diagonal eight. `each`: of one in the precision. */
static double count_operations(const struct wide_circuit *circuit, double each)
{
	double passes = 0.0;
	for (int i = 0; i < circuit->n_sweeps; i++) {
		const struct wide_strings *diagonal = &circuit->sweeps[i].diagonal;
		passes +=
		    10.0 + circuit->sweeps[i].n_turns + (diagonal->n_strings > 0 ? 3.0 : 0.0) + 3.0 * diagonal->n_low;
	}
	for (int o = 0; o < circuit->n_observables; o++)
		passes += circuit->observables[o].x != 0 ? 8.0 : 0.0;
	return SWEEP_OPERATIONS * circuit->n_sweeps + each * passes * (double)((size_t)1 << circuit->n_bits);
}

static void *compile(const struct circuit_program *program, enum precision precision, struct plan_work *work)
{
	struct wide *self = calloc(1, sizeof *self);
	if (self == NULL)
		return NULL;
	bool f32 = precision == PRECISION_FLOAT32;
	self->kernels = f32 ? isa_pick()->wide_f32 : isa_pick()->wide;
	self->circuit = wide_circuit_new(program);
	if (self->circuit == NULL) {
		destroy(self);
		return NULL;
	}
	*work = (struct plan_work){.bytes = sizeof *self + wide_state_bytes(self),
	                           .operations = count_operations(self->circuit, f32 ? 0.54 : 1.0),
	                           .lanes = 1,
	                           .precision = precision};
	return self;
}

static bool allocate(void *state)
{
	return wide_state_lay_out(state);
}

static void set_team(void *state, struct team *team)
{
	((struct wide *)state)->team = team;
}

static double angle_of(const struct sample *sample, const struct angle *angle)
{
	if (angle->source == ANGLE_WEIGHT)
		return sample->weights[angle->index];
	if (angle->source == ANGLE_CONSTANT)
		return angle->value;
	return encoder_angle(angle->encoder, sample->features[(size_t)angle->index * sample->batch + sample->index]);
}

/* True when psi is prepared and the angles are its own, to the bit. */
static bool set_angles(struct wide *self, const struct sample *sample)
{
	bool same = self->prepared;
	for (int i = 0; i < self->circuit->n_slots; i++) {
		double angle = angle_of(sample, &self->circuit->slots[i]);
		same = same && number_bits(angle) == number_bits(self->angle[i]);
		self->angle[i] = angle;
	}
	return same;
}

/* Up to the last sweep. `resumes`: of the sample that the call before ended with, psi is there already. */
static void prepare(struct wide *self, const struct sample *sample, bool resumes)
{
	bool there = set_angles(self, sample) && resumes;
	wide_state_clear_parts(self);
	self->prepared = false;
	if (there)
		return;
	wide_tables_angles(self);
	for (int i = 0; i < self->circuit->n_sweeps - 1; i++)
		wide_sweep_run(self, &(struct wide_visit){.sweep = i, .forward = true, .keep = true});
}

static void add_parts(double *total, const double *part, int count)
{
	for (int i = 0; i < count; i++)
		total[i] += part[i];
}

static void store_outputs(const struct wide *self, double *outputs, size_t stride)
{
	const struct wide_circuit *circuit = self->circuit;
	for (int o = 0; o < circuit->n_observables; o++) {
		const struct pauli_string *string = &circuit->observables[o];
		double sum = string->x != 0 ? self->kernels->expect(string, self->psi, circuit->n_bits) : 0.0;
		for (int p = 0; p < self->n_parts; p++)
			sum += self->parts[p].outputs[o];
		outputs[(size_t)o * stride] = sum;
	}
}

/* From the last sample to the first one, with which the backward call begins. */
static void forward(void *state, const double *features, const double *weights, size_t batch, double *outputs)
{
	struct wide *self = state;
	for (size_t b = batch; b-- > 0;) {
		struct sample sample = {features, weights, batch, b};
		prepare(self, &sample, false);
		wide_sweep_run(self, &(struct wide_visit){.sweep = self->circuit->n_sweeps - 1,
		                                          .forward = true,
		                                          .measure = true,
		                                          .keep = !self->circuit->diagonal});
		store_outputs(self, outputs + b, batch);
		self->prepared = self->circuit->diagonal;
	}
}

/* lambda at the end, and the last sweep undone. */
static void turn_around(struct wide *self, const double *cotangents, size_t stride)
{
	const struct wide_circuit *circuit = self->circuit;
	int last = circuit->n_sweeps - 1;
	wide_tables_readout(self, cotangents, stride);
	struct wide_visit visit = {.sweep = last, .forward = true, .seed_adjoint = true, .backward = true};
	if (circuit->diagonal) {
		wide_sweep_run(self, &visit);
		return;
	}
	visit = (struct wide_visit){
	    .sweep = last, .forward = true, .keep = true, .seed_adjoint = true, .keep_lambda = true};
	wide_sweep_run(self, &visit);
	for (int o = 0; o < circuit->n_observables; o++)
		if (circuit->observables[o].x != 0)
			self->kernels->add_image(&circuit->observables[o], cotangents[(size_t)o * stride], self->psi,
			                         self->lambda, circuit->n_bits);
	wide_sweep_run(self, &(struct wide_visit){.sweep = last, .backward = true});
}

static void store_gradient(struct wide *self, const struct sample *sample, double *d_features, double *d_weights)
{
	const struct wide_circuit *circuit = self->circuit;
	memset(self->gradient, 0, (size_t)circuit->n_slots * sizeof *self->gradient);
	for (int p = 0; p < self->n_parts; p++)
		add_parts(self->gradient, self->parts[p].gradient, circuit->n_slots);
	wide_state_contract(self);
	for (int i = 0; i < circuit->n_slots; i++) {
		const struct angle *angle = &circuit->slots[i];
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
		prepare(self, &sample, true);
		turn_around(self, d_outputs + b, batch);
		for (int i = self->circuit->n_sweeps - 2; i >= 0; i--)
			wide_sweep_run(self, &(struct wide_visit){.sweep = i, .backward = true});
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
    .set_team = set_team,
};
