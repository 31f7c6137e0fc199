/* JSON as text: jansson's, copied with every real shortened. */
#include "server/common/json_text.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "engine/text.h"
#include "server/common/number.h"

/* The end of the string that starts at the quote `in`, behind its closing quote. */
static const char *skip_string(const char *in)
{
	for (in++; *in != '"'; in++)
		if (*in == '\\')
			in++;
	return in + 1;
}

static void write_number(struct text *out, const char *token, size_t length)
{
	bool is_real = memchr(token, '.', length) != NULL || memchr(token, 'e', length) != NULL;
	char shortest[NUMBER_SIZE];
	if (is_real)
		text_write(out, shortest, (size_t)number_text(shortest, strtod(token, NULL)));
	else
		text_write(out, token, length);
}

/* Outside of strings only numbers hold '-' or digits. */
static void copy(struct text *out, const char *in)
{
	while (*in != '\0') {
		size_t between = strcspn(in, "\"-0123456789");
		text_write(out, in, between);
		in += between;
		const char *end = in;
		if (*in == '"') {
			end = skip_string(in);
			text_write(out, in, (size_t)(end - in));
		} else if (*in != '\0') {
			end = in + strspn(in, "0123456789+-.eE");
			write_number(out, in, (size_t)(end - in));
		}
		in = end;
	}
}

/* In place of json_dumps, which leaves out keys of objects that it has no room for. */
static char *dump_with_jansson(const json_t *value, size_t flags)
{
	size_t length = value != NULL ? json_dumpb(value, NULL, 0, flags) : 0;
	char *text = length > 0 ? malloc(length + 1) : NULL;
	if (text == NULL || json_dumpb(value, text, length, flags) != length) {
		free(text);
		return NULL;
	}
	text[length] = '\0';
	return text;
}

static char *dump(const json_t *value, size_t flags)
{
	char *text = dump_with_jansson(value, flags | JSON_ENCODE_ANY), *shorter = NULL;
	struct text out = {0};
	size_t length;
	if (text == NULL)
		return NULL;
	copy(&out, text);
	free(text);
	return text_take(&out, &shorter, &length) == 0 ? shorter : NULL;
}

char *json_text(const json_t *value)
{
	return dump(value, JSON_COMPACT);
}

char *json_text_indented(const json_t *value)
{
	return dump(value, JSON_INDENT(2));
}

json_t *json_number_or_null(double value)
{
	return isfinite(value) ? json_real(value) : json_null();
}
