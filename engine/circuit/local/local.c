/* The `local` plan: exact evaluation without a statevector, for shallow circuits on many wires. The program is compiled
 * once into straight lines of real arithmetic, one for the outputs and one for the gradient (local_compile.h), which
 * are run on tiles of samples (local_kernel.h). This file owns the memory. */
#include <stdlib.h>

#include "engine/vector/isa.h"
#include "engine/circuit/local/local_compile.h"
#include "engine/circuit/local/local_kernel.h"
#include "engine/circuit/plan_kind.h"

#define ALIGNMENT 64

struct local {
	struct local_codes codes;
	const struct local_kernels *kernels;
	void *rows;   /* of either code */
	double *sums; /* of the gradient's totals */
};

static size_t rows_bytes(const struct local_codes *codes)
{
	uint32_t forward = codes->forward->n_rows, gradient = codes->gradient->n_rows;
	return (forward > gradient ? forward : gradient) * (size_t)LOCAL_ROW_BYTES;
}

static size_t sums_bytes(const struct local *self)
{
	return (self->codes.gradient->n_totals + (size_t)1) * self->kernels->lanes * sizeof(double);
}

static void destroy(void *state)
{
	struct local *self = state;
	local_codes_free(&self->codes);
	free(self->rows);
	free(self->sums);
	free(self);
}

/* An operation is an instruction on a tile. */
static void *compile(const struct circuit_program *program, enum precision precision, struct plan_work *work)
{
	struct local *self = calloc(1, sizeof *self);
	if (self == NULL)
		return NULL;
	const struct isa *isa = isa_pick();
	self->kernels = precision == PRECISION_FLOAT32 ? isa->local_f32 : isa->local;
	self->codes = local_compile(program);
	if (self->codes.forward == NULL) {
		destroy(self);
		return NULL;
	}
	*work =
	    (struct plan_work){.bytes = sizeof *self + rows_bytes(&self->codes) + sums_bytes(self) +
	                                local_code_bytes(self->codes.forward) + local_code_bytes(self->codes.gradient),
	                       .operations = local_codes_length(&self->codes),
	                       .call_operations = local_codes_call_length(&self->codes),
	                       .lanes = self->kernels->lanes,
	                       .precision = precision};
	return self;
}

static bool allocate(void *state)
{
	struct local *self = state;
	self->rows = aligned_alloc(ALIGNMENT, rows_bytes(&self->codes));
	self->sums = aligned_alloc(ALIGNMENT, sums_bytes(self));
	return self->rows != NULL && self->sums != NULL;
}

static void forward(void *state, const double *features, const double *weights, size_t batch, double *outputs)
{
	struct local *self = state;
	struct local_call call = {.features = features, .weights = weights, .batch = batch, .outputs = outputs};
	self->kernels->forward(self->codes.forward, &call, self->rows);
}

static void backward(void *state, const double *features, const double *weights, size_t batch, const double *d_outputs,
                     double *d_features, double *d_weights)
{
	struct local *self = state;
	struct local_call call = {.features = features,
	                          .weights = weights,
	                          .d_outputs = d_outputs,
	                          .batch = batch,
	                          .d_features = d_features,
	                          .d_weights = d_weights};
	self->kernels->backward(self->codes.gradient, &call, self->rows, self->sums);
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
