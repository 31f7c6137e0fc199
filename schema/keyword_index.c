/* A table of nodes by their address. */
#include "schema/keyword_index.h"

#include <stdint.h>
#include <stdlib.h>

static const char *const names[KEYWORD_COUNT] = {
#define X(name, text) [KEYWORD_##name] = text,
    KEYWORDS(X)
#undef X
};

struct node {
	const json_t *json; /* NULL: a free place */
	json_t *found[KEYWORD_COUNT];
};

static struct node *nodes;
static size_t mask; /* places - 1, places a power of two and at least twice the nodes */

static size_t place_of(const json_t *json)
{
	return (size_t)(((uint64_t)(uintptr_t)json >> 4) * UINT64_C(0x9e3779b97f4a7c15) >> 32) & mask;
}

json_t *keyword(const json_t *node, enum keyword which)
{
	if (node == NULL)
		return NULL;
	for (size_t at = place_of(node); nodes != NULL && nodes[at].json != NULL; at = (at + 1) & mask)
		if (nodes[at].json == node)
			return nodes[at].found[which];
	return json_object_get(node, names[which]);
}

static size_t count_objects(json_t *json)
{
	size_t count = json_is_object(json), i;
	const char *key;
	json_t *inner;
	json_object_foreach(json, key, inner) count += count_objects(inner);
	json_array_foreach(json, i, inner) count += count_objects(inner);
	return count;
}

static void enter(json_t *json)
{
	size_t i, at = place_of(json);
	const char *key;
	json_t *inner;
	while (json_is_object(json) && nodes[at].json != NULL)
		at = (at + 1) & mask;
	for (int k = 0; json_is_object(json) && k < KEYWORD_COUNT; k++)
		nodes[at].found[k] = json_object_get(json, names[k]);
	if (json_is_object(json))
		nodes[at].json = json;
	json_object_foreach(json, key, inner) enter(inner);
	json_array_foreach(json, i, inner) enter(inner);
}

void keyword_index(json_t *document)
{
	size_t places = 2;
	while (places < 2 * count_objects(document))
		places *= 2;
	nodes = calloc(places, sizeof *nodes);
	mask = places - 1;
	if (nodes != NULL)
		enter(document);
}
