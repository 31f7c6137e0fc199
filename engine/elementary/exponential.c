/* exp, its relatives, and the logarithm. */
#include <math.h>

#include "engine/elementary/elementary.h"
#include "engine/elementary/number_bits.h"

/* ln 2 in two parts, of which the first has 33 bits. */
#define LN2_HEAD 0x1.62e42ffp-1
#define LN2_TAIL -0x1.718432a1b0e26p-35

#define EXP_MOST  709.782712893384
#define EXP_LEAST -745.1332191019412

/* exp(x) = 2^k (1 + excess), |excess| < 0.42: Cody and Waite's reduction and the Taylor series, whose remainder at
 * ln(2) / 2 is below 2e-17 of the sum. |x| < 750. */
static double exp_excess(double x, int *k)
{
	double n = rint(x * 1.44269504088896338700e+00);
	double head = x - n * LN2_HEAD, r = head - n * LN2_TAIL, tail = (head - r) - n * LN2_TAIL;
	double r2 = r * r, r4 = r2 * r2;
	double a = r * 0x1.5555555555556p-3 + 0x1.0000000000001p-1;
	double b = r * 0x1.11111111109b3p-7 + 0x1.5555555553d63p-5;
	double c = r * 0x1.a01a01a7c41d5p-13 + 0x1.6c16c1788bd90p-10;
	double d = r * 0x1.71de0dae63bb3p-19 + 0x1.a019b90d2ae7ap-16;
	double e = r * 0x1.af38a9b0ec855p-26 + 0x1.289185613a3d6p-22;
	*k = (int)n;
	return r + (tail + r2 * ((b * r2 + a) + r4 * ((d * r2 + c) + r4 * e)));
}

double elementary_exp(double x)
{
	int k;
	if (isnan(x))
		return x;
	if (x > EXP_MOST)
		return INFINITY;
	if (x < EXP_LEAST)
		return 0.0;
	double value = 1.0 + exp_excess(x, &k);
	if (k >= 1023)
		return value * number_power_of_two(k - 1) * 2.0;
	return k > -1022 ? value * number_power_of_two(k) : value * number_power_of_two(k + 200) * 0x1p-200;
}

/* 2^k - 1 + 2^k excess */
double elementary_expm1(double x)
{
	int k;
	if (isnan(x) || x == 0.0)
		return x;
	if (x > 100.0)
		return elementary_exp(x);
	if (x < -100.0)
		return -1.0;
	double excess = exp_excess(x, &k);
	if (k == 0)
		return excess;
	double scale = number_power_of_two(k);
	return scale * excess + (scale - 1.0);
}

double elementary_tanh(double x)
{
	double a = fabs(x);
	if (isnan(x))
		return x;
	double e = elementary_expm1(2.0 * (a < 22.0 ? a : 22.0));
	return copysign(e / (e + 2.0), x);
}

/* x = 2^k (1 + f) with 1 + f between sqrt(1/2) and sqrt(2); with s = f / (2 + f) is log(1 + f) = 2 atanh(s)
 * = f - f^2 / 2 + s (f^2 / 2 + s^2 R(s^2)), in which the rounding errors of the first terms cancel (fdlibm, e_log.c).
 */
static double log_normal(double x, int k)
{
	static const double c[] = {0x1.5555555555555p-1, 0x1.9999999999a39p-2, 0x1.2492492476a1ap-2,
	                           0x1.c71c7201a55d7p-3, 0x1.745cf8e4bba1bp-3, 0x1.3b1c3c1c81c8fp-3,
	                           0x1.0fbde0f4ad17bp-3, 0x1.0c0aff044a970p-3};
	uint64_t bits = number_bits(x);
	/* The fraction beyond which a half of the number is nearer to 1. */
	int up = (bits & UINT64_C(0xfffffffffffff)) > UINT64_C(0x6a09e667f3bcc);
	k += (int)(bits >> 52) - 1023 + up;
	double f = number_from_bits((bits & UINT64_C(0xfffffffffffff)) | (uint64_t)(1023 - up) << 52) - 1.0;
	double s = f / (2.0 + f), z = s * s, half = 0.5 * f * f, n = k;
	double r = z * number_polynomial(c, 8, z);
	return n * LN2_HEAD - ((half - (s * (half + r) + n * LN2_TAIL)) - f);
}

double elementary_log(double x)
{
	if (isnan(x) || x == INFINITY)
		return x;
	if (x <= 0.0)
		return x == 0.0 ? -INFINITY : NAN;
	return x < 0x1p-1022 ? log_normal(x * 0x1p54, -54) : log_normal(x, 0);
}

/* What 1 + x loses in rounding is put back to first order. */
double elementary_log1p(double x)
{
	double u = 1.0 + x;
	if (u == 1.0)
		return x;
	if (!(u > 0.0) || u == INFINITY)
		return elementary_log(u);
	double lost = u > 2.0 ? 1.0 - (u - x) : x - (u - 1.0);
	return elementary_log(u) + lost / u;
}

/* A number as a sum of two. */
struct pair {
	double high, low;
};

static struct pair pair_multiply(struct pair a, struct pair b)
{
	double high = a.high * b.high, low = fma(a.high, b.high, -high) + (a.high * b.low + a.low * b.high);
	double sum = high + low;
	return (struct pair){sum, low - (sum - high)};
}

double elementary_power(double base, unsigned long long exponent)
{
	struct pair square = {base, 0.0}, power = {1.0, 0.0};
	for (; exponent > 0 && power.high > 0.0; exponent >>= 1) {
		if (exponent & 1)
			power = pair_multiply(power, square);
		if (exponent > 1)
			square = pair_multiply(square, square);
	}
	return power.high;
}
