/* Sine and cosine of any angle. */
#include <math.h>

#include "engine/elementary/elementary.h"
#include "engine/elementary/number_bits.h"

/* An angle less a multiple of pi / 2, as a sum of two numbers. */
struct reduced {
	double head, tail;
	unsigned quadrant;
};

/* Cody and Waite: pi / 2 in three parts of 33 bits and a rest, whose multiples by a quadrant of 20 bits are exact. */
static struct reduced reduce_near(double angle)
{
	static const double parts[] = {0x1.921fb544p+0, 0x1.0b4611a6p-34, 0x1.3198a2ep-69};
	static const double rest[] = {0x1.0b4611a626331p-34, 0x1.3198a2e037073p-69, 0x1.b839a252049c1p-104};
	double n = rint(angle * 0x1.45f306dc9c883p-1), r = angle, w = 0.0, head = 0.0;
	/* Until less than a few digits of the rest are lost. */
	for (int k = 0; k < 3; k++) {
		double product = n * parts[k], before = r;
		r = before - product;
		/* What that difference lost: nothing in the first round. */
		w = n * rest[k] - ((before - r) - product);
		head = r - w;
		if (fabs(head) > fabs(angle) * (k == 0 ? 0x1p-16 : 0x1p-49))
			break;
	}
	return (struct reduced){head, (r - head) - w, (unsigned)(int)n};
}

/* The bits of 2 / pi behind the point, behind 64 zeros (Payne and Hanek, 1983). */
static const uint64_t two_over_pi[] = {0,
                                       0xa2f9836e4e441529,
                                       0xfc2757d1f534ddc0,
                                       0xdb6295993c439041,
                                       0xfe5163abdebbc561,
                                       0xb7246e3a424dd2e0,
                                       0x06492eea09d1921c,
                                       0xfe1deb1cb129a73e,
                                       0xe88235f52ebb4484,
                                       0xe99c7026b45f7e41,
                                       0x3991d639835339f4,
                                       0x9c845f8bbdf9283b,
                                       0x1ff897ffde05980f,
                                       0xef2f118b5a0a6d1f,
                                       0x6d367ecf27cb09b7,
                                       0x4f463f669e5fea2d,
                                       0x7527bac7ebe5f17b,
                                       0x3d0739f78a5292ea,
                                       0x6bfb5fb11f8d5d08,
                                       0x56033046fc7b6bab};

__extension__ typedef unsigned __int128 wide;

/* 64 bits of the table from bit `at` on. */
static uint64_t table_bits(unsigned at)
{
	unsigned word = at / 64, shift = at % 64;
	return shift == 0 ? two_over_pi[word] : two_over_pi[word] << shift | two_over_pi[word + 1] >> (64 - shift);
}

/* angle * 2 / pi modulo 4, in whole numbers: the mantissa times 192 bits of 2 / pi, of which those before are multiples
 * of 4 and those behind weigh nothing. The two highest bits of the product are the quadrant. */
static struct reduced reduce_far(double angle)
{
	uint64_t bits = number_bits(angle), mantissa = (bits & UINT64_C(0xfffffffffffff)) | UINT64_C(1) << 52;
	unsigned at = (unsigned)(bits >> 52 & 0x7ff) - 1023 - 52 - 2 + 64;
	wide low = (wide)mantissa * table_bits(at + 128), mid = (wide)mantissa * table_bits(at + 64);
	mid += low >> 64;
	uint64_t words[3] = {mantissa * table_bits(at) + (uint64_t)(mid >> 64), (uint64_t)mid, (uint64_t)low};
	unsigned quadrant = (unsigned)(words[0] >> 62);
	wide fraction = (wide)(words[0] << 2 | words[1] >> 62) << 64 | (words[1] << 2 | words[2] >> 62);
	/* To the nearest quadrant. */
	int below = (int)(fraction >> 127);
	if (below) {
		quadrant++;
		fraction = -fraction;
	}
	int shift = 0;
	for (; (fraction >> 127) == 0 && shift < 100; shift++)
		fraction <<= 1;
	uint64_t top = (uint64_t)(fraction >> 75), next = (uint64_t)(fraction >> 22) & UINT64_C(0x1fffffffffffff);
	double unit = number_power_of_two(-53 - shift), high = (double)top * unit,
	       rest = (double)next * (unit * 0x1p-53);
	double head = high * 0x1.921fb54442d18p+0;
	double tail = fma(high, 0x1.921fb54442d18p+0, -head) + (high * 0x1.1a62633145c07p-54 + rest * M_PI_2);
	double sign = (below != 0) != (angle < 0) ? -1.0 : 1.0, sum = head + tail;
	return (struct reduced){sign * sum, sign * (tail - (sum - head)), angle < 0 ? 0u - quadrant : quadrant};
}

static struct reduced reduce(double angle)
{
	double a = fabs(angle);
	if (a <= M_PI_4)
		return (struct reduced){angle, 0.0, 0};
	if (a < 0x1p20)
		return reduce_near(angle);
	if (a < INFINITY)
		return reduce_far(angle);
	return (struct reduced){NAN, NAN, 0};
}

/* Up to pi / 4; polynomials of fdlibm (k_sin.c, k_cos.c). */
static double sine_near(struct reduced r)
{
	static const double c[] = {8.33333333332248946124e-03, -1.98412698298579493134e-04, 2.75573137070700676789e-06,
	                           -2.50507602534068634195e-08, 1.58969099521155010221e-10};
	double x = r.head, z = x * x, v = z * x, p = number_polynomial(c, 5, z);
	return x - ((z * (0.5 * r.tail - v * p) - r.tail) + v * 1.66666666666666324348e-01);
}

static double cosine_near(struct reduced r)
{
	static const double c[] = {4.16666666666666019037e-02, -1.38888888888741095749e-03,
	                           2.48015872894767294178e-05, -2.75573143513906633035e-07,
	                           2.08757232129817482790e-09, -1.13596475577881948265e-11};
	double z = r.head * r.head, half = 0.5 * z, w = 1.0 - half;
	return w + (((1.0 - w) - half) + (z * z * number_polynomial(c, 6, z) - r.head * r.tail));
}

void elementary_cosine_sine(double angle, double *cosine, double *sine)
{
	struct reduced r = reduce(angle);
	double s = sine_near(r), c = cosine_near(r);
	*sine = r.quadrant & 1 ? c : s;
	*cosine = r.quadrant & 1 ? s : c;
	if (r.quadrant & 2)
		*sine = -*sine;
	if ((r.quadrant + 1) & 2)
		*cosine = -*cosine;
}

double elementary_sin(double angle)
{
	struct reduced r = reduce(angle);
	double value = r.quadrant & 1 ? cosine_near(r) : sine_near(r);
	return r.quadrant & 2 ? -value : value;
}

double elementary_cos(double angle)
{
	struct reduced r = reduce(angle);
	double value = r.quadrant & 1 ? sine_near(r) : cosine_near(r);
	return (r.quadrant + 1) & 2 ? -value : value;
}
