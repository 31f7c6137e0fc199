/* Reads the keywords of a schema that lead from one place in it to another. Everything returned is borrowed from the
 * schema document; NULL schemas are allowed and have no keywords. */
#ifndef QLSTM_SCHEMA_KEYWORD_H
#define QLSTM_SCHEMA_KEYWORD_H

#include <jansson.h>

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

/* jansson's iteration wants a pointer to non-const although it changes nothing. */
#define keyword_foreach(object, key, value) json_object_foreach((json_t *)(object), key, value)

#endif
