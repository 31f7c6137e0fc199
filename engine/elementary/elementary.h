/* Elementary functions whose results are the same bytes on every machine, where a libm's are not: its sin, exp or pow
 * differs in the last digit from library to library, and within one from processor to processor. Sums, products,
 * quotients and square roots are exact in IEEE 754, so these are made of nothing else, without a fused multiply-add.
 * What reaches a weight calls these and no other; fma, sqrt, floor and rint of a libm are exact and may be used.
 *
 * Within 1 unit in the last place unless said otherwise. A NaN gives a NaN. Some 10 ns each. Coefficients are Chebyshev
 * fits unless a source is named. */
#ifndef QLSTM_ELEMENTARY_ELEMENTARY_H
#define QLSTM_ELEMENTARY_ELEMENTARY_H

/* Of any angle, also of 1e300. Of an infinite one a NaN. */
double elementary_sin(double angle);
double elementary_cos(double angle);
void elementary_cosine_sine(double angle, double *cosine, double *sine);

double elementary_exp(double x);
/* exp(x) - 1; within 2 units. */
double elementary_expm1(double x);
/* Of zero minus infinity, below it a NaN. */
double elementary_log(double x);
/* log(1 + x); within 2 units. */
double elementary_log1p(double x);
/* base^exponent for 0 <= base <= 1: by squaring, in twice the digits. */
double elementary_power(double base, unsigned long long exponent);

/* Within 3 units. */
double elementary_tanh(double x);
double elementary_atan(double x);
/* Beyond -1 to 1 a NaN. */
double elementary_asin(double x);
double elementary_acos(double x);

/* 2 / sqrt(pi) times the integral of exp(-t^2) from 0 to x; within 2 units. */
double elementary_erf(double x);
/* The Bessel function of the first kind of order 2, for 0 < x < 1000; within 1e-15. */
double elementary_bessel_j2(double x);

#endif
