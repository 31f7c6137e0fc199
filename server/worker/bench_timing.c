/* The clock of `bench`. */
#include "server/worker/bench_timing.h"

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

/* How many calls fill a window. */
static int window_calls(void (*call)(void *), void *context)
{
	int calls = 1;
	while (calls < CALLS_MAX && window(call, context, calls) * calls < WINDOW_SECONDS)
		calls *= 2;
	return calls;
}

static int compare(const void *left, const void *right)
{
	double a = *(const double *)left, b = *(const double *)right;
	return (a > b) - (a < b);
}

struct bench_time bench_measure(void (*call)(void *context), void *context, double seconds)
{
	static double windows[WINDOWS_MAX];
	double begin = clock_monotonic();
	int calls = window_calls(call, context), count = 0;
	double start = clock_monotonic(), elapsed = 0.0, patience = BENCH_PATIENCE * seconds;
	/* What took long already was measured by finding that out. */
	if (start - begin > patience)
		return (struct bench_time){start - begin, start - begin, 1};
	while (count < WINDOWS_MAX && (elapsed < seconds || (count < BENCH_REPEATS && elapsed < patience))) {
		windows[count++] = window(call, context, calls);
		elapsed = clock_monotonic() - start;
	}
	qsort(windows, (size_t)count, sizeof windows[0], compare);
	return (struct bench_time){windows[0], windows[count / 2], count};
}
