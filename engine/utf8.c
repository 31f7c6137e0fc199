/* UTF-8: well-formed characters, safe cuts, repair. */
#include "engine/utf8.h"

#include <string.h>

/* Well-formed byte sequences, Unicode 15, table 3-7: a range of lead bytes, the length, and the range of the second
 * byte, which is what keeps out overlong forms, surrogates and values past U+10FFFF. */
static const struct {
	unsigned char lead_low, lead_high, length, second_low, second_high;
} forms[] = {
    {0xc2, 0xdf, 2, 0x80, 0xbf}, {0xe0, 0xe0, 3, 0xa0, 0xbf}, {0xe1, 0xec, 3, 0x80, 0xbf}, {0xed, 0xed, 3, 0x80, 0x9f},
    {0xee, 0xef, 3, 0x80, 0xbf}, {0xf0, 0xf0, 4, 0x90, 0xbf}, {0xf1, 0xf3, 4, 0x80, 0xbf}, {0xf4, 0xf4, 4, 0x80, 0x8f},
};

size_t utf8_character(const char *text, size_t n)
{
	const unsigned char *bytes = (const unsigned char *)text;
	if (n == 0)
		return 0;
	if (bytes[0] < 0x80)
		return 1;
	for (size_t i = 0; i < sizeof forms / sizeof forms[0]; i++) {
		if (bytes[0] < forms[i].lead_low || bytes[0] > forms[i].lead_high)
			continue;
		if (n < forms[i].length || bytes[1] < forms[i].second_low || bytes[1] > forms[i].second_high)
			return 0;
		for (size_t k = 2; k < forms[i].length; k++)
			if ((bytes[k] & 0xc0) != 0x80)
				return 0;
		return forms[i].length;
	}
	return 0;
}

size_t utf8_control(const char *text)
{
	/* The byte behind the first one is looked at only where there must be one. */
	unsigned char first = (unsigned char)text[0], second = first == 0xc2 ? (unsigned char)text[1] : '\0';
	if (second >= 0x80 && second <= 0x9f)
		return 2;
	return first != '\0' && (first < ' ' || first == 0x7f);
}

size_t utf8_cut(const char *text, size_t limit)
{
	size_t length = strnlen(text, limit + 1);
	if (length <= limit)
		return length;
	/* At most three continuation bytes; text that is not UTF-8 is cut at the limit. */
	for (size_t back = 0; back <= 3 && back <= limit; back++)
		if (((unsigned char)text[limit - back] & 0xc0) != 0x80)
			return limit - back;
	return limit;
}

void utf8_clean(char *text)
{
	size_t left = strlen(text);
	while (left > 0) {
		size_t n = utf8_character(text, left);
		if (n == 0) {
			*text = '?';
			n = 1;
		}
		text += n;
		left -= n;
	}
}
