/* Measuring the machine. */
#include "engine/circuit/plan_speed.h"

#include <math.h>
#include <stdlib.h>
#include <time.h>

#include "engine/circuit/plan.h"

/* The yardstick: RY of a feature on every wire, then layers of RY, RZ and a ring of CNOT, Z of all wires, on plan
 * "batch" in float64. YARD_NS is what a sample takes, forward and gradient, on the machine that planner.c names. */
enum { WIRES = 4, LAYERS = 2, BATCH = 64 };
#define YARD_NS 125.0

/* Windows that are timed, how long one is at least, and all of them at most. */
#define WINDOWS        48
#define WINDOW_SECONDS 60e-6
#define ALL_SECONDS    0.01
#define LEAST          0.01

/* Of this thread's processor time: while others run, it stands still. */
static double seconds(void)
{
	struct timespec now;
	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
	return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

static struct circuit_program *yard_circuit(void)
{
	struct circuit_program *program = program_new(WIRES);
	int k = 0;
	for (int w = 0; w < WIRES; w++)
		program_rotation(program, GATE_RY, w, angle_feature(w, ENCODER_ATAN));
	for (int l = 0; l < LAYERS; l++) {
		for (int w = 0; w < WIRES; w++) {
			program_rotation(program, GATE_RY, w, angle_weight(k++));
			program_rotation(program, GATE_RZ, w, angle_weight(k++));
		}
		for (int w = 0; w < WIRES; w++)
			program_cnot(program, w, (w + 1) % WIRES);
	}
	for (int w = 0; w < WIRES; w++)
		program_observe(program, PAULI_Z, w);
	return program;
}

static void run(struct plan *plan)
{
	enum { WEIGHTS = 2 * LAYERS * WIRES };
	double features[WIRES * BATCH], weights[WEIGHTS], outputs[WIRES * BATCH], cotangents[WIRES * BATCH];
	double d_features[WIRES * BATCH] = {0}, d_weights[WEIGHTS] = {0};
	for (int i = 0; i < WIRES * BATCH; i++) {
		features[i] = 0.01 * (i % 97);
		cotangents[i] = 1.0;
	}
	for (int i = 0; i < WEIGHTS; i++)
		weights[i] = 0.1 * i;
	plan_forward(plan, features, weights, BATCH, outputs);
	plan_backward(plan, features, weights, BATCH, cotangents, d_features, d_weights);
}

/* The quickest window's ns a sample. */
static double yard_time(struct plan *plan)
{
	double best = INFINITY, begun = seconds();
	run(plan);
	for (int i = 0; i < WINDOWS && (i == 0 || seconds() - begun < ALL_SECONDS); i++) {
		double start = seconds(), taken;
		int calls = 0;
		do {
			run(plan);
			calls++;
		} while ((taken = seconds() - start) < WINDOW_SECONDS);
		best = fmin(best, 1e9 * taken / (calls * BATCH));
	}
	return best;
}

double plan_speed_measure(void)
{
	struct circuit_program *program = yard_circuit();
	struct plan *plan = NULL;
	double speed = 1.0;
	if (program_check(program, NULL) == 0 && plan_new(&plan, program, "batch", NULL) == 0)
		speed = fmax(LEAST, YARD_NS / yard_time(plan));
	plan_free(plan);
	program_free(program);
	return speed;
}
