/* Reads the keywords of a schema that lead from one place in it to another. Everything returned is borrowed from the
 * schema document; NULL schemas are allowed and have no keywords. */
#ifndef QLSTM_SCHEMA_KEYWORD_H
#define QLSTM_SCHEMA_KEYWORD_H

#include <jansson.h>
#include <stdbool.h>

/* The schema itself, or what its $ref leads to; NULL when it leads nowhere. */
const json_t *keyword_follow(const json_t *document, const json_t *schema);

/* The proper name of a field, given that name or one of its x-aliases; NULL when the object schema has no such field.
 */
const char *keyword_field(const json_t *object_schema, const char *name);

/* The property by whose const the branches of a oneOf are told apart; NULL when there is none. */
const char *keyword_selector(const json_t *document, const json_t *one_of);
/* What the selector must be for one branch; NULL when the branch does not say. */
const char *keyword_choice(const json_t *document, const json_t *branch, const char *selector);
/* The branch whose selector has this value, its $ref followed; NULL when there is none. */
const json_t *keyword_branch(const json_t *document, const json_t *one_of, const char *selector, const char *value);

/* A field's value by its name in `object`, or by a way from `root` that begins with a slash: "/data/task". */
const json_t *keyword_other_field(const json_t *root, const json_t *object, const char *name);
/* Whether a property of `object` belongs to it, by x-only-for. `object` and `root` hold the fields resolved so far: a
 * field that others depend on stands before them in the schema. *other: the field that decides where it does not. */
bool keyword_belongs(const json_t *property, const json_t *object, const json_t *root, const char **other);
/* The default of a property, by x-default-by or default; NULL when there is none. */
const json_t *keyword_default(const json_t *property, const json_t *object, const json_t *root);

/* jansson's iteration wants a pointer to non-const although it changes nothing. */
#define keyword_foreach(object, key, value) json_object_foreach((json_t *)(object), key, value)

#endif
