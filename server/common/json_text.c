/* JSON as text. */
#include "server/common/json_text.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/number.h"
#include "engine/text.h"
#include "engine/utf8.h"

/* Where a value is written. */
struct writer {
	struct text *out;
	int indent; /* blanks a level; 0: compact */
	int depth;
};

static void write_value(struct writer *writer, const json_t *value);

static void put(struct writer *writer, const char *text)
{
	text_write(writer->out, text, strlen(text));
}

/* To the next line of an indented text. */
static void next_line(struct writer *writer)
{
	if (writer->indent == 0)
		return;
	put(writer, "\n");
	for (int i = 0; i < writer->indent * writer->depth; i++)
		put(writer, " ");
}

static void write_escape(struct writer *writer, unsigned char c)
{
	static const char named[] = "\"\"\\\\\bb\ff\nn\rr\tt"; /* a character and how it is written, in turn */
	char escape[8];
	const char *name = memchr(named, c, sizeof named - 1);
	if (name != NULL)
		snprintf(escape, sizeof escape, "\\%c", name[1]);
	else
		snprintf(escape, sizeof escape, "\\u%04X", c);
	put(writer, escape);
}

static void write_string(struct writer *writer, const char *bytes, size_t length)
{
	size_t from = 0;
	put(writer, "\"");
	for (size_t i = 0; i < length; i++) {
		unsigned char c = (unsigned char)bytes[i];
		if (c >= 0x20 && c != '"' && c != '\\')
			continue;
		text_write(writer->out, bytes + from, i - from);
		write_escape(writer, c);
		from = i + 1;
	}
	text_write(writer->out, bytes + from, length - from);
	put(writer, "\"");
}

static void write_array(struct writer *writer, const json_t *array)
{
	size_t i;
	json_t *item;
	put(writer, "[");
	writer->depth++;
	json_array_foreach(array, i, item)
	{
		put(writer, i > 0 ? "," : "");
		next_line(writer);
		write_value(writer, item);
	}
	writer->depth--;
	if (json_array_size(array) > 0)
		next_line(writer);
	put(writer, "]");
}

static void write_object(struct writer *writer, const json_t *object)
{
	const char *key, *comma = "";
	json_t *item;
	put(writer, "{");
	writer->depth++;
	json_object_foreach((json_t *)object, key, item)
	{
		put(writer, comma);
		comma = ",";
		next_line(writer);
		write_string(writer, key, strlen(key));
		put(writer, writer->indent > 0 ? ": " : ":");
		write_value(writer, item);
	}
	writer->depth--;
	if (json_object_size(object) > 0)
		next_line(writer);
	put(writer, "}");
}

static void write_number(struct writer *writer, const json_t *value)
{
	char number[NUMBER_SIZE];
	if (json_is_integer(value))
		snprintf(number, sizeof number, "%" JSON_INTEGER_FORMAT, json_integer_value(value));
	else
		number_text(number, json_real_value(value));
	put(writer, number);
}

static void write_value(struct writer *writer, const json_t *value)
{
	switch (json_typeof(value)) {
	case JSON_OBJECT:
		write_object(writer, value);
		break;
	case JSON_ARRAY:
		write_array(writer, value);
		break;
	case JSON_STRING:
		write_string(writer, json_string_value(value), json_string_length(value));
		break;
	case JSON_INTEGER:
	case JSON_REAL:
		write_number(writer, value);
		break;
	default:
		put(writer, json_is_true(value) ? "true" : json_is_false(value) ? "false" : "null");
	}
}

static char *text_of(const json_t *value, int indent)
{
	struct text out = {0};
	struct writer writer = {.out = &out, .indent = indent};
	char *text = NULL;
	size_t length;
	if (value == NULL)
		return NULL;
	write_value(&writer, value);
	return text_take(&out, &text, &length) == 0 ? text : NULL;
}

char *json_text(const json_t *value)
{
	return text_of(value, 0);
}

char *json_text_indented(const json_t *value)
{
	return text_of(value, 2);
}

bool json_write_string(struct text *out, const char *text)
{
	size_t length = strlen(text), character;
	for (size_t at = 0; at < length; at += character) {
		character = utf8_character(text + at, length - at);
		if (character == 0)
			return false;
	}
	write_string(&(struct writer){.out = out}, text, length);
	return true;
}

void json_write_member(struct text *out, const char *name, const char *text)
{
	text_print(out, ",\"%s\":", name);
	if (text == NULL || !json_write_string(out, text))
		text_write(out, "null", 4);
}

void json_write_real(struct text *out, double value)
{
	char number[NUMBER_SIZE];
	if (isfinite(value))
		number_text(number, value);
	text_print(out, "%s", isfinite(value) ? number : "null");
}

json_t *json_number_or_null(double value)
{
	return isfinite(value) ? json_real(value) : json_null();
}
