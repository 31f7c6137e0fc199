/* The `local` plan: exact evaluation without a statevector, for shallow circuits on many wires. The program is compiled
 * once into a straight line of real arithmetic (local_code.c), which is run forward and in reverse on tiles of
 * LOCAL_LANES samples. This file owns the memory and moves samples in and out. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "engine/circuit/isa.h"
#include "engine/circuit/local_kernel.h"
#include "engine/circuit/plan_kind.h"

#define ALIGNMENT 64

struct local {
	struct local_code *code;
	const struct local_kernels *kernels;
	double *rows, *cotangents; /* [local_code_rows][LOCAL_LANES] each */
};

/* One call's arrays, and the sample in lane 0. */
struct call {
	const double *features, *weights;
	size_t batch, first;
};

static size_t rows_bytes(const struct local_code *code)
{
	return local_code_rows(code) * LOCAL_LANES * sizeof(double);
}

static void destroy(void *state)
{
	struct local *self = state;
	local_code_free(self->code);
	free(self->rows);
	free(self->cotangents);
	free(self);
}

/* An operation is an instruction on a tile, forward and in reverse. */
static void *compile(const struct circuit_program *program, enum precision precision, struct plan_work *work)
{
	(void)precision;
	struct local *self = calloc(1, sizeof *self);
	if (self == NULL)
		return NULL;
	self->kernels = isa_pick()->local;
	self->code = local_code_compile(program);
	if (self->code == NULL) {
		destroy(self);
		return NULL;
	}
	const struct local_code *code = self->code;
	*work = (struct plan_work){.bytes = sizeof *self + 2 * rows_bytes(code) +
	                                    code->n_instructions * sizeof *code->instructions,
	                           .operations = code->n_instructions - code->n_shared,
	                           .lanes = LOCAL_LANES,
	                           .precision = PRECISION_FLOAT64};
	return self;
}

static bool allocate(void *state)
{
	struct local *self = state;
	self->rows = aligned_alloc(ALIGNMENT, rows_bytes(self->code));
	self->cotangents = aligned_alloc(ALIGNMENT, rows_bytes(self->code));
	return self->rows != NULL && self->cotangents != NULL;
}

static double *row(double *rows, size_t index)
{
	return rows + index * LOCAL_LANES;
}

static double *slot_cosine(const struct local *self, int slot)
{
	return row(self->rows, local_code_slot_row(self->code, slot));
}

/* What is the same for every sample of the call, in all lanes: angles of weights a row at a time. */
static void load_shared(struct local *self, const struct call *call)
{
	const struct local_code *code = self->code;
	double angle[LOCAL_LANES] __attribute__((aligned(ALIGNMENT))) = {0};
	double c[LOCAL_LANES] __attribute__((aligned(ALIGNMENT))), s[LOCAL_LANES] __attribute__((aligned(ALIGNMENT)));
	for (int first = 0; first < code->n_shared_slots; first += LOCAL_LANES) {
		int count = code->n_shared_slots - first < LOCAL_LANES ? code->n_shared_slots - first : LOCAL_LANES;
		const struct angle *slots = code->slots + first;
		for (int i = 0; i < count; i++)
			angle[i] = slots[i].source == ANGLE_WEIGHT ? call->weights[slots[i].index] : slots[i].value;
		self->kernels->cosine_sine(angle, c, s);
		for (int i = 0; i < count; i++)
			for (size_t l = 0; l < LOCAL_LANES; l++) {
				slot_cosine(self, first + i)[l] = c[i];
				slot_cosine(self, first + i)[LOCAL_LANES + l] = s[i];
			}
	}
	for (size_t l = 0; l < LOCAL_LANES; l++)
		self->rows[l] = 1.0;
	self->kernels->forward(code, 0, code->n_shared, self->rows);
}

static size_t lanes_used(const struct call *call)
{
	return call->batch - call->first < LOCAL_LANES ? call->batch - call->first : LOCAL_LANES;
}

/* The last samples of a batch may leave lanes over: those repeat the last sample, so that no lane holds noise. */
static void gather(const struct call *call, const double *feature, double in[LOCAL_LANES])
{
	size_t used = lanes_used(call);
	if (used == LOCAL_LANES)
		memcpy(in, feature + call->first, LOCAL_LANES * sizeof *in);
	for (size_t l = 0; l < LOCAL_LANES && used < LOCAL_LANES; l++)
		in[l] = feature[call->first + (l < used ? l : used - 1)];
}

/* Inverse trigonometric encoders give cosine and sine without the angle. */
static void load_slot(const struct local *self, const struct call *call, int slot)
{
	double in[LOCAL_LANES] __attribute__((aligned(ALIGNMENT)));
	double *cosine = slot_cosine(self, slot), *sine = cosine + LOCAL_LANES;
	const struct angle *angle = &self->code->slots[slot];
	gather(call, call->features + (size_t)angle->index * call->batch, in);
	if (angle->encoder == ENCODER_ATAN || angle->encoder == ENCODER_ATAN_SQUARE) {
		for (size_t l = 0; l < LOCAL_LANES; l++) {
			double tangent = angle->encoder == ENCODER_ATAN ? in[l] : in[l] * in[l];
			/* Beyond this the angle is pi / 2 to the last digit, and the square could overflow. */
			tangent = tangent > 1e150 ? 1e150 : tangent < -1e150 ? -1e150 : tangent;
			cosine[l] = 1.0 / sqrt(1.0 + tangent * tangent);
			sine[l] = tangent * cosine[l];
		}
		return;
	}
	for (size_t l = 0; l < LOCAL_LANES && angle->encoder != ENCODER_X; l++)
		in[l] = encoder_angle(angle->encoder, in[l]);
	self->kernels->cosine_sine(in, cosine, sine);
}

static void run_tile(const struct local *self, const struct call *call)
{
	const struct local_code *code = self->code;
	for (int slot = code->n_shared_slots; slot < code->n_slots; slot++)
		load_slot(self, call, slot);
	self->kernels->forward(code, code->n_shared, code->n_instructions, self->rows);
}

static void forward(void *state, const double *features, const double *weights, size_t batch, double *outputs)
{
	struct local *self = state;
	struct call call = {features, weights, batch, 0};
	load_shared(self, &call);
	for (; call.first < batch; call.first += LOCAL_LANES) {
		size_t used = lanes_used(&call);
		run_tile(self, &call);
		for (int o = 0; o < self->code->n_outputs; o++) {
			const struct local_output *output = &self->code->outputs[o];
			const double *from = row(self->rows, output->row);
			double sign = output->sign, *to = outputs + (size_t)o * batch + call.first;
			for (size_t l = 0; l < used; l++)
				to[l] = sign * from[l];
		}
	}
}

/* Lanes left over get cotangent zero, so that they add nothing to any gradient. */
static void load_cotangents(const struct local *self, const struct call *call, const double *d_outputs)
{
	size_t lane_rows = local_code_lane_rows(self->code), used = lanes_used(call);
	memset(row(self->cotangents, lane_rows), 0,
	       (local_code_rows(self->code) - lane_rows) * LOCAL_LANES * sizeof(double));
	for (int o = 0; o < self->code->n_outputs; o++) {
		const struct local_output *output = &self->code->outputs[o];
		const double *from = d_outputs + (size_t)o * call->batch + call->first;
		double sign = output->sign, *to = row(self->cotangents, output->row);
		for (size_t l = 0; l < used; l++)
			to[l] += sign * from[l];
	}
}

/* d / d angle from those of its cosine and sine. */
static void slot_gradient(const struct local *self, int slot, double gradient[LOCAL_LANES])
{
	const double *cosine = slot_cosine(self, slot), *sine = cosine + LOCAL_LANES;
	const double *of_cosine = row(self->cotangents, local_code_slot_row(self->code, slot));
	const double *of_sine = of_cosine + LOCAL_LANES;
	for (size_t l = 0; l < LOCAL_LANES; l++)
		gradient[l] = of_sine[l] * cosine[l] - of_cosine[l] * sine[l];
}

static void store_features(const struct local *self, const struct call *call, double *d_features)
{
	double gradient[LOCAL_LANES];
	size_t used = lanes_used(call);
	for (int slot = self->code->n_shared_slots; slot < self->code->n_slots; slot++) {
		const struct angle *angle = &self->code->slots[slot];
		size_t offset = (size_t)angle->index * call->batch + call->first;
		slot_gradient(self, slot, gradient);
		for (size_t l = 0; l < used && angle->encoder != ENCODER_X; l++)
			gradient[l] *= encoder_derivative(angle->encoder, call->features[offset + l]);
		for (size_t l = 0; l < used; l++)
			d_features[offset + l] += gradient[l];
	}
}

static void store_weights(const struct local *self, double *d_weights)
{
	self->kernels->backward(self->code, 0, self->code->n_shared, self->rows, self->cotangents);
	for (int slot = 0; slot < self->code->n_shared_slots; slot++) {
		double gradient[LOCAL_LANES], sum = 0.0;
		slot_gradient(self, slot, gradient);
		for (size_t l = 0; l < LOCAL_LANES; l++)
			sum += gradient[l];
		if (self->code->slots[slot].source == ANGLE_WEIGHT)
			d_weights[self->code->slots[slot].index] += sum;
	}
}

static void backward(void *state, const double *features, const double *weights, size_t batch, const double *d_outputs,
                     double *d_features, double *d_weights)
{
	struct local *self = state;
	struct call call = {features, weights, batch, 0};
	load_shared(self, &call);
	/* Cotangents of the shared rows add up, lane by lane, over the tiles. */
	memset(self->cotangents, 0, local_code_lane_rows(self->code) * LOCAL_LANES * sizeof(double));
	for (; call.first < batch; call.first += LOCAL_LANES) {
		run_tile(self, &call);
		load_cotangents(self, &call, d_outputs);
		self->kernels->backward(self->code, self->code->n_shared, self->code->n_instructions, self->rows,
		                        self->cotangents);
		if (d_features != NULL)
			store_features(self, &call, d_features);
	}
	if (d_weights != NULL)
		store_weights(self, d_weights);
}

const struct plan_kind plan_local = {
    .name = "local",
    .compile = compile,
    .refusal = "too many gates cross the cuts between its wires",
    .allocate = allocate,
    .destroy = destroy,
    .forward = forward,
    .backward = backward,
};
