/* Walks value and schema together and builds the resolved copy. Objects take no fields but those of the schema. */
#include "schema/validate.h"

#include <stdint.h>
#include <string.h>

#include "schema/keyword.h"
#include "schema/keyword_index.h"
#include "schema/place/place.h"
#include "schema/scalar.h"
#include "schema/suggest.h"

#define MAX_DEPTH    16 /* our schema reaches 6 */
#define MAX_BRANCHES 32

struct walk {
	const json_t *document;
	json_t **root; /* what the whole value has been resolved to so far */
	struct qlstm_error *error;
};

static int resolve_value(const struct walk *walk, const json_t *schema, const struct place *place, const json_t *value,
                         json_t **out);

static int out_of_memory(const struct walk *walk)
{
	return error_set(walk->error, ERR_OUT_OF_MEMORY, NULL, "out of memory");
}

static int refuse_unknown(const struct walk *walk, const json_t *schema, const struct place *place, const json_t *value)
{
	const char *key;
	json_t *field;
	keyword_foreach(value, key, field)
	{
		struct place here = place_key(place, key);
		if (keyword_field(schema, key) == NULL)
			return suggest_field(walk->document, &schema, 1, &here, field, walk->error);
	}
	return 0;
}

/* The second name under which the user gave the field: which two they are is for the message. */
static int refuse_second(const struct walk *walk, const json_t *schema, const struct place *place, const char *name,
                         const json_t *value)
{
	const char *key, *first = NULL;
	json_t *field;
	keyword_foreach(value, key, field)
	{
		const char *proper = keyword_field(schema, key);
		if (proper == NULL || strcmp(proper, name) != 0)
			continue;
		if (first != NULL) {
			struct place here = place_key(place, key);
			char pointer[PLACE_POINTER_SIZE];
			place_pointer(&here, pointer);
			return error_set(walk->error, ERR_INVALID, pointer,
			                 "%s and %s are names of the same field; give one", first, key);
		}
		first = key;
	}
	return 0;
}

/* *written: the name under which the user gave the field; NULL when absent. Two names of one field are refused. */
static int find_written(const struct walk *walk, const json_t *schema, const struct place *place, const char *name,
                        const json_t *value, const char **written)
{
	json_t *given = (json_t *)(uintptr_t)value, *alias;
	const json_t *property = json_object_get(keyword(schema, KEYWORD_PROPERTIES), name);
	void *at = json_object_iter_at(given, name);
	size_t i;
	int names = at != NULL;
	*written = at != NULL ? json_object_iter_key(at) : NULL;
	json_array_foreach(keyword(property, KEYWORD_ALIASES), i, alias)
	{
		at = json_object_iter_at(given, json_string_value(alias));
		if (at == NULL)
			continue;
		*written = json_object_iter_key(at);
		names++;
	}
	return names > 1 ? refuse_second(walk, schema, place, name, value) : 0;
}

/* A field that belongs to another value of one that stands before it. */
static int refuse_foreign(const struct walk *walk, const json_t *property, const json_t *object, const char *other,
                          const struct place *here)
{
	char pointer[PLACE_POINTER_SIZE], name[PLACE_NAME_SIZE], is[PLACE_VALUE_SIZE] = "", list[PLACE_LIST_SIZE] = "";
	const json_t *values = json_object_get(keyword(property, KEYWORD_ONLY_FOR), other);
	const char *value = json_string_value(keyword_other_field(*walk->root, object, other));
	for (size_t i = 0; i < json_array_size(values); i++)
		place_add_choice(list, sizeof list, json_string_value(json_array_get(values, i)));
	place_add_choice(is, sizeof is, value != NULL ? value : "");
	place_pointer(here, pointer);
	place_name(here, name);
	return error_set(walk->error, ERR_INVALID, pointer, "%s belongs to %s %s; %s is %s", name, other, list, other,
	                 is);
}

/* Adds one field to `object`, unless it is absent and has no default. */
static int resolve_field(const struct walk *walk, const json_t *schema, const struct place *place, const char *name,
                         const json_t *value, json_t *object)
{
	const json_t *property = json_object_get(keyword(schema, KEYWORD_PROPERTIES), name);
	const char *written;
	int rc = find_written(walk, schema, place, name, value, &written);
	if (rc != 0)
		return rc;
	const char *other = NULL;
	struct place here = place_key(place, written != NULL ? written : name);
	if (!keyword_belongs(property, object, *walk->root, &other))
		return written != NULL ? refuse_foreign(walk, property, object, other, &here) : 0;
	const json_t *given =
	    written != NULL ? json_object_get(value, written) : keyword_default(property, object, *walk->root);
	if (given == NULL)
		return 0;
	json_t *resolved = NULL;
	rc = resolve_value(walk, property, &here, given, &resolved);
	if (rc != 0)
		return rc;
	return json_object_set_new(object, name, resolved) != 0 ? out_of_memory(walk) : 0;
}

static int check_required(const struct walk *walk, const json_t *schema, const struct place *place,
                          const json_t *object)
{
	size_t i;
	json_t *name;
	json_array_foreach(keyword(schema, KEYWORD_REQUIRED), i, name)
	{
		if (json_object_get(object, json_string_value(name)) != NULL)
			continue;
		struct place here = place_key(place, json_string_value(name));
		char pointer[PLACE_POINTER_SIZE];
		place_pointer(&here, pointer);
		return error_set(walk->error, ERR_MISSING, pointer, "%s is missing", here.key);
	}
	return 0;
}

static int resolve_object(const struct walk *walk, const json_t *schema, const struct place *place, const json_t *value,
                          json_t **out)
{
	int rc = refuse_unknown(walk, schema, place, value);
	if (rc != 0)
		return rc;
	json_t *object = json_object();
	if (object == NULL)
		return out_of_memory(walk);
	if (place->parent == NULL)
		*walk->root = object;
	const char *name;
	json_t *property;
	keyword_foreach(keyword(schema, KEYWORD_PROPERTIES), name, property)
	{
		rc = resolve_field(walk, schema, place, name, value, object);
		if (rc != 0)
			goto fail;
	}
	rc = check_required(walk, schema, place, object);
	if (rc != 0)
		goto fail;
	*out = object;
	return 0;
fail:
	json_decref(object);
	return rc;
}

static int resolve_array(const struct walk *walk, const json_t *schema, const struct place *place, const json_t *value,
                         json_t **out)
{
	int rc = scalar_check_count(schema, place, json_array_size(value), "items", KEYWORD_MIN_ITEMS,
	                            KEYWORD_MAX_ITEMS, walk->error);
	if (rc != 0)
		return rc;
	json_t *array = json_array();
	if (array == NULL)
		return out_of_memory(walk);
	for (size_t i = 0; i < json_array_size(value); i++) {
		struct place here = place_item(place, i);
		json_t *item = NULL;
		rc = resolve_value(walk, keyword(schema, KEYWORD_ITEMS), &here, json_array_get(value, i), &item);
		if (rc == 0 && json_array_append_new(array, item) != 0)
			rc = out_of_memory(walk);
		if (rc != 0) {
			json_decref(array);
			return rc;
		}
	}
	*out = array;
	return 0;
}

/* The branch that the value's selector names. What is no object gets the first one, whose type refuses it. */
static int choose_branch(const struct walk *walk, const json_t *one_of, const struct place *place, const json_t *value,
                         const json_t **branch)
{
	const char *selector = keyword_selector(walk->document, one_of);
	*branch = keyword_follow(walk->document, json_array_get(one_of, 0));
	if (!json_is_object(value))
		return 0;
	if (selector == NULL)
		return error_set(walk->error, ERR_INTERNAL, NULL, "the schema has a oneOf without a const");
	const json_t *selected = json_object_get(value, selector);
	if (json_is_string(selected)) {
		*branch = keyword_branch(walk->document, one_of, selector, json_string_value(selected));
		if (*branch != NULL)
			return 0;
	}
	const char *choices[MAX_BRANCHES];
	size_t n = 0;
	for (size_t i = 0; i < json_array_size(one_of) && n < MAX_BRANCHES; i++)
		choices[n++] = keyword_choice(walk->document, json_array_get(one_of, i), selector);
	struct place here = place_key(place, selector);
	return suggest_choice(&here, selected, choices, n, walk->error);
}

static int resolve_value(const struct walk *walk, const json_t *schema, const struct place *place, const json_t *value,
                         json_t **out)
{
	schema = keyword_follow(walk->document, schema);
	if (schema == NULL || place->depth > MAX_DEPTH)
		return error_set(walk->error, ERR_INTERNAL, NULL, "the schema has a reference that leads nowhere");
	const json_t *one_of = keyword(schema, KEYWORD_ONE_OF);
	int rc = one_of != NULL ? choose_branch(walk, one_of, place, value, &schema) : 0;
	if (rc == 0)
		rc = scalar_check(schema, place, value, walk->error);
	if (rc != 0)
		return rc;
	if (json_is_object(value))
		return resolve_object(walk, schema, place, value, out);
	if (json_is_array(value))
		return resolve_array(walk, schema, place, value, out);
	return scalar_resolve(schema, place, value, out, walk->error);
}

int schema_resolve(const json_t *schema, const json_t *value, json_t **out, struct qlstm_error *error)
{
	json_t *resolved = NULL;
	struct walk walk = {.document = schema, .root = &resolved, .error = error};
	struct place root = {0};
	return resolve_value(&walk, schema, &root, value, out);
}

int schema_resolve_member(const json_t *schema, const json_t *whole, const char *name, json_t **out,
                          struct qlstm_error *error)
{
	json_t *root = (json_t *)(uintptr_t)whole;
	const struct walk walk = {.document = schema, .root = &root, .error = error};
	const struct place outside = {0};
	const struct place here = place_key(&outside, name);
	const json_t *property = json_object_get(keyword(schema, KEYWORD_PROPERTIES), name);
	return resolve_value(&walk, property, &here, json_object_get(whole, name), out);
}

int schema_resolve_fields(const json_t *schema, const json_t *value, const char *const *names, size_t n, json_t **out,
                          struct qlstm_error *error)
{
	json_t *object = json_object();
	const struct walk walk = {.document = schema, .root = &object, .error = error};
	const struct place root = {0};
	int rc = object != NULL ? 0 : out_of_memory(&walk);
	for (size_t i = 0; rc == 0 && i < n; i++)
		rc = resolve_field(&walk, schema, &root, names[i], value, object);
	if (rc == 0)
		*out = object;
	else
		json_decref(object);
	return rc;
}
