/* Numbers as CSV files write them. */
#ifndef QLSTM_DATA_CSV_NUMBER_H
#define QLSTM_DATA_CSV_NUMBER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* How numbers look: 1234.5 is {'.', 0}, 1.234,5 is {',', '.'}. `thousands` blank: also U+00A0 and U+202F. */
struct number_format {
	char decimal, thousands;
};

/* A sign, digits with a decimal mark, an exponent. Where thousands are marked at all, by groups of three. Hexadecimal,
 * "inf" and "nan" are no numbers: bad input must not travel on as NaN. */
bool number_has_format(const char *text, size_t length, struct number_format format);

/* The value, correctly rounded; false for what has not the format and for what is past the largest double. `scratch`
 * has room for length + 1 bytes. */
bool number_parse(const char *text, size_t length, struct number_format format, char *scratch, double *value);

/* The usual case, fast: [sign] digits [decimal digits], at most 15 digits, no exponent, no thousands. Where such a
 * number begins at `at` and ends before `end`, the place behind it; else NULL. Digits up to 2^53 divided by a power of
 * ten up to 10^22 are exact operands, so that the quotient is the correctly rounded value (Clinger 1990). */
static inline const char *number_scan(const char *at, const char *end, char decimal, double *value)
{
	static const double powers[] = {1e0, 1e1, 1e2,  1e3,  1e4,  1e5,  1e6,  1e7,
	                                1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15};
	bool negative = at < end && *at == '-';
	if (at < end && (*at == '-' || *at == '+'))
		at++;
	uint64_t digits = 0;
	const char *start = at;
	while (at < end && (unsigned char)(*at - '0') < 10)
		digits = digits * 10 + (unsigned char)(*at++ - '0');
	size_t n = (size_t)(at - start), fraction = 0;
	if (n > 15)
		return NULL;
	if (at < end && *at == decimal) {
		start = ++at;
		while (at < end && (unsigned char)(*at - '0') < 10)
			digits = digits * 10 + (unsigned char)(*at++ - '0');
		fraction = (size_t)(at - start);
	}
	if (n + fraction == 0 || n + fraction > 15)
		return NULL;
	double magnitude = (double)digits / powers[fraction];
	*value = negative ? -magnitude : magnitude;
	return at;
}

#endif
