/* The loops of the cell, compiled once per instruction set and precision from hybrid_kernel.c. Private to
 * engine/circuit/hybrid.
 *
 * Samples are the lanes: a tile is as many as a register of the processor has, and a state of a tile is
 * [2^n][re, im][lanes]. */
#ifndef QLSTM_CIRCUIT_HYBRID_HYBRID_KERNEL_H
#define QLSTM_CIRCUIT_HYBRID_HYBRID_KERNEL_H

#include <stdint.h>

#include "engine/circuit/hybrid/hybrid.h"

/* What a call works on: all tiles of a batch. Arrays of numbers as in hybrid.h, [rows][batch]. */
struct hybrid_pass {
	struct hybrid_shape shape;
	size_t batch;
	const uint32_t *moves; /* [2^n]: where the CNOTs of a layer take basis state i; NULL: there are none */
	const float *signs;    /* [2^n]: 1 or -1, of the CZs; NULL: there are none */
	void *psi, *lambda;    /* [tiles][2^n][re, im][lanes] */
	void *spare;           /* two states of a tile, beside whose the moves are made */
	void *tables;          /* hybrid_table_numbers numbers of float64 for each lane of 64 bytes */
	const double *angles;
	double *readouts;
	const double *d_readouts;
	double *d_angles;
	const double *uniforms;
};

struct hybrid_kernels {
	size_t lanes;  /* samples of a tile */
	size_t number; /* bytes of one */
	void (*start)(const struct hybrid_pass *pass);
	void (*step)(const struct hybrid_pass *pass);
	void (*step_back)(const struct hybrid_pass *pass);
	void (*measure)(const struct hybrid_pass *pass);
};

/* Registers of 64 bytes that the tables of a tile take: angles in float64 (two registers a row in float32), their
 * cosines and sines, and four numbers for each qubit of a layer. */
static inline size_t hybrid_table_registers(const struct hybrid_shape *shape)
{
	size_t qubits = (size_t)shape->layers * (size_t)shape->qubits;
	return 4 * hybrid_angles(shape) + 4 * qubits;
}

#endif
