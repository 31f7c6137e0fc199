/* The elementary functions: how exact they are, and that their bits are those of every other machine. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <string.h>

#include "engine/elementary/elementary.h"
#include "engine/philox.h"

enum { DRAWS = 20000 };

static double unit(struct philox *rng)
{
	return 2 * philox_uniform(rng) - 1;
}

/* Any magnitude between 2^low and 2^high, either sign. */
static double any(struct philox *rng, int low, int high)
{
	int exponent_of = low + (int)philox_below(rng, (uint32_t)(high - low));
	double x = ldexp(1 + philox_uniform(rng), exponent_of);
	return philox_u32(rng) & 1 ? x : -x;
}

static double angle(struct philox *rng, int k)
{
	return k % 3 == 0 ? any(rng, -40, 1023) : k % 3 == 1 ? 1e6 * unit(rng) : 10 * unit(rng);
}

static double exponent(struct philox *rng, int k)
{
	return k % 2 == 0 ? 700 * unit(rng) : any(rng, -60, 4);
}

static double positive(struct philox *rng, int k)
{
	return k % 2 == 0 ? fabs(any(rng, -1070, 1023)) : 1 + any(rng, -50, -1);
}

static double above_minus_one(struct philox *rng, int k)
{
	return k % 2 == 0 ? any(rng, -60, -1) : 5 + 5.9 * unit(rng);
}

static double small(struct philox *rng, int k)
{
	return k % 2 == 0 ? 7 * unit(rng) : any(rng, -60, 3);
}

static double cosine(struct philox *rng, int k)
{
	int exponent_of = -2 - (int)philox_below(rng, 50);
	double near = ldexp(1 + philox_uniform(rng), exponent_of);
	return k % 3 == 0 ? unit(rng) : k % 3 == 1 ? 1 - near : any(rng, -60, -2);
}

/* The bits of all results, in one number (Fowler, Noll and Vo's hash by words). */
static const struct {
	const char *name;
	double (*own)(double);
	long double (*exact)(long double);
	double (*draw)(struct philox *, int);
	double ulps;
	uint64_t bits;
} rows[] = {
    {"sin", elementary_sin, sinl, angle, 1, UINT64_C(0x673db34ffa6252ed)},
    {"cos", elementary_cos, cosl, angle, 1, UINT64_C(0x8a3adda6ec618f1e)},
    {"exp", elementary_exp, expl, exponent, 1, UINT64_C(0x87331a267003f383)},
    {"expm1", elementary_expm1, expm1l, exponent, 2, UINT64_C(0xf68f552a9b7817c3)},
    {"log", elementary_log, logl, positive, 1, UINT64_C(0xc630a0dcc013b0da)},
    {"log1p", elementary_log1p, log1pl, above_minus_one, 2, UINT64_C(0xfaa27afebfe6a214)},
    {"tanh", elementary_tanh, tanhl, small, 3, UINT64_C(0xc718eb8ec8ad1a54)},
    {"atan", elementary_atan, atanl, small, 1, UINT64_C(0xef43ef79bc64af66)},
    {"asin", elementary_asin, asinl, cosine, 1, UINT64_C(0x65191abc23185010)},
    {"acos", elementary_acos, acosl, cosine, 1, UINT64_C(0x68180447f29e7fbb)},
    {"erf", elementary_erf, erfl, small, 2, UINT64_C(0x35c1d90e32236489)},
};
enum { ROWS = sizeof rows / sizeof rows[0] };

static double ulps(double found, long double wanted)
{
	double near = fabs((double)wanted);
	return (double)(fabsl(found - wanted) / (nextafter(near, INFINITY) - near));
}

static void exactness(void **state)
{
	(void)state;
	for (int f = 0; f < ROWS; f++) {
		struct philox rng;
		philox_open(&rng, 7, PHILOX_TEST, (uint32_t)f);
		double worst = 0, at = 0;
		for (int k = 0; k < DRAWS; k++) {
			double x = rows[f].draw(&rng, k), off = ulps(rows[f].own(x), rows[f].exact(x));
			if (!(off <= worst))
				worst = off, at = x;
		}
		if (!(worst <= rows[f].ulps))
			fail_msg("%s is %g units off at %a", rows[f].name, worst, at);
	}
}

static void bits(void **state)
{
	(void)state;
	for (int f = 0; f < ROWS; f++) {
		struct philox rng;
		philox_open(&rng, 8, PHILOX_TEST, (uint32_t)f);
		uint64_t hash = UINT64_C(0xcbf29ce484222325), word;
		for (int k = 0; k < DRAWS; k++) {
			double y = rows[f].own(rows[f].draw(&rng, k));
			memcpy(&word, &y, sizeof word);
			hash = (hash ^ word) * UINT64_C(0x100000001b3);
		}
		if (hash != rows[f].bits)
			fail_msg("%s: the results hash to 0x%016llx", rows[f].name, (unsigned long long)hash);
	}
}

/* 6381956970095103 * 2^797 is the float64 that lies nearest to a multiple of pi / 2. */
static void hard_angles(void **state)
{
	(void)state;
	double nearest = ldexp(6381956970095103.0, 797), c, s;
	elementary_cosine_sine(nearest, &c, &s);
	assert_true(c == -4.687165924254627611122582801963884e-19 && s == 1);
	assert_true(elementary_cos(nearest) == c && elementary_sin(-nearest) == -1);
	assert_true(elementary_sin(1e22) == -0.8522008497671888017727058937530293682618);
	assert_true(elementary_sin(0.0) == 0 && signbit(elementary_sin(-0.0)) && elementary_cos(0.0) == 1);
	assert_true(isnan(elementary_sin(INFINITY)) && isnan(elementary_cos(-INFINITY)) && isnan(elementary_sin(NAN)));
}

static void edges(void **state)
{
	(void)state;
	for (int f = 0; f < ROWS; f++)
		assert_true(isnan(rows[f].own(NAN)));
	assert_true(elementary_exp(710) == INFINITY && elementary_exp(-746) == 0 && elementary_exp(0) == 1);
	assert_true(elementary_exp(-745) == 0x1p-1074 && isfinite(elementary_exp(709.7)));
	assert_true(elementary_expm1(-200) == -1 && elementary_expm1(800) == INFINITY && elementary_expm1(0) == 0);
	assert_true(elementary_log(0) == -INFINITY && isnan(elementary_log(-1)) && elementary_log(1) == 0);
	assert_true(elementary_log(INFINITY) == INFINITY && elementary_log1p(-1) == -INFINITY);
	assert_true(elementary_log1p(0x1p-60) == 0x1p-60 && elementary_log1p(INFINITY) == INFINITY);
	assert_true(elementary_tanh(40) == 1 && elementary_tanh(-INFINITY) == -1);
	assert_true(elementary_atan(INFINITY) == M_PI_2 && elementary_atan(-1) == -M_PI_4);
	assert_true(elementary_asin(1) == M_PI_2 && elementary_acos(1) == 0 && elementary_acos(-1) == M_PI);
	assert_true(isnan(elementary_asin(1.1)) && isnan(elementary_acos(-1.1)));
	assert_true(elementary_erf(7) == 1 && elementary_erf(-7) == -1 && elementary_erf(0) == 0);
}

static void powers(void **state)
{
	(void)state;
	const double bases[] = {0.9, 0.999, 0.5, 0x1.fffffffffffffp-1, 1e-3};
	for (size_t b = 0; b < sizeof bases / sizeof bases[0]; b++)
		for (unsigned long long n = 1; n < 1000000; n = 3 * n / 2 + 1) {
			long double wanted = powl(bases[b], n);
			if (wanted > 1e-290L)
				assert_true(ulps(elementary_power(bases[b], n), wanted) < 0.6);
		}
	assert_true(elementary_power(0, 0) == 1 && elementary_power(0, 5) == 0 && elementary_power(1, 99) == 1);
	assert_true(elementary_power(0.5, ~0ull) == 0);
}

static void bessel(void **state)
{
	(void)state;
	for (double x = 0.5; x < 900; x += 0.37)
		assert_true(fabs(elementary_bessel_j2(x) - jn(2, x)) < 2e-15);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(exactness), cmocka_unit_test(bits),   cmocka_unit_test(hard_angles),
	    cmocka_unit_test(edges),     cmocka_unit_test(powers), cmocka_unit_test(bessel),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
