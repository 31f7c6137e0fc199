/* The clock of `bench`. */
#include "server/worker/bench/bench_timing.h"

#include <stdlib.h>

#include "server/common/clock.h"

#define WINDOW_SECONDS 50e-6
enum { WINDOWS_MAX = 4096, CALLS_MAX = 1 << 16 };

/* Seconds a call, over `calls` of them. */
static double window(void (*call)(void *), void *context, int calls)
{
	double start = clock_monotonic();
	for (int k = 0; k < calls; k++)
		call(context);
	return (clock_monotonic() - start) / calls;
}

static int compare(const void *left, const void *right)
{
	double a = *(const double *)left, b = *(const double *)right;
	return (a > b) - (a < b);
}

struct bench_time bench_measure(void (*call)(void *context), void *context, double seconds)
{
	static double windows[WINDOWS_MAX];
	double first, patience = BENCH_PATIENCE * seconds, elapsed = 0.0;
	int calls = 1, count = 0;
	while ((first = window(call, context, calls)) * calls < WINDOW_SECONDS && calls < CALLS_MAX)
		calls *= 2;
	/* What took long already was measured by finding that out. */
	if (first * calls > patience)
		return (struct bench_time){first, first, 1};
	double start = clock_monotonic();
	do {
		windows[count++] = window(call, context, calls);
		elapsed = clock_monotonic() - start;
	} while (count < WINDOWS_MAX && (elapsed < seconds || (count < BENCH_REPEATS && elapsed < patience)));
	qsort(windows, (size_t)count, sizeof windows[0], compare);
	return (struct bench_time){windows[0], windows[count / 2], count};
}
