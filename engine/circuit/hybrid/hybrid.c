/* A cell: its shape, the entangler's tables, memory. */
#include "engine/circuit/hybrid/hybrid.h"

#include <stdlib.h>
#include <string.h>

#include "engine/circuit/hybrid/hybrid_kernel.h"
#include "engine/vector/isa.h"

enum { REGISTER_BYTES = 64 };

struct hybrid_cell {
	struct hybrid_shape shape;
	const struct hybrid_kernels *kernels;
	uint32_t *moves; /* of struct hybrid_pass, likewise signs */
	float *signs;
	void *psi, *lambda, *spare, *tables; /* the arena's */
	size_t batch;
};

int hybrid_check(const struct hybrid_shape *shape, struct qlstm_error *error)
{
	if (shape->qubits < 1 || shape->qubits > HYBRID_QUBITS_MOST)
		return error_set(error, ERR_OUT_OF_RANGE, "/n_qubits", "n_qubits is %d; allowed are 1 to %d",
		                 shape->qubits, HYBRID_QUBITS_MOST);
	if (shape->layers < 1 || shape->layers > HYBRID_LAYERS_MOST)
		return error_set(error, ERR_OUT_OF_RANGE, "/depth", "depth is %d; allowed are 1 to %d", shape->layers,
		                 HYBRID_LAYERS_MOST);
	return 0;
}

size_t hybrid_angles(const struct hybrid_shape *shape)
{
	size_t rotations = shape->rotations == HYBRID_RX_RY_RZ ? 3 : shape->rotations == HYBRID_RY_RZ ? 2 : 1;
	return (size_t)shape->layers * (size_t)shape->qubits * rotations;
}

size_t hybrid_readouts(const struct hybrid_shape *shape)
{
	size_t paulis = shape->readouts == HYBRID_XYZ ? 3 : shape->readouts == HYBRID_XZ ? 2 : 1;
	return (size_t)shape->qubits * paulis;
}

/* ---- The entangler, basis state by basis state ---- */

static uint32_t bit_of(const struct hybrid_shape *shape, int qubit)
{
	return (uint32_t)1 << (shape->qubits - 1 - qubit % shape->qubits);
}

/* Pairs (q, q + 1), the last of a ring is (n - 1, 0). */
static int pairs_of(const struct hybrid_shape *shape)
{
	bool ring = shape->entangler == HYBRID_CNOT_RING || shape->entangler == HYBRID_CZ_RING;
	return shape->qubits - 1 + (ring && shape->qubits > 2);
}

static uint32_t moved(const struct hybrid_shape *shape, uint32_t state)
{
	for (int q = 0; q < pairs_of(shape); q++)
		if ((state & bit_of(shape, q)) != 0)
			state ^= bit_of(shape, q + 1);
	return state;
}

static float sign_of(const struct hybrid_shape *shape, uint32_t state)
{
	float sign = 1.0F;
	for (int q = 0; q < pairs_of(shape); q++)
		if ((state & bit_of(shape, q)) != 0 && (state & bit_of(shape, q + 1)) != 0)
			sign = -sign;
	return sign;
}

/* false: out of memory. */
static bool make_entangler(struct hybrid_cell *cell)
{
	const struct hybrid_shape *shape = &cell->shape;
	bool moves = shape->entangler == HYBRID_CNOT_RING || shape->entangler == HYBRID_CNOT_CHAIN;
	size_t size = (size_t)1 << shape->qubits;
	if (shape->qubits == 1)
		return true;
	if (moves)
		cell->moves = malloc(size * sizeof *cell->moves);
	else
		cell->signs = malloc(size * sizeof *cell->signs);
	if (cell->moves == NULL && cell->signs == NULL)
		return false;
	for (uint32_t i = 0; i < size; i++)
		if (cell->moves != NULL)
			cell->moves[i] = moved(shape, i);
		else
			cell->signs[i] = sign_of(shape, i);
	return true;
}

int hybrid_open(struct hybrid_cell **out, const struct hybrid_shape *shape, enum precision precision,
                struct qlstm_error *error)
{
	const struct isa *isa = isa_pick();
	int rc = hybrid_check(shape, error);
	if (rc != 0)
		return rc;
	struct hybrid_cell *cell = calloc(1, sizeof *cell);
	if (cell == NULL)
		return error_set(error, ERR_OUT_OF_MEMORY, "", "out of memory");
	cell->shape = *shape;
	cell->kernels = precision == PRECISION_FLOAT32 ? isa->hybrid_f32 : isa->hybrid;
	if (!make_entangler(cell)) {
		hybrid_close(cell);
		return error_set(error, ERR_OUT_OF_MEMORY, "", "out of memory");
	}
	*out = cell;
	return 0;
}

void hybrid_close(struct hybrid_cell *cell)
{
	if (cell == NULL)
		return;
	free(cell->moves);
	free(cell->signs);
	free(cell);
}

/* ---- Memory ---- */

int hybrid_multiple(enum precision precision)
{
	return REGISTER_BYTES / (precision == PRECISION_FLOAT32 ? 4 : 8);
}

/* A state of as many samples as 64 bytes have lanes. */
static size_t state_bytes(const struct hybrid_cell *cell)
{
	return ((size_t)2 << cell->shape.qubits) * REGISTER_BYTES;
}

static void lay_out_fixed(struct hybrid_cell *cell, struct arena *arena)
{
	cell->spare = cell->moves != NULL ? arena_take(arena, 2 * state_bytes(cell)) : NULL;
	cell->tables = arena_take(arena, hybrid_table_registers(&cell->shape) * REGISTER_BYTES);
}

void hybrid_lay_out(struct hybrid_cell *cell, struct arena *arena, int batch)
{
	size_t lanes = REGISTER_BYTES / cell->kernels->number, states = ((size_t)batch + lanes - 1) / lanes;
	lay_out_fixed(cell, arena);
	cell->psi = arena_take(arena, states * state_bytes(cell));
	cell->lambda = arena_take(arena, states * state_bytes(cell));
}

size_t hybrid_fixed_bytes(const struct hybrid_cell *cell)
{
	struct hybrid_cell copy = *cell;
	struct arena count = {0};
	lay_out_fixed(&copy, &count);
	return count.used;
}

/* ---- Steps ---- */

static struct hybrid_pass pass_of(const struct hybrid_cell *cell)
{
	return (struct hybrid_pass){.shape = cell->shape,
	                            .batch = cell->batch,
	                            .moves = cell->moves,
	                            .signs = cell->signs,
	                            .psi = cell->psi,
	                            .lambda = cell->lambda,
	                            .spare = cell->spare,
	                            .tables = cell->tables};
}

void hybrid_start(struct hybrid_cell *cell, int batch)
{
	cell->batch = (size_t)batch;
	const struct hybrid_pass pass = pass_of(cell);
	cell->kernels->start(&pass);
}

void hybrid_step(struct hybrid_cell *cell, const double *angles, double *readouts)
{
	struct hybrid_pass pass = pass_of(cell);
	pass.angles = angles;
	pass.readouts = readouts;
	cell->kernels->step(&pass);
}

void hybrid_start_back(struct hybrid_cell *cell)
{
	size_t lanes = cell->kernels->lanes, tiles = (cell->batch + lanes - 1) / lanes;
	memset(cell->lambda, 0, tiles * (state_bytes(cell) / REGISTER_BYTES) * lanes * cell->kernels->number);
}

void hybrid_step_back(struct hybrid_cell *cell, const double *angles, const double *d_readouts, double *d_angles)
{
	struct hybrid_pass pass = pass_of(cell);
	pass.angles = angles;
	pass.d_readouts = d_readouts;
	pass.d_angles = d_angles;
	cell->kernels->step_back(&pass);
}

void hybrid_measure(struct hybrid_cell *cell, const double *uniforms, double *readouts)
{
	struct hybrid_pass pass = pass_of(cell);
	pass.uniforms = uniforms;
	pass.readouts = readouts;
	cell->kernels->measure(&pass);
}

/* Where the real part stands; the imaginary one stands a number of lanes behind it. */
static size_t place_of(const struct hybrid_cell *cell, int sample, size_t index)
{
	size_t lanes = cell->kernels->lanes, tile = (size_t)sample / lanes, lane = (size_t)sample % lanes;
	return ((tile << cell->shape.qubits) + index) * 2 * lanes + lane;
}

/* psi or lambda of a sample: 2 x 2^n numbers, each `stride` behind the one before. */
static void copy_numbers(const struct hybrid_cell *cell, const void *numbers, int sample, double *to, size_t stride)
{
	size_t lanes = cell->kernels->lanes;
	for (size_t k = 0; k < (size_t)2 << cell->shape.qubits; k++) {
		size_t at = place_of(cell, sample, k / 2) + k % 2 * lanes;
		to[k * stride] = cell->kernels->number == sizeof(float) ? (double)((const float *)numbers)[at]
		                                                        : ((const double *)numbers)[at];
	}
}

/* from NULL: zeros. */
static void set_numbers(struct hybrid_cell *cell, void *numbers, int sample, const double *from, size_t stride)
{
	size_t lanes = cell->kernels->lanes;
	for (size_t k = 0; k < (size_t)2 << cell->shape.qubits; k++) {
		size_t at = place_of(cell, sample, k / 2) + k % 2 * lanes;
		double value = from != NULL ? from[k * stride] : 0.0;
		if (cell->kernels->number == sizeof(float))
			((float *)numbers)[at] = (float)value;
		else
			((double *)numbers)[at] = value;
	}
}

void hybrid_copy_state(const struct hybrid_cell *cell, int sample, double *state, size_t stride)
{
	copy_numbers(cell, cell->psi, sample, state, stride);
}

void hybrid_set_state(struct hybrid_cell *cell, int sample, const double *state, size_t stride)
{
	set_numbers(cell, cell->psi, sample, state, stride);
}

void hybrid_copy_adjoint(const struct hybrid_cell *cell, int sample, double *adjoint, size_t stride)
{
	copy_numbers(cell, cell->lambda, sample, adjoint, stride);
}

void hybrid_set_adjoint(struct hybrid_cell *cell, int sample, const double *adjoint, size_t stride)
{
	set_numbers(cell, cell->lambda, sample, adjoint, stride);
}

void hybrid_amplitude(const struct hybrid_cell *cell, int sample, size_t index, double amplitude[2])
{
	size_t lanes = cell->kernels->lanes, at = place_of(cell, sample, index);
	for (size_t part = 0; part < 2; part++, at += lanes)
		amplitude[part] = cell->kernels->number == sizeof(float) ? (double)((const float *)cell->psi)[at]
		                                                         : ((const double *)cell->psi)[at];
}

/* ---- Cost ---- */

double hybrid_flop(const struct hybrid_shape *shape)
{
	double size = (double)((size_t)1 << shape->qubits);
	return 4.0 * size * (14.0 * shape->layers * shape->qubits + 4.0 * (double)hybrid_readouts(shape));
}

/* Per operation of hybrid_flop; an angle forward and back; a step of a sample. */
#define NS_PER_FLOP     0.019
#define NS_PER_FLOP_F32 0.010
#define NS_PER_ANGLE    8.0
#define NS_PER_STEP     40.0

double hybrid_cost(const struct hybrid_shape *shape, enum precision precision)
{
	double flop = precision == PRECISION_FLOAT32 ? NS_PER_FLOP_F32 : NS_PER_FLOP;
	return flop * hybrid_flop(shape) + NS_PER_ANGLE * (double)hybrid_angles(shape) + NS_PER_STEP;
}
