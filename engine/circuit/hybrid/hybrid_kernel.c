/* A step of the cell on all tiles of a batch, forward and back. -DKERNEL_ISA names the table, -DKERNEL_FLOAT32 is the
 * precision. */
#include <string.h>

#include "engine/circuit/hybrid/hybrid_passes.h"
#include "engine/circuit/hybrid/hybrid_readout.h"

static size_t size_of(const struct hybrid_pass *pass)
{
	return (size_t)1 << pass->shape.qubits;
}

static size_t left_of(const struct hybrid_pass *pass, size_t first)
{
	return pass->batch - first < WIDTH ? pass->batch - first : WIDTH;
}

static void start(const struct hybrid_pass *pass)
{
	struct amplitude *psi = pass->psi;
	for (size_t first = 0; first < pass->batch; first += WIDTH, psi += size_of(pass)) {
		memset(psi, 0, size_of(pass) * sizeof *psi);
		psi[0].re = SPLAT((real)1.0);
	}
}

static void step(const struct hybrid_pass *pass)
{
	size_t size = size_of(pass), layers = (size_t)pass->shape.layers, qubits = (size_t)pass->shape.qubits;
	struct amplitude *psi = pass->psi;
	for (size_t first = 0; first < pass->batch; first += WIDTH, psi += size) {
		const struct angle_tables tables = make_tables(pass, first, left_of(pass, first));
		struct amplitude *at = psi, *other = pass->spare;
		for (size_t layer = 0; layer < layers; layer++) {
			layer_forward(pass, tables.turns + layer * qubits, at, other);
			if (pass->moves != NULL) {
				struct amplitude *swap = at;
				at = other;
				other = swap;
			}
		}
		if (at != psi)
			memcpy(psi, at, size * sizeof *psi);
		read_state(pass, first, left_of(pass, first), psi);
	}
}

/* The slopes of one layer's angles, at the tile's place. */
static void store_slopes(const struct hybrid_pass *pass, const struct angle_tables *tables, size_t layer, size_t first,
                         const struct slopes *slopes)
{
	size_t qubits = (size_t)pass->shape.qubits, per_qubit = rotations_of(&pass->shape);
	for (size_t q = 0; q < qubits; q++) {
		size_t angle = (layer * qubits + q) * per_qubit;
		vec of_angles[3];
		angle_slopes(pass->shape.rotations, tables->cosine + angle, tables->sine + angle, &slopes[q],
		             of_angles);
		for (size_t j = 0; j < per_qubit; j++)
			store_row(pass->d_angles + (angle + j) * pass->batch + first, of_angles[j],
			          left_of(pass, first));
	}
}

static void step_back(const struct hybrid_pass *pass)
{
	size_t size = size_of(pass), qubits = (size_t)pass->shape.qubits;
	struct states kept = {pass->psi, pass->lambda};
	struct slopes slopes[HYBRID_QUBITS_MOST];
	for (size_t first = 0; first < pass->batch; first += WIDTH, kept.psi += size, kept.lambda += size) {
		const struct angle_tables tables = make_tables(pass, first, left_of(pass, first));
		struct states at = kept, other = {pass->spare, (struct amplitude *)pass->spare + size};
		read_back(pass, first, left_of(pass, first), at.psi, at.lambda);
		for (size_t layer = (size_t)pass->shape.layers; layer-- > 0;) {
			layer_back(pass, tables.turns + layer * qubits, at, other, slopes);
			store_slopes(pass, &tables, layer, first, slopes);
			if (pass->moves != NULL) {
				struct states swap = at;
				at = other;
				other = swap;
			}
		}
		if (at.psi != kept.psi) {
			memcpy(kept.psi, at.psi, size * sizeof *at.psi);
			memcpy(kept.lambda, at.lambda, size * sizeof *at.lambda);
		}
	}
}

static void measure(const struct hybrid_pass *pass)
{
	struct amplitude *psi = pass->psi;
	for (size_t first = 0; first < pass->batch; first += WIDTH, psi += size_of(pass))
		measure_state(pass, first, left_of(pass, first), psi);
}

#ifdef KERNEL_FLOAT32
#define TABLE_NAME(isa) hybrid_kernels_f32_##isa
#else
#define TABLE_NAME(isa) hybrid_kernels_##isa
#endif
#define TABLE(isa) TABLE_NAME(isa)

extern const struct hybrid_kernels TABLE(KERNEL_ISA);

const struct hybrid_kernels TABLE(KERNEL_ISA) = {
    .lanes = WIDTH,
    .number = sizeof(real),
    .start = start,
    .step = step,
    .step_back = step_back,
    .measure = measure,
};
