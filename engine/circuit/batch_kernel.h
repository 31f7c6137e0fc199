/* The batch plan's inner loops, compiled once per instruction set from batch_kernel.c. Internal to engine/circuit. */
#ifndef QLSTM_CIRCUIT_BATCH_KERNEL_H
#define QLSTM_CIRCUIT_BATCH_KERNEL_H

#include "engine/circuit/batch_circuit.h"

/* Samples in a tile: one AVX-512 register of doubles. Narrower instruction sets take a tile in several parts. */
#define BATCH_LANES 8

/* A row holds one number per sample of the tile. Everything is aligned to 64 bytes. */
struct batch_tile {
	size_t used;                  /* lanes with a sample of their own; the kernels may leave the others out */
	double *psi, *lambda;         /* [2^n][re, im] rows at most: state, and the observables applied to it */
	double *sums;                 /* [2^n] rows */
	double *phases;               /* [2^n][re, im] rows; only when there is a STEP_DIAGONAL_LANES */
	double *vectors;              /* [n_wires][2][re, im] rows: the states of the prefix */
	double *cosine, *sine;        /* [n_slots] rows: of half the angle */
	double *gradient;             /* [n_slots] rows: d(sum_o g_o <O_o>) / d angle, accumulated */
	double *outputs, *cotangents; /* [n_observables] rows */
};

struct batch_kernels {
	/* cos and sin of angle / 2, of a row; within 2 units in the last place of 1. */
	void (*half_angles)(const double *angle, double *cosine, double *sine);
	/* The same for the angle atan(tangent), without computing it. */
	void (*half_angles_atan)(const double *tangent, double *cosine, double *sine);
	/* step->phases of a STEP_DIAGONAL from the first lane of its slots. */
	void (*fill_phases)(const struct batch_circuit *circuit, struct batch_step *step,
	                    const struct batch_tile *tile);
	/* Slots to outputs. */
	void (*forward)(const struct batch_circuit *circuit, const struct batch_tile *tile);
	/* Slots and cotangents to gradient (+=). */
	void (*backward)(const struct batch_circuit *circuit, const struct batch_tile *tile);
};

#endif
