/* The shortest decimal of a double. */
#include "engine/number.h"

#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A decimal of up to 15 digits survives the way into a normal double and back, and %g drops zeros at the end: 15 digits
 * show the shortest form where there is one that short. Subnormal numbers have fewer digits to tell apart. */
static int first_digits(double value)
{
	return fabs(value) < DBL_MIN ? 1 : DBL_DIG;
}

/* "5.9e-05" -> "5.9e-5", "1e+22" -> "1e22". */
static int trim_exponent(char *text)
{
	char *exponent = strchr(text, 'e');
	if (exponent == NULL)
		return (int)strlen(text);
	char *out = exponent + 1;
	const char *in = out;
	if (*in == '-')
		*out++ = *in;
	in += strspn(in, "+-0");
	memmove(out, in, strlen(in) + 1);
	return (int)strlen(text);
}

int number_text(char out[NUMBER_SIZE], double value)
{
	char text[NUMBER_SIZE] = "";
	for (int digits = first_digits(value); digits <= DBL_DECIMAL_DIG; digits++) {
		snprintf(text, sizeof text, "%.*g", digits, value);
		if (strtod(text, NULL) == value)
			break;
	}
	if (strpbrk(text, ".e") == NULL)
		memcpy(text + strlen(text), ".0", 3);
	int length = trim_exponent(text);
	memcpy(out, text, (size_t)length + 1);
	return length;
}
