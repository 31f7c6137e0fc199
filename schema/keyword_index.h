/* The keywords of a schema's nodes by number. jansson finds a member by hashing its name; of the embedded schema, which
 * is there as long as the process and is asked for hundreds of keywords with every spec, they are found once. Example:
 * `keyword(schema, KEYWORD_MINIMUM)` is what `json_object_get(schema, "minimum")` is. */
#ifndef QLSTM_SCHEMA_KEYWORD_INDEX_H
#define QLSTM_SCHEMA_KEYWORD_INDEX_H

#include <jansson.h>

#define KEYWORDS(X)                                                                                                    \
	X(REF, "$ref")                                                                                                 \
	X(ONE_OF, "oneOf")                                                                                             \
	X(TYPE, "type")                                                                                                \
	X(ENUM, "enum")                                                                                                \
	X(CONST, "const")                                                                                              \
	X(MINIMUM, "minimum")                                                                                          \
	X(MAXIMUM, "maximum")                                                                                          \
	X(EXCLUSIVE_MINIMUM, "exclusiveMinimum")                                                                       \
	X(EXCLUSIVE_MAXIMUM, "exclusiveMaximum")                                                                       \
	X(MIN_LENGTH, "minLength")                                                                                     \
	X(MAX_LENGTH, "maxLength")                                                                                     \
	X(MIN_ITEMS, "minItems")                                                                                       \
	X(MAX_ITEMS, "maxItems")                                                                                       \
	X(PATTERN, "pattern")                                                                                          \
	X(ITEMS, "items")                                                                                              \
	X(PROPERTIES, "properties")                                                                                    \
	X(REQUIRED, "required")                                                                                        \
	X(DEFAULT, "default")                                                                                          \
	X(ALIASES, "x-aliases")                                                                                        \
	X(ONLY_FOR, "x-only-for")                                                                                      \
	X(DEFAULT_BY, "x-default-by")

enum keyword {
#define X(name, text) KEYWORD_##name,
	KEYWORDS(X)
#undef X
	    KEYWORD_COUNT
};

/* NULL where the node, or NULL, has none. Borrowed. */
json_t *keyword(const json_t *node, enum keyword which);

/* Finds those of all nodes of a document that is never changed or freed. Once in a process, before others ask; without
 * memory nothing is found beforehand. */
void keyword_index(json_t *document);

#endif
