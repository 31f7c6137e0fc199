/* Loads and resolves a spec. */
#include "schema/spec.h"

#include <pthread.h>
#include <string.h>

#include "engine/nn/layer.h"
#include "schema/circuit/circuits.h"
#include "schema/embed.h"
#include "schema/keyword_index.h"
#include "schema/layers.h"
#include "schema/overflow.h"
#include "schema/place/place.h"
#include "schema/shorthand.h"
#include "schema/task.h"
#include "schema/texts.h"
#include "schema/tq42/tq42.h"
#include "schema/validate.h"

static json_t *document;

static void parse_document(void)
{
	document = json_loads(schema_experiment_json, JSON_REJECT_DUPLICATES, NULL);
	keyword_index(document);
}

const json_t *spec_schema(void)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	pthread_once(&once, parse_document);
	return document;
}

static int refuse_number(const char *text, size_t length, const json_error_t *where, struct qlstm_error *error)
{
	struct overflow found;
	if (overflow_find(text, length, &found) != 0)
		return error_set(error, ERR_OUT_OF_RANGE, NULL, "line %d, column %d: a number that is too large",
		                 where->line, where->column);
	return error_set(error, ERR_OUT_OF_RANGE, found.pointer, "line %d, column %d: %s is %s, which is too large",
	                 where->line, where->column, found.name, found.token);
}

int spec_load(const char *text, size_t length, json_t **request, struct qlstm_error *error)
{
	json_error_t where;
	if (length >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0) {
		text += 3;
		length -= 3;
	}
	*request = json_loadb(text, length, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &where);
	if (*request != NULL)
		return 0;
	switch (json_error_code(&where)) {
	case json_error_out_of_memory:
		return error_set(error, ERR_OUT_OF_MEMORY, NULL, "out of memory");
	case json_error_numeric_overflow:
		return refuse_number(text, length, &where, error);
	case json_error_null_character:
	case json_error_null_byte_in_key:
		return error_set(error, ERR_SYNTAX, NULL, "line %d, column %d: a string holds the NUL character",
		                 where.line, where.column);
	default:
		return error_set(error, ERR_SYNTAX, NULL, "line %d, column %d: %s", where.line, where.column,
		                 where.text);
	}
}

/* What is scaled is no whole number any more. */
static int check_whole_numbers(const struct spec *spec, struct qlstm_error *error)
{
	const struct layer_type *first = layer_type_named(spec->model.layers[0].type);
	if (first == NULL || !first->traits.whole_numbers || spec->windows.scaling == SCALING_NONE)
		return 0;
	return error_set(error, ERR_INVALID, "/data/scaling",
	                 "the layer %s reads whole numbers as they are: data.scaling must be 'none'", first->name);
}

/* The checks of the engine, on what the spec becomes; where only the data set says how many inputs a sample has, they
 * are left to model_new. That works out the same shapes anyway: a thousandth of what a POST computes. */
static int check_model(const json_t *resolved, struct qlstm_error *error)
{
	struct spec spec;
	int rc = spec_parse(resolved, &spec, error);
	bool known = json_object_get(json_object_get(resolved, "data"), "inputs") != NULL;
	if (rc == 0)
		rc = check_whole_numbers(&spec, error);
	if (rc != 0 || (spec.task != TASK_FORECASTING && !known && !task_has_texts(spec.task)))
		return rc;
	rc = model_check(&spec.model, error);
	if (rc != 0)
		error_prefix(error, "/model");
	return rc;
}

/* Resolved as what it is in our words; an error points into the request. */
static int resolve_tq42(const json_t *request, json_t **resolved, struct qlstm_error *error)
{
	json_t *translated;
	int rc = tq42_translate(request, &translated, error);
	if (rc != 0)
		return rc;
	rc = spec_resolve(translated, resolved, error);
	json_decref(translated);
	if (rc != 0)
		tq42_locate(request, error);
	return rc;
}

int spec_resolve(const json_t *request, json_t **resolved, struct qlstm_error *error)
{
	const json_t *schema = spec_schema();
	if (schema == NULL)
		return error_set(error, ERR_OUT_OF_MEMORY, NULL, "out of memory");
	json_t *expanded;
	if (tq42_is(request))
		return resolve_tq42(request, resolved, error);
	int rc = shorthand_expand(schema, request, &expanded, error);
	if (rc != 0)
		return rc;
	json_t *result = NULL;
	rc = circuits_write(expanded, error);
	if (rc == 0)
		rc = texts_prepare(expanded, request, error);
	if (rc == 0)
		rc = schema_resolve(schema, expanded, &result, error);
	if (rc == 0)
		rc = task_check(result, error);
	if (rc == 0)
		rc = layers_complete(result, error);
	if (rc == 0)
		rc = check_model(result, error);
	if (rc == 0)
		*resolved = json_incref(result);
	else
		shorthand_locate(schema, request, error);
	json_decref(result);
	json_decref(expanded);
	return rc;
}

void spec_locate(const json_t *request, struct qlstm_error *error)
{
	if (tq42_is(request))
		tq42_locate(request, error);
	else
		shorthand_locate(spec_schema(), request, error);
}
