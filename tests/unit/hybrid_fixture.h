/* The hybrid cell for tests: shapes, random steps, and a plain program on all 2^n amplitudes, gate by gate. */
#ifndef QLSTM_TESTS_HYBRID_FIXTURE_H
#define QLSTM_TESTS_HYBRID_FIXTURE_H

#include <complex.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "engine/circuit/hybrid/hybrid.h"
#include "tests/unit/oracle.h"

enum { PLAIN_STATES = 1 << 10 };

/* exp(-i angle P / 2), P by its place among X, Y, Z. */
static inline void plain_rotate(double complex *psi, int n, int qubit, int pauli, double angle)
{
	static const enum gate gates[] = {GATE_RX, GATE_RY, GATE_RZ};
	size_t bit = (size_t)1 << (n - 1 - qubit);
	oracle_matrix m;
	oracle_one_wire_matrix(gates[pauli], angle, m);
	for (size_t i = 0; i < (size_t)1 << n; i++)
		if ((i & bit) == 0) {
			double complex a = psi[i], b = psi[i | bit];
			psi[i] = m[0][0] * a + m[0][1] * b;
			psi[i | bit] = m[1][0] * a + m[1][1] * b;
		}
}

static inline void plain_entangle(double complex *psi, int n, int control, int target, bool z)
{
	size_t c = (size_t)1 << (n - 1 - control), t = (size_t)1 << (n - 1 - target);
	for (size_t i = 0; i < (size_t)1 << n; i++) {
		if ((i & c) == 0 || (i & t) == 0)
			continue;
		if (z) {
			psi[i] = -psi[i];
		} else {
			double complex kept = psi[i];
			psi[i] = psi[i ^ t];
			psi[i ^ t] = kept;
		}
	}
}

/* One step, as the definition reads; `angles` of one sample. */
static inline void plain_step(const struct hybrid_shape *shape, const double *angles, double complex *psi)
{
	bool z = shape->entangler == HYBRID_CZ_RING || shape->entangler == HYBRID_CZ_CHAIN;
	bool ring = shape->entangler == HYBRID_CNOT_RING || shape->entangler == HYBRID_CZ_RING;
	int n = shape->qubits, first = shape->rotations == HYBRID_RX_RY_RZ ? 0 : 1,
	    last = shape->rotations == HYBRID_RY ? 1 : 2;
	for (int layer = 0; layer < shape->layers; layer++) {
		for (int q = 0; q < n; q++)
			for (int pauli = first; pauli <= last; pauli++)
				plain_rotate(psi, n, q, pauli, *angles++);
		for (int q = 0; q + 1 < n; q++)
			plain_entangle(psi, n, q, q + 1, z);
		if (ring && n > 2)
			plain_entangle(psi, n, n - 1, 0, z);
	}
}

/* <psi|P|psi> of one qubit. */
static inline double plain_expectation(const double complex *psi, int n, int qubit, int pauli)
{
	size_t bit = (size_t)1 << (n - 1 - qubit);
	double complex sum = 0;
	for (size_t i = 0; i < (size_t)1 << n; i++) {
		double complex to = pauli == 2 ? psi[i] : psi[i ^ bit];
		double complex sign = (i & bit) == 0 ? 1 : -1;
		sum += conj(psi[i]) * (pauli == 0 ? to : pauli == 1 ? -I * sign * to : sign * to);
	}
	return creal(sum);
}

static inline size_t plain_readouts(const struct hybrid_shape *shape, const double complex *psi, double *z)
{
	size_t count = 0;
	for (int q = 0; q < shape->qubits; q++)
		for (int pauli = 0; pauli < 3; pauli++)
			if (pauli == 2 || (pauli == 0 && shape->readouts != HYBRID_Z) ||
			    (pauli == 1 && shape->readouts == HYBRID_XYZ))
				z[count++] = plain_expectation(psi, shape->qubits, q, pauli);
	return count;
}

/* A cell with memory for a batch. */
struct laid_out {
	struct hybrid_cell *cell;
	void *memory;
	size_t bytes;
};

static inline struct laid_out hybrid_laid_out(const struct hybrid_shape *shape, enum precision precision, int batch)
{
	struct laid_out out = {0};
	struct arena count = {0};
	if (hybrid_open(&out.cell, shape, precision, NULL) != 0)
		abort();
	hybrid_lay_out(out.cell, &count, batch);
	out.bytes = count.used;
	out.memory = aligned_alloc(ARENA_ALIGN, count.used);
	if (out.memory == NULL)
		abort();
	struct arena arena = {.base = out.memory};
	hybrid_lay_out(out.cell, &arena, batch);
	return out;
}

static inline void hybrid_release(struct laid_out *out)
{
	hybrid_close(out->cell);
	free(out->memory);
}

#endif
