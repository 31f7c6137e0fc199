/* Arcs: the angles of a tangent, a sine, a cosine. */
#include <math.h>

#include "engine/elementary/elementary.h"
#include "engine/elementary/number_bits.h"

/* pi / 2 and pi / 4 as sums of two numbers. */
#define HALF_PI_HEAD    0x1.921fb54442d18p+0
#define HALF_PI_TAIL    0x1.1a62633145c07p-54
#define QUARTER_PI_HEAD 0x1.921fb54442d18p-1

/* atan x = atan a + atan((x - a) / (1 + a x)), with a so near that the second is below 7 / 16. */
static double atan_positive(double x)
{
	static const double c[] = {-0x1.5555555555555p-2, 0x1.99999999998c5p-3,  -0x1.2492492485503p-3,
	                           0x1.c71c71bd2b8bcp-4,  -0x1.745d154c84f7ap-4, 0x1.3b1375ce5bdc6p-4,
	                           -0x1.110c9ce7b0572p-4, 0x1.e170800a46210p-5,  -0x1.ab59b417b2d3fp-5,
	                           0x1.7001816fd063fp-5,  -0x1.0f62bba6a2558p-5, 0x1.e4167464d3de8p-7};
	static const struct {
		double until, a, head, tail;
	} parts[] = {
	    {0.4375, 0.0, 0.0, 0.0},
	    {0.6875, 0.5, 0x1.dac670561bb4fp-2, 0x1.a2b7f222f65e2p-56},
	    {1.1875, 1.0, QUARTER_PI_HEAD, 0x1.1a62633145c07p-55},
	    {2.4375, 1.5, 0x1.f730bd281f69bp-1, 0x1.007887af0cbbdp-56},
	};
	double head = HALF_PI_HEAD, tail = HALF_PI_TAIL, t = -1.0 / x;
	for (int k = 0; k < 4; k++)
		if (x < parts[k].until) {
			double a = parts[k].a;
			head = parts[k].head;
			tail = parts[k].tail;
			t = a > 0.0 ? (x - a) / (1.0 + a * x) : x;
			break;
		}
	double z = t * t, bend = t * (z * number_polynomial(c, 12, z));
	return head + (t + (bend + tail));
}

double elementary_atan(double x)
{
	return isnan(x) ? x : copysign(atan_positive(fabs(x)), x);
}

/* (asin(x) - x) / x as a function of x^2 up to 1/4 */
static double asin_bend(double z)
{
	static const double c[] = {0x1.5555555555556p-3, 0x1.3333333332ecap-4, 0x1.6db6db6e31f13p-5,
	                           0x1.f1c71c1db0623p-6, 0x1.6e8bb1c8209a2p-6, 0x1.1c4d35cf95421p-6,
	                           0x1.c9cf07674736ap-7, 0x1.782651caa6547p-7, 0x1.52420b04b37bep-7,
	                           0x1.65a9c4dfcf8b2p-8, 0x1.1d189408314eep-6, -0x1.e6aaa8a0a04ccp-7,
	                           0x1.d72b2bc8155f8p-6};
	return z * number_polynomial(c, 13, z);
}

/* asin(sqrt(z)) up to z = 1/4, as a sum of an exact head and a rest */
static double asin_root(double z, double *rest)
{
	double s = sqrt(z), head = number_head(s), lost = z > 0.0 ? (z - head * head) / (s + head) : 0.0;
	*rest = lost + s * asin_bend(z);
	return head;
}

/* From 1/2 on: asin x = pi / 2 - 2 asin(sqrt((1 - x) / 2)). */
double elementary_asin(double x)
{
	double a = fabs(x), rest;
	if (!(a <= 1.0))
		return NAN;
	if (a < 0.5)
		return x + x * asin_bend(x * x);
	double head = asin_root(0.5 * (1.0 - a), &rest);
	/* Nothing is lost in the first difference. */
	return copysign(QUARTER_PI_HEAD - ((2.0 * rest - HALF_PI_TAIL) - (QUARTER_PI_HEAD - 2.0 * head)), x);
}

double elementary_acos(double x)
{
	double a = fabs(x), rest;
	if (!(a <= 1.0))
		return NAN;
	if (a < 0.5)
		return HALF_PI_HEAD - (x - (HALF_PI_TAIL - x * asin_bend(x * x)));
	double head = asin_root(0.5 * (1.0 - a), &rest);
	if (x > 0.0)
		return 2.0 * (head + rest);
	return 2.0 * (HALF_PI_HEAD - (head + (rest - HALF_PI_TAIL)));
}
