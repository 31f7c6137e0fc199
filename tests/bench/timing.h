/* What the benchmarks share: the clock, the circuit V(n, L), numbers to feed it. */
#ifndef QLSTM_BENCH_TIMING_H
#define QLSTM_BENCH_TIMING_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "engine/circuit/ansatz/ansatz.h"
#include "engine/circuit/plan.h"
#include "engine/circuit/program.h"
#include "engine/philox.h"

static inline double seconds(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

/* The shortest of many calls, within about a fifth of a second. */
static inline double shortest(void (*call)(void *), void *context)
{
	double best = 1e30, end = seconds() + 0.2;
	call(context);
	do {
		double start = seconds();
		call(context);
		double taken = seconds() - start;
		best = taken < best ? taken : best;
	} while (seconds() < end);
	return best;
}

static inline struct circuit_program *benchmark_circuit(int n, int layers)
{
	struct circuit_program *program = program_new(n);
	for (int w = 0; w < n; w++)
		program_rotation(program, GATE_RY, w, angle_feature(w, ENCODER_X));
	for (int l = 0, k = 0; l < layers; l++) {
		for (int w = 0; w < n; w++) {
			program_rotation(program, GATE_RY, w, angle_weight(k++));
			program_rotation(program, GATE_RZ, w, angle_weight(k++));
		}
		for (int w = 0; w < n; w++)
			program_cnot(program, w, (w + 1) % n);
	}
	for (int w = 0; w < n; w++)
		program_observe(program, PAULI_Z, w);
	return program;
}

static inline double *numbers(size_t n)
{
	double *values = malloc(n * sizeof *values);
	for (size_t k = 0; values != NULL && k < n; k++)
		values[k] = 0.1 + 0.01 * (double)(k % 97);
	return values;
}

#endif
