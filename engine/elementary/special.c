/* The error function, and a Bessel function. */
#include <math.h>

#include "engine/elementary/elementary.h"
#include "engine/elementary/number_bits.h"

/* (erf(x) - x) / x as a function of x^2 up to 1 */
static const double erf_low[] = {0x1.06eba8214db68p-3,   -0x1.812746b0379c1p-2,  0x1.ce2f21a040f66p-4,
                                 -0x1.b82ce31203772p-6,  0x1.565bccfa44156p-8,   -0x1.c02db0665e53dp-11,
                                 0x1.f9a2be4f731a1p-14,  -0x1.f4ca838adb73bp-17, 0x1.b981d78881a5dp-20,
                                 -0x1.5c131500d3f88p-23, 0x1.d76af6ca49787p-27,  -0x1.ac9585a44fe29p-31};
/* (1 - erf(x)) exp(x^2) (x + 5/2) as a function of (x - 5/2) / (x + 5/2), from x = 1 to 6 */
static const double erf_high[] = {
    0x1.0dd50785280a5p+0,  -0x1.9bfb53c4039d7p-1, 0x1.d0cedcb8c9058p-2,   -0x1.5eb8eba1dfd73p-3,
    0x1.d0acf691ed0cep-6,  0x1.1305f5651a5b3p-7,  -0x1.3bcdce33d9d2ap-8,  -0x1.cc8b0fb4561f9p-12,
    0x1.7069f01b9d857p-11, 0x1.e91d1f682aec6p-15, -0x1.d84ae1807fa56p-14, -0x1.478144ffccde7p-16,
    0x1.31ed07400547ep-16, 0x1.bff492e5c1732p-18, -0x1.3560f88fafec7p-19, -0x1.c12f650cd4d98p-20};

double elementary_erf(double x)
{
	double a = fabs(x);
	if (isnan(x))
		return x;
	if (a < 1.0)
		return x + x * number_polynomial(erf_low, 12, x * x);
	if (a > 6.0)
		return copysign(1.0, x);
	double u = (a - 2.5) / (a + 2.5);
	return copysign(1.0 - elementary_exp(-a * a) * number_polynomial(erf_high, 16, u) / (a + 2.5), x);
}

/* Miller's algorithm: downwards from far beyond x the recurrence J(k - 1) = 2 k / x J(k) - J(k + 1) forgets where it
 * began, and J0 + 2 (J2 + J4 + ...) = 1 gives the scale. */
double elementary_bessel_j2(double x)
{
	double above = 0.0, here = 1e-300, sum = 0.0, second = 0.0;
	int first = 2 * (int)(0.5 * x + 5.0 * sqrt(sqrt(x) + 1.0) + 20.0);
	for (int k = first; k > 0; k--) {
		double below = 2.0 * k / x * here - above;
		above = here;
		here = below;
		if (k - 1 == 2)
			second = here;
		if ((k - 1) % 2 == 0)
			sum += k > 1 ? 2.0 * here : here;
		if (fabs(here) > 1e200) {
			above *= 1e-250;
			here *= 1e-250;
			sum *= 1e-250;
			second *= 1e-250;
		}
	}
	return second / sum;
}
