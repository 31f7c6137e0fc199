/* Places and values in words. */
#include "schema/place/place.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/utf8.h"

#define QUOTE_LIMIT 40

struct place place_key(const struct place *parent, const char *key)
{
	return (struct place){.parent = parent, .key = key, .depth = parent->depth + 1};
}

struct place place_item(const struct place *parent, size_t index)
{
	return (struct place){.parent = parent, .index = index, .depth = parent->depth + 1};
}

static void add_bytes(char *out, size_t size, const char *bytes, size_t n)
{
	size_t used = strlen(out);
	size_t room = size - 1 - used;
	if (n > room)
		n = utf8_cut(bytes, room);
	memcpy(out + used, bytes, n);
	out[used + n] = '\0';
}

void place_add(char *out, size_t size, const char *text)
{
	add_bytes(out, size, text, strlen(text));
}

void place_add_token(char *out, size_t size, const char *key)
{
	place_add(out, size, "/");
	while (*key != '\0') {
		size_t plain = strcspn(key, "~/");
		add_bytes(out, size, key, plain);
		key += plain;
		if (*key == '\0')
			return;
		place_add(out, size, *key == '~' ? "~0" : "~1");
		key++;
	}
}

static void add_quoted(char *out, size_t size, const char *text)
{
	size_t shown = utf8_cut(text, QUOTE_LIMIT);
	place_add(out, size, "'");
	add_bytes(out, size, text, shown);
	place_add(out, size, text[shown] == '\0' ? "'" : "...'");
}

void place_add_choice(char *out, size_t size, const char *choice)
{
	if (out[0] != '\0')
		place_add(out, size, ", ");
	add_quoted(out, size, choice);
}

void place_pointer(const struct place *place, char out[PLACE_POINTER_SIZE])
{
	if (place->parent == NULL) {
		out[0] = '\0';
		return;
	}
	place_pointer(place->parent, out);
	char index[24];
	snprintf(index, sizeof index, "%zu", place->index);
	place_add_token(out, PLACE_POINTER_SIZE, place->key != NULL ? place->key : index);
}

void place_name(const struct place *place, char out[PLACE_NAME_SIZE])
{
	out[0] = '\0';
	if (place->parent == NULL) {
		place_add(out, PLACE_NAME_SIZE, "the request");
	} else if (place->key != NULL) {
		add_bytes(out, PLACE_NAME_SIZE, place->key, utf8_cut(place->key, QUOTE_LIMIT));
	} else {
		char index[24];
		snprintf(index, sizeof index, "[%zu]", place->index);
		place_name(place->parent, out);
		place_add(out, PLACE_NAME_SIZE, index);
	}
}

void place_number(double number, char out[32])
{
	for (int digits = 15; digits <= 17; digits++) {
		snprintf(out, 32, "%.*g", digits, number);
		if (strtod(out, NULL) == number)
			return;
	}
}

void place_value(const json_t *value, char out[PLACE_VALUE_SIZE])
{
	out[0] = '\0';
	if (json_is_string(value))
		add_quoted(out, PLACE_VALUE_SIZE, json_string_value(value));
	else if (json_is_integer(value))
		snprintf(out, PLACE_VALUE_SIZE, "%lld", (long long)json_integer_value(value));
	else if (json_is_real(value))
		place_number(json_real_value(value), out);
	else if (json_is_boolean(value))
		place_add(out, PLACE_VALUE_SIZE, json_is_true(value) ? "true" : "false");
	else
		place_add(out, PLACE_VALUE_SIZE, place_type(value));
}

const char *place_type(const json_t *value)
{
	static const char *const names[] = {
	    [JSON_OBJECT] = "an object",   [JSON_ARRAY] = "an array", [JSON_STRING] = "a string",
	    [JSON_INTEGER] = "an integer", [JSON_REAL] = "a number",  [JSON_TRUE] = "a boolean",
	    [JSON_FALSE] = "a boolean",    [JSON_NULL] = "null",
	};
	return names[json_typeof(value)];
}
