/* Keywords by number are those by name, at every node of the schema. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "schema/embed.h"
#include "schema/keyword_index.h"
#include "schema/spec.h"

static const char *const names[KEYWORD_COUNT] = {
#define X(name, text) [KEYWORD_##name] = text,
    KEYWORDS(X)
#undef X
};

/* How many keywords were there. */
static int compare(json_t *json)
{
	int there = 0;
	const char *key;
	json_t *inner;
	size_t i;
	for (int k = 0; k < KEYWORD_COUNT; k++) {
		assert_ptr_equal(keyword(json, (enum keyword)k), json_object_get(json, names[k]));
		there += json_object_get(json, names[k]) != NULL;
	}
	json_object_foreach(json, key, inner) there += compare(inner);
	json_array_foreach(json, i, inner) there += compare(inner);
	return there;
}

static void test_of_the_embedded_schema(void **state)
{
	(void)state;
	json_t *schema = json_deep_copy(spec_schema());
	int there = compare((json_t *)(uintptr_t)spec_schema());
	assert_true(there > 300);
	assert_int_equal(compare(schema), there); /* one that nobody has looked through */
	json_decref(schema);
	assert_null(keyword(NULL, KEYWORD_TYPE));
}

/* A name that the schema does not have would be a slip. */
static void test_each_is_in_use(void **state)
{
	(void)state;
	for (int k = 0; k < KEYWORD_COUNT; k++) {
		char quoted[40];
		snprintf(quoted, sizeof quoted, "\"%s\"", names[k]);
		if (strstr(schema_experiment_json, quoted) == NULL)
			fail_msg("the schema has no %s", names[k]);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_of_the_embedded_schema),
	    cmocka_unit_test(test_each_is_in_use),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
