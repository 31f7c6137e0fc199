/* Reply verbs, and files with their conditions, through a real connection. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <fcntl.h>

#include "server/http/reply.h"
#include "tests/unit/http_fixture.h"

static struct http_reply fresh(void)
{
	return (struct http_reply){.file = -1};
}

static void drop(struct http_reply *reply)
{
	free(reply->body);
	*reply = fresh();
}

static void assert_body(const struct http_reply *reply, int status, const char *type, const char *text)
{
	assert_int_equal(reply->status, status);
	if (type == NULL)
		assert_null(reply->content_type);
	else
		assert_string_equal(reply->content_type, type);
	assert_int_equal(reply->body_length, strlen(text));
	assert_memory_equal(reply->body, text, strlen(text));
	assert_int_equal(reply->file, -1);
	assert_true(reply->n_headers >= 1);
	assert_string_equal(reply->headers[0].name, "Cache-Control");
	assert_string_equal(reply->headers[0].value, "no-store");
}

static void test_each_verb_fills_the_whole_reply(void **state)
{
	(void)state;
	struct http_reply reply = fresh();
	reply_text(&reply, 201, "text/plain", "hello");
	assert_body(&reply, 201, "text/plain", "hello");
	reply_header(&reply, "X-Own", "%d", 5);
	reply_json(&reply, 202, json_pack("{sf}", "a", 0.67)); /* replaces it, headers too */
	assert_body(&reply, 202, "application/json", "{\"a\":0.67}\n");
	assert_int_equal(reply.n_headers, 1);
	reply_bytes(&reply, 203, "text/csv", (unsigned char *)strdup("a\0b"), 3);
	assert_int_equal(reply.body_length, 3);
	assert_int_equal(reply.status, 203);
	reply_empty(&reply, 204);
	assert_body(&reply, 204, NULL, "");
	assert_null(reply.body);
	drop(&reply);
}

static void test_nothing_to_say_is_a_500(void **state)
{
	(void)state;
	struct http_reply reply = fresh();
	reply_json(&reply, 200, NULL);
	assert_int_equal(reply.status, 500);
	assert_string_equal(reply.content_type, "application/problem+json");
	const char *text = "{\"type\":\"/problems/out_of_memory\",\"title\":\"Out of memory\",\"status\":500}";
	assert_int_equal(reply.body_length, strlen(text));
	assert_memory_equal(reply.body, text, strlen(text));
	reply_text(&reply, 200, "text/plain", NULL);
	assert_body(&reply, 500, NULL, "");
	drop(&reply);
}

/* A verb that replaces a file closes it. */
static void test_a_replaced_file_is_closed(void **state)
{
	(void)state;
	struct http_reply reply = fresh();
	reply.file = open("/dev/null", O_RDONLY | O_CLOEXEC);
	int file = reply.file;
	assert_true(file >= 0);
	reply_empty(&reply, 204);
	assert_int_equal(fcntl(file, F_GETFD), -1);
	assert_int_equal(reply.file, -1);
}

static void test_headers_are_bounded(void **state)
{
	(void)state;
	struct http_reply reply = fresh();
	char longer[400];
	memset(longer, 'v', sizeof longer - 1);
	longer[sizeof longer - 1] = '\0';
	for (int i = 0; i < HTTP_MAX_HEADERS + 3; i++)
		reply_header(&reply, "X-N", "%d%s", i, i == HTTP_MAX_HEADERS - 1 ? longer : "");
	assert_int_equal(reply.n_headers, HTTP_MAX_HEADERS);
	assert_string_equal(reply.headers[0].value, "0");
	assert_string_equal(reply.headers[HTTP_MAX_HEADERS - 2].value, "10");
	assert_int_equal(strlen(reply.headers[HTTP_MAX_HEADERS - 1].value), 255);
}

/* What a problem says of itself. */
static void assert_problem(const struct http_reply *reply, int status, const char *name, const char *message,
                           const char *pointer)
{
	assert_int_equal(reply->status, status);
	assert_string_equal(reply->content_type, "application/problem+json");
	json_t *body = json_loadb((char *)reply->body, reply->body_length, 0, NULL);
	const char *type, *title, *detail, *instance, *at, *code, *text;
	int said;
	assert_int_equal(json_unpack(body, "{ss, ss, si, ss, ss, s[{ss, ss, ss}]}", "type", &type, "title", &title,
	                             "status", &said, "detail", &detail, "instance", &instance, "errors", "pointer",
	                             &at, "code", &code, "message", &text),
	                 0);
	assert_int_equal(said, status);
	assert_memory_equal(type, "/problems/", 10);
	assert_string_equal(type + 10, name);
	assert_string_equal(title, problem_find(name)->title);
	assert_string_equal(code, name);
	assert_string_equal(instance, "/some/path");
	assert_string_equal(at, pointer);
	assert_string_equal(detail, text);
	assert_string_equal(text, message);
	json_decref(body);
}

static const struct http_request request = {.method = "GET", .path = "/some/path"};

/* The status and the name of every code: what clients program against. */
static void test_problems_by_their_code(void **state)
{
	(void)state;
	const struct {
		int code, status;
		const char *name;
	} rows[] = {
	    {ERR_SYNTAX, 400, "syntax"},
	    {ERR_WRONG_TYPE, 422, "wrong_type"},
	    {ERR_OUT_OF_RANGE, 422, "out_of_range"},
	    {ERR_UNKNOWN_FIELD, 422, "unknown_field"},
	    {ERR_MISSING, 422, "missing"},
	    {ERR_INVALID, 422, "invalid"},
	    {ERR_NOT_FOUND, 404, "not_found"},
	    {ERR_CONFLICT, 409, "conflict"},
	    {ERR_TOO_LARGE, 413, "too_large"},
	    {ERR_UNAVAILABLE, 503, "unavailable"},
	    {ERR_DISK_FULL, 507, "disk_full"},
	    {ERR_OUT_OF_MEMORY, 500, "out_of_memory"},
	    {ERR_IO, 500, "io"},
	    {ERR_CORRUPT, 500, "corrupt"},
	    {ERR_INTERNAL, 500, "internal"},
	    {ERR_NOT_FINITE, 500, "internal"}, /* not for clients */
	    {12345, 500, "internal"},
	};
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct http_reply reply = fresh();
		struct qlstm_error error = {0};
		error_set(&error, rows[i].code, "/a/b", "because of %d", 5);
		reply_problem(&request, &reply, &error);
		assert_problem(&reply, rows[i].status, rows[i].name, "because of 5", "/a/b");
		bool retries = reply.n_headers == 2 && strcmp(reply.headers[1].name, "Retry-After") == 0 &&
		               strcmp(reply.headers[1].value, "5") == 0;
		assert_int_equal(retries, rows[i].status == 503);
		drop(&reply);
	}
}

static void test_problems_by_their_status(void **state)
{
	(void)state;
	const struct {
		int code, status;
		const char *name;
	} rows[] = {
	    {ERR_WRONG_TYPE, 415, "unsupported_media_type"},
	    {ERR_OUT_OF_RANGE, 416, "range_not_satisfiable"},
	    {ERR_INVALID, 403, "cross_origin"},
	    {ERR_INVALID, 421, "wrong_host"},
	    {ERR_CONFLICT, 405, "method_not_allowed"},
	    {ERR_CONFLICT, 403, "scope_missing"},
	    {ERR_OUT_OF_RANGE, 400, "out_of_range"},
	    {ERR_INVALID, 400, "invalid"},
	    {ERR_NOT_FOUND, 422, "not_found"},
	};
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct http_reply reply = fresh();
		struct qlstm_error error = {0};
		error_set(&error, rows[i].code, NULL, "because");
		reply_problem_as(&request, &reply, rows[i].status, &error);
		assert_problem(&reply, rows[i].status, rows[i].name, "because", "");
		drop(&reply);
	}
	assert_null(problem_find("nonsense"));
	assert_int_equal(problem_find("cross_origin")->status, 403);
}

/* Without a message of its own a problem says what it means; text that is no UTF-8 does no harm. */
static void test_problems_always_say_something(void **state)
{
	(void)state;
	struct http_reply reply = fresh();
	reply_problem(&request, &reply, &(struct qlstm_error){.code = ERR_DISK_FULL});
	assert_problem(&reply, 507, "disk_full", problem_find("disk_full")->meaning, "");
	reply_problem(&request, &reply,
	              &(struct qlstm_error){.code = ERR_IO,
	                                    .message = "a\xff"
	                                               "b",
	                                    .pointer = "/\xfe"});
	json_t *body = json_loadb((char *)reply.body, reply.body_length, 0, NULL);
	assert_non_null(body);
	json_decref(body);
	char path[700];
	memset(path, '/', sizeof path - 1);
	path[sizeof path - 1] = '\0';
	struct http_request longer = {.method = "GET", .path = path};
	reply_problem(&longer, &reply, &(struct qlstm_error){.code = ERR_NOT_FOUND});
	body = json_loadb((char *)reply.body, reply.body_length, 0, NULL);
	assert_int_equal(json_string_length(json_object_get(body, "instance")), 512);
	json_decref(body);
	drop(&reply);
}

/* --- files, over a connection --- */

static const char content[] = "0123456789abcdefghij";
static char file_name[] = "/tmp/qlstm-reply-XXXXXX";
static struct door door;
static int last_descriptor;

static void serve_file(void *context, struct http_request *asked, struct http_reply *reply)
{
	(void)context;
	struct reply_file file = {.descriptor = open(file_name, O_RDONLY | O_CLOEXEC),
	                          .length = sizeof content - 1,
	                          .content_type = "text/x-own",
	                          .sha256 = "feed",
	                          .filename = strcmp(asked->path, "/named") == 0 ? "a.txt" : NULL};
	last_descriptor = file.descriptor;
	reply_file(asked, reply, &file);
}

static long any_body(void *context, const char *method, const char *path)
{
	(void)context;
	(void)method;
	(void)path;
	return 100;
}

static int open_files(void **state)
{
	(void)state;
	int file = mkstemp(file_name);
	if (file < 0 || write(file, content, sizeof content - 1) != (ssize_t)sizeof content - 1)
		return -1;
	close(file);
	door_open(&door, (struct http_config){.handler = serve_file, .body_limit = any_body});
	return 0;
}

static int close_files(void **state)
{
	(void)state;
	door_close(&door);
	return unlink(file_name);
}

static void assert_file_headers(const struct answer *answer)
{
	assert_header(answer, "ETag", "\"feed\"");
	assert_header(answer, "Accept-Ranges", "bytes");
	assert_header(answer, "Cache-Control", "private, max-age=31536000, immutable");
	assert_header(answer, "X-Content-Type-Options", "nosniff");
}

static void test_whole_files(void **state)
{
	(void)state;
	struct answer answer = ask(&door, "GET", "/named");
	assert_int_equal(answer.status, 200);
	assert_string_equal(answer.body, content);
	assert_header(&answer, "Content-Type", "text/x-own");
	assert_header(&answer, "Content-Disposition", "attachment; filename=\"a.txt\"");
	assert_header(&answer, "Content-Range", NULL);
	assert_file_headers(&answer);
	answer_free(&answer);
	answer = ask(&door, "HEAD", "/plain");
	assert_int_equal(answer.status, 200);
	assert_header(&answer, "Content-Length", "20");
	assert_header(&answer, "Content-Disposition", NULL);
	assert_string_equal(answer.body, "");
	assert_file_headers(&answer);
	answer_free(&answer);
}

static void test_parts_of_files(void **state)
{
	(void)state;
	const struct {
		const char *headers;
		int status;
		const char *body, *range;
	} cases[] = {
	    {"Range: bytes=2-4\r\n", 206, "234", "bytes 2-4/20"},
	    {"Range: bytes=-3\r\n", 206, "hij", "bytes 17-19/20"},
	    {"Range: bytes=19-\r\n", 206, "j", "bytes 19-19/20"},
	    {"Range: bytes=0-19\r\n", 206, content, "bytes 0-19/20"},
	    {"Range: bytes=1-2,4-5\r\n", 200, content, NULL},
	    {"Range: bytes=2-4\r\nIf-Range: \"feed\"\r\n", 206, "234", "bytes 2-4/20"},
	    {"Range: bytes=2-4\r\nIf-Range: \"food\"\r\n", 200, content, NULL},
	    {"Range: bytes=20-\r\nIf-Range: \"food\"\r\n", 200, content, NULL},
	    {"If-Range: \"feed\"\r\n", 200, content, NULL},
	};
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct answer answer = ask_with(&door, "GET", "/plain", cases[i].headers, NULL);
		assert_int_equal(answer.status, cases[i].status);
		assert_string_equal(answer.body, cases[i].body);
		assert_header(&answer, "Content-Range", cases[i].range);
		assert_file_headers(&answer);
		answer_free(&answer);
	}
	struct answer answer = ask_with(&door, "GET", "/plain", "Range: bytes=20-\r\n", NULL);
	assert_int_equal(answer.status, 416);
	assert_header(&answer, "Content-Range", "bytes */20");
	assert_header(&answer, "ETag", NULL);
	assert_non_null(strstr(answer.body, "range_not_satisfiable"));
	assert_non_null(strstr(answer.body, "the file has 20 bytes"));
	assert_int_equal(fcntl(last_descriptor, F_GETFD), -1);
	answer_free(&answer);
}

static void test_files_that_the_client_has(void **state)
{
	(void)state;
	const struct {
		const char *value;
		int status;
	} cases[] = {
	    {"\"feed\"", 304},
	    {"*", 304},
	    {"W/\"feed\"", 304},
	    {"\"a\", \"feed\"", 304},
	    {"\"feed\",\"a\"", 304},
	    {"\"feed\" , x", 304},
	    {"\"xfeed\"", 200},
	    {"\"feedx\"", 200},
	    {"feed", 200},
	    {"\"*\"", 200},
	    {"\"feed\"x", 200},
	    {"**", 200},
	    {"\"feed\"x, \"feed\"", 304},
	};
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		char header[100];
		snprintf(header, sizeof header, "If-None-Match: %s\r\n", cases[i].value);
		struct answer answer = ask_with(&door, "GET", "/named", header, NULL);
		if (answer.status != cases[i].status)
			fail_msg("%s: %d", cases[i].value, answer.status);
		assert_string_equal(answer.body, answer.status == 304 ? "" : content);
		assert_file_headers(&answer);
		if (answer.status == 304)
			assert_int_equal(fcntl(last_descriptor, F_GETFD), -1);
		answer_free(&answer);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_each_verb_fills_the_whole_reply),
	    cmocka_unit_test(test_nothing_to_say_is_a_500),
	    cmocka_unit_test(test_a_replaced_file_is_closed),
	    cmocka_unit_test(test_headers_are_bounded),
	    cmocka_unit_test(test_problems_by_their_code),
	    cmocka_unit_test(test_problems_by_their_status),
	    cmocka_unit_test(test_problems_always_say_something),
	    cmocka_unit_test(test_whole_files),
	    cmocka_unit_test(test_parts_of_files),
	    cmocka_unit_test(test_files_that_the_client_has),
	};
	return cmocka_run_group_tests(tests, open_files, close_files);
}
