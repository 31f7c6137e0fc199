/* Observables of the wide plan, on a whole statevector. Internal to engine/circuit.
 *
 * A diagonal observable is a sign for every basis state: of the low bits, those inside a block of contiguous
 * amplitudes, times one of the high bits, the same for a block. Blocks add up to one array of weights for every mask of
 * high bits that occurs (to one number where no low bit is in it); parity sums then serve all observables. */
#ifndef QLSTM_CIRCUIT_WIDE_READOUT_H
#define QLSTM_CIRCUIT_WIDE_READOUT_H

#include "engine/circuit/wide_kernel.h"

/* Observables that share their high bits. */
struct wide_group {
	uint32_t high;
	double *sums; /* [2^block_bits], NULL when none of them has a low bit */
	double total;
};

struct wide_readout {
	const struct wide_circuit *circuit;
	int block_bits, n_groups;
	struct wide_group *groups;
	int *group_of;   /* by observable */
	double *factors; /* [2^block_bits] */
	double *memory;  /* what factors and sums point to */
};

/* NULL when out of memory. The circuit must outlive it. */
struct wide_readout *wide_readout_new(const struct wide_circuit *circuit);
void wide_readout_free(struct wide_readout *readout);
size_t wide_readout_bytes(const struct wide_circuit *circuit);

/* outputs[o * stride] = <O_o>. One sweep, and one more for every observable that is not diagonal. */
void wide_readout_measure(struct wide_readout *readout, const struct wide_kernels *kernels,
                          const struct wide_state *psi, double *outputs, size_t stride);
/* lambda = sum_o cotangents[o * stride] O_o psi. */
void wide_readout_apply(struct wide_readout *readout, const struct wide_kernels *kernels, const struct wide_state *psi,
                        const struct wide_state *lambda, const double *cotangents, size_t stride);

#endif
