/* JSON as text: jansson's, with reals shortened where nothing is lost. */
#include "server/http/json_text.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SHORT_ENOUGH = 16, NUMBER_SIZE = 40 };

/* Rewrites the number token [in, in + length) at `out` and returns its new end; never longer than it was. */
static char *shorten_number(char *out, const char *in, size_t length)
{
	char token[NUMBER_SIZE], shorter[NUMBER_SIZE];
	bool is_real = memchr(in, '.', length) != NULL || memchr(in, 'e', length) != NULL;
	if (is_real && length > SHORT_ENOUGH && length < sizeof token) {
		memcpy(token, in, length);
		token[length] = '\0';
		double value = strtod(token, NULL);
		for (int digits = 15; digits <= 16; digits++) {
			int size = snprintf(shorter, sizeof shorter, "%.*g", digits, value);
			if (strtod(shorter, NULL) != value || strpbrk(shorter, ".e") == NULL)
				continue;
			memcpy(out, shorter, (size_t)size);
			return out + size;
		}
	}
	memmove(out, in, length);
	return out + length;
}

/* The end of the string that starts at the quote `in`, behind its closing quote. */
static const char *skip_string(const char *in)
{
	for (in++; *in != '"'; in++)
		if (*in == '\\')
			in++;
	return in + 1;
}

char *json_text(const json_t *value)
{
	char *text = json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY);
	if (text == NULL)
		return NULL;
	char *out = text;
	for (const char *in = text; *in != '\0';) {
		const char *end = in + 1;
		if (*in == '"') {
			end = skip_string(in);
		} else if (*in == '-' || (*in >= '0' && *in <= '9')) {
			size_t length = strspn(in, "0123456789+-.eE");
			out = shorten_number(out, in, length);
			in += length;
			continue;
		}
		memmove(out, in, (size_t)(end - in));
		out += end - in;
		in = end;
	}
	*out = '\0';
	return text;
}
