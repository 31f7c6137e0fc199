/* Texts as data. */
#include "schema/texts.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "engine/nn/layer.h"
#include "schema/keyword.h"
#include "schema/place/place.h"
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

static bool is_type(const json_t *layer, const char *name)
{
	const char *type = json_string_value(json_object_get(layer, "type"));
	return type != NULL && strcmp(type, name) == 0;
}

static bool is_embedding(const json_t *layer)
{
	return is_type(layer, "embedding");
}

static bool is_decoder(const json_t *layer)
{
	return is_type(layer, "decoder");
}

/* Of an embedding, and of a decoder. */
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

/* The layers of a model that reads texts: an embedding in front, where no list is written. Steals nothing. */
static int put_embedding(json_t *layers, bool written, json_t *vocabulary, struct qlstm_error *error)
{
	json_t *first = json_array_get(layers, 0);
	if (is_embedding(first)) {
		json_t *copy = json_deep_copy(first);
		int rc = fit_embedding(copy, vocabulary, error);
		return json_array_set_new(layers, 0, copy) == 0 ? rc : no_memory(error);
	}
	json_t *made = written ? NULL : json_pack("{s:s, s:O}", "type", "embedding", "classes", vocabulary);
	return written || json_array_insert_new(layers, 0, made) == 0 ? 0 : no_memory(error);
}

/* Behind the layers that read the source: a decoder, such layers that read forward, and attention. */
static int add_decoder(json_t *layers, struct qlstm_error *error)
{
	size_t n = json_array_size(layers);
	bool whole = json_array_append_new(layers, json_pack("{s:s}", "type", "decoder")) == 0;
	for (size_t i = 0; whole && i < n; i++) {
		const json_t *layer = json_array_get(layers, i);
		const struct layer_type *type =
		    layer_type_named(json_string_value(json_object_get(layer, "type")) != NULL
		                         ? json_string_value(json_object_get(layer, "type"))
		                         : "qlstm");
		if (type == NULL || !type->traits.recurrent)
			continue;
		json_t *copy = json_deep_copy(layer);
		json_object_del(copy, "inversward");
		json_object_del(copy, "bidirectional");
		whole = json_array_append_new(layers, copy) == 0;
	}
	whole = whole &&
	        json_array_append_new(layers, json_pack("{s:s, s:s}", "type", "attention", "score", "general")) == 0;
	return whole ? 0 : no_memory(error);
}

static int fit_decoders(json_t *layers, bool written, json_t *vocabulary, struct qlstm_error *error)
{
	int rc = written ? 0 : add_decoder(layers, error);
	for (size_t i = 0; rc == 0 && i < json_array_size(layers); i++) {
		if (!is_decoder(json_array_get(layers, i)))
			continue;
		json_t *copy = json_deep_copy(json_array_get(layers, i));
		rc = fit_embedding(copy, vocabulary, error);
		if (json_array_set_new(layers, i, copy) != 0)
			rc = no_memory(error);
	}
	return rc;
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
	json_t *copy = json_copy(layers);
	int rc = copy != NULL ? 0 : no_memory(error);
	if (rc == 0 && task_of(expanded) == TASK_TRANSLATION)
		rc = fit_decoders(copy, written, vocabulary, error);
	if (rc == 0)
		rc = put_embedding(copy, written, vocabulary, error);
	json_t *model = rc == 0 ? json_copy(json_object_get(expanded, "model")) : NULL;
	if (rc == 0 && (model == NULL || json_object_set(model, "layers", copy) != 0 ||
	                json_object_set(expanded, "model", model) != 0))
		rc = no_memory(error);
	json_decref(model);
	json_decref(copy);
	return rc;
}

/* Each token of a vocabulary is a class: it is scored by its own probability alone, and counts as the others do. */
static int check_tokens(const json_t *resolved, enum task task, struct qlstm_error *error)
{
	static const char *const refused[] = {"class_weights", "balance_classes"};
	const json_t *training = json_object_get(resolved, "training");
	const char *loss = json_string_value(json_object_get(training, "loss"));
	if (loss != NULL && strcmp(loss, "cross_entropy") != 0)
		return error_set(error, ERR_INVALID, "/training/loss",
		                 "loss is \"%s\"; allowed for task %s is \"cross_entropy\"", loss, task_names[task]);
	for (size_t k = 0; k < 2; k++) {
		const json_t *said = json_object_get(training, refused[k]);
		char pointer[PLACE_POINTER_SIZE];
		snprintf(pointer, sizeof pointer, "/training/%s", refused[k]);
		if (said != NULL && !json_is_false(said))
			return error_set(error, ERR_INVALID, pointer, "%s is nothing for a %s", refused[k],
			                 task == TASK_TRANSLATION ? "translation" : "language model");
	}
	return 0;
}

/* A running text is read from its beginning to its end, batch by batch. */
static int check_language(const json_t *resolved, struct qlstm_error *error)
{
	const json_t *training = json_object_get(resolved, "training");
	const json_t *split = json_object_get(json_object_get(resolved, "data"), "split");
	const char *type = json_string_value(json_object_get(json_object_get(training, "optimizer"), "type"));
	if (json_is_true(json_object_get(training, "shuffle")) || json_is_true(json_object_get(split, "shuffle")))
		return error_set(error, ERR_INVALID,
		                 json_is_true(json_object_get(split, "shuffle")) ? "/data/split/shuffle"
		                                                                 : "/training/shuffle",
		                 "shuffle is true; a language model reads its text in order");
	if (type != NULL && strcmp(type, "lbfgs") == 0)
		return error_set(
		    error, ERR_INVALID, "/training/optimizer/type",
		    "type is \"lbfgs\", which looks at a batch several times; the state of a language model goes "
		    "on with each");
	const json_t *layers = json_object_get(json_object_get(resolved, "model"), "layers");
	for (size_t i = 0; i < json_array_size(layers); i++) {
		const char *name = json_string_value(json_object_get(json_array_get(layers, i), "type"));
		const struct layer_type *layer = name != NULL ? layer_type_named(name) : NULL;
		char pointer[PLACE_POINTER_SIZE];
		snprintf(pointer, sizeof pointer, "/model/layers/%zu/type", i);
		if (layer != NULL && layer->traits.recurrent && layer->ops->carries == NULL)
			return error_set(error, ERR_INVALID, pointer,
			                 "a layer of type '%s' carries no state from one segment of a text to the next",
			                 name);
	}
	for (size_t i = 0; i < 2 * json_array_size(layers); i++) {
		static const char *const ways[] = {"inversward", "bidirectional"};
		char pointer[PLACE_POINTER_SIZE];
		snprintf(pointer, sizeof pointer, "/model/layers/%zu/%s", i / 2, ways[i % 2]);
		if (json_is_true(json_object_get(json_array_get(layers, i / 2), ways[i % 2])))
			return error_set(
			    error, ERR_INVALID, pointer,
			    "%s is true; a layer that reads from the end sees the token that is to be predicted",
			    ways[i % 2]);
	}
	return check_tokens(resolved, TASK_LANGUAGE_MODEL, error);
}

/* Of a translation and of no other task a model has a decoder. */
static int check_decoder(const json_t *resolved, struct qlstm_error *error)
{
	const json_t *layers = json_object_get(json_object_get(resolved, "model"), "layers"), *layer;
	json_int_t vocabulary = json_integer_value(json_object_get(json_object_get(resolved, "data"), "vocabulary"));
	bool translates = task_of(resolved) == TASK_TRANSLATION, found = false;
	size_t i;
	char pointer[PLACE_POINTER_SIZE];
	json_array_foreach(layers, i, layer)
	{
		json_int_t classes = json_integer_value(json_object_get(layer, "classes"));
		if (!is_decoder(layer))
			continue;
		found = true;
		snprintf(pointer, sizeof pointer, "/model/layers/%zu/%s", i, translates ? "classes" : "type");
		if (!translates)
			return error_set(error, ERR_INVALID, pointer,
			                 "type is \"decoder\"; only a model for task translation has one");
		if (classes < vocabulary)
			return error_set(error, ERR_INVALID, pointer,
			                 "classes is %lld; data.vocabulary is %lld: so many tokens may be said (leave "
			                 "classes out to have it fit)",
			                 (long long)classes, (long long)vocabulary);
	}
	if (!translates || found)
		return 0;
	return error_set(error, ERR_INVALID, "/model/layers",
	                 "layers has no decoder; a model that translates turns there from the source to the target "
	                 "(without a list of layers one is put in)");
}

int texts_check(const json_t *resolved, struct qlstm_error *error)
{
	const json_t *data = json_object_get(resolved, "data");
	const json_t *first = json_array_get(json_object_get(json_object_get(resolved, "model"), "layers"), 0);
	enum task task = task_of(resolved);
	int rc = task == TASK_LANGUAGE_MODEL ? check_language(resolved, error)
	         : task == TASK_TRANSLATION  ? check_tokens(resolved, task, error)
	                                     : 0;
	if (rc == 0)
		rc = check_decoder(resolved, error);
	if (rc != 0 || !task_has_texts(task))
		return rc;
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
