/* Product states of the wide plan: what the gates before the first two-bit gate of each bit prepare. Internal to
 * engine/circuit. */
#ifndef QLSTM_CIRCUIT_WIDE_PRODUCT_H
#define QLSTM_CIRCUIT_WIDE_PRODUCT_H

#include <stddef.h>

#include "engine/circuit/wide/wide_circuit.h"

/* The state of one bit: amplitudes of 0 and of 1; or the cotangents of them. */
struct wide_bit {
	double re[2], im[2];
};

/* bits [circuit->n_bits] from cosine and sine of half the angle of every slot. */
void wide_product_forward(const struct wide_circuit *circuit, const double *cosine, const double *sine,
                          struct wide_bit *bits);
/* Adds the rotations' share of Im <cotangents|P|bits> to their slots; undoes them on both arrays. */
void wide_product_backward(const struct wide_circuit *circuit, const double *cosine, const double *sine,
                           struct wide_bit *bits, struct wide_bit *cotangents, double *gradient);

/* The product of the bits in `which`, the lowest first: re, im [2^count]. */
void wide_product_expand(const struct wide_bit *bits, uint32_t which, double *re, double *im);
/* The bits' cotangents, given those of their product, re and im, which are overwritten; work [2^count]. */
void wide_product_contract(const struct wide_bit *bits, uint32_t which, double *re, double *im, double *work,
                           struct wide_bit *cotangents);

#endif
