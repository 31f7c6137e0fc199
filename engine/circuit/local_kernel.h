/* The local plan's inner loops, compiled once per instruction set from local_kernel.c. Internal to engine/circuit. */
#ifndef QLSTM_CIRCUIT_LOCAL_KERNEL_H
#define QLSTM_CIRCUIT_LOCAL_KERNEL_H

#include "engine/circuit/local_code.h"

/* Samples in a tile, numbers in a row. Rows are aligned to 64 bytes. */
#define LOCAL_LANES 8

struct local_kernels {
	/* cos and sin of a row of angles; within 2 units in the last place of 1. */
	void (*cosine_sine)(const double *angle, double *cosine, double *sine);
	/* Instructions first .. end - 1 on the rows. */
	void (*forward)(const struct local_code *code, uint32_t first, uint32_t end, double *rows);
	/* The same instructions in reverse: adds to the cotangents of their operands. */
	void (*backward)(const struct local_code *code, uint32_t first, uint32_t end, const double *rows,
	                 double *cotangents);
};

#endif
