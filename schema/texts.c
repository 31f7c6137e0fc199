/* Texts as data. */
#include "schema/texts.h"

#include <stdbool.h>
#include <string.h>

#include "schema/keyword.h"
#include "schema/spec.h"
#include "schema/task.h"

static const char *const names_of_classes[] = {"classes", "num_embeddings", "vocabulary"};
static const char *const names_of_vocabulary[] = {"vocabulary", "vocab_size", "vocabulary_size", "max_features"};

static int no_memory(struct qlstm_error *error)
{
	return error_set(error, ERR_OUT_OF_MEMORY, NULL, "out of memory");
}

/* What data.vocabulary says, else its default; borrowed. */
static json_t *vocabulary_of(const json_t *data)
{
	for (size_t k = 0; k < sizeof names_of_vocabulary / sizeof names_of_vocabulary[0]; k++) {
		json_t *said = json_object_get(data, names_of_vocabulary[k]);
		if (said != NULL)
			return said;
	}
	const json_t *document = spec_schema();
	const json_t *fields = json_object_get(
	    keyword_follow(document, json_object_get(json_object_get(document, "properties"), "data")), "properties");
	return json_object_get(json_object_get(fields, "vocabulary"), "default");
}

static bool is_embedding(const json_t *layer)
{
	const char *type = json_string_value(json_object_get(layer, "type"));
	return type != NULL && strcmp(type, "embedding") == 0;
}

static int fit_embedding(json_t *layer, json_t *vocabulary, struct qlstm_error *error)
{
	for (size_t k = 0; k < sizeof names_of_classes / sizeof names_of_classes[0]; k++)
		if (json_object_get(layer, names_of_classes[k]) != NULL)
			return 0;
	return json_object_set(layer, "classes", vocabulary) == 0 ? 0 : no_memory(error);
}

/* The list of layers, made where there is none; NULL where it is none. written: the request has it. */
static json_t *layers_of(json_t *expanded, bool written)
{
	json_t *model = json_object_get(expanded, "model");
	if (model == NULL && json_object_set_new(expanded, "model", json_object()) == 0)
		model = json_object_get(expanded, "model");
	if (!written && json_is_object(model) && json_object_get(model, "layers") == NULL) {
		model = json_copy(model); /* the request's own is not changed */
		json_object_set_new(model, "layers", json_pack("[{s:s}]", "type", "qlstm"));
		json_object_set_new(expanded, "model", model);
	}
	json_t *layers = json_object_get(model, "layers");
	return json_is_array(layers) && json_array_size(layers) > 0 ? layers : NULL;
}

int texts_prepare(json_t *expanded, const json_t *request, struct qlstm_error *error)
{
	const json_t *data = json_object_get(expanded, "data");
	if (!json_is_object(expanded) || !json_is_object(data) || !task_has_texts(task_of(expanded)))
		return 0;
	bool written = json_object_get(json_object_get(request, "model"), "layers") != NULL;
	json_t *layers = layers_of(expanded, written), *vocabulary = vocabulary_of(data);
	if (layers == NULL)
		return 0;
	/* The request's own layers are not changed. */
	json_t *first = json_array_get(layers, 0);
	first = is_embedding(first) ? json_deep_copy(first) : NULL;
	json_t *copy = json_copy(layers);
	int rc = copy != NULL ? 0 : no_memory(error);
	if (rc == 0 && first == NULL && !written) {
		first = json_pack("{s:s, s:O}", "type", "embedding", "classes", vocabulary);
		rc = json_array_insert(copy, 0, first) == 0 ? 0 : no_memory(error);
	} else if (rc == 0 && first != NULL) {
		rc = json_array_set(copy, 0, first) == 0 ? fit_embedding(first, vocabulary, error) : no_memory(error);
	}
	json_t *model = rc == 0 ? json_copy(json_object_get(expanded, "model")) : NULL;
	if (rc == 0 && (model == NULL || json_object_set(model, "layers", copy) != 0 ||
	                json_object_set(expanded, "model", model) != 0))
		rc = no_memory(error);
	json_decref(model);
	json_decref(first);
	json_decref(copy);
	return rc;
}

int texts_check(const json_t *resolved, struct qlstm_error *error)
{
	const json_t *data = json_object_get(resolved, "data");
	const json_t *first = json_array_get(json_object_get(json_object_get(resolved, "model"), "layers"), 0);
	if (!task_has_texts(task_of(resolved)))
		return 0;
	if (!is_embedding(first))
		return error_set(
		    error, ERR_INVALID, "/model/layers/0/type",
		    "texts come in as the numbers of their tokens: the first layer is an embedding (without "
		    "a list of layers it is put there)");
	json_int_t classes = json_integer_value(json_object_get(first, "classes"));
	json_int_t vocabulary = json_integer_value(json_object_get(data, "vocabulary"));
	if (classes < vocabulary)
		return error_set(
		    error, ERR_INVALID, "/model/layers/0/classes",
		    "classes is %lld; data.vocabulary is %lld: so many tokens may come in (leave classes out to "
		    "have it fit)",
		    (long long)classes, (long long)vocabulary);
	return 0;
}
