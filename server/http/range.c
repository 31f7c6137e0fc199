/* The Range header. */
#include "server/http/range.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <strings.h>

/* Digits at *text into *value, saturating; false when there are none. */
static bool read_number(const char **text, size_t *value)
{
	const char *start = *text;
	*value = 0;
	for (; **text >= '0' && **text <= '9'; (*text)++) {
		size_t digit = (size_t)(**text - '0');
		*value = *value > (SIZE_MAX - digit) / 10 ? SIZE_MAX : *value * 10 + digit;
	}
	return *text > start;
}

enum range_result range_parse(const char *header, size_t length, size_t *first, size_t *count)
{
	if (header == NULL || strncasecmp(header, "bytes=", 6) != 0)
		return RANGE_WHOLE;
	const char *text = header + 6;
	size_t from = 0, to = 0;
	bool has_from = read_number(&text, &from);
	if (*text++ != '-')
		return RANGE_WHOLE;
	bool has_to = read_number(&text, &to);
	if (*text != '\0' || (!has_from && !has_to) || (has_from && has_to && to < from))
		return RANGE_WHOLE;

	if (!has_from) { /* the last `to` bytes */
		if (to == 0 || length == 0)
			return RANGE_UNSATISFIABLE;
		*count = to < length ? to : length;
		*first = length - *count;
		return RANGE_PART;
	}
	if (from >= length)
		return RANGE_UNSATISFIABLE;
	*first = from;
	*count = (has_to && to < length ? to + 1 : length) - from;
	return RANGE_PART;
}
