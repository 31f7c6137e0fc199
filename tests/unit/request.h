/* Helpers of the tests of schema/: requests as readable text. */
#ifndef QLSTM_TESTS_REQUEST_H
#define QLSTM_TESTS_REQUEST_H

#include <stdlib.h>
#include <string.h>

#include "schema/spec.h"

#define QDI_REQUEST    "{'hidden_size':17,'n_qubits':4,'n_qlayers':1,'depth':1,'inversward':false}"
#define LAYERS(layers) "{'model':{'layers':[" layers "]}}"

/* In these tests JSON is written with ' for ". */
static inline void swap_quotes(char *text, char from, char to)
{
	for (; *text != '\0'; text++)
		if (*text == from)
			*text = to;
}

/* Compact, numbers in at most 15 digits. The caller's to free. */
static inline char *dump(const json_t *value)
{
	char *text = json_dumps(value, JSON_COMPACT | JSON_REAL_PRECISION(15));
	assert_non_null(text);
	swap_quotes(text, '"', '\'');
	return text;
}

/* Load and resolve; NULL with *error filled when refused. */
static inline json_t *resolve(const char *text, struct qlstm_error *error)
{
	json_t *request, *resolved;
	char *json = strdup(text);
	assert_non_null(json);
	swap_quotes(json, '\'', '"');
	error_clear(error);
	int rc = spec_load(json, strlen(json), &request, error);
	free(json);
	if (rc != 0)
		return NULL;
	rc = spec_resolve(request, &resolved, error);
	json_decref(request);
	return rc == 0 ? resolved : NULL;
}

static inline json_t *resolve_good(const char *text)
{
	struct qlstm_error error;
	json_t *resolved = resolve(text, &error);
	if (resolved == NULL)
		fail_msg("%s\n  refused: %s %s", text, error.pointer, error.message);
	return resolved;
}

/* The value at a pointer without escapes; borrowed. */
static inline json_t *at(const json_t *value, const char *pointer)
{
	json_t *here = (json_t *)value;
	while (*pointer == '/') {
		size_t length = strcspn(++pointer, "/");
		here = json_is_array(here) ? json_array_get(here, strtoul(pointer, NULL, 10))
		                           : json_object_getn(here, pointer, length);
		pointer += length;
	}
	return here;
}

static inline void assert_same(const json_t *a, const json_t *b)
{
	char *one = json_dumps(a, JSON_ENCODE_ANY), *other = json_dumps(b, JSON_ENCODE_ANY);
	assert_string_equal(one, other);
	free(other);
	free(one);
}

static inline void assert_idempotent(json_t *resolved)
{
	struct qlstm_error error = {0};
	json_t *again;
	if (spec_resolve(resolved, &again, &error) != 0)
		fail_msg("%s %s", error.pointer, error.message);
	assert_same(resolved, again);
	json_decref(again);
}

#endif
