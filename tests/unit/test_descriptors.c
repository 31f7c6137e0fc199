/* Without a descriptor that is left, whatever opens a file says 503 with Retry-After, whoever asks; what needs none is
 * answered. It passes: the same is asked again and answered as ever. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <fcntl.h>
#include <sodium.h>
#include <sys/resource.h>

#include "tests/unit/service_fixture.h"

static struct rlimit usual;

/* No descriptor can be opened that is not there already. */
static void starve(void)
{
	int next = dup(0);
	assert_true(next > 0);
	close(next);
	struct rlimit none = {.rlim_cur = (rlim_t)next, .rlim_max = usual.rlim_max};
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
}

static void feed(void)
{
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &usual), 0);
}

static struct http_reply call_starved(const char *method, const char *raw, const char *body)
{
	starve();
	struct http_reply reply = call(method, raw, body);
	feed();
	return reply;
}

static void assert_unavailable(const char *method, const char *raw, const char *body)
{
	struct http_reply reply = call_starved(method, raw, body);
	const char *retry = reply_value(&reply, "Retry-After");
	if (reply.status != 503 || retry == NULL || atoi(retry) < 1)
		fail_msg("%s %s: %d %s, Retry-After %s", method, raw, reply.status, reply_text_of(&reply),
		         retry != NULL ? retry : "-");
	reply_clear(&reply);
}

#define ID      "01ARZ3NDEKTSV4RRFF00000001"
#define RESULTS "/experiments/" ID

/* A run that has succeeded, and its files. */
static void put_results(void)
{
	int number = 1;
	assert_int_equal(store_write(store, insert_numbered, &number, NULL), 0);
	write_sql("UPDATE experiment SET status = 'succeeded', attempt = 1");
	put_artifact(ID, "weights", "weights.safetensors", "w", 1);
	put_artifact(ID, "predictions", "predictions.csv", "a\n1\n", 4);
	put_artifact(ID, "report", "report.json", "{}", 2);
	char directory[400];
	snprintf(directory, sizeof directory, "%s/runs/" ID "/attempt-1", folder);
	assert_int_equal(file_write_atomic(directory, "worker.log", "line\n", 5, NULL), 0);
}

static void test_every_file(void **state)
{
	(void)state;
	static const char csv[] = "a,class\n1,0\n2,1\n3,0\n4,1\n5,0\n6,1\n7,0\n8,1\n";
	static const char spec[] = "{\"type\":\"lstm\",\"hidden_size\":2,\"data\":{\"dataset\":\"d\",\"task\":"
	                           "\"classification\",\"classes\":2,\"targets\":[\"class\"]}}";
	put_results();
	assert_call("POST", "/datasets?name=d", csv, 201);
	const struct {
		const char *method, *path, *body;
		int status;
	} calls[] = {
	    {"POST", "/datasets?name=e", "a\n1\n2\n", 201},
	    {"GET", "/datasets/d/content", NULL, 200},
	    {"POST", "/experiments", spec, 202},
	    {"GET", RESULTS "/weights", NULL, 200},
	    {"GET", RESULTS "/predictions", NULL, 200},
	    {"GET", RESULTS "/report", NULL, 200},
	    {"GET", RESULTS "/logs", NULL, 200},
	    {"GET", "/backup", NULL, 200},
	};
	for (size_t i = 0; i < sizeof calls / sizeof *calls; i++) {
		assert_unavailable(calls[i].method, calls[i].path, calls[i].body);
		assert_call(calls[i].method, calls[i].path, calls[i].body, calls[i].status);
	}
}

/* The first read opens a connection to the database; later ones do with those that there are. */
static void test_the_database(void **state)
{
	(void)state;
	assert_unavailable("GET", "/experiments", NULL);
	assert_call("GET", "/experiments", NULL, 200);
	struct http_reply reply = call_starved("GET", "/experiments", NULL);
	assert_int_equal(reply.status, 200);
	reply_clear(&reply);
}

static void test_what_opens_nothing(void **state)
{
	(void)state;
	assert_call("GET", "/experiments", NULL, 200);
	const char *const paths[] = {"/healthz", "/readyz", "/version", "/metrics", "/drain", "/openapi.json"};
	for (size_t i = 0; i < sizeof paths / sizeof *paths; i++) {
		struct http_reply reply = call_starved("GET", paths[i], NULL);
		assert_int_equal(reply.status, 200);
		reply_clear(&reply);
	}
	struct http_reply reply = call_starved("POST", "/experiments", "{}");
	assert_int_equal(reply.status, 202); /* durable: the database is open */
	reply_clear(&reply);
}

/* A key that is in force is not called void because its file cannot be opened, nor is one let in that may not be. */
static void test_keys(void **state)
{
	(void)state;
	struct key key = {.name = "alice", .owner = "alice", .scope = SCOPE_READ};
	char text[KEY_TEXT_SIZE], header[KEY_TEXT_SIZE + 8];
	assert_int_equal(keyring_add(folder, &key, text, NULL), 0);
	snprintf(header, sizeof header, "Bearer %s", text);
	headers[0] = "Authorization", headers[1] = header, headers[2] = NULL;
	assert_unavailable("GET", "/experiments", NULL);
	assert_call("GET", "/experiments", NULL, 200);
	struct http_reply reply = call_starved("GET", "/experiments", NULL);
	assert_int_equal(reply.status, 200); /* they are in memory */
	reply_clear(&reply);
	assert_int_equal(keyring_revoke(folder, "alice", &key, NULL), 0);
	reply = call_starved("GET", "/experiments", NULL); /* in the place of the file that was open */
	assert_int_equal(reply.status, 401);
	reply_clear(&reply);
}

static int count_attempts(struct db *db, void *argument, struct qlstm_error *error)
{
	(void)error;
	*(int64_t *)argument = select_int(db, "SELECT sum(attempt) FROM experiment");
	return 0;
}

static int64_t attempts(void)
{
	int64_t count = -1;
	assert_int_equal(store_read(store, count_attempts, &count, NULL), 0);
	return count;
}

/* Nothing is begun that would fail for want of them. */
static void test_the_queue_waits(void **state)
{
	(void)state;
	assert_call("POST", "/experiments", "{}", 202);
	assert_int_equal(attempts(), 0);
	starve();
	scheduler_wake(api.scheduler);
	for (int i = 0; i < 5; i++)
		uv_run(&loop, UV_RUN_NOWAIT);
	feed();
	assert_int_equal(attempts(), 0);
	uint64_t end = uv_hrtime() + UINT64_C(60000000000);
	while (attempts() == 0 && uv_hrtime() < end)
		uv_run(&loop, UV_RUN_ONCE); /* its own timer */
	assert_true(attempts() > 0);
	struct scheduler_counters counters;
	for (counters.busy = 1; counters.busy > 0 && uv_hrtime() < end;) {
		scheduler_hold(api.scheduler, true);
		uv_run(&loop, UV_RUN_ONCE);
		scheduler_counters(api.scheduler, &counters);
	}
	assert_int_equal(counters.busy, 0);
}

int main(void)
{
	if (sodium_init() < 0 || getrlimit(RLIMIT_NOFILE, &usual) != 0)
		return 1;
#define TEST(name) cmocka_unit_test_setup_teardown(name, open_service, close_service)
	const struct CMUnitTest tests[] = {
	    TEST(test_every_file), TEST(test_the_database),    TEST(test_what_opens_nothing),
	    TEST(test_keys),       TEST(test_the_queue_waits),
	};
	return cmocka_run_group_tests_name("descriptors", tests, NULL, NULL);
}
