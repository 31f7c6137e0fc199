/* What the machine can do at most: fused multiply-adds in registers. */
#ifndef QLSTM_WORKER_BENCH_PEAK_H
#define QLSTM_WORKER_BENCH_PEAK_H

#include "engine/circuit/plan.h"
#include "engine/team.h"

/* Multiply-adds in the registers of one instruction set. */
struct bench_burst {
	const char *isa;        /* as plan_isa has it; a processor without it cannot run the burst */
	int lanes[2];           /* numbers in a register, by precision */
	double (*run[2])(void); /* by precision; the sum of a dozen chains, each near 1 at the end */
};

/* The burst of an instruction set; the plainest where none has that name. */
const struct bench_burst *bench_burst_find(const char *isa);
/* Of one run, a multiply-add counted as two. */
double bench_burst_operations(const struct bench_burst *burst, enum precision precision);

/* 1e9 operations a second, a multiply-add counted as two, of all members of the team together, in the instruction set
 * that the engine's kernels use. Measured anew in each call, about a fifth of a second. */
double bench_peak_gflops(struct team *team, enum precision precision);

#endif
