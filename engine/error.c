/* Errors: codes, names, and the first-error-wins record. */
#include "engine/error.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "engine/utf8.h"

int error_set(struct qlstm_error *error, int code, const char *pointer, const char *format, ...)
{
	if (error == NULL || error->code != 0)
		return code;
	error->code = code;
	size_t length = pointer != NULL ? utf8_cut(pointer, sizeof error->pointer - 1) : 0;
	if (length > 0)
		memcpy(error->pointer, pointer, length);
	error->pointer[length] = '\0';
	va_list arguments;
	va_start(arguments, format);
	int wanted = vsnprintf(error->message, sizeof error->message, format, arguments);
	va_end(arguments);
	/* Messages end up in JSON: one that was cut ends on a whole character, and so does every piece of what was sent
	 * that a library or a format cut before. */
	if (wanted >= (int)sizeof error->message)
		error->message[utf8_cut(error->message, sizeof error->message - 2)] = '\0';
	utf8_clean(error->message);
	utf8_clean(error->pointer);
	return code;
}

void error_prefix(struct qlstm_error *error, const char *prefix)
{
	if (error == NULL || error->code == 0)
		return;
	char tail[sizeof error->pointer];
	memcpy(tail, error->pointer, sizeof tail);
	size_t room = sizeof error->pointer;
	size_t used = utf8_cut(prefix, room - 1);
	memcpy(error->pointer, prefix, used);
	size_t rest = utf8_cut(tail, room - 1 - used);
	memcpy(error->pointer + used, tail, rest);
	error->pointer[used + rest] = '\0';
}

void error_clear(struct qlstm_error *error)
{
	if (error != NULL)
		memset(error, 0, sizeof *error);
}

const char *error_name(int code)
{
	static const struct {
		int code;
		const char *name;
	} names[] = {
#define X(id, value, name) {id, name},
	    QLSTM_ERRORS(X)
#undef X
	};
	for (size_t k = 0; k < sizeof names / sizeof names[0]; k++)
		if (names[k].code == code)
			return names[k].name;
	return "internal";
}

/* Levenshtein distance, ignoring case; words are cut at 63 letters. */
static size_t edit_distance(const char *a, const char *b)
{
	size_t row[64];
	size_t n = strnlen(b, 63);
	for (size_t j = 0; j <= n; j++)
		row[j] = j;
	for (size_t i = 1; a[i - 1] != '\0' && i < 64; i++) {
		size_t diagonal = row[0];
		row[0] = i;
		for (size_t j = 1; j <= n; j++) {
			size_t change = diagonal + (strncasecmp(&a[i - 1], &b[j - 1], 1) != 0);
			diagonal = row[j];
			size_t best = row[j - 1] < row[j] ? row[j - 1] + 1 : row[j] + 1;
			row[j] = change < best ? change : best;
		}
	}
	return row[n];
}

const char *error_nearest(const char *word, const char *const *names, size_t count)
{
	const char *nearest = NULL;
	size_t best = strlen(word) / 2 + 1;
	for (size_t i = 0; i < count; i++) {
		size_t distance = edit_distance(word, names[i]);
		if (distance < best) {
			best = distance;
			nearest = names[i];
		}
	}
	return nearest;
}
