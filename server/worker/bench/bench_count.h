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
 * What only rotates the phases before a readout of Z counts nothing.
 *
 * Of a step of a qrnn (engine/circuit/neuron/neuron.h), for each of the 2^W amplitudes that it keeps, real numbers:
 *
 *   a neuron on a workspace lane         3 forward;  8 backward: 3 for the adjoint state, 5 for its two derivatives
 *   a rotation                           3 forward;  6 backward
 *   the output stage, words of I bits    2 (2^I - 1) + 2 2^I forward for products and probabilities; backward twice
 * that */
#ifndef QLSTM_WORKER_BENCH_COUNT_H
#define QLSTM_WORKER_BENCH_COUNT_H

#include "engine/circuit/program.h"
#include "engine/nn/layer_config.h"

struct bench_count {
	double forward, backward; /* of a sample */
};

struct bench_count bench_count_program(const struct circuit_program *program);
/* Both, of one step of one sample. */
double bench_count_neurons(const struct qrnn_config *shape);

#endif
