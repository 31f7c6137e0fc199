/* Walks over the text of a request, token by token, and remembers the way from the root. */
#include "schema/overflow.h"

#include <errno.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAX_DEPTH   16 /* our schema reaches 6 */
#define KEY_SIZE    64
#define NUMBER_SIZE 400 /* longer ones are cut: they are too large, or their tail decides nothing */

struct level {
	bool array;
	size_t index;
	char key[KEY_SIZE]; /* as written, escapes included */
};

struct walk {
	const char *at, *end;
	struct level levels[MAX_DEPTH];
	size_t depth;
};

/* From the opening quote to behind the closing one; the text between them in `out`. */
static void skip_string(struct walk *walk, char out[KEY_SIZE])
{
	const char *start = ++walk->at;
	while (walk->at < walk->end && *walk->at != '"')
		walk->at += *walk->at == '\\' && walk->at + 1 < walk->end ? 2 : 1;
	size_t length = (size_t)(walk->at - start);
	if (length >= KEY_SIZE)
		length = KEY_SIZE - 1;
	memcpy(out, start, length);
	out[length] = '\0';
	walk->at += walk->at < walk->end;
}

/* To behind the number; whether it is too large, as jansson decides it. */
static bool skip_number(struct walk *walk, char out[NUMBER_SIZE])
{
	const char *start = walk->at;
	while (walk->at < walk->end && *walk->at != '\0' && strchr("+-.0123456789eE", *walk->at) != NULL)
		walk->at++;
	size_t length = (size_t)(walk->at - start);
	if (length >= NUMBER_SIZE)
		length = NUMBER_SIZE - 1;
	memcpy(out, start, length);
	out[length] = '\0';
	errno = 0;
	if (strpbrk(out, ".eE") == NULL)
		return strtoll(out, NULL, 10) != 0 && errno == ERANGE;
	return isinf(strtod(out, NULL));
}

static bool open_level(struct walk *walk, bool array)
{
	if (walk->depth == MAX_DEPTH)
		return false;
	walk->levels[walk->depth++] = (struct level){.array = array};
	return true;
}

/* `level` levels of the walk as places; calls itself, so that each lives on the stack. */
static void describe(const struct walk *walk, size_t level, const struct place *parent, struct overflow *out)
{
	if (level == walk->depth) {
		place_pointer(parent, out->pointer);
		place_name(parent, out->name);
		return;
	}
	const struct level *here = &walk->levels[level];
	struct place place = here->array ? place_item(parent, here->index) : place_key(parent, here->key);
	describe(walk, level + 1, &place, out);
}

static void report(const struct walk *walk, const char *number, struct overflow *out)
{
	const struct place root = {0};
	describe(walk, 0, &root, out);
	snprintf(out->token, sizeof out->token, "%.40s%s", number, strlen(number) > 40 ? "..." : "");
}

int overflow_find(const char *text, size_t length, struct overflow *out)
{
	struct walk walk = {.at = text, .end = text + length};
	char number[NUMBER_SIZE], string[KEY_SIZE];
	while (walk.at < walk.end) {
		struct level *top = walk.depth > 0 ? &walk.levels[walk.depth - 1] : NULL;
		char c = *walk.at;
		if (c == '"') {
			/* A value is taken for a key too; the next key replaces it before a number can follow. */
			skip_string(&walk, top != NULL && !top->array ? top->key : string);
		} else if (c == '-' || (c >= '0' && c <= '9')) {
			if (skip_number(&walk, number)) {
				report(&walk, number, out);
				return 0;
			}
		} else {
			if ((c == '{' || c == '[') && !open_level(&walk, c == '['))
				return -1;
			if ((c == '}' || c == ']') && walk.depth > 0)
				walk.depth--;
			if (c == ',' && top != NULL)
				top->index++;
			walk.at++;
		}
	}
	return -1;
}
