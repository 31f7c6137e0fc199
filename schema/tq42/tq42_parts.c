/* Fields, enums and places of the translation of TQ42's requests. */
#include "schema/tq42/tq42_parts.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

const struct word tq42_methods[] = {{"adjoint", "adjoint"}, {"parametershift", "parameter_shift"}, {0}};

void tq42_note(struct translation *t, const char *ours, const char *theirs)
{
	if (t->n_places == MAX_PLACES)
		return;
	snprintf(t->places[t->n_places].ours, PLACE_POINTER_SIZE, "%s", ours);
	snprintf(t->places[t->n_places++].theirs, PLACE_POINTER_SIZE, "%s", theirs);
}

void tq42_snake(const char *name, char out[TQ42_NAME])
{
	size_t used = 0;
	for (; *name != '\0' && used + 2 < TQ42_NAME; name++) {
		if (isupper((unsigned char)*name) && used > 0)
			out[used++] = '_';
		out[used++] = (char)tolower((unsigned char)*name);
	}
	out[used] = '\0';
}

json_t *tq42_member(const json_t *object, const char *name, const char **key)
{
	const char *written;
	json_t *value;
	char plain[TQ42_NAME];
	json_object_foreach((json_t *)(uintptr_t)object, written, value)
	{
		tq42_snake(written, plain);
		if (strcmp(plain, name) == 0 || strcmp(written, name) == 0) {
			if (key != NULL)
				*key = written;
			return value;
		}
	}
	return NULL;
}

void tq42_below(char out[PLACE_POINTER_SIZE], const char *pointer, const char *key)
{
	out[0] = '\0';
	place_add(out, PLACE_POINTER_SIZE, pointer);
	place_add_token(out, PLACE_POINTER_SIZE, key);
}

int tq42_word(struct translation *t, const struct word *words, const json_t *value, const char *pointer,
              const char **ours)
{
	char plain[TQ42_NAME] = "", list[PLACE_LIST_SIZE] = "", given[PLACE_VALUE_SIZE];
	size_t used = 0;
	for (const char *c = json_string_value(value); c != NULL && *c != '\0' && used + 1 < TQ42_NAME; c++)
		if (isalnum((unsigned char)*c))
			plain[used++] = (char)tolower((unsigned char)*c);
	*ours = NULL;
	for (int k = 0; words[k].theirs != NULL; k++) {
		size_t length = strlen(words[k].theirs);
		bool same = length <= used && strcmp(plain + used - length, words[k].theirs) == 0 &&
		            (length == used || length > 1);
		if (same || (json_is_integer(value) && json_integer_value(value) == k + 1)) {
			*ours = words[k].ours;
			if (length == used || !same)
				return 0;
		}
		place_add_choice(list, sizeof list, words[k].theirs);
	}
	if (*ours != NULL || (json_is_integer(value) && json_integer_value(value) == 0))
		return 0;
	place_value(value, given);
	return error_set(t->error, json_is_string(value) || json_is_integer(value) ? ERR_INVALID : ERR_WRONG_TYPE,
	                 pointer, "%s is not known; allowed are %s, or their numbers from 1", given, list);
}

static const struct row *find_row(const struct row *rows, const char *key)
{
	char plain[TQ42_NAME];
	tq42_snake(key, plain);
	for (; rows->names[0] != NULL; rows++)
		for (int k = 0; k < 4 && rows->names[k] != NULL; k++)
			if (strcmp(rows->names[k], plain) == 0 || strcmp(rows->names[k], key) == 0)
				return rows;
	return NULL;
}

static int refuse_unknown(struct translation *t, const struct row *rows, const char *key, const char *pointer)
{
	const char *names[32];
	size_t n = 0;
	for (; rows->names[0] != NULL && n < 32; rows++)
		names[n++] = rows->names[0];
	const char *near = error_nearest(key, names, n);
	return error_set(t->error, ERR_UNKNOWN_FIELD, pointer, "unknown field '%.40s'%s%s%s", key,
	                 near != NULL ? "; did you mean '" : "", near != NULL ? near : "", near != NULL ? "'?" : "");
}

int tq42_fields(struct translation *t, const json_t *object, const struct row *rows, json_t *to, const char *ours,
                const char *theirs)
{
	const char *key;
	json_t *value;
	if (!json_is_object(object))
		return error_set(t->error, ERR_WRONG_TYPE, theirs, "an object belongs here");
	json_object_foreach((json_t *)(uintptr_t)object, key, value)
	{
		char at[PLACE_POINTER_SIZE], from[PLACE_POINTER_SIZE];
		const struct row *row = find_row(rows, key);
		const char *word = NULL;
		tq42_below(from, theirs, key);
		if (row == NULL)
			return refuse_unknown(t, rows, key, from);
		int rc = row->words != NULL ? tq42_word(t, row->words, value, from, &word) : 0;
		if (rc != 0)
			return rc;
		if (row->to == NULL || (row->words != NULL && word == NULL))
			continue;
		tq42_below(at, ours, row->to);
		tq42_note(t, at, from);
		if (json_object_set_new(to, row->to, word != NULL ? json_string(word) : json_incref(value)) != 0)
			return error_set(t->error, ERR_OUT_OF_MEMORY, NULL, "out of memory");
	}
	return 0;
}

json_t *tq42_make(const char *text)
{
	char json[256];
	snprintf(json, sizeof json, "%s", text);
	for (char *c = json; *c != '\0'; c++)
		*c = *c == '\'' ? '"' : *c;
	return json_loads(json, 0, NULL);
}
