/* How many floating-point operations a statevector needs: what fraction_of_peak is measured by.
 *
 * It is the leanest algorithm in textbooks, not what a plan does; a plan that finds something leaner comes out higher,
 * one that computes the states twice lower. Operations for each of the 2^n amplitudes, a multiply-add counted as two:
 *
 *   a rotation about X or Y (or H)       6 forward;  10 backward: 6 to undo it on the adjoint state, 4 for its gradient
 *   all rotations about Z between others 6 forward;  10 backward, as one diagonal
 *   gates before a wire's first CNOT     together a product state: 2 forward, 8 backward
 *   CNOT, CZ, SWAP, X, Y, Z, S           0, by relabelling
 *   readout, and the adjoint state       5 forward;  3 backward
 *
 * What only rotates the phases before a readout of Z counts nothing. */
#ifndef QLSTM_WORKER_BENCH_COUNT_H
#define QLSTM_WORKER_BENCH_COUNT_H

#include "engine/circuit/program.h"

struct bench_count {
	double forward, backward; /* of a sample */
};

struct bench_count bench_count_program(const struct circuit_program *program);

#endif
