/* Rotations of a program that are done as one. Internal to engine/circuit. */
#ifndef QLSTM_CIRCUIT_LOCAL_PAIRS_H
#define QLSTM_CIRCUIT_LOCAL_PAIRS_H

#include "engine/circuit/program.h"

enum { LOCAL_UNPAIRED = -1, LOCAL_PAIRED = -2 };

/* [n_ops]: of two rotations about one axis with nothing in between, one by a feature and one by a weight, the later one
 * has the index of the other, and that one LOCAL_PAIRED; all others are LOCAL_UNPAIRED. Only features whose angle costs
 * no more than its cosine, and which nothing else reads. NULL when out of memory; the caller frees it. */
int *local_pairs_new(const struct circuit_program *program);

#endif
