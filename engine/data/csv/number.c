/* Numbers as CSV files write them. */
#include "engine/data/csv/number.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static size_t count_digits(const char *text, size_t length)
{
	size_t n = 0;
	while (n < length && is_digit(text[n]))
		n++;
	return n;
}

/* Bytes of the mark of thousands that the text begins with; 0: none. */
static size_t mark_length(const char *text, size_t length, char thousands)
{
	if (thousands == '\0' || length == 0)
		return 0;
	if (*text == thousands)
		return 1;
	if (thousands == '\'')
		return length >= 3 && memcmp(text, "\xe2\x80\x99", 3) == 0 ? 3 : 0;
	if (thousands != ' ')
		return 0;
	if (length >= 2 && memcmp(text, "\xc2\xa0", 2) == 0)
		return 2;
	return length >= 3 && memcmp(text, "\xe2\x80\xaf", 3) == 0 ? 3 : 0;
}

/* Bytes of the whole part: digits, and where thousands are marked groups of three behind the first. -1: groups of
 * others.
 */
static long whole_length(const char *text, size_t length, char thousands)
{
	size_t at = count_digits(text, length), mark = mark_length(text + at, length - at, thousands);
	if (at == 0 || mark == 0)
		return (long)at;
	if (at > 3)
		return -1;
	for (; mark > 0; mark = mark_length(text + at, length - at, thousands)) {
		if (count_digits(text + at + mark, length - at - mark) != 3)
			return -1;
		at += mark + 3;
	}
	return (long)at;
}

/* Bytes of an exponent; -1 where a mark of one has no digits. */
static long exponent_length(const char *text, size_t length)
{
	if (length == 0 || (*text != 'e' && *text != 'E'))
		return 0;
	size_t sign = length > 1 && (text[1] == '+' || text[1] == '-');
	size_t digits = count_digits(text + 1 + sign, length - 1 - sign);
	return digits > 0 ? (long)(1 + sign + digits) : -1;
}

/* Bytes of a sign; the minus of typographers is one. */
static size_t sign_length(const char *text, size_t length)
{
	if (length > 0 && (*text == '+' || *text == '-'))
		return 1;
	return length >= 3 && memcmp(text, "\xe2\x88\x92", 3) == 0 ? 3 : 0;
}

bool number_has_format(const char *text, size_t length, struct number_format format)
{
	size_t at = sign_length(text, length);
	long whole = whole_length(text + at, length - at, format.thousands);
	if (whole < 0)
		return false;
	at += (size_t)whole;
	size_t fraction = 0;
	if (at < length && text[at] == format.decimal) {
		fraction = count_digits(text + at + 1, length - at - 1);
		at += 1 + fraction;
	}
	long exponent = exponent_length(text + at, length - at);
	return whole + (long)fraction > 0 && exponent >= 0 && at + (size_t)exponent == length;
}

/* A number that has the format, as C writes it: what is none of its characters marks thousands. */
static void normalise(const char *text, size_t length, char decimal, char *out)
{
	if (sign_length(text, length) == 3)
		*out++ = '-';
	for (size_t i = 0; i < length; i++) {
		if (text[i] == decimal)
			*out++ = '.';
		else if (is_digit(text[i]) || strchr("+-eE", text[i]) != NULL)
			*out++ = text[i];
	}
	*out = '\0';
}

bool number_parse(const char *text, size_t length, struct number_format format, char *scratch, double *value)
{
	const char *end = number_scan(text, text + length, format.decimal, value);
	if (end == text + length)
		return true;
	if (!number_has_format(text, length, format))
		return false;
	normalise(text, length, format.decimal, scratch);
	*value = strtod(scratch, NULL); /* the process never leaves the C locale */
	return isfinite(*value);
}
