/* Keywords: references, fields with aliases, branches. */
#include "schema/keyword.h"

#include <string.h>

#include "schema/keyword_index.h"

#define MAX_HOPS 8

/* "#/$defs/data"; names in our schema need no escapes. */
static const json_t *follow_fragment(const json_t *document, const char *fragment)
{
	const json_t *at = document;
	const char *token = fragment + strcspn(fragment, "/");
	while (*token == '/' && at != NULL) {
		token++;
		size_t length = strcspn(token, "/");
		at = json_object_getn(at, token, length);
		token += length;
	}
	return at;
}

const json_t *keyword_follow(const json_t *document, const json_t *schema)
{
	for (int hop = 0; hop < MAX_HOPS; hop++) {
		const char *reference = json_string_value(keyword(schema, KEYWORD_REF));
		if (reference == NULL)
			return schema;
		schema = follow_fragment(document, reference);
	}
	return NULL;
}

const char *keyword_field(const json_t *object_schema, const char *name)
{
	const char *proper;
	json_t *property;
	json_t *properties = keyword(object_schema, KEYWORD_PROPERTIES);
	void *exact = json_object_iter_at(properties, name);
	if (exact != NULL)
		return json_object_iter_key(exact);
	keyword_foreach(properties, proper, property)
	{
		size_t i;
		json_t *alias;
		json_array_foreach(keyword(property, KEYWORD_ALIASES), i, alias)
		{
			if (strcmp(json_string_value(alias), name) == 0)
				return proper;
		}
	}
	return NULL;
}

const char *keyword_selector(const json_t *document, const json_t *one_of)
{
	const char *name;
	json_t *property;
	const json_t *first = keyword_follow(document, json_array_get(one_of, 0));
	keyword_foreach(keyword(first, KEYWORD_PROPERTIES), name, property)
	{
		if (keyword(property, KEYWORD_CONST) != NULL)
			return name;
	}
	return NULL;
}

const char *keyword_choice(const json_t *document, const json_t *branch, const char *selector)
{
	const json_t *properties = keyword(keyword_follow(document, branch), KEYWORD_PROPERTIES);
	return json_string_value(keyword(json_object_get(properties, selector), KEYWORD_CONST));
}

const json_t *keyword_branch(const json_t *document, const json_t *one_of, const char *selector, const char *value)
{
	size_t i;
	json_t *branch;
	json_array_foreach(one_of, i, branch)
	{
		const char *choice = keyword_choice(document, branch, selector);
		if (choice != NULL && strcmp(choice, value) == 0)
			return keyword_follow(document, branch);
	}
	return NULL;
}

const json_t *keyword_other_field(const json_t *root, const json_t *object, const char *name)
{
	return name[0] == '/' ? follow_fragment(root, name) : json_object_get(object, name);
}

bool keyword_belongs(const json_t *property, const json_t *object, const json_t *root, const char **other)
{
	const char *name;
	json_t *values;
	keyword_foreach(keyword(property, KEYWORD_ONLY_FOR), name, values)
	{
		const json_t *is = keyword_other_field(root, object, name);
		bool found = false;
		for (size_t i = 0; i < json_array_size(values) && !found; i++)
			found = json_equal(json_array_get(values, i), is) == 1;
		*other = name;
		if (!found)
			return false;
	}
	return true;
}

const json_t *keyword_default(const json_t *property, const json_t *object, const json_t *root)
{
	const json_t *value = keyword(property, KEYWORD_DEFAULT);
	const char *name;
	json_t *by_value;
	keyword_foreach(keyword(property, KEYWORD_DEFAULT_BY), name, by_value)
	{
		value = json_object_get(by_value, json_string_value(keyword_other_field(root, object, name)));
	}
	return value;
}
