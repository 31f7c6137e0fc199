/* The cell of a hybrid quantum-classical recurrent network (Xu, arXiv 2510.25557): a pure state of n qubits that is
 * kept over a whole sequence, turned at each step by angles of the sample's own, and read by exact expectations that
 * leave it as it is. Who makes the angles is another's business (engine/nn/layer/hqrnn.c). The author published no
 * circuit; this one is a choice of this project.
 *
 * Qubit 0 is the most significant bit of a basis index, bit_q(i) = (i >> (n - 1 - q)) & 1; R_P(a) = exp(-i a P / 2).
 * One step is `layers` times: on each qubit the rotations of the set in their order (RX first), then the entangler:
 *
 *     chain   CNOT or CZ of (q, q + 1) for q = 0 .. n - 2, in this order, the control first
 *     ring    the chain, then (n - 1, 0) where n > 2
 *
 * Angles: ((layer * n) + qubit) * rotations + place in the set. Readouts: qubit by qubit, of each <X>, <Y>, <Z>, those
 * of the set.
 *
 * The adjoint goes back in time with two states a sample, whatever the length: lambda += sum_k g_k P_k psi with
 * g = dL/dreadouts, then layer by layer the entangler and the rotations are taken back from both, and
 *
 *     dL/da = Im <lambda|G|psi>
 *
 * is read off psi and lambda behind a layer's rotations, G the generator carried through the later rotations of its
 * qubit: (X, Y, Z) of a qubit serve all its rotations. No state of an earlier step is stored.
 *
 * Samples never meet: what is computed for one is the same to the bit whatever other samples there are. The same bytes
 * on x86-64-v3 and x86-64-v4. */
#ifndef QLSTM_CIRCUIT_HYBRID_HYBRID_H
#define QLSTM_CIRCUIT_HYBRID_HYBRID_H

#include <stdbool.h>
#include <stddef.h>

#include "engine/arena.h"
#include "engine/circuit/plan.h"
#include "engine/error.h"

/* Memory ends it before: 20 qubits are 16 MiB a state in float64, and a tile has 8 samples and 4 states. */
enum { HYBRID_QUBITS_MOST = 20, HYBRID_LAYERS_MOST = 16 };

enum hybrid_rotations { HYBRID_RX_RY_RZ, HYBRID_RY_RZ, HYBRID_RY };
enum hybrid_entangler { HYBRID_CNOT_RING, HYBRID_CNOT_CHAIN, HYBRID_CZ_RING, HYBRID_CZ_CHAIN };
enum hybrid_readouts { HYBRID_XYZ, HYBRID_XZ, HYBRID_Z };

struct hybrid_shape {
	int qubits; /* 1 to HYBRID_QUBITS_MOST */
	int layers; /* 1 to HYBRID_LAYERS_MOST */
	enum hybrid_rotations rotations;
	enum hybrid_entangler entangler;
	enum hybrid_readouts readouts;
};

/* ERR_OUT_OF_RANGE at "/n_qubits" or "/depth". */
int hybrid_check(const struct hybrid_shape *shape, struct qlstm_error *error);
/* Angles of a step, readouts of a state. */
size_t hybrid_angles(const struct hybrid_shape *shape);
size_t hybrid_readouts(const struct hybrid_shape *shape);

struct hybrid_cell;

/* Tables of 4 bytes x 2^n. ERR_OUT_OF_MEMORY. */
int hybrid_open(struct hybrid_cell **out, const struct hybrid_shape *shape, enum precision precision,
                struct qlstm_error *error);
void hybrid_close(struct hybrid_cell *cell);

/* Takes what batches up to `batch` need: psi and lambda, 32 bytes (float32: 16) x 2^n a sample, samples in multiples of
 * hybrid_multiple; and what does not depend on the batch: two more states of as many samples, and tables of angles. */
void hybrid_lay_out(struct hybrid_cell *cell, struct arena *arena, int batch);
/* The part of it that does not depend on the batch. */
size_t hybrid_fixed_bytes(const struct hybrid_cell *cell);
/* Samples that are computed at a time on the widest registers: 8, float32 16. */
int hybrid_multiple(enum precision precision);

/* psi = |0 .. 0> of `batch` samples. Its readouts: 0 for X and Y, 1 for Z. */
void hybrid_start(struct hybrid_cell *cell, int batch);
/* psi = U(angles) psi. angles [hybrid_angles][batch], readouts [hybrid_readouts][batch]. */
void hybrid_step(struct hybrid_cell *cell, const double *angles, double *readouts);

/* lambda = 0, before the first step back. */
void hybrid_start_back(struct hybrid_cell *cell);
/* Takes back the last step that was not taken back: psi and lambda are those before it. d_readouts [hybrid_readouts]
 * [batch] of the state after it; d_angles [hybrid_angles][batch] is overwritten. */
void hybrid_step_back(struct hybrid_cell *cell, const double *angles, const double *d_readouts, double *d_angles);

/* Measures the readouts' Pauli operators on psi instead, one after the other in their order, each time projecting the
 * state on what was found: readouts become 1 or -1. uniforms [hybrid_readouts][batch], 0 <= u < 1. */
void hybrid_measure(struct hybrid_cell *cell, const double *uniforms, double *readouts);

/* psi of a sample, 2 x 2^n numbers, each `stride` behind the one before: real and imaginary part of amplitude 0, of 1,
 * ... Out of the cell; and into it, in the place of what there is. */
void hybrid_copy_state(const struct hybrid_cell *cell, int sample, double *state, size_t stride);
void hybrid_set_state(struct hybrid_cell *cell, int sample, const double *state, size_t stride);
/* The same of lambda, on the way back; adjoint NULL: zeros. */
void hybrid_copy_adjoint(const struct hybrid_cell *cell, int sample, double *adjoint, size_t stride);
void hybrid_set_adjoint(struct hybrid_cell *cell, int sample, const double *adjoint, size_t stride);

/* An amplitude of psi: its real and imaginary part. For tests. */
void hybrid_amplitude(const struct hybrid_cell *cell, int sample, size_t index, double amplitude[2]);

/* Floating-point operations of forward and adjoint of one step of one sample, with the rotations of a qubit taken
 * together: (14 x layers x n + 4 x readouts) x 2^n forward, and three times that back. What other programs are measured
 * by. */
double hybrid_flop(const struct hybrid_shape *shape);
/* Nanoseconds of the same, a rough guess, on the machine that engine/circuit/planner.c names. */
double hybrid_cost(const struct hybrid_shape *shape, enum precision precision);

#endif
