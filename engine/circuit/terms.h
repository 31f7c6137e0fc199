/* What the expectations of a circuit are made of. Each is a sum of products of sines and cosines of its angles: going
 * back from what is measured, a rotation that does not commute with a Pauli string makes two of it, one with the cosine
 * and one with the sine, and at |0...0> those strings vanish that hold an X or a Y. This counts the products that stay,
 * without their numbers. Rotations of one axis that follow one another on a wire are one rotation by the sum.
 *
 * Example: RX(x), RX(w) and a ring of CNOTs measured in Z: each expectation is one product of cos(x + w) of some wires,
 * which no quantum computer is needed for. An RZ in front of everything is in no product: its angle cannot learn. */
#ifndef QLSTM_CIRCUIT_TERMS_H
#define QLSTM_CIRCUIT_TERMS_H

#include "engine/circuit/program.h"

/* How an angle comes into what is measured. */
enum term_reach {
	TERM_UNKNOWN,  /* the circuit has too many products to look at */
	TERM_APART,    /* no measured wire depends on what stands there */
	TERM_COMMUTES, /* it commutes with all that is measured behind it */
	TERM_VANISHES, /* its products vanish: the state before it is not changed by it */
	TERM_LIVE
};

struct circuit_terms {
	int most;               /* products in the expectation that has most of them; -1: too many to count */
	enum term_reach *reach; /* [program->n_weights] */
};

/* Counts up to `limit` products in an expectation, INT_MAX for all. Where there are more, the search ends there, and
 * angles that it has not seen alive stay TERM_UNKNOWN. Costs at most about a million steps. circuit_terms_free it. */
int circuit_terms_find(const struct circuit_program *program, int limit, struct circuit_terms *out,
                       struct qlstm_error *error);
void circuit_terms_free(struct circuit_terms *terms);

#endif
