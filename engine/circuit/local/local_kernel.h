/* The local plan's inner loops, compiled once per instruction set and precision from local_kernel.c. Internal to
 * engine/circuit. */
#ifndef QLSTM_CIRCUIT_LOCAL_KERNEL_H
#define QLSTM_CIRCUIT_LOCAL_KERNEL_H

#include "engine/circuit/local/local_code.h"

/* The arrays of plan_forward and plan_backward; d_features and d_weights may be NULL. */
struct local_call {
	const double *features, *weights, *d_outputs;
	size_t batch;
	double *outputs, *d_features, *d_weights;
};

/* `rows` has n_rows * LOCAL_ROW_BYTES, aligned to 64, and comes in any state. */
struct local_kernels {
	size_t lanes; /* samples in a tile */
	void (*forward)(const struct local_code *code, const struct local_call *call, void *rows);
	/* `sums` takes the totals of float32 rows in float64: [n_totals][lanes], aligned to 64. */
	void (*backward)(const struct local_code *code, const struct local_call *call, void *rows, double *sums);
};

#endif
