/* Replies with a source: bytes come when there are some, several streams do not disturb each other, each source is
 * closed once. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdatomic.h>

#include "tests/unit/http_fixture.h"

enum { N_SOURCES = 3 };

/* Says "first", sleeps until it is woken, says "second", ends. On the loop thread but for the counts. */
static struct source {
	struct http_stream *stream;
	int said;
	bool woken;
	atomic_int opened, closed;
} sources[N_SOURCES];

static void on_open(void *context, struct http_stream *stream)
{
	struct source *source = context;
	source->stream = stream;
	source->opened++;
}

static ssize_t on_read(void *context, char *buffer, size_t size)
{
	struct source *source = context;
	const char *const words[] = {"first", "second"};
	if (source->said == 2)
		return -1;
	if (source->said == 1 && !source->woken)
		return 0;
	const char *word = words[source->said++];
	assert_true(size >= strlen(word));
	memcpy(buffer, word, strlen(word));
	return (ssize_t)strlen(word);
}

static void on_close(void *context)
{
	((struct source *)context)->closed++;
}

/* A stream that is at its end at once and wakes another: `open` is on the loop thread. */
static void wake_other(void *context, struct http_stream *stream)
{
	struct source *source = context;
	(void)stream;
	source->woken = true;
	http_stream_wake(source->stream);
	http_stream_wake(source->stream); /* awake already */
}

static ssize_t at_end(void *context, char *buffer, size_t size)
{
	(void)context;
	(void)buffer;
	(void)size;
	return -1;
}

static void close_nothing(void *context)
{
	(void)context;
}

static void handle(void *context, struct http_request *request, struct http_reply *reply)
{
	static const struct http_source slow = {on_open, on_read, on_close},
	                                waker = {wake_other, at_end, close_nothing};
	(void)context;
	reply->status = 200;
	reply->content_type = "text/plain";
	reply->source = strncmp(request->path, "/wake", 5) == 0 ? &waker : &slow;
	reply->source_context = &sources[request->path[strlen(request->path) - 1] - '0'];
}

static long body_limit(void *context, const char *method, const char *path)
{
	(void)context;
	(void)method;
	(void)path;
	return 0;
}

static struct door door;

static int open_door(void **state)
{
	(void)state;
	memset(sources, 0, sizeof sources);
	door_open(&door, (struct http_config){.handler = handle, .body_limit = body_limit});
	return 0;
}

static int close_door(void **state)
{
	(void)state;
	door_close(&door);
	return 0;
}

static int start(int index)
{
	char request[128];
	int client = door_connect(&door);
	snprintf(request, sizeof request, "GET /%d HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", index);
	assert_int_equal(send_text(client, request), 0);
	return client;
}

/* Appends what comes to `text` until it holds `wanted`. */
static void read_until(int client, char text[2048], const char *wanted)
{
	size_t length = strlen(text);
	while (strstr(text, wanted) == NULL) {
		ssize_t part = recv(client, text + length, 2047 - length, 0);
		if (part <= 0)
			fail_msg("no '%s' in '%s'", wanted, text);
		text[length += (size_t)part] = '\0';
	}
}

static void wait_for(atomic_int *count, int wanted)
{
	for (int i = 0; i < CLIENT_SECONDS * 100 && *count < wanted; i++)
		poll(NULL, 0, 10);
	assert_int_equal(*count, wanted);
}

static void wake(int index)
{
	char path[16];
	snprintf(path, sizeof path, "/wake%d", index);
	struct answer answer = ask(&door, "GET", path);
	assert_int_equal(answer.status, 200);
	answer_free(&answer);
}

/* Whichever of them goes first, in the order in which they came, back, or from the middle: the others go on. */
static void each_gets_its_own(void **state)
{
	(void)state;
	static const int orders[][N_SOURCES] = {{0, 1, 2}, {2, 1, 0}, {1, 0, 2}};
	for (size_t k = 0; k < sizeof orders / sizeof *orders; k++) {
		int clients[N_SOURCES];
		char texts[N_SOURCES][2048] = {{0}};
		memset(sources, 0, sizeof sources);
		for (int i = 0; i < N_SOURCES; i++) {
			clients[i] = start(i);
			read_until(clients[i], texts[i], "\r\n\r\n5\r\nfirst\r\n");
			assert_non_null(strstr(texts[i], "Transfer-Encoding: chunked\r\n"));
			assert_null(strstr(texts[i], "Content-Length"));
		}
		for (int n = 0; n < N_SOURCES; n++) {
			int i = orders[k][n];
			assert_true(is_silent(clients[i]));
			wake(i);
			read_until(clients[i], texts[i], "5\r\nfirst\r\n6\r\nsecond\r\n0\r\n\r\n");
			assert_closed(clients[i]);
			close(clients[i]);
			wait_for(&sources[i].closed, 1);
			assert_int_equal(sources[i].opened, 1);
		}
	}
}

static void nobody_reads_a_head(void **state)
{
	(void)state;
	struct answer answer = ask(&door, "HEAD", "/1");
	assert_int_equal(answer.status, 200);
	assert_int_equal(answer.body_length, 0);
	answer_free(&answer);
	wait_for(&sources[1].closed, 1);
	assert_int_equal(sources[1].opened, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test_setup_teardown(each_gets_its_own, open_door, close_door),
	                                   cmocka_unit_test_setup_teardown(nobody_reads_a_head, open_door, close_door)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
