/* JSON as text: jansson's, copied with every real shortened. */
#include "server/common/json_text.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "server/common/number.h"

/* The end of the string that starts at the quote `in`, behind its closing quote. */
static const char *skip_string(const char *in)
{
	for (in++; *in != '"'; in++)
		if (*in == '\\')
			in++;
	return in + 1;
}

static void write_number(FILE *out, const char *token, size_t length)
{
	bool is_real = memchr(token, '.', length) != NULL || memchr(token, 'e', length) != NULL;
	char shortest[NUMBER_SIZE];
	if (is_real)
		fwrite(shortest, 1, (size_t)number_text(shortest, strtod(token, NULL)), out);
	else
		fwrite(token, 1, length, out);
}

/* Outside of strings only numbers hold '-' or digits. */
static void copy(FILE *out, const char *in)
{
	while (*in != '\0') {
		size_t between = strcspn(in, "\"-0123456789");
		fwrite(in, 1, between, out);
		in += between;
		const char *end = in;
		if (*in == '"') {
			end = skip_string(in);
			fwrite(in, 1, (size_t)(end - in), out);
		} else if (*in != '\0') {
			end = in + strspn(in, "0123456789+-.eE");
			write_number(out, in, (size_t)(end - in));
		}
		in = end;
	}
}

static char *dump(const json_t *value, size_t flags)
{
	char *text = json_dumps(value, flags | JSON_ENCODE_ANY), *shorter = NULL;
	size_t length;
	FILE *out = text != NULL ? open_memstream(&shorter, &length) : NULL;
	if (out != NULL) {
		copy(out, text);
		bool failed = ferror(out) != 0;
		if (fclose(out) != 0 || failed) {
			free(shorter);
			shorter = NULL;
		}
	}
	free(text);
	return shorter;
}

char *json_text(const json_t *value)
{
	return dump(value, JSON_COMPACT);
}

char *json_text_indented(const json_t *value)
{
	return dump(value, JSON_INDENT(2));
}
