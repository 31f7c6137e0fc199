/* What `bench` measures: a table of cases, one row each of what it prints. */
#ifndef QLSTM_WORKER_BENCH_H
#define QLSTM_WORKER_BENCH_H

#include <stdio.h>

#include "engine/nn/model.h"
#include "engine/team.h"
#include "server/worker/bench/bench_timing.h"

struct bench_case;

struct bench_setup {
	int threads;
	struct team *team; /* of so many; NULL for one */
	double seconds;    /* to spend on a measurement */
};

struct bench_result {
	const char *plan; /* "none" where there are no circuits */
	enum precision precision;
	struct bench_time time; /* of one call; not measured where the plan has not the precision that was asked for */
	double samples;         /* in a call; a set of weights is a sample of its own */
	double operations; /* in a call, floating point, as bench_count.h counts; 0: they say nothing about this plan */
	/* What the last call computed, to be checked: of circuits the sum of all outputs and, with the gradient, of all
	 * derivatives; of a training step the loss. */
	double check;
};

/* A way of measuring. */
typedef int (*bench_fn)(const struct bench_case *row, const struct bench_setup *setup, struct bench_result *out,
                        struct qlstm_error *error);

struct bench_case {
	const char *name; /* several rows may share it: plans and precisions of the same thing */
	const char *quantity;
	bench_fn run;
	const char *plan;
	enum precision precision;
	int batch;
	const char *ansatz;               /* of a circuit; below */
	int wires, layers, sets;          /* of weights */
	const struct layer_config *model; /* one recurrent layer and a dense head */
	int steps;
	bool long_run; /* only where it is asked for by name */
};

/* The i-th case, false past the last. */
bool bench_case_at(int index, struct bench_case *out);
/* Names the cases that are run only where they are asked for, a line each. */
void bench_print_left_out(FILE *file);

/* Circuits: V(n, L) is RY(x_q) on every wire; L times { RY, RZ on every wire, CNOT ring }; <Z> of all wires. qdi is the
 * ansatz with the variant's defaults. */
int bench_circuit(const struct bench_case *row, const struct bench_setup *setup, struct bench_result *out,
                  struct qlstm_error *error); /* forward, and gradient by features and weights */
int bench_layer(const struct bench_case *row, const struct bench_setup *setup, struct bench_result *out,
                struct qlstm_error *error); /* forward, of one more layer */
int bench_step(const struct bench_case *row, const struct bench_setup *setup, struct bench_result *out,
               struct qlstm_error *error); /* forward and gradient of a model */

/* Numbers without a pattern that a plan could make use of. */
void bench_fill(double *values, size_t n);
/* A plan that does without the statevector is not to be measured by its operations. */
bool bench_is_statevector(const char *plan);

#endif
