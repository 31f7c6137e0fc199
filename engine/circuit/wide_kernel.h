/* The wide plan's inner loops, compiled once per instruction set from wide_kernel.c. Internal to engine/circuit. */
#ifndef QLSTM_CIRCUIT_WIDE_KERNEL_H
#define QLSTM_CIRCUIT_WIDE_KERNEL_H

#include "engine/circuit/wide_circuit.h"

/* Amplitudes, aligned to 64 bytes; their number is a power of two. */
struct wide_state {
	double *re, *im;
};

/* Cosine and sine of half the angle of every slot. */
struct wide_angles {
	const double *cosine, *sine;
};

struct wide_kernels {
	/* The gates of a sweep on one tile, of at least 8 amplitudes; `index` is the basis index of its first. */
	void (*forward)(const struct wide_sweep *sweep, const struct wide_angles *angles, size_t index,
	                const struct wide_state *psi);
	/* Undoes them on both states and adds each rotation's share of d Re<lambda|psi> * 2 / d angle to its slot. */
	void (*backward)(const struct wide_sweep *sweep, const struct wide_angles *angles, size_t index,
	                 const struct wide_state *psi, const struct wide_state *lambda, double *gradient);
	/* out[k] += sign * |psi_k|^2 (out may be NULL); returns the sum of |psi_k|^2. size is at least 8. */
	double (*weigh)(const struct wide_state *psi, size_t size, double sign, double *out);
	/* lambda_k = (constant + factors[k]) psi_k. */
	void (*scale)(const struct wide_state *lambda, const struct wide_state *psi, size_t size, double constant,
	              const double *factors);
};

#endif
