/* The table of routes: paths, methods, query parameters; and what the limit of a body is before it is read. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "server/http/reply.h"
#include "server/http/router.h"
#include "tests/unit/http_fixture.h"

#define ID "01ARZ3NDEKTSV4RRFFQ69G5FAV"

/* Stands before the C library's: fails when told to. */
static bool memory_is_out;

char *strdup(const char *text)
{
	char *copy = memory_is_out ? NULL : malloc(strlen(text) + 1);
	return copy != NULL ? strcpy(copy, text) : NULL;
}

/* Which row answered, and what it was given. */
static void tell(const char *row, struct http_request *request, struct http_reply *reply)
{
	char text[300];
	const char *const *params = request->params;
	snprintf(text, sizeof text, "%s(%s,%s)%s%s", row, params[0] != NULL ? params[0] : "",
	         params[1] != NULL ? params[1] : "", request->head ? " head" : "",
	         http_query(request, "one") != NULL ? http_query(request, "one") : "");
	reply_text(reply, 200, "text/plain", text);
}

#define ROW(name)                                                                                                      \
	static void name(void *api, struct http_request *request, struct http_reply *reply)                            \
	{                                                                                                              \
		(void)api;                                                                                             \
		tell(#name, request, reply);                                                                           \
	}
ROW(list)
ROW(make)
ROW(read_one)
ROW(rename_one)
ROW(pair)
ROW(deep)
ROW(named)
#undef ROW

static void nothing(void *api, struct http_request *request, struct http_reply *reply)
{
	(void)api;
	(void)request;
	reply_text(reply, 404, "text/plain", "nothing");
}

static const struct route routes[] = {
    {"GET", "/things", list, SCOPE_NONE, LANE_SHORT, 0, {"one", "two", "three", "four", "five"}},
    {"POST", "/things", make, SCOPE_NONE, LANE_SHORT, 1000, {"one"}},
    {"GET", "/things/{id}", read_one, SCOPE_NONE, LANE_SHORT, 0, {0}},
    {"PATCH", "/things/{id}", rename_one, SCOPE_NONE, LANE_SHORT, 50, {0}},
    {"GET", "/things/{id}/pairs/{name}", pair, SCOPE_NONE, LANE_SHORT, 0, {0}},
    {"GET", "/a/b/c/d/e/f", deep, SCOPE_NONE, LANE_SHORT, 0, {0}},
    {"DELETE", "/names/{name}", named, SCOPE_NONE, LANE_SHORT, 7, {0}},
    {NULL, NULL, nothing, SCOPE_NONE, LANE_SHORT, 0, {0}},
};

static void handle(void *context, struct http_request *request, struct http_reply *reply)
{
	router_dispatch(routes, NULL, context, request, reply);
}

static long limit(void *context, const char *method, const char *path)
{
	(void)context;
	return router_body_limit(routes, method, path);
}

static struct door door;

static int open_door(void **state)
{
	(void)state;
	door_open(&door, (struct http_config){.handler = handle, .body_limit = limit});
	return 0;
}

static int close_door(void **state)
{
	(void)state;
	door_close(&door);
	return 0;
}

static void assert_answer(const char *method, const char *path, int status, const char *words)
{
	struct answer answer = ask(&door, method, path);
	if (answer.status != status || strstr(answer.body, words) == NULL)
		fail_msg("%s %s: %d %s", method, path, answer.status, answer.body);
	answer_free(&answer);
}

static void test_paths_find_their_row(void **state)
{
	(void)state;
	assert_answer("GET", "/things", 200, "list(,)");
	assert_answer("POST", "/things", 200, "make(,)");
	assert_answer("GET", "/things/" ID, 200, "read_one(" ID ",)");
	assert_answer("PATCH", "/things/" ID, 200, "rename_one(" ID ",)");
	assert_answer("GET", "/things/" ID "/pairs/x", 200, "pair(" ID ",x)");
	assert_answer("GET", "/things/" ID "/pairs/%C3%A9%20b", 200, "pair(" ID ",\xc3\xa9 b)");
	assert_answer("GET", "/a/b/c/d/e/f", 200, "deep(,)");
	assert_answer("DELETE", "/names/anything", 200, "named(anything,)");
}

static void test_other_paths_are_nothing(void **state)
{
	(void)state;
	static const char *const paths[] = {"/",
	                                    "/thing",
	                                    "/thingsx",
	                                    "/things/",
	                                    "//things",
	                                    "/things/" ID "/",
	                                    "/things/" ID "/pairs",
	                                    "/things/" ID "/pairs/",
	                                    "/things/" ID "/pairs/a/b",
	                                    "/a/b/c/d/e",
	                                    "/a/b/c/d/e/f/g",
	                                    "/a/b/c/d/e/f/",
	                                    "/a/b/c/d/e/f/g/h",
	                                    "/things/b/c/d/e/f/g",
	                                    "/things/" ID "/c/d/e/f/g",
	                                    "/a/b/c/d/x/f",
	                                    "/names/",
	                                    "/Things"};
	for (size_t i = 0; i < sizeof paths / sizeof paths[0]; i++) {
		assert_answer("GET", paths[i], 404, "nothing");
		assert_int_equal(router_body_limit(routes, "GET", paths[i]), ERR_NOT_FOUND);
	}
	assert_answer("OPTIONS", "/nothing", 404, "nothing");
}

static void test_ids_have_their_form(void **state)
{
	(void)state;
	assert_answer("GET", "/things/x", 404, "'x' is not an id");
	assert_answer("GET", "/things/" ID "0", 404, "is not an id");
	assert_answer("GET", "/things/x/pairs/" ID, 404, "'x' is not an id");
	assert_answer("PATCH", "/things/x", 404, "'x' is not an id");
}

static void test_head_is_get_without_the_body(void **state)
{
	(void)state;
	struct answer answer = ask(&door, "HEAD", "/things");
	assert_int_equal(answer.status, 200);
	assert_header(&answer, "Content-Length", "12"); /* "list(,) head" */
	assert_string_equal(answer.body, "");
	answer_free(&answer);
	answer = ask(&door, "HEAD", "/names/x");
	assert_int_equal(answer.status, 405);
	answer_free(&answer);
}

static void assert_allow(const char *method, const char *path, int status, const char *allow)
{
	struct answer answer = ask(&door, method, path);
	assert_int_equal(answer.status, status);
	assert_header(&answer, "Allow", allow);
	assert_header(&answer, "Content-Type", status == 204 ? NULL : "application/problem+json");
	answer_free(&answer);
	if (status == 405)
		assert_int_equal(router_body_limit(routes, method, path), ERR_CONFLICT);
}

static void test_methods_that_a_path_has(void **state)
{
	(void)state;
	assert_allow("OPTIONS", "/things", 204, "GET, HEAD, POST, OPTIONS");
	assert_allow("OPTIONS", "/things/" ID, 204, "GET, HEAD, PATCH, OPTIONS");
	assert_allow("OPTIONS", "/names/x", 204, "DELETE, OPTIONS");
	assert_allow("PUT", "/things", 405, "GET, HEAD, POST, OPTIONS");
	assert_allow("GET", "/names/x", 405, "DELETE, OPTIONS");
	assert_allow("get", "/things", 405, "GET, HEAD, POST, OPTIONS");
	struct answer answer = ask(&door, "PUT", "/things");
	assert_non_null(strstr(answer.body, "/problems/method_not_allowed"));
	assert_non_null(strstr(answer.body, "PUT is not a method of this path"));
	answer_free(&answer);
}

static void test_query_parameters(void **state)
{
	(void)state;
	assert_answer("GET", "/things?one=1&two=&three&four=4&five=5", 200, "list(,)1");
	assert_answer("GET", "/things?five=1", 200, "list");
	assert_answer("GET", "/things?one=1&one=1", 400, "'one' is given twice");
	assert_answer("GET", "/things?one&one", 400, "'one' is given twice");
	assert_answer("GET", "/things?thre=1", 400, "did you mean 'three'?");
	assert_answer("GET", "/things?somethingelse=1", 400, "unknown query parameter 'somethingelse'\"");
	assert_answer("POST", "/things?two=1", 400, "/problems/unknown_field");
	assert_answer("GET", "/things/" ID "?one=1", 400, "unknown query parameter 'one'");
	assert_answer("GET", "/things/" ID "?", 200, "read_one");
	assert_answer("GET", "/things?=1", 400, "unknown query parameter ''");
	assert_answer("OPTIONS", "/things?nonsense=1", 204, "");
}

static void test_limits_of_bodies(void **state)
{
	(void)state;
	assert_int_equal(router_body_limit(routes, "POST", "/things"), 1000);
	assert_int_equal(router_body_limit(routes, "GET", "/things"), 0);
	assert_int_equal(router_body_limit(routes, "PATCH", "/things/" ID), 50);
	assert_int_equal(router_body_limit(routes, "PATCH", "/things/x"), 50); /* the 404 comes from the handler */
	assert_int_equal(router_body_limit(routes, "DELETE", "/names/x"), 7);
	assert_int_equal(router_body_limit(routes, "PUT", "/things"), ERR_CONFLICT);
	assert_int_equal(router_body_limit(routes, "POST", "/thing"), ERR_NOT_FOUND);
}

/* Allow is bounded; a path of very many methods still gets a sound one. */
static void test_allow_of_many_methods(void **state)
{
	(void)state;
	struct route many[20] = {{0}};
	for (int i = 0; i < 19; i++)
		many[i] = (struct route){"METHODNAME", "/x", nothing, SCOPE_NONE, LANE_SHORT, 0, {0}};
	many[19] = (struct route){NULL, NULL, nothing, SCOPE_NONE, LANE_SHORT, 0, {0}};
	struct http_request request = {.method = "OPTIONS", .path = "/x"};
	struct http_reply reply = {.file = -1};
	router_dispatch(many, NULL, NULL, &request, &reply);
	assert_int_equal(reply.status, 204);
	assert_string_equal(reply.headers[1].name, "Allow");
	assert_true(strlen(reply.headers[1].value) < 64);
	assert_memory_equal(reply.headers[1].value, "METHODNAME, METHODNAME, ", 24);
	free(reply.body);
}

/* A row is for those who have its scope; nobody has none. */
static void test_scopes(void **state)
{
	(void)state;
	const struct principal reader = {"a reader", 1U << SCOPE_READ, {"r", false}, {0}, NULL};
	const struct principal owner = {"the owner", 1U << SCOPE_ADMIN, {"o", true}, {0}, NULL};
	static const struct {
		enum scope scope;
		bool nobody, reader, owner;
	} cases[] = {{SCOPE_NONE, true, true, true},
	             {SCOPE_READ, false, true, false},
	             {SCOPE_SUBMIT, false, false, false},
	             {SCOPE_ADMIN, false, false, true}};
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		const struct principal *const who[] = {NULL, &reader, &owner};
		const bool may[] = {cases[i].nobody, cases[i].reader, cases[i].owner};
		const struct route table[] = {{"GET", "/x", nothing, cases[i].scope, LANE_SHORT, 0, {0}},
		                              {NULL, NULL, nothing, SCOPE_NONE, LANE_SHORT, 0, {0}}};
		for (int k = 0; k < 3; k++) {
			static const struct target no_parameters;
			struct http_request request = {
			    .method = "GET", .path = "/x", .target = &no_parameters, .principal = who[k]};
			struct http_reply reply = {.file = -1};
			assert_int_equal(principal_may(who[k], cases[i].scope), may[k]);
			router_dispatch(table, NULL, NULL, &request, &reply);
			assert_int_equal(reply.status, may[k]   ? 404
			                               : k == 0 ? 401
			                                        : 403); /* 404: what `nothing` says */
			if (!may[k]) {
				assert_non_null(strstr((char *)reply.body, k == 0 ? "unauthorized" : "scope_missing"));
				assert_non_null(
				    strstr((char *)reply.body, k == 0 ? "Bearer KEY" : scope_name(cases[i].scope)));
				assert_non_null(strstr((char *)reply.body, k == 0 ? "" : who[k]->name));
				assert_string_equal(reply.headers[reply.n_headers - 1].name, "WWW-Authenticate");
			}
			free(reply.body);
		}
	}
}

static bool guard(void *context, const struct route *route, const struct http_request *request,
                  struct http_reply *reply)
{
	(void)route;
	if (*(bool *)context)
		return true;
	struct qlstm_error error = {.code = ERR_CONFLICT};
	reply_problem(request, reply, &error);
	return false;
}

/* Behind the scope, before the handler. */
static void test_a_guard_stands_before_the_handler(void **state)
{
	(void)state;
	const struct route table[] = {{"GET", "/x", nothing, SCOPE_NONE, LANE_SHORT, 0, {0}},
	                              {"GET", "/y", nothing, SCOPE_READ, LANE_SHORT, 0, {0}},
	                              {NULL, NULL, nothing, SCOPE_NONE, LANE_SHORT, 0, {0}}};
	static const struct {
		const char *path;
		bool lets;
		int status;
	} cases[] = {{"/x", true, 404}, {"/x", false, 409}, {"/y", false, 401}};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		static const struct target no_parameters;
		struct http_request request = {.method = "GET", .path = cases[i].path, .target = &no_parameters};
		struct http_reply reply = {.file = -1};
		bool lets = cases[i].lets;
		router_dispatch(table, guard, &lets, &request, &reply);
		assert_int_equal(reply.status, cases[i].status);
		free(reply.body);
	}
}

static void test_scopes_have_names(void **state)
{
	(void)state;
	for (int scope = 0; scope < SCOPE_COUNT; scope++)
		assert_int_equal(scope_from_name(scope_name((enum scope)scope)), scope);
	assert_int_equal(scope_from_name("root"), SCOPE_COUNT);
}

static void test_without_memory_it_is_a_500(void **state)
{
	(void)state;
	struct http_request request = {.method = "GET", .path = "/things"};
	struct http_reply reply = {.file = -1};
	memory_is_out = true;
	router_dispatch(routes, NULL, NULL, &request, &reply);
	long allowed = router_body_limit(routes, "POST", "/things");
	struct http_reply text = {.file = -1};
	reply_text(&text, 200, "text/plain", "hello");
	memory_is_out = false;
	assert_int_equal(reply.status, 500);
	assert_int_equal(allowed, ERR_OUT_OF_MEMORY);
	assert_int_equal(text.status, 500);
	assert_null(text.body);
	free(reply.body);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_scopes),
	    cmocka_unit_test(test_scopes_have_names),
	    cmocka_unit_test(test_a_guard_stands_before_the_handler),
	    cmocka_unit_test(test_paths_find_their_row),
	    cmocka_unit_test(test_other_paths_are_nothing),
	    cmocka_unit_test(test_ids_have_their_form),
	    cmocka_unit_test(test_head_is_get_without_the_body),
	    cmocka_unit_test(test_methods_that_a_path_has),
	    cmocka_unit_test(test_query_parameters),
	    cmocka_unit_test(test_limits_of_bodies),
	    cmocka_unit_test(test_without_memory_it_is_a_500),
	    cmocka_unit_test(test_allow_of_many_methods),
	};
	return cmocka_run_group_tests(tests, open_door, close_door);
}
