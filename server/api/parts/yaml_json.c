/* YAML to JSON through libyaml's document tree. */
#include "server/api/parts/yaml_json.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <yaml.h>

/* A plain scalar is what it looks like. New reference. */
static json_t *plain_json(const char *text)
{
	static const struct {
		const char *word;
		json_t *(*make)(void);
	} words[] = {
	    {"", json_null}, {"~", json_null}, {"null", json_null}, {"true", json_true}, {"false", json_false}};
	for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
		if (strcmp(text, words[i].word) == 0)
			return words[i].make();
	if (strspn(text, "0123456789+-.eE") < strlen(text) || strpbrk(text, "0123456789") == NULL)
		return json_string(text);
	char *end;
	errno = 0;
	long long integer = strtoll(text, &end, 10);
	if (*end == '\0' && errno == 0)
		return json_integer(integer);
	double real = strtod(text, &end);
	return *end == '\0' ? json_real(real) : json_string(text);
}

static json_t *node_json(yaml_document_t *document, int index);

static json_t *mapping_json(yaml_document_t *document, const yaml_node_t *node)
{
	json_t *object = json_object();
	for (const yaml_node_pair_t *pair = node->data.mapping.pairs.start; pair < node->data.mapping.pairs.top;
	     pair++) {
		const yaml_node_t *key = yaml_document_get_node(document, pair->key);
		const char *name = (const char *)key->data.scalar.value;
		if (json_object_set_new(object, name, node_json(document, pair->value)) != 0) {
			json_decref(object);
			return NULL;
		}
	}
	return object;
}

static json_t *sequence_json(yaml_document_t *document, const yaml_node_t *node)
{
	json_t *array = json_array();
	for (const yaml_node_item_t *item = node->data.sequence.items.start; item < node->data.sequence.items.top;
	     item++)
		if (json_array_append_new(array, node_json(document, *item)) != 0) {
			json_decref(array);
			return NULL;
		}
	return array;
}

/* New reference; NULL when out of memory. */
static json_t *node_json(yaml_document_t *document, int index)
{
	const yaml_node_t *node = yaml_document_get_node(document, index);
	if (node == NULL)
		return NULL;
	if (node->type == YAML_MAPPING_NODE)
		return mapping_json(document, node);
	if (node->type == YAML_SEQUENCE_NODE)
		return sequence_json(document, node);
	const char *text = (const char *)node->data.scalar.value;
	return node->data.scalar.style == YAML_PLAIN_SCALAR_STYLE ? plain_json(text) : json_string(text);
}

int yaml_to_json(const char *text, json_t **out, struct qlstm_error *error)
{
	yaml_parser_t parser;
	yaml_document_t document;
	if (!yaml_parser_initialize(&parser))
		return error_set(error, ERR_OUT_OF_MEMORY, NULL, "out of memory");
	yaml_parser_set_input_string(&parser, (const unsigned char *)text, strlen(text));
	if (!yaml_parser_load(&parser, &document)) {
		int rc = error_set(error, ERR_SYNTAX, NULL, "line %zu: %s", parser.problem_mark.line + 1,
		                   parser.problem != NULL ? parser.problem : "not YAML");
		yaml_parser_delete(&parser);
		return rc;
	}
	*out = node_json(&document, 1);
	yaml_document_delete(&document);
	yaml_parser_delete(&parser);
	return *out != NULL ? 0 : error_set(error, ERR_OUT_OF_MEMORY, NULL, "out of memory");
}
