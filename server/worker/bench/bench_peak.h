/* What the machine can do at most: fused multiply-adds in registers. */
#ifndef QLSTM_WORKER_BENCH_PEAK_H
#define QLSTM_WORKER_BENCH_PEAK_H

#include "engine/circuit/plan.h"
#include "engine/team.h"

/* 1e9 operations a second, a multiply-add counted as two, of all members of the team together, in the instruction set
 * that the engine's kernels use. Measured anew in each call, about a fifth of a second. */
double bench_peak_gflops(struct team *team, enum precision precision);

#endif
