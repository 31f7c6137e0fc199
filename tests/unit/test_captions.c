/* What of a spec is for people alone: taken off a request, resolved by itself, taken out of a spec. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "schema/captions.h"
#include "tests/unit/request.h"

static json_t *load(const char *text)
{
	char *json = strdup(text);
	json_t *request = NULL;
	swap_quotes(json, '\'', '"');
	assert_int_equal(spec_load(json, strlen(json), &request, NULL), 0);
	free(json);
	return request;
}

static void assert_rest(const char *text, const char *wanted)
{
	json_t *request = load(text);
	char *before = dump(request), *rest = captions_rest(request), *after = dump(request);
	if (rest != NULL)
		swap_quotes(rest, '"', '\'');
	if ((rest == NULL) != (wanted == NULL) || (rest != NULL && strcmp(rest, wanted) != 0))
		fail_msg("%s: %s", text, rest != NULL ? rest : "nothing");
	assert_string_equal(before, after);
	free(after);
	free(rest);
	free(before);
	json_decref(request);
}

static void test_the_rest_of_a_request(void **state)
{
	(void)state;
	assert_rest("{}", "{}");
	assert_rest("{'name':'a','project':'p','tags':[],'notes':'n'}", "{}");
	assert_rest("{'b':1,'name':'a','a':{'name':'kept'},'notes':3}", "{'b':1,'a':{'name':'kept'}}");
	assert_rest("{'priority':1,'titles':1}", "{'priority':1,'titles':1}");
	assert_rest("{'x':1}", "{'x':1}");
	assert_rest("{'x':1.0}", "{'x':1.0}"); /* said in another way: another text */
	assert_rest("[]", NULL);
	assert_rest("{'parameters':{},'name':'a'}", NULL); /* TQ42's */
}

/* As the whole resolution has them. */
static void test_resolved_by_themselves(void **state)
{
	(void)state;
	static const char *const requests[] = {"{}", "{'name':'a'}",
	                                       "{'notes':'n','tags':['x','y'],'name':'','project':'p'}"};
	for (size_t i = 0; i < sizeof requests / sizeof requests[0]; i++) {
		json_t *request = load(requests[i]), *whole = resolve_good(requests[i]), *alone = NULL, *taken = NULL;
		assert_int_equal(captions_resolve(request, &alone, NULL), 0);
		assert_int_equal(captions_take(whole, &taken, NULL), 0);
		assert_same(alone, taken);
		assert_int_equal(json_object_size(taken), 4);
		assert_null(json_object_get(whole, "name"));
		assert_non_null(json_object_get(whole, "training"));
		json_decref(taken);
		json_decref(alone);
		json_decref(whole);
		json_decref(request);
	}
}

static void test_what_is_wrong_is_refused(void **state)
{
	(void)state;
	static const char *const requests[] = {"{'name':1}", "{'project':''}", "{'tags':['']}", "{'notes':[]}"};
	for (size_t i = 0; i < sizeof requests / sizeof requests[0]; i++) {
		struct qlstm_error by_itself = {0}, as_a_whole;
		json_t *request = load(requests[i]), *captions = NULL;
		assert_int_not_equal(captions_resolve(request, &captions, &by_itself), 0);
		assert_null(captions);
		assert_null(resolve(requests[i], &as_a_whole));
		assert_string_equal(by_itself.pointer, as_a_whole.pointer);
		assert_string_equal(by_itself.message, as_a_whole.message);
		json_decref(request);
	}
}

/* The text of a spec is that of its captions and then the rest: only where they stand first is it the same text. */
static void test_they_stand_first(void **state)
{
	(void)state;
	static const char *const order[] = {"name", "project", "tags", "notes"};
	json_t *whole = resolve_good("{}");
	void *at = json_object_iter(whole);
	for (int i = 0; i < 4; i++, at = json_object_iter_next(whole, at))
		assert_string_equal(json_object_iter_key(at), order[i]);
	json_decref(whole);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_the_rest_of_a_request),
	    cmocka_unit_test(test_resolved_by_themselves),
	    cmocka_unit_test(test_what_is_wrong_is_refused),
	    cmocka_unit_test(test_they_stand_first),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
