/* The service as a whole: draining, lanes, counters, query parameters and headers, the contract. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <sodium.h>

#include "tests/unit/api_fixture.h"

static void test_draining(void **state)
{
	(void)state;
	assert_get("/readyz", 200, "{\"status\":\"ready\"}");
	atomic_store(&api.draining, true);
	struct answer answer = ask(&door, "GET", "/readyz");
	assert_int_equal(answer.status, 503);
	assert_header(&answer, "Retry-After", "5");
	assert_non_null(strstr(answer.body, "/problems/unavailable"));
	assert_non_null(strstr(answer.body, "the service is shutting down"));
	answer_free(&answer);
	answer = ask_with(&door, "POST", "/experiments", "", "{}");
	assert_int_equal(answer.status, 503);
	assert_header(&answer, "Retry-After", "5");
	answer_free(&answer);
	assert_says("POST", "/experiments?validate_only=true", "", "{}", 200, "\"engine\"");
	assert_get("/healthz", 200, "\"ok\"");
	atomic_store(&api.draining, false);
	assert_get("/readyz", 200, "ready");
	api.data_dir = "/nonexistent";
	assert_get("/readyz", 503, "the disk is nearly full");
	api.data_dir = folder;
}

static void test_uptime(void **state)
{
	(void)state;
	json_t *health = get_json("/healthz");
	double seconds = json_real_value(json_object_get(health, "uptime_seconds"));
	assert_true(seconds >= 5.0 && seconds < 5.0 + CLIENT_SECONDS);
	json_decref(health);
}

static void test_pages_of_other_sites(void **state)
{
	(void)state;
	const char *path = "/experiments?validate_only=true";
	assert_says("POST", path, "Origin: http://a\r\n", "{}", 200, "spec"); /* the Host that the client sends */
	assert_says("POST", path, "Origin: https://a\r\n", "{}", 200, "spec");
	assert_says("POST", path, "Origin: http://b\r\n", "{}", 403, "/problems/cross_origin");
	assert_says("POST", path, "Origin: http://a.b\r\n", "{}", 403, "another origin");
	assert_says("POST", path, "Origin: a\r\n", "{}", 403, "cross_origin");
	assert_says("POST", path, "Origin: null\r\n", "{}", 403, "cross_origin");
	assert_says("DELETE", "/datasets/sine", "Origin: http://b\r\n", NULL, 403, "cross_origin");
	assert_says("GET", "/healthz", "Origin: http://b\r\n", NULL, 200, "ok");
	assert_says("OPTIONS", "/datasets", "Origin: http://b\r\n", NULL, 204, "");
}

static void test_replies_are_counted_by_class(void **state)
{
	(void)state;
	assert_get("/healthz", 200, "");
	assert_get("/nothing", 404, "there is nothing at this path");
	assert_get("/datasets?x=1", 400, "");
	assert_says("OPTIONS", "/datasets", "", NULL, 204, "");
	atomic_store(&api.draining, true);
	assert_get("/readyz", 503, "");
	const unsigned long long expected[] = {0, 0, 2, 0, 2, 1};
	for (int i = 0; i < 6; i++)
		assert_int_equal(atomic_load(&api.replies[i]), expected[i]);
}

/* What is slow, and what must not wait for it. */
static void test_lanes(void **state)
{
	(void)state;
	static const struct {
		const char *method, *path;
		enum http_lane lane;
	} cases[] = {
	    {"GET", "/healthz", LANE_SHORT},
	    {"GET", "/experiments/x", LANE_SHORT},
	    {"GET", "/metrics", LANE_SHORT},
	    {"GET", "/experiments", LANE_LIST},
	    {"GET", "/datasets", LANE_LIST},
	    {"GET", "/experiments/x/events", LANE_LIST},
	    {"POST", "/experiments", LANE_SUBMIT},
	    {"POST", "/experiments/x/cancel", LANE_WRITE},
	    {"DELETE", "/datasets/x", LANE_WRITE},
	    {"POST", "/datasets", LANE_BULK},
	    {"POST", "/experiments/x/predict", LANE_PREDICT},
	};
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
		assert_int_equal(routes_lane(&api, cases[i].method, cases[i].path), cases[i].lane);
}

static void test_integers_in_the_query(void **state)
{
	(void)state;
	const struct {
		const char *value;
		int status;
		const char *words;
	} cases[] = {{"1", 200, "experiments"},
	             {"200", 200, "experiments"},
	             {"0", 400, "limit is 0; allowed are 1 to 200"},
	             {"201", 400, "out_of_range"},
	             {"-1", 400, "out_of_range"},
	             {"99999999999999999999", 400, "out_of_range"},
	             {"4294967297", 400, "out_of_range"}, /* not 1 */
	             {"5x", 400, "limit is '5x'; an integer is expected"},
	             {"", 400, "wrong_type"},
	             {"x", 400, "wrong_type"},
	             {"1.5", 400, "wrong_type"}};
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		char path[100];
		snprintf(path, sizeof path, "/experiments?limit=%s", cases[i].value);
		assert_get(path, cases[i].status, cases[i].words);
	}
}

static void test_words_in_the_query(void **state)
{
	(void)state;
	assert_get("/experiments?status=cancelled", 200, "[]");
	assert_get("/experiments?status=queud", 400,
	           "status is 'queud'; did you mean 'queued'? Allowed are queued, running, ");
	assert_get("/experiments?status=QUEUED", 400, "/problems/invalid");
	assert_get("/experiments?status=", 400,
	           "allowed are queued, running, paused, cancelling, succeeded, failed, cancelled\"");
	assert_says("POST", "/experiments?validate_only=true", "", "{}", 200, "");
	assert_says("POST", "/experiments?validate_only=maybe", "", "{}", 400, "allowed are false, true");
	atomic_store(&api.draining, true);
	assert_says("POST", "/experiments?validate_only=false", "", "{}", 503, "");
	assert_says("POST", "/experiments?validate_only=true", "", "{}", 200, "");
}

static void test_types_of_bodies(void **state)
{
	(void)state;
	const struct {
		const char *type;
		int status;
	} cases[] = {{"application/json", 200},
	             {"application/json; charset=utf-8", 200},
	             {"application/json;charset=utf-8", 200},
	             {"Application/JSON", 200},
	             {"application/x-www-form-urlencoded", 200},
	             {"", 200},
	             {"application/jsonx", 415},
	             {"application/jso", 415},
	             {"text/plain", 415},
	             {";application/json", 415}};
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		char header[100];
		snprintf(header, sizeof header, "Content-Type: %s\r\n", cases[i].type);
		assert_says("POST", "/experiments?validate_only=true", header, "{}", cases[i].status,
		            cases[i].status == 200 ? "" : "application/json is expected");
	}
	assert_says("POST", "/datasets?name=x", "Content-Type: application/json\r\n", "{}", 415,
	            "text/csv is expected");
}

static void test_idempotency_keys_have_a_form(void **state)
{
	(void)state;
	char header[400], key[260];
	memset(key, '~', sizeof key);
	for (int length = 254; length <= 256; length++) {
		snprintf(header, sizeof header, "Idempotency-Key: %.*s\r\n", length, key);
		assert_says("POST", "/experiments?validate_only=true", header, "{}", length <= 255 ? 200 : 400, "");
	}
	assert_says("POST", "/experiments?validate_only=true", "Idempotency-Key: !\r\n", "{}", 200, "");
	assert_says("POST", "/experiments?validate_only=true", "Idempotency-Key: a b\r\n", "{}", 400, "without blanks");
	assert_says("POST", "/experiments?validate_only=true", "Idempotency-Key: a\x7f\r\n", "{}", 400,
	            "/problems/syntax");
	assert_says("POST", "/experiments?validate_only=true", "Idempotency-Key: \xc3\xa9\r\n", "{}", 400, "");
}

static void test_what_the_client_accepts(void **state)
{
	(void)state;
	char path[200];
	insert_number(1);
	snprintf(path, sizeof path, "/experiments/%s/metrics", numbered_id(1));
	const struct {
		const char *accept;
		bool csv;
	} cases[] = {{"text/csv", true},
	             {"TEXT/CSV", true},
	             {"application/json, text/csv;q=0.5", true},
	             {"application/json,text/csv", true},
	             {"a/b , \ttext/csv", true},
	             {"text/csvx", false},
	             {"text/cs", false},
	             {"text/*", false},
	             {"*/*", false},
	             {"", false},
	             {"application/json", false},
	             {"a/b;x=text/csv", false}};
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		char header[100];
		snprintf(header, sizeof header, "Accept: %s\r\n", cases[i].accept);
		assert_says("GET", path, header, NULL, 200, cases[i].csv ? "epoch,train_loss" : "{\"experiment\"");
	}
	snprintf(path, sizeof path, "/experiments/%s/metrics?format=json", numbered_id(1));
	assert_says("GET", path, "Accept: text/csv\r\n", NULL, 200, "{\"experiment\"");
}

static void test_the_contract(void **state)
{
	(void)state;
	struct answer answer = ask(&door, "GET", "/openapi.json");
	assert_header(&answer, "Content-Type", "application/json");
	assert_null(strstr(answer.body, "#/$defs/"));
	json_t *whole = json_loadb(answer.body, answer.body_length, 0, NULL);
	json_t *schemas = json_object_get(json_object_get(whole, "components"), "schemas");
	json_t *request = json_object_get(schemas, "ExperimentRequest");
	assert_null(json_object_get(request, "$defs"));
	assert_null(json_object_get(request, "$schema"));
	assert_non_null(json_object_get(json_object_get(request, "properties"), "training"));
	assert_non_null(json_object_get(schemas, "Experiment.training"));
	json_decref(whole);
	answer_free(&answer);
	json_t *problem = get_json("/problems/disk_full");
	assert_string_equal(json_string_value(json_object_get(problem, "name")), "disk_full");
	assert_int_equal(integer_at(problem, "status"), 507);
	assert_string_equal(json_string_value(json_object_get(problem, "title")), "The disk is full");
	assert_non_null(json_object_get(problem, "meaning"));
	json_decref(problem);
	assert_get("/problems/nonsense", 404, "not_found");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(test_draining),
	    TEST(test_uptime),
	    TEST(test_pages_of_other_sites),
	    TEST(test_replies_are_counted_by_class),
	    TEST(test_lanes),
	    TEST(test_integers_in_the_query),
	    TEST(test_words_in_the_query),
	    TEST(test_types_of_bodies),
	    TEST(test_idempotency_keys_have_a_form),
	    TEST(test_what_the_client_accepts),
	    TEST(test_the_contract),
	};
	if (sodium_init() < 0)
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
