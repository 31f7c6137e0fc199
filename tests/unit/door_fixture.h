/* What the tests of the HTTP door share: a handler for the paths /big, /file, /echo, /slow, /gate and /forgets that
 * tells what it was asked elsewhere, and a door with it before each test. Include behind cmocka.h, in one file of a
 * program. */
#ifndef QLSTM_TESTS_DOOR_FIXTURE_H
#define QLSTM_TESTS_DOOR_FIXTURE_H

#include <fcntl.h>
#include <jansson.h>
#include <stdatomic.h>
#include <sys/mman.h>
#include <time.h>

#include "server/http/reply.h"
#include "tests/unit/http_fixture.h"

enum { LIMIT = 100000, DISCARD = 16 << 20, BIG = 5 << 20, WORK_MS = 2600 };

static atomic_int entered, left, gate_open;

static inline void pause_ms(long ms)
{
	nanosleep(&(struct timespec){.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000}, NULL);
}

static inline void reply_big(struct http_reply *reply)
{
	unsigned char *bytes = malloc(BIG);
	for (size_t i = 0; bytes != NULL && i < BIG; i++)
		bytes[i] = (unsigned char)(i % 251);
	reply_bytes(reply, 200, "application/octet-stream", bytes, BIG);
}

static inline void reply_big_file(struct http_reply *reply)
{
	int file = memfd_create("big", MFD_CLOEXEC);
	static unsigned char bytes[BIG];
	for (size_t i = 0; i < BIG; i++)
		bytes[i] = (unsigned char)(i % 251);
	reply_empty(reply, 200);
	reply->file = write(file, bytes, BIG) == BIG ? file : -1;
	reply->file_offset = 251 * 3;
	reply->file_length = BIG - 251 * 3;
}

static inline void print_query(void *context, const char *name, const char *value)
{
	fprintf(context, "[%s=%s]", name, value);
}

/* What the server made of the request. */
static inline void reply_told(const struct http_request *request, struct http_reply *reply)
{
	char *text = NULL;
	size_t length = 0;
	FILE *out = open_memstream(&text, &length);
	const char *a = http_query(request, "a"), *own = http_header(request, "x-own");
	fprintf(out, "%s %s head=%d body=%zu a=%s own=%s ", request->method, request->path, request->head,
	        request->body_length, a != NULL ? a : "(null)", own != NULL ? own : "(null)");
	http_query_each(request, print_query, out);
	fclose(out);
	reply_bytes(reply, 200, "text/plain", (unsigned char *)text, length);
}

static inline void handle(void *context, struct http_request *request, struct http_reply *reply)
{
	(void)context;
	atomic_fetch_add(&entered, 1);
	if (strcmp(request->path, "/slow") == 0)
		pause_ms(WORK_MS);
	for (int i = 0; strcmp(request->path, "/gate") == 0 && !atomic_load(&gate_open) && i < CLIENT_SECONDS * 100;
	     i++)
		pause_ms(10);
	if (strcmp(request->path, "/big") == 0)
		reply_big(reply);
	else if (strcmp(request->path, "/file") == 0)
		reply_big_file(reply);
	else if (strcmp(request->path, "/echo") == 0 && request->body_length > 0)
		reply_bytes(reply, 200, "text/plain",
		            memcpy(malloc(request->body_length), request->body, request->body_length),
		            request->body_length);
	else if (strcmp(request->path, "/forgets") != 0)
		reply_told(request, reply);
	atomic_fetch_add(&left, 1);
}

static inline long limit(void *context, const char *method, const char *path)
{
	(void)context;
	if (strcmp(path, "/nowhere") == 0)
		return ERR_NOT_FOUND;
	if (strcmp(path, "/unsure") == 0)
		return ERR_OUT_OF_MEMORY; /* the code nearest to 0 */
	return strcmp(method, "POST") == 0 ? LIMIT : 0;
}

/* What the log says goes to a file meanwhile. */
static int kept_log;

static inline FILE *catch_log(void)
{
	FILE *caught = tmpfile();
	char name[64];
	assert_non_null(caught);
	snprintf(name, sizeof name, "/proc/self/fd/%d", fileno(caught));
	kept_log = dup(2);
	int sink = open(name, O_WRONLY | O_APPEND | O_CLOEXEC); /* its place is not the reader's */
	dup2(sink, 2);
	close(sink);
	return caught;
}

static inline void release_log(void)
{
	dup2(kept_log, 2);
	close(kept_log);
}

static const struct http_config usual = {.handler = handle, .body_limit = limit};
static struct door door;

static inline int open_door(void **state)
{
	(void)state;
	entered = left = gate_open = 0;
	door_open(&door, usual);
	return 0;
}

static inline int close_door(void **state)
{
	(void)state;
	door_close(&door);
	return 0;
}

static inline void assert_told(struct answer answer, int status, const char *words)
{
	if (answer.status != status || strstr(answer.body, words) == NULL)
		fail_msg("%d %s instead of %d %s", answer.status, answer.body, status, words);
	answer_free(&answer);
}

static inline void wait_for(atomic_int *counter, int value)
{
	for (int i = 0; atomic_load(counter) < value; i++) {
		assert_true(i < CLIENT_SECONDS * 100);
		pause_ms(10);
	}
}

static inline char *letters(size_t count)
{
	char *text = malloc(count + 1);
	assert_non_null(text);
	for (size_t i = 0; i < count; i++)
		text[i] = (char)('a' + i % 23);
	text[count] = '\0';
	return text;
}

static inline int send_head(const char *method, const char *path, size_t length, const char *headers)
{
	char head[300];
	int client = door_connect(&door);
	snprintf(head, sizeof head, "%s %s HTTP/1.1\r\nHost: a\r\nContent-Length: %zu\r\n%s\r\n", method, path, length,
	         headers);
	send_text(client, head);
	return client;
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, open_door, close_door)

#endif
