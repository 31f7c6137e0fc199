/* Every allocation of ours fails once in what a request does, from the table of routes to the reply: it is answered
 * (500, out of memory), nothing leaks, and what was acknowledged is there. Of our own sources alone
 * (wrapped_allocation.h); jansson's, SQLite's and zlib's are not among them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <sodium.h>
#include <zlib.h>

#include "tests/unit/service_fixture.h"
#include "tests/unit/wrapped_allocation.h"

#define ID      "01ARZ3NDEKTSV4RRFF00000001"
#define RESULTS "/experiments/" ID

static struct http_reply call_failing(int n, const char *method, const char *path, const void *body, size_t length,
                                      bool *failed)
{
	/* The target is not the handlers': server/http/mhd answers for it. */
	struct http_reply reply = {.file = -1};
	struct target target;
	assert_null(target_parse(&target, path));
	struct http_request request = {
	    .method = method, .path = target.path, .target = &target, .body = body, .body_length = length};
	left = n;
	routes_handle(&api, &request, &reply);
	*failed = left < 0;
	left = -1;
	target_free(&target);
	return reply;
}

static int count_experiments(struct db *db, void *argument, struct qlstm_error *error)
{
	(void)error;
	*(int64_t *)argument = select_int(db, "SELECT count(*) FROM experiment");
	return 0;
}

static int64_t experiments(void)
{
	int64_t count = -1;
	assert_int_equal(store_read(store, count_experiments, &count, NULL), 0);
	return count;
}

/* What a 201 or 202 says was made, is. */
static void assert_made(const struct http_reply *reply)
{
	char location[300];
	const char *value = reply_value(reply, "Location");
	if (value == NULL)
		return;
	snprintf(location, sizeof location, "%s", value);
	assert_call("GET", location, NULL, 200);
}

/* Where not even that finds memory the status alone says it. */
static bool says_out_of_memory(const struct http_reply *reply)
{
	return reply->status == 500 &&
	       (reply->body_length == 0 || strstr(reply_text_of(reply), "out_of_memory") != NULL);
}

/* The caller's words for what is to be so before each try. */
typedef void (*prepare_fn)(int n);

static void try_all(const char *method, const char *path, const void *body, size_t length, prepare_fn prepare)
{
	int n = 0;
	for (bool failed = true; failed; n++) {
		if (prepare != NULL)
			prepare(n);
		struct http_reply reply = call_failing(n, method, path, body, length, &failed);
		bool done = reply.status >= 200 && reply.status <= 299;
		if (!done && !(failed && says_out_of_memory(&reply)))
			fail_msg("%s %s, allocation %d: %d %s", method, path, n, reply.status, reply_text_of(&reply));
		if (reply.status == 201 || reply.status == 202)
			assert_made(&reply);
		reply_clear(&reply);
	}
	assert_true(n > 1);
}

static void try_text(const char *method, const char *path, const char *body, prepare_fn prepare)
{
	try_all(method, path, body, body != NULL ? strlen(body) : 0, prepare);
}

static void forget_circuits(int n)
{
	(void)n;
	plan_estimates_free(api.plans);
	api.plans = NULL;
	assert_int_equal(plan_estimates_new(&api.plans, NULL), 0);
	assessments_close(api.assessments);
	api.assessments = NULL;
	assert_int_equal(assessments_open(&api.assessments, NULL), 0);
}

static void forget_labels(int n)
{
	forget_circuits(n);
	labels_seen_close(api.labels);
	assert_int_equal(labels_seen_open(&api.labels, NULL), 0);
}

static char idempotency_key[32];

static void next_key(int n)
{
	forget_circuits(n);
	snprintf(idempotency_key, sizeof idempotency_key, "key-%d", n);
	headers[0] = "Idempotency-Key", headers[1] = idempotency_key, headers[2] = NULL;
}

static const char table[] = "a,class\n1,0\n2,1\n3,0\n4,1\n5,0\n6,1\n7,0\n8,1\n9,0\n10,1\n";

/* The next one says the same under another name. */
static void test_repeated_submissions(void **state)
{
	(void)state;
	assert_call("POST", "/experiments", "{\"hidden_size\":2,\"n_qubits\":2}", 202);
	try_text("POST", "/experiments", "{\"name\":\"again\",\"hidden_size\":2,\"n_qubits\":2}", NULL);
}

static void test_submissions(void **state)
{
	(void)state;
	assert_call("POST", "/datasets?name=d", table, 201);
	static const struct {
		const char *body;
		prepare_fn prepare;
	} cases[] = {
	    {"{\"type\":\"lstm\",\"hidden_size\":2,\"tags\":[\"x\"],\"name\":\"n\"}", forget_circuits},
	    {"{\"hidden_size\":2,\"n_qubits\":2}", next_key},
	    {"{\"hidden_size\":2,\"n_qubits\":2}", NULL}, /* a circuit that was seen */
	    {"{\"model\":{\"layers\":[{\"type\":\"qgru\",\"hidden_size\":2,\"n_qubits\":2},{\"type\":\"quantum\",\"n_"
	     "qubits\":2},"
	     "{\"type\":\"dense\",\"units\":1}]}}",
	     forget_circuits},
	    {"{\"type\":\"gru\",\"hidden_size\":2,\"data\":{\"dataset\":\"d\",\"inputs\":[\"a\"],\"targets\":[\"a\"],"
	     "\"window\":2}}",
	     forget_circuits},
	    {"{\"type\":\"lstm\",\"hidden_size\":2,\"data\":{\"dataset\":\"d\",\"task\":\"classification\",\"classes\":"
	     "2,"
	     "\"targets\":[\"class\"]}}",
	     forget_labels},
	};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		headers[0] = NULL;
		int64_t before = experiments();
		try_text("POST", "/experiments", cases[i].body, cases[i].prepare);
		assert_true(experiments() > before);
		headers[0] = NULL;
		before = experiments();
		try_text("POST", "/experiments?validate_only=true", cases[i].body, cases[i].prepare);
		assert_int_equal(experiments(), before);
	}
}

/* What is refused is refused for its own sake, or for want of memory. */
static void test_refusals(void **state)
{
	(void)state;
	static const char *const bodies[] = {"{", "{\"hidden_size\":0}", "{\"hiden_size\":1}",
	                                     "{\"data\":{\"dataset\":\"nothing\"}}",
	                                     "{\"type\":\"lstm\",\"data\":{\"targets\":[\"none\"]}}"};
	for (size_t i = 0; i < sizeof bodies / sizeof *bodies; i++) {
		struct http_reply whole = call("POST", "/experiments", bodies[i]);
		assert_in_range(whole.status, 400, 422);
		int n = 0;
		for (bool failed = true; failed; n++) {
			struct http_reply reply =
			    call_failing(n, "POST", "/experiments", bodies[i], strlen(bodies[i]), &failed);
			if (reply.status != whole.status && !says_out_of_memory(&reply))
				fail_msg("%s, allocation %d: %d %s", bodies[i], n, reply.status, reply_text_of(&reply));
			reply_clear(&reply);
		}
		assert_true(n > 1);
		reply_clear(&whole);
	}
}

static char upload_text[64];

static void next_upload(int n)
{
	snprintf(upload_text, sizeof upload_text, "a,b\n1,%d\n2,3\n", n + 10);
}

/* A data set that stands under its name, and whose file holds what was sent. */
static void assert_content(const char *path, size_t bytes)
{
	struct http_reply reply = call("GET", path, NULL);
	assert_int_equal(reply.status, 200);
	assert_int_equal(reply.file_length, bytes);
	reply_clear(&reply);
}

static size_t make_npy(unsigned char *out)
{
	static const char header[] = "{'descr': '<f8', 'fortran_order': False, 'shape': (3, 2), }";
	memcpy(out, "\x93NUMPY\x01\x00", 8);
	memset(out + 10, ' ', 118);
	memcpy(out + 10, header, sizeof header - 1);
	out[8] = 118, out[9] = 0, out[127] = '\n';
	for (int i = 0; i < 6; i++)
		memcpy(out + 128 + 8 * i, &(double){i}, sizeof(double));
	return 128 + 48;
}

static size_t pack(unsigned char *out, size_t room, const char *text)
{
	z_stream stream = {.next_in = (unsigned char *)(uintptr_t)text,
	                   .avail_in = (unsigned)strlen(text),
	                   .next_out = out,
	                   .avail_out = (unsigned)room};
	assert_int_equal(deflateInit2(&stream, 6, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY), Z_OK);
	assert_int_equal(deflate(&stream, Z_FINISH), Z_STREAM_END);
	size_t length = stream.total_out;
	deflateEnd(&stream);
	return length;
}

static void test_uploads(void **state)
{
	(void)state;
	unsigned char npy[256], idx[] = {0, 0, 8, 2, 0, 0, 0, 2, 0, 0, 0, 3, 1, 2, 3, 4, 5, 6};
	size_t length = make_npy(npy);
	int n = 0;
	for (bool failed = true; failed; n++) {
		char path[64];
		next_upload(n);
		snprintf(path, sizeof path, "/datasets?name=u%d", n);
		struct http_reply reply = call_failing(n, "POST", path, upload_text, strlen(upload_text), &failed);
		bool made = reply.status == 201;
		if (!made && (!failed || reply.status != 500))
			fail_msg("allocation %d: %d %s", n, reply.status, reply_text_of(&reply));
		reply_clear(&reply);
		snprintf(path, sizeof path, "/datasets/u%d/content", n);
		if (made)
			assert_content(path, strlen(upload_text));
	}
	assert_true(n > 5);
	try_all("POST", "/datasets?name=npy", npy, length, NULL);
	try_all("POST", "/datasets?name=idx", idx, sizeof idx, NULL);
	assert_content("/datasets/npy/content", length);
	unsigned char packed[256];
	try_all("POST", "/datasets?name=gz", packed, pack(packed, sizeof packed, "a,b\n1,2\n3,4\n"), NULL);
}

static void test_reading(void **state)
{
	(void)state;
	int number = 1;
	assert_int_equal(store_write(store, insert_numbered, &number, NULL), 0);
	assert_call("POST", "/datasets?name=d", table, 201);
	write_sql("UPDATE experiment SET status = 'succeeded', attempt = 1;"
	          "INSERT INTO epoch_metric SELECT id, 1, 1, '{\"train_loss\":0.1}', 2.5 FROM experiment");
	put_artifact(ID, "predictions", "predictions.csv", "a\n1\n", 4);
	put_artifact(ID, "report", "report.json", "{}", 2);
	char directory[400];
	snprintf(directory, sizeof directory, "%s/runs/" ID "/attempt-1", folder);
	assert_int_equal(file_write_atomic(directory, "worker.log", "line\n", 5, NULL), 0);
	const char *const paths[] = {"/experiments",
	                             "/experiments?status=succeeded&limit=1",
	                             RESULTS,
	                             RESULTS "/metrics",
	                             RESULTS "/metrics?format=csv",
	                             RESULTS "/events",
	                             RESULTS "/logs",
	                             RESULTS "/predictions",
	                             RESULTS "/report",
	                             "/datasets",
	                             "/datasets/d",
	                             "/datasets/sine",
	                             "/datasets/d/content",
	                             "/datasets/sine/content",
	                             "/backup",
	                             "/keys",
	                             "/drain",
	                             "/metrics",
	                             "/readyz",
	                             "/openapi.json",
	                             "/openapi.yaml"};
	for (size_t i = 0; i < sizeof paths / sizeof *paths; i++)
		try_text("GET", paths[i], NULL, NULL);
	headers[0] = "Accept", headers[1] = "text/event-stream", headers[2] = NULL;
	try_text("GET", RESULTS "/events", NULL, NULL);
}

static void make_queued(int n)
{
	(void)n;
	write_sql("UPDATE experiment SET status = 'queued'");
}

static void make_paused(int n)
{
	(void)n;
	write_sql("UPDATE experiment SET status = 'paused'");
}

static void make_failed(int n)
{
	(void)n;
	write_sql("UPDATE experiment SET status = 'failed'");
}

static void make_again(int n)
{
	int number = 1;
	(void)n;
	write_sql("DELETE FROM experiment");
	assert_int_equal(store_write(store, insert_numbered, &number, NULL), 0);
	make_failed(n);
}

static void test_changing(void **state)
{
	(void)state;
	make_again(0);
	try_text("POST", RESULTS "/cancel", NULL, make_queued);
	try_text("POST", RESULTS "/pause", NULL, make_queued);
	try_text("POST", RESULTS "/resume", NULL, make_paused);
	try_text("POST", RESULTS "/retry", NULL, make_failed);
	try_text("DELETE", RESULTS, NULL, make_again);
	try_text("POST", "/drain?running=checkpoint", NULL, NULL);
	try_text("DELETE", "/drain", NULL, NULL);
}

int main(void)
{
	if (sodium_init() < 0)
		return 1;
#define TEST(name) cmocka_unit_test_setup_teardown(name, open_service, close_service)
	const struct CMUnitTest tests[] = {TEST(test_submissions), TEST(test_repeated_submissions),
	                                   TEST(test_refusals),    TEST(test_uploads),
	                                   TEST(test_reading),     TEST(test_changing)};
	return cmocka_run_group_tests_name("api_memory", tests, NULL, NULL);
}
