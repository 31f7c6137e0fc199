/* What the machine can do at most. A burst keeps a dozen independent chains of multiply-adds in registers. */
#include "server/worker/bench/bench_peak.h"

#include <stdbool.h>
#include <string.h>

#include "server/worker/bench/bench_timing.h"

#if defined __x86_64__
#include <immintrin.h>
#endif

enum { CHAINS = 12, ROUNDS = 40000 };

#define UNROLL _Pragma("GCC unroll 12")

/* multiply_add(x, a, b) = x a + b with a, b such that x tends to 1. The chains start apart and none at 1, else a
 * compiler makes one of them, or a constant. */
#define BURST(name, attribute, vector, splat, multiply_add)                                                            \
	attribute static double name(void)                                                                             \
	{                                                                                                              \
		vector x[CHAINS], a = splat(0.999f), b = splat(0.001f);                                                \
		double sum = 0.0;                                                                                      \
		UNROLL for (int k = 0; k < CHAINS; k++) x[k] = splat((float)(2 + k));                                  \
		for (int r = 0; r < ROUNDS; r++)                                                                       \
			UNROLL for (int k = 0; k < CHAINS; k++) x[k] = multiply_add(x[k], a, b);                       \
		UNROLL for (int k = 0; k < CHAINS; k++) sum += (double)x[k][0];                                        \
		return sum;                                                                                            \
	}

/* Without fused instructions, a multiplication and an addition. */
typedef double two_f64 __attribute__((vector_size(16)));
typedef float four_f32 __attribute__((vector_size(16)));
#define SPLAT_F64(v)   ((two_f64){v, v})
#define SPLAT_F32(v)   ((four_f32){v, v, v, v})
#define PLAIN(x, a, b) ((x) * (a) + (b))
#define NO_TARGET      /* of its own */
BURST(burst_f64, NO_TARGET, two_f64, SPLAT_F64, PLAIN)
BURST(burst_f32, NO_TARGET, four_f32, SPLAT_F32, PLAIN)

#if defined __x86_64__
#define V3 __attribute__((target("avx2,fma")))
#define V4 __attribute__((target("avx512f")))
BURST(burst_f64_v3, V3, __m256d, _mm256_set1_pd, _mm256_fmadd_pd)
BURST(burst_f32_v3, V3, __m256, _mm256_set1_ps, _mm256_fmadd_ps)
BURST(burst_f64_v4, V4, __m512d, _mm512_set1_pd, _mm512_fmadd_pd)
BURST(burst_f32_v4, V4, __m512, _mm512_set1_ps, _mm512_fmadd_ps)
#endif

static const struct bench_burst bursts[] = {
#if defined __x86_64__
    {"x86-64-v4", {8, 16}, {burst_f64_v4, burst_f32_v4}},
    {"x86-64-v3", {4, 8}, {burst_f64_v3, burst_f32_v3}},
    {"x86-64", {2, 4}, {burst_f64, burst_f32}},
#else
    {"generic", {2, 4}, {burst_f64, burst_f32}},
#endif
};

struct peak {
	struct team *team;
	double (*run)(void);
	double sums[TEAM_MAX_THREADS]; /* so that nothing is optimised away */
};

static void peak_part(void *context, size_t part, int member)
{
	struct peak *peak = context;
	(void)member;
	peak->sums[part] = peak->run();
}

static void peak_call(void *context)
{
	struct peak *peak = context;
	team_run(peak->team, peak_part, peak, (size_t)team_threads(peak->team));
}

const struct bench_burst *bench_burst_find(const char *isa)
{
	size_t k = 0;
	while (k + 1 < sizeof bursts / sizeof bursts[0] && strcmp(bursts[k].isa, isa) != 0)
		k++;
	return &bursts[k];
}

double bench_burst_operations(const struct bench_burst *burst, enum precision precision)
{
	return 2.0 * CHAINS * ROUNDS * burst->lanes[precision];
}

double bench_peak_gflops(struct team *team, enum precision precision)
{
	const struct bench_burst *burst = bench_burst_find(plan_isa());
	struct peak peak = {.team = team, .run = burst->run[precision]};
	struct bench_time time = bench_measure(peak_call, &peak, 0.2);
	return 1e-9 * bench_burst_operations(burst, precision) * team_threads(team) / time.minimum;
}
