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

/* The state of one bit: amplitudes of 0 and of 1. */
struct wide_vector {
	double re[2], im[2];
};

struct wide_kernels {
	/* Adds a bit above the others of a state: to_j = v_0 from_j, to_(j + size) = v_1 from_j for j < size. `to` may
	 * be where `from` is minus size. */
	void (*extend)(const struct wide_state *to, const struct wide_state *from, size_t size,
	               const struct wide_vector *v);
	/* Its transpose: returns the highest bit's sums_s = sum_j conj(others_j) lambda_(j + s size), and contracts
	 * lambda with that bit: lambda_j = sum_s conj(v_s) lambda_(j + s size). */
	struct wide_vector (*contract)(const struct wide_state *lambda, const struct wide_state *others, size_t size,
	                               const struct wide_vector *v);
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
