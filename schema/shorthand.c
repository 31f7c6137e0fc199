/* Expands the shorthand. */
#include "schema/shorthand.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "schema/keyword.h"
#include "schema/keyword_index.h"
#include "schema/layers.h"
#include "schema/place/place.h"
#include "schema/suggest.h"

#define MAX_TYPES    15
#define FIRST_LAYER  "/model/layers/0"
#define SECOND_LAYER "/model/layers/1"

/* What may stand at one level: its own fields (item 0), then those of each recurrent layer type. */
struct level {
	const json_t *schemas[MAX_TYPES + 1];
	const char *types[MAX_TYPES + 1];
	size_t n;
};

/* `own` is the schema of the level. */
static struct level make_level(const json_t *document, const json_t *own)
{
	struct level level = {.schemas = {keyword_follow(document, own)}, .n = 1};
	const json_t *one_of = keyword(json_object_get(json_object_get(document, "$defs"), "layer"), KEYWORD_ONE_OF);
	const char *selector = keyword_selector(document, one_of);
	for (size_t i = 0; i < json_array_size(one_of) && level.n <= MAX_TYPES; i++) {
		const json_t *branch = keyword_follow(document, json_array_get(one_of, i));
		const char *type = keyword_choice(document, branch, selector);
		if (!layers_type_is_recurrent(type))
			continue;
		level.types[level.n] = type;
		level.schemas[level.n++] = branch;
	}
	return level;
}

/* Where shorthand may stand: in the spec itself and in its model. */
struct levels {
	struct level top, model;
};

static struct levels make_levels(const json_t *document)
{
	struct levels levels = {.top = make_level(document, document)};
	levels.model = levels.top;
	levels.model.schemas[0] =
	    keyword_follow(document, json_object_get(keyword(document, KEYWORD_PROPERTIES), "model"));
	return levels;
}

static bool is_own(const struct level *level, const char *key)
{
	return keyword_field(level->schemas[0], key) != NULL;
}

/* Whether the key is one of a layer; a level's own fields come first. */
static bool is_shorthand(const struct level *level, const char *key)
{
	if (is_own(level, key))
		return false;
	for (size_t i = 1; i < level->n; i++)
		if (keyword_field(level->schemas[i], key) != NULL)
			return true;
	return false;
}

/* Moves the shorthand fields of one level from `copy`, a shallow copy of `given`, to `layer`. */
static int move_fields(const json_t *document, const struct level *level, const struct place *place,
                       const json_t *given, json_t *copy, json_t *layer, struct qlstm_error *error)
{
	const char *key;
	json_t *value;
	keyword_foreach(given, key, value)
	{
		struct place here = place_key(place, key);
		if (is_own(level, key))
			continue;
		if (!is_shorthand(level, key))
			return suggest_field(document, level->schemas, level->n, &here, value, error);
		if (json_object_get(layer, key) != NULL) {
			char pointer[PLACE_POINTER_SIZE];
			place_pointer(&here, pointer);
			return error_set(error, ERR_INVALID, pointer, "%s is given twice, at /%s and at %s", key, key,
			                 pointer);
		}
		if (json_object_set(layer, key, value) != 0)
			return error_set(error, ERR_OUT_OF_MEMORY, NULL, "out of memory");
		json_object_del(copy, key);
	}
	return 0;
}

/* The first shorthand key of a level, NULL when there is none. */
static const char *find_shorthand(const struct level *level, const json_t *given)
{
	const char *key;
	json_t *value;
	keyword_foreach(given, key, value)
	{
		if (is_shorthand(level, key))
			return key;
	}
	return NULL;
}

/* The shorthand excludes a list of layers, and stands for a recurrent layer. */
static int check_shorthand(const struct levels *levels, const json_t *request, const json_t *layer,
                           struct qlstm_error *error)
{
	const struct level *top = &levels->top;
	const json_t *model = json_object_get(request, "model");
	const char *at_top = find_shorthand(top, request);
	const char *key = at_top != NULL ? at_top : find_shorthand(&levels->model, model);
	char pointer[PLACE_POINTER_SIZE];
	if (json_object_get(model, "layers") != NULL) {
		snprintf(pointer, sizeof pointer, "%s/%s", at_top != NULL ? "" : "/model", key);
		return error_set(
		    error, ERR_INVALID, pointer,
		    "%s is a field of a layer and cannot stand beside model.layers; put it into a layer there", key);
	}
	const json_t *type = json_object_get(layer, "type");
	if (!json_is_string(type))
		return 0;
	for (size_t i = 1; i < top->n; i++)
		if (strcmp(top->types[i], json_string_value(type)) == 0)
			return 0;
	const struct place root = {0};
	struct place parent = json_object_get(request, "type") != NULL ? root : place_key(&root, "model");
	struct place here = place_key(&parent, "type");
	return suggest_choice(&here, type, &top->types[1], top->n - 1, error);
}

/* Puts model = {"layers": [layer]} into `expanded`; `model` holds what else stands there and, like `layer`, is
 * borrowed. */
static int set_layer(json_t *expanded, json_t *model, json_t *layer)
{
	if (json_object_get(layer, "type") == NULL && json_object_set_new(layer, "type", json_string("qlstm")) != 0)
		return -1;
	json_t *layers = json_array();
	if (layers == NULL || json_array_append(layers, layer) != 0) {
		json_decref(layers);
		return -1;
	}
	if (json_object_set_new(model, "layers", layers) != 0)
		return -1;
	return json_object_set(expanded, "model", model);
}

/* A new object with the same values, {} for NULL; NULL when out of memory, where json_copy would lose fields. */
static json_t *copy_object(const json_t *object)
{
	json_t *copy = json_object();
	if (copy == NULL || (object != NULL && json_object_update(copy, (json_t *)object) != 0)) {
		json_decref(copy);
		return NULL;
	}
	return copy;
}

int shorthand_expand(const json_t *schema, const json_t *request, json_t **expanded, struct qlstm_error *error)
{
	const struct place root = {0};
	const struct place in_model = place_key(&root, "model");
	const json_t *given = json_object_get(request, "model");
	struct levels levels = make_levels(schema);
	json_t *copy = json_is_object(request) ? copy_object(request) : json_incref((json_t *)request);
	json_t *model = copy_object(json_is_object(given) ? given : NULL);
	json_t *layer = json_object();
	int rc = 0;
	if (copy == NULL || model == NULL || layer == NULL)
		rc = error_set(error, ERR_OUT_OF_MEMORY, NULL, "out of memory");
	if (rc == 0)
		rc = move_fields(schema, &levels.top, &root, request, copy, layer, error);
	if (rc == 0)
		rc = move_fields(schema, &levels.model, &in_model, given, model, layer, error);
	/* A model that is no object stays for the validation to refuse. */
	bool found = rc == 0 && json_object_size(layer) > 0 && (given == NULL || json_is_object(given));
	if (found)
		rc = check_shorthand(&levels, request, layer, error);
	if (rc == 0 && found && set_layer(copy, model, layer) != 0)
		rc = error_set(error, ERR_OUT_OF_MEMORY, NULL, "out of memory");
	if (rc == 0)
		*expanded = json_incref(copy);
	json_decref(layer);
	json_decref(model);
	json_decref(copy);
	return rc;
}

void shorthand_locate(const json_t *schema, const json_t *request, struct qlstm_error *error)
{
	const size_t prefix = strlen(FIRST_LAYER);
	/* Before texts the one layer stands behind an embedding (texts.h). */
	bool first = error != NULL && strncmp(error->pointer, FIRST_LAYER "/", prefix + 1) == 0;
	bool second = error != NULL && strncmp(error->pointer, SECOND_LAYER "/", prefix + 1) == 0;
	if (!first && !second)
		return;
	struct levels levels = make_levels(schema);
	const json_t *model = json_object_get(request, "model");
	if (json_object_get(model, "layers") != NULL)
		return;
	bool at_top = find_shorthand(&levels.top, request) != NULL;
	bool in_model = find_shorthand(&levels.model, model) != NULL;
	if (!at_top && !in_model)
		return;
	char rest[PLACE_POINTER_SIZE] = "";
	place_add(rest, sizeof rest, error->pointer + prefix);
	/* A field written at neither level, a default, belongs where the others stand. */
	bool below = !at_top || json_object_getn(model, rest + 1, strcspn(rest + 1, "/")) != NULL;
	error->pointer[0] = '\0';
	place_add(error->pointer, sizeof error->pointer, below ? "/model" : "");
	place_add(error->pointer, sizeof error->pointer, rest);
}
