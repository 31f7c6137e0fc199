/* One value against its schema. */
#include "schema/scalar.h"

#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "engine/utf8.h"
#include "schema/suggest.h"

#define MAX_INTEGER 9007199254740992.0 /* 2^53: beyond it a double skips integers */
#define MAX_CHOICES 16
#define RANGE_SIZE  96

static bool is_whole(const json_t *value)
{
	double number = json_number_value(value);
	return json_is_integer(value) ||
	       (json_is_real(value) && number == floor(number) && fabs(number) <= MAX_INTEGER);
}

static bool is_string(const json_t *value)
{
	return json_is_string(value);
}

static bool is_number(const json_t *value)
{
	return json_is_number(value);
}

static bool is_boolean(const json_t *value)
{
	return json_is_boolean(value);
}

static bool is_object(const json_t *value)
{
	return json_is_object(value);
}

static bool is_array(const json_t *value)
{
	return json_is_array(value);
}

static const struct type {
	const char *name, *words;
	bool (*fits)(const json_t *value);
} types[] = {
    {"string", "a string", is_string},  {"integer", "an integer", is_whole},
    {"number", "a number", is_number},  {"boolean", "a boolean (true or false)", is_boolean},
    {"object", "an object", is_object}, {"array", "an array", is_array},
};

static const struct type *find_type(const char *name)
{
	for (size_t i = 0; i < sizeof types / sizeof types[0]; i++)
		if (strcmp(types[i].name, name) == 0)
			return &types[i];
	return NULL;
}

/* Whether the value is of the type named; if not, the type is added to the words for what was expected. */
static bool fits(const json_t *name, const json_t *value, char *words, size_t size)
{
	const struct type *type = find_type(json_string_value(name));
	if (type == NULL || type->fits(value))
		return true;
	if (words[0] != '\0')
		place_add(words, size, " or ");
	place_add(words, size, type->words);
	return false;
}

struct range {
	const json_t *lower, *upper; /* NULL: no bound */
	bool lower_open, upper_open; /* the bound itself is excluded */
};

static struct range number_range(const json_t *schema)
{
	struct range range = {.lower = keyword(schema, KEYWORD_MINIMUM), .upper = keyword(schema, KEYWORD_MAXIMUM)};
	const json_t *lower = keyword(schema, KEYWORD_EXCLUSIVE_MINIMUM);
	const json_t *upper = keyword(schema, KEYWORD_EXCLUSIVE_MAXIMUM);
	if (lower != NULL) {
		range.lower = lower;
		range.lower_open = true;
	}
	if (upper != NULL) {
		range.upper = upper;
		range.upper_open = true;
	}
	return range;
}

static bool in_range(const struct range *range, double number)
{
	double lower = range->lower != NULL ? json_number_value(range->lower) : -INFINITY;
	double upper = range->upper != NULL ? json_number_value(range->upper) : INFINITY;
	return (range->lower_open ? number > lower : number >= lower) &&
	       (range->upper_open ? number < upper : number <= upper);
}

static bool is_closed(const struct range *range)
{
	return range->lower != NULL && range->upper != NULL && !range->lower_open && !range->upper_open;
}

/* "1 to 25", "greater than 0 and less than 1", "" without bounds */
static void bounds_words(const struct range *range, char out[RANGE_SIZE])
{
	char lower[PLACE_VALUE_SIZE] = "", upper[PLACE_VALUE_SIZE] = "";
	if (range->lower != NULL)
		place_value(range->lower, lower);
	if (range->upper != NULL)
		place_value(range->upper, upper);
	out[0] = '\0';
	if (is_closed(range)) {
		place_add(out, RANGE_SIZE, lower);
		place_add(out, RANGE_SIZE, " to ");
		place_add(out, RANGE_SIZE, upper);
		return;
	}
	if (range->lower != NULL) {
		place_add(out, RANGE_SIZE, range->lower_open ? "greater than " : "at least ");
		place_add(out, RANGE_SIZE, lower);
	}
	place_add(out, RANGE_SIZE, range->lower != NULL && range->upper != NULL ? " and " : "");
	if (range->upper != NULL) {
		place_add(out, RANGE_SIZE, range->upper_open ? "less than " : "at most ");
		place_add(out, RANGE_SIZE, upper);
	}
}

/* "allowed are 1 to 25", "it must be greater than 0 and less than 1" */
static void range_words(const struct range *range, char out[RANGE_SIZE])
{
	char bounds[RANGE_SIZE];
	bounds_words(range, bounds);
	out[0] = '\0';
	place_add(out, RANGE_SIZE, is_closed(range) ? "allowed are " : "it must be ");
	place_add(out, RANGE_SIZE, bounds);
}

/* Behind the words for a type: " from 1 to 25", ", greater than 0 and less than 1" */
static void add_range(const json_t *schema, char *words, size_t size)
{
	struct range range = number_range(schema);
	char bounds[RANGE_SIZE];
	bounds_words(&range, bounds);
	if (bounds[0] == '\0')
		return;
	place_add(words, size, is_closed(&range) ? " from " : ", ");
	place_add(words, size, bounds);
}

/* A string without quotes, a number. */
static const char *plain(const json_t *value, char text[PLACE_VALUE_SIZE])
{
	text[0] = '\0';
	if (json_is_number(value))
		place_value(value, text);
	else
		place_add(text, PLACE_VALUE_SIZE, json_string_value(value));
	return text;
}

static int check_type(const json_t *schema, const struct place *place, const json_t *value, struct qlstm_error *error)
{
	const json_t *type = keyword(schema, KEYWORD_TYPE);
	char words[64 + RANGE_SIZE] = "";
	if (type == NULL || (json_is_string(type) && fits(type, value, words, sizeof words)))
		return 0;
	for (size_t i = 0; i < json_array_size(type); i++)
		if (fits(json_array_get(type, i), value, words, sizeof words))
			return 0;
	char pointer[PLACE_POINTER_SIZE], name[PLACE_NAME_SIZE], shown[PLACE_VALUE_SIZE], text[PLACE_VALUE_SIZE];
	place_pointer(place, pointer);
	place_name(place, name);
	place_value(value, shown);
	add_range(schema, words, sizeof words);
	const char *member = json_string_value(json_object_get(schema, "x-short"));
	bool simple = json_is_string(value) || json_is_number(value);
	const char *quote = json_is_string(value) ? "\"" : "";
	if (simple && member != NULL)
		return error_set(error, ERR_WRONG_TYPE, pointer, "%s is %s; it must be %s: {\"%s\": %s%s%s}", name,
		                 shown, words, member, quote, plain(value, text), quote);
	if (simple && json_is_string(type) && strcmp(json_string_value(type), "array") == 0)
		return error_set(error, ERR_WRONG_TYPE, pointer, "%s is %s; it must be %s: [%s%s%s]", name, shown,
		                 words, quote, plain(value, text), quote);
	return error_set(error, ERR_WRONG_TYPE, pointer, "%s is %s; it must be %s", name, shown, words);
}

int scalar_check_count(const json_t *schema, const struct place *place, size_t count, const char *noun,
                       enum keyword minimum, enum keyword maximum, struct qlstm_error *error)
{
	struct range range = {.lower = keyword(schema, minimum), .upper = keyword(schema, maximum)};
	if (in_range(&range, (double)count))
		return 0;
	char pointer[PLACE_POINTER_SIZE], name[PLACE_NAME_SIZE], words[RANGE_SIZE];
	place_pointer(place, pointer);
	place_name(place, name);
	range_words(&range, words);
	return error_set(error, ERR_OUT_OF_RANGE, pointer, "%s has %zu %s; %s", name, count, noun, words);
}

static int check_range(const json_t *schema, const struct place *place, const json_t *value, struct qlstm_error *error)
{
	struct range range = number_range(schema);
	if (in_range(&range, json_number_value(value)))
		return 0;
	char pointer[PLACE_POINTER_SIZE], name[PLACE_NAME_SIZE], shown[PLACE_VALUE_SIZE], words[RANGE_SIZE];
	place_pointer(place, pointer);
	place_name(place, name);
	place_value(value, shown);
	range_words(&range, words);
	return error_set(error, ERR_OUT_OF_RANGE, pointer, "%s is %s; %s", name, shown, words);
}

/* enum and const; ours are strings. */
static int check_choice(const json_t *schema, const struct place *place, const json_t *value, struct qlstm_error *error)
{
	const json_t *choices = keyword(schema, KEYWORD_ENUM);
	const json_t *only = keyword(schema, KEYWORD_CONST);
	const char *names[MAX_CHOICES];
	size_t n = 0;
	for (size_t i = 0; i < json_array_size(choices) && n < MAX_CHOICES; i++)
		names[n++] = json_string_value(json_array_get(choices, i));
	if (only != NULL)
		names[n++] = json_string_value(only);
	if (n == 0)
		return 0;
	for (size_t i = 0; i < n && json_is_string(value); i++)
		if (strcmp(names[i], json_string_value(value)) == 0)
			return 0;
	return suggest_choice(place, value, names, n, error);
}

int scalar_check(const json_t *schema, const struct place *place, const json_t *value, struct qlstm_error *error)
{
	int rc = check_choice(schema, place, value, error);
	return rc == 0 ? check_type(schema, place, value, error) : rc;
}

static size_t count_characters(const char *text)
{
	size_t n = 0;
	for (; *text != '\0'; text++)
		n += ((unsigned char)*text & 0xc0) != 0x80;
	return n;
}

/* Our schema has one pattern: a text without control characters. */
static int check_pattern(const json_t *schema, const struct place *place, const char *text, struct qlstm_error *error)
{
	size_t clean = 0;
	while (text[clean] != '\0' && utf8_control(text + clean) == 0)
		clean++;
	if (keyword(schema, KEYWORD_PATTERN) == NULL || text[clean] == '\0')
		return 0;
	char pointer[PLACE_POINTER_SIZE], name[PLACE_NAME_SIZE];
	place_pointer(place, pointer);
	place_name(place, name);
	return error_set(error, ERR_INVALID, pointer,
	                 "%s holds a control character, byte %zu; it must be one line of text", name, clean + 1);
}

int scalar_resolve(const json_t *schema, const struct place *place, const json_t *value, json_t **out,
                   struct qlstm_error *error)
{
	int rc = 0;
	if (json_is_string(value))
		rc = scalar_check_count(schema, place, count_characters(json_string_value(value)), "characters",
		                        KEYWORD_MIN_LENGTH, KEYWORD_MAX_LENGTH, error);
	else if (json_is_number(value))
		rc = check_range(schema, place, value, error);
	if (rc == 0 && json_is_string(value))
		rc = check_pattern(schema, place, json_string_value(value), error);
	if (rc != 0)
		return rc;
	*out = json_is_real(value) && is_whole(value) ? json_integer((json_int_t)json_real_value(value))
	                                              : json_deep_copy(value);
	if (*out == NULL)
		return error_set(error, ERR_OUT_OF_MEMORY, NULL, "out of memory");
	return 0;
}
