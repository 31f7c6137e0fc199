/* The clock of `bench`: how long a call takes, over many short windows. */
#ifndef QLSTM_WORKER_BENCH_TIMING_H
#define QLSTM_WORKER_BENCH_TIMING_H

struct bench_time {
	double minimum, median; /* seconds a call */
	int repeats;            /* windows measured; a window is as many calls as fill some ten microseconds */
};

/* Calls once to warm up, then for about `seconds`, at least BENCH_REPEATS windows; a call that takes so long that this
 * would be more than BENCH_PATIENCE times `seconds` is measured less often, but once. */
#define BENCH_REPEATS  30
#define BENCH_PATIENCE 8.0
struct bench_time bench_measure(void (*call)(void *context), void *context, double seconds);

#endif
