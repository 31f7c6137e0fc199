/* Suggestions for unknown names. */
#include "schema/suggest.h"

#include <stdbool.h>
#include <string.h>

#include "schema/keyword.h"
#include "schema/keyword_index.h"
#include "schema/synonyms.h"

#define MAX_NAMES 64
#define MAX_WORD  40 /* longer words are no misspellings */
#define MAX_DEPTH 12
#define HOME_SIZE 128

/* Where a field of some name is. */
struct homes {
	const json_t *document;
	const char *name;
	int passed; /* so many of them are not asked for; those of all branches of a oneOf are one */
};

static bool find_home(struct homes *homes, const json_t *schema, unsigned depth, char *home);

/* In the branches of a oneOf; the answer says in which. */
static bool find_home_in_branches(struct homes *homes, const json_t *one_of, unsigned depth, char *home)
{
	size_t i;
	json_t *branch;
	const json_t *document = homes->document;
	const char *selector = keyword_selector(document, one_of);
	int before = homes->passed;
	json_array_foreach(one_of, i, branch)
	{
		if (!find_home(homes, branch, depth + 1, home)) {
			if (homes->passed != before)
				return false;
			continue;
		}
		const char *choice = selector != NULL ? keyword_choice(document, branch, selector) : NULL;
		if (choice != NULL) {
			place_add(home, HOME_SIZE, " of a layer of type '");
			place_add(home, HOME_SIZE, choice);
			place_add(home, HOME_SIZE, "'");
		}
		return true;
	}
	return false;
}

/* Appends the way to a field of this exact name (or alias) to `home`, nearest to the root of `schema` first. */
static bool find_home(struct homes *homes, const json_t *schema, unsigned depth, char *home)
{
	schema = keyword_follow(homes->document, schema);
	if (depth > MAX_DEPTH || schema == NULL)
		return false;
	const char *field = keyword_field(schema, homes->name);
	if (field != NULL) {
		if (homes->passed-- > 0)
			return false;
		place_add_token(home, HOME_SIZE, field);
		return true;
	}
	size_t length = strlen(home);
	const char *key;
	json_t *property;
	keyword_foreach(keyword(schema, KEYWORD_PROPERTIES), key, property)
	{
		place_add_token(home, HOME_SIZE, key);
		if (find_home(homes, property, depth + 1, home))
			return true;
		home[length] = '\0';
	}
	const json_t *items = keyword(schema, KEYWORD_ITEMS);
	if (items != NULL) {
		place_add_token(home, HOME_SIZE, "N");
		if (find_home(homes, items, depth + 1, home))
			return true;
		home[length] = '\0';
	}
	return find_home_in_branches(homes, keyword(schema, KEYWORD_ONE_OF), depth, home);
}

/* "/training/epochs", or two ways with "or" between. */
static bool find_homes(const json_t *document, const char *name, char home[2 * HOME_SIZE])
{
	char other[HOME_SIZE] = "";
	home[0] = '\0';
	if (!find_home(&(struct homes){document, name, 0}, document, 0, home))
		return false;
	if (find_home(&(struct homes){document, name, 1}, document, 0, other)) {
		place_add(home, 2 * HOME_SIZE, ", or to ");
		place_add(home, 2 * HOME_SIZE, other);
	}
	return true;
}

/* As fields are written here: learningRate and learning-rate are learning_rate. */
static void as_here(const char *name, char out[MAX_WORD + 2])
{
	size_t n = 0;
	for (; *name != '\0' && n < MAX_WORD - 1; name++) {
		bool capital = *name >= 'A' && *name <= 'Z';
		if (capital && n > 0 && out[n - 1] != '_' && (name[-1] < 'A' || name[-1] > 'Z'))
			out[n++] = '_';
		out[n++] = capital ? (char)(*name | 0x20) : *name == '-' || *name == ' ' || *name == '.' ? '_' : *name;
	}
	out[n] = '\0';
}

static const char *nearest(const char *word, const char *const *names, size_t n)
{
	return strlen(word) <= MAX_WORD ? error_nearest(word, names, n) : NULL;
}

static bool is_among(const char *word, const char *const *names, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (strcmp(names[i], word) == 0)
			return true;
	return false;
}

static size_t collect_names(const json_t *const *schemas, size_t n_schemas, const char *names[MAX_NAMES])
{
	size_t n = 0;
	for (size_t i = 0; i < n_schemas; i++) {
		const char *name;
		json_t *property;
		keyword_foreach(keyword(schemas[i], KEYWORD_PROPERTIES), name, property)
		{
			if (n < MAX_NAMES && !is_among(name, names, n))
				names[n++] = name;
		}
	}
	return n;
}

int suggest_field(const json_t *document, const json_t *const *schemas, size_t n_schemas, const struct place *place,
                  const json_t *value, struct qlstm_error *error)
{
	char pointer[PLACE_POINTER_SIZE], name[PLACE_NAME_SIZE], home[2 * HOME_SIZE], meaning[SYNONYM_SIZE];
	char written[MAX_WORD + 2];
	place_pointer(place, pointer);
	place_name(place, name);
	as_here(place->key, written);
	bool known = synonym_find(document, place, value, true, meaning);
	if (!known && (find_homes(document, place->key, home) || find_homes(document, written, home)))
		return error_set(error, ERR_UNKNOWN_FIELD, pointer, "unknown field '%s'; it belongs to %s", name, home);
	if (known || synonym_find(document, place, value, false, meaning))
		return error_set(error, ERR_UNKNOWN_FIELD, pointer, "unknown field '%s'; %s", name, meaning);
	const char *names[MAX_NAMES];
	size_t n_names = collect_names(schemas, n_schemas, names);
	const char *meant = nearest(place->key, names, n_names);
	if (meant != NULL)
		return error_set(error, ERR_UNKNOWN_FIELD, pointer, "unknown field '%s'; did you mean '%s'?", name,
		                 meant);
	char list[PLACE_LIST_SIZE] = "";
	size_t shown = 0;
	while (shown < n_names && strlen(list) + strlen(names[shown]) + sizeof ", ''" <= sizeof list)
		place_add_choice(list, sizeof list, names[shown++]);
	return error_set(error, ERR_UNKNOWN_FIELD, pointer, "unknown field '%s'; known are %s%s", name, list,
	                 shown < n_names ? ", ..." : "");
}

int suggest_choice(const struct place *place, const json_t *value, const char *const *choices, size_t n_choices,
                   struct qlstm_error *error)
{
	char pointer[PLACE_POINTER_SIZE], name[PLACE_NAME_SIZE], shown[PLACE_VALUE_SIZE], list[PLACE_LIST_SIZE] = "";
	place_pointer(place, pointer);
	place_name(place, name);
	for (size_t i = 0; i < n_choices; i++)
		place_add_choice(list, sizeof list, choices[i]);
	if (value == NULL)
		return error_set(error, ERR_MISSING, pointer, "%s is missing; allowed are %s", name, list);
	place_value(value, shown);
	if (!json_is_string(value))
		return error_set(error, ERR_WRONG_TYPE, pointer, "%s is %s; allowed are %s", name, shown, list);
	const char *meant = nearest(json_string_value(value), choices, n_choices);
	if (meant != NULL)
		return error_set(error, ERR_INVALID, pointer, "%s is %s; allowed are %s; did you mean '%s'?", name,
		                 shown, list, meant);
	return error_set(error, ERR_INVALID, pointer, "%s is %s; allowed are %s", name, shown, list);
}
