/* The HTTP door as its clients see it: bodies and their limits, deadlines, connections, the way down. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <fcntl.h>
#include <jansson.h>
#include <stdatomic.h>
#include <sys/mman.h>
#include <time.h>

#include "server/http/reply.h"
#include "tests/unit/http_fixture.h"

enum { LIMIT = 100000, DISCARD = 16 << 20, BIG = 5 << 20, WORK_MS = 2600 };

static atomic_int entered, left, gate_open;

static void pause_ms(long ms)
{
	nanosleep(&(struct timespec){.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000}, NULL);
}

static void reply_big(struct http_reply *reply)
{
	unsigned char *bytes = malloc(BIG);
	for (size_t i = 0; bytes != NULL && i < BIG; i++)
		bytes[i] = (unsigned char)(i % 251);
	reply_bytes(reply, 200, "application/octet-stream", bytes, BIG);
}

static void reply_big_file(struct http_reply *reply)
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

static void print_query(void *context, const char *name, const char *value)
{
	fprintf(context, "[%s=%s]", name, value);
}

/* What the server made of the request. */
static void reply_told(const struct http_request *request, struct http_reply *reply)
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

static void handle(void *context, struct http_request *request, struct http_reply *reply)
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

static long limit(void *context, const char *method, const char *path)
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

static FILE *catch_log(void)
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

static void release_log(void)
{
	dup2(kept_log, 2);
	close(kept_log);
}

static const struct http_config usual = {.handler = handle, .body_limit = limit};
static struct door door;

static int open_door(void **state)
{
	(void)state;
	entered = left = gate_open = 0;
	door_open(&door, usual);
	return 0;
}

static int close_door(void **state)
{
	(void)state;
	door_close(&door);
	return 0;
}

static void assert_told(struct answer answer, int status, const char *words)
{
	if (answer.status != status || strstr(answer.body, words) == NULL)
		fail_msg("%d %s instead of %d %s", answer.status, answer.body, status, words);
	answer_free(&answer);
}

static void wait_for(atomic_int *counter, int value)
{
	for (int i = 0; atomic_load(counter) < value; i++) {
		assert_true(i < CLIENT_SECONDS * 100);
		pause_ms(10);
	}
}

/* --- requests and answers --- */

static void test_what_a_handler_is_told(void **state)
{
	(void)state;
	assert_told(ask_with(&door, "GET", "/x%20y/%C3%A9?a=1%202+3&b&c=&d=%26", "X-OWN: yes\r\n", NULL), 200,
	            "GET /x y/\xc3\xa9 head=0 body=0 a=1 2 3 own=yes [a=1 2 3][b=][c=][d=&]");
	assert_told(ask(&door, "GET", "/x?a"), 200, "a= own=(null) [a=]");
	assert_told(ask(&door, "GET", "/x"), 200, "a=(null) own=(null) ");
	assert_told(ask_with(&door, "PUT", "/x", "", ""), 200, "PUT /x head=0 body=0");
	assert_told(ask_with(&door, "POST", "/x", "", "12345"), 200, "POST /x head=0 body=5");
	struct answer answer = ask(&door, "HEAD", "/x");
	assert_int_equal(answer.status, 200);
	assert_header(&answer, "Content-Length", "41"); /* "GET /x head=1 body=0 a=(null) own=(null) " and no body */
	answer_free(&answer);
}

static void test_an_answer_carries_its_headers(void **state)
{
	(void)state;
	struct answer answer = ask(&door, "GET", "/x");
	assert_header(&answer, "Content-Type", "text/plain");
	assert_header(&answer, "X-Content-Type-Options", "nosniff");
	assert_header(&answer, "Cache-Control", "no-store");
	answer_free(&answer);
	assert_told(ask(&door, "GET", "/forgets"), 500, "out_of_memory"); /* a handler that said nothing */
}

static void assert_pattern(struct answer answer, size_t length, size_t first)
{
	assert_int_equal(answer.status, 200);
	assert_int_equal(answer.body_length, length);
	for (size_t i = 0; i < length; i++)
		if ((unsigned char)answer.body[i] != (i + first) % 251)
			fail_msg("byte %zu", i);
	answer_free(&answer);
}

static void test_large_answers_arrive_whole(void **state)
{
	(void)state;
	assert_pattern(ask(&door, "GET", "/big"), BIG, 0);
	assert_pattern(ask(&door, "GET", "/file"), BIG - 251 * 3, 0);
	struct answer answer = ask(&door, "HEAD", "/file");
	assert_header(&answer, "Content-Length", "5242127");
	answer_free(&answer);
}

/* --- bodies --- */

static char *letters(size_t count)
{
	char *text = malloc(count + 1);
	assert_non_null(text);
	for (size_t i = 0; i < count; i++)
		text[i] = (char)('a' + i % 23);
	text[count] = '\0';
	return text;
}

/* Sends the letters in parts of `part` bytes, with their length before them or as chunks. */
static struct answer send_letters(const char *path, size_t count, size_t part, bool chunked)
{
	char head[200], *text = letters(count);
	int client = door_connect(&door);
	snprintf(head, sizeof head, "POST %s HTTP/1.1\r\nHost: a\r\n", path);
	send_text(client, head);
	snprintf(head, sizeof head, chunked ? "Transfer-Encoding: chunked\r\n\r\n" : "Content-Length: %zu\r\n\r\n",
	         count);
	send_text(client, head);
	for (size_t at = 0; at < count; at += part) {
		size_t size = count - at < part ? count - at : part;
		snprintf(head, sizeof head, "%zx\r\n", size);
		if (chunked)
			send_text(client, head);
		send_bytes(client, text + at, size);
		if (chunked)
			send_text(client, "\r\n");
	}
	if (chunked)
		send_text(client, "0\r\n\r\n");
	struct answer answer = receive(client, 1);
	close(client);
	free(text);
	return answer;
}

static void assert_echo(size_t count, size_t part, bool chunked)
{
	char *text = letters(count);
	struct answer answer = send_letters("/echo", count, part, chunked);
	assert_int_equal(answer.status, 200);
	assert_int_equal(answer.body_length, count);
	assert_memory_equal(answer.body, text, count);
	answer_free(&answer);
	free(text);
}

static void test_bodies_arrive_whole_up_to_their_limit(void **state)
{
	(void)state;
	for (int chunked = 0; chunked < 2; chunked++) {
		assert_echo(1, 1, chunked);
		assert_echo(200, 1, chunked);
		assert_echo(LIMIT - 1, 30000, chunked);
		assert_echo(LIMIT, 4097, chunked);
	}
}

static void test_bodies_past_their_limit(void **state)
{
	(void)state;
	for (int chunked = 0; chunked < 2; chunked++) {
		atomic_store(&entered, 0);
		assert_told(send_letters("/echo", LIMIT + 1, 4096, chunked), 413, "/problems/too_large");
		struct answer answer = send_letters("/echo", 10 * LIMIT, 65536, chunked);
		assert_header(&answer, "Connection", "close");
		assert_told(answer, 413, "the body is larger than this path takes");
		assert_int_equal(entered, 0);
	}
	assert_told(ask_with(&door, "GET", "/x", "", "1"), 413, "too_large"); /* no body at all is taken here */
}

/* A body that nobody wants is read and thrown away; the answer is the handler's. */
static void test_bodies_that_nobody_wants(void **state)
{
	(void)state;
	for (int chunked = 0; chunked < 2; chunked++)
		assert_told(send_letters("/nowhere", 3 * LIMIT, 65536, chunked), 200, "POST /nowhere head=0 body=0");
	for (int chunked = 0; chunked < 2; chunked++)
		assert_told(send_letters("/unsure", 10, 10, chunked), 200, "POST /unsure head=0 body=0");
}

static int send_head(const char *method, const char *path, size_t length, const char *headers)
{
	char head[300];
	int client = door_connect(&door);
	snprintf(head, sizeof head, "%s %s HTTP/1.1\r\nHost: a\r\nContent-Length: %zu\r\n%s\r\n", method, path, length,
	         headers);
	send_text(client, head);
	return client;
}

/* More than 16 MiB past the limit is not even read: the answer comes at once, and the end. */
static void test_announced_bodies_that_are_far_too_large(void **state)
{
	(void)state;
	const struct {
		const char *path;
		size_t allowed;
		int status;
		const char *words;
	} cases[] = {{"/echo", LIMIT, 413, "too_large"}, {"/nowhere", 0, 200, "POST /nowhere"}};
	for (size_t i = 0; i < 2; i++) {
		int client = send_head("POST", cases[i].path, cases[i].allowed + DISCARD + 1, "");
		struct answer answer = receive(client, 1);
		assert_header(&answer, "Connection", "close");
		assert_told(answer, cases[i].status, cases[i].words);
		assert_closed(client);
		close(client);
		client = send_head("POST", cases[i].path, cases[i].allowed + DISCARD, "");
		assert_true(is_silent(client));
		close(client);
	}
}

static void test_expect_100_continue(void **state)
{
	(void)state;
	int client = send_head("POST", "/echo", 5, "Expect: 100-Continue\r\n");
	char line[64] = "";
	assert_int_equal(recv(client, line, 25, MSG_WAITALL), 25);
	assert_string_equal(line, "HTTP/1.1 100 Continue\r\n\r\n");
	send_text(client, "hello");
	assert_told(receive(client, 1), 200, "hello");
	send_text(client, "GET /again HTTP/1.1\r\nHost: a\r\n\r\n"); /* and the connection goes on */
	assert_told(receive(client, 1), 200, "/again");
	close(client);

	const struct {
		const char *path;
		size_t length;
		int status;
		const char *words;
	} refused[] = {{"/echo", LIMIT + 1, 413, "too_large"}, {"/nowhere", 1, 200, "POST /nowhere"}};
	for (size_t i = 0; i < 2; i++) {
		client = send_head("POST", refused[i].path, refused[i].length, "Expect: 100-continue\r\n");
		struct answer answer = receive(client, 1);
		assert_header(&answer, "Connection", "close");
		assert_told(answer, refused[i].status, refused[i].words);
		assert_closed(client);
		close(client);
	}
	client = send_head("POST", "/nowhere", 0, "Expect: 100-continue\r\n"); /* nothing to wait for */
	assert_told(receive(client, 1), 100, "");
	struct answer answer = receive(client, 1);
	assert_header(&answer, "Connection", NULL);
	assert_told(answer, 200, "POST /nowhere");
	close(client);
}

/* --- connections --- */

static void test_requests_in_a_row_on_one_connection(void **state)
{
	(void)state;
	int client = door_connect(&door);
	for (int i = 0; i < 3; i++) {
		send_text(client, "POST /first HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc");
		struct answer answer = receive(client, 1);
		assert_header(&answer, "Connection", NULL);
		assert_told(answer, 200, "POST /first head=0 body=3");
	}
	send_text(client,
	          "GET /one HTTP/1.1\r\nHost: a\r\n\r\nPOST /two HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nab"
	          "GET /gate HTTP/1.1\r\nHost: a\r\n\r\nGET /four HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
	assert_told(receive(client, 1), 200, "GET /one");
	assert_told(receive(client, 1), 200, "POST /two head=0 body=2");
	assert_true(is_silent(client)); /* the order holds, though the fourth would be quicker than the third */
	atomic_store(&gate_open, 1);
	assert_told(receive(client, 1), 200, "GET /gate");
	assert_told(receive(client, 1), 200, "GET /four");
	assert_closed(client);
	close(client);
}

/* A head with a fault: refused, and nothing behind it is read as a request. */
static void test_heads_that_are_refused_end_the_connection(void **state)
{
	(void)state;
	int client = door_connect(&door);
	send_text(client, "GET /x HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\nGET /y HTTP/1.1\r\nHost: a\r\n\r\n");
	struct answer answer = receive(client, 1);
	assert_header(&answer, "Connection", "close");
	assert_told(answer, 400, "/problems/syntax");
	assert_closed(client);
	close(client);
	assert_int_equal(entered, 0);
}

static void test_heads_are_bounded(void **state)
{
	(void)state;
	char *line = letters(66000);
	int client = door_connect(&door);
	send_text(client, "GET /x HTTP/1.1\r\nHost: a\r\nX: ");
	send_text(client, line);
	send_text(client, "\r\n\r\n");
	struct answer answer = receive(client, 1);
	assert_true(answer.status == 431 || answer.status == 413 || answer.status == 0);
	answer_free(&answer);
	close(client);
	line[30000] = '\0';
	char headers[30100];
	snprintf(headers, sizeof headers, "X-Own: %s\r\n", line);
	assert_told(ask_with(&door, "GET", "/x", headers, NULL), 200, line);
	free(line);
}

/* A handler that waits keeps neither the loop nor the other handlers. */
static void test_handlers_run_side_by_side(void **state)
{
	(void)state;
	int waiting = door_connect(&door);
	send_text(waiting, "GET /gate HTTP/1.1\r\nHost: a\r\n\r\n");
	wait_for(&entered, 1);
	assert_told(ask(&door, "GET", "/x"), 200, "GET /x");
	assert_true(is_silent(waiting));
	atomic_store(&gate_open, 1);
	assert_told(receive(waiting, 1), 200, "GET /gate");
	close(waiting);
}

static void test_clients_that_leave_early(void **state)
{
	(void)state;
	int client = door_connect(&door);
	send_text(client, "GET /gate HTTP/1.1\r\nHost: a\r\n\r\n");
	wait_for(&entered, 1);
	close(client);
	client = door_connect(&door);
	send_text(client, "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\nabc");
	close(client);
	client = door_connect(&door);
	send_text(client, "GET /big HTTP/1.1\r\nHost: a\r\n\r\n");
	wait_for(&entered, 2);
	close(client);
	atomic_store(&gate_open, 1);
	wait_for(&left, 2);
	assert_told(ask(&door, "GET", "/x"), 200, "GET /x");
}

/* The one that has been without a request longest goes for the fourth; where all have one, the next is told. */
static void test_more_clients_than_connections(void **state)
{
	(void)state;
	struct http_config config = usual;
	config.max_connections = 3;
	struct door small;
	int clients[4];
	door_open(&small, config);
	for (int i = 0; i < 4; i++) {
		clients[i] = door_connect(&small);
		send_text(clients[i], "GET /x HTTP/1.1\r\nHost: a\r\n\r\n");
		assert_told(receive(clients[i], 1), 200, "GET /x");
	}
	assert_closed(clients[0]);
	for (int i = 1; i < 4; i++)
		send_text(clients[i], "GET /gate HTTP/1.1\r\nHost: a\r\n\r\n");
	wait_for(&entered, 7);
	struct answer answer = ask(&small, "GET", "/x");
	assert_header(&answer, "Retry-After", "5");
	assert_header(&answer, "Connection", "close");
	assert_told(answer, 503, "too many connections");
	assert_int_equal(entered, 7);
	atomic_store(&gate_open, 1);
	for (int i = 1; i < 4; i++)
		assert_told(receive(clients[i], 1), 200, "GET /gate");
	assert_told(ask(&small, "GET", "/x"), 200, "GET /x");
	for (int i = 0; i < 4; i++)
		close(clients[i]);
	door_close(&small);
}

/* --- deadlines --- */

static double now(void)
{
	struct timespec time;
	clock_gettime(CLOCK_MONOTONIC, &time);
	return (double)time.tv_sec + 1e-9 * (double)time.tv_nsec;
}

/* Sends a byte now and then until the server has had enough; the seconds since `start`. */
static double feed_until_closed(int client, double start)
{
	char byte;
	for (int i = 0; i < 100 * CLIENT_SECONDS; i++) {
		if (i % 20 == 0)
			send_text(client, "a");
		ssize_t received = recv(client, &byte, 1, MSG_DONTWAIT);
		if (received == 0 || (received < 0 && errno != EAGAIN))
			return now() - start;
		if (received > 0)
			fail_msg("an answer to half a request");
		pause_ms(10);
	}
	fail_msg("not closed");
	return 0;
}

/* One second for the head, two for the body; none for the handler, and none of these for a connection kept alive. */
static void test_deadlines(void **state)
{
	(void)state;
	struct http_config config = usual;
	config.header_seconds = 1;
	config.body_seconds = 2;
	struct door strict;
	double start = now();
	door_open(&strict, config);
	int silent = door_connect(&strict), head = door_connect(&strict), body = door_connect(&strict),
	    handler = door_connect(&strict), kept = door_connect(&strict);
	send_text(handler, "POST /slow HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\na");
	send_text(kept, "GET /x HTTP/1.1\r\nHost: a\r\n\r\n");
	assert_told(receive(kept, 1), 200, "GET /x");
	send_text(head, "GET /x HTTP/1.1\r\nHost: a\r\nX: ");
	send_text(body, "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 10000\r\n\r\n");
	double after = feed_until_closed(head, start);
	assert_true(after >= 0.9);
	assert_closed(silent);
	after = feed_until_closed(body, start);
	assert_true(after >= 1.9);
	assert_told(receive(handler, 1), 200, "POST /slow head=0 body=1"); /* 2.6 s of work */
	assert_true(now() - start >= WORK_MS / 1000.0);
	send_text(kept, "GET /again HTTP/1.1\r\nHost: a\r\n\r\n");
	assert_told(receive(kept, 1), 200, "GET /again");
	const int clients[] = {silent, head, body, handler, kept};
	for (size_t i = 0; i < sizeof clients / sizeof clients[0]; i++)
		close(clients[i]);
	door_close(&strict);
}

/* A line that is longer than the buffer can never be read to its end: not the deadline, but the stall ends it. */
static void test_a_line_that_never_fits(void **state)
{
	(void)state;
	char *line = letters(200000);
	int client = door_connect(&door);
	send_text(client, "POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n2;");
	assert_told(ask(&door, "GET", "/x"), 200, "GET /x");
	send_text(client, line); /* may break off */
	assert_told(ask(&door, "GET", "/x"), 200, "GET /x");
	assert_closed(client);
	close(client);
	free(line);
}

/* --- the way down --- */

static void turn_until(int client, struct door *halted)
{
	struct pollfd event = {.fd = client, .events = POLLIN};
	for (int i = 0; poll(&event, 1, 10) == 0; i++) {
		assert_true(i < CLIENT_SECONDS * 100);
		uv_run(&halted->loop, UV_RUN_NOWAIT);
	}
}

static void test_quiesce_lets_requests_in_hand_finish(void **state)
{
	(void)state;
	int kept = door_connect(&door), busy = door_connect(&door);
	send_text(kept, "GET /x HTTP/1.1\r\nHost: a\r\n\r\n");
	struct answer answer = receive(kept, 1);
	assert_header(&answer, "Connection", NULL);
	answer_free(&answer);
	send_text(busy, "GET /gate HTTP/1.1\r\nHost: a\r\n\r\n");
	wait_for(&entered, 2);
	door_halt(&door);
	assert_false(http_idle(door.server));
	http_quiesce(door.server);
	http_quiesce(door.server);
	struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)door.port)};
	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	int late = socket(AF_INET, SOCK_STREAM, 0);
	assert_int_equal(connect(late, (struct sockaddr *)&address, sizeof address), -1);
	assert_int_equal(errno, ECONNREFUSED);
	close(late);
	send_text(kept, "GET /x HTTP/1.1\r\nHost: a\r\n\r\n");
	turn_until(kept, &door);
	answer = receive(kept, 1);
	assert_header(&answer, "Connection", "close");
	assert_told(answer, 200, "GET /x");
	assert_false(http_idle(door.server));
	atomic_store(&gate_open, 1);
	turn_until(busy, &door);
	answer = receive(busy, 1);
	assert_header(&answer, "Connection", "close");
	assert_told(answer, 200, "GET /gate");
	for (int i = 0; !http_idle(door.server); i++) {
		assert_true(i < CLIENT_SECONDS * 100);
		uv_run(&door.loop, UV_RUN_NOWAIT);
		pause_ms(10);
	}
	close(kept);
	close(busy);
}

/* Closing waits for handlers, since what they work with may go afterwards; nothing is answered or begun any more. */
static void test_close_waits_for_handlers(void **state)
{
	(void)state;
	int busy = door_connect(&door), kept = door_connect(&door);
	send_text(kept, "GET /x HTTP/1.1\r\nHost: a\r\n\r\n");
	assert_told(receive(kept, 1), 200, "GET /x");
	send_text(busy, "GET /slow HTTP/1.1\r\nHost: a\r\n\r\n");
	wait_for(&entered, 2);
	door_halt(&door);
	send_text(kept, "GET /x HTTP/1.1\r\nHost: a\r\n\r\n");
	door_close(&door);
	assert_int_equal(entered, 2);
	assert_int_equal(left, 2);
	assert_closed(busy);
	assert_closed(kept);
	close(busy);
	close(kept);
	assert_int_equal(open_door(state), 0); /* for the teardown */
}

static atomic_int in_lane;

static enum http_lane narrow(void *context, const char *method, const char *path)
{
	(void)context;
	(void)method;
	(void)path;
	atomic_fetch_add(&in_lane, 1);
	return LANE_PREDICT;
}

/* What waits in a lane when the server closes has no turn: a stop must not take as long as all of it. */
static void test_close_drops_what_waits_in_a_lane(void **state)
{
	enum { WAITING = 3 };
	int busy, waiting[WAITING];
	struct http_config config = usual;
	config.lane = narrow;
	config.lane_limits[LANE_PREDICT] = 1;
	door_close(&door);
	in_lane = 0;
	door_open(&door, config);
	busy = door_connect(&door);
	send_text(busy, "GET /slow HTTP/1.1\r\nHost: a\r\n\r\n");
	wait_for(&entered, 1);
	for (int i = 0; i < WAITING; i++) {
		waiting[i] = door_connect(&door);
		send_text(waiting[i], "GET /x HTTP/1.1\r\nHost: a\r\n\r\n");
	}
	wait_for(&in_lane, 1 + WAITING);
	door_close(&door);
	assert_int_equal(entered, 1);
	assert_int_equal(left, 1);
	assert_closed(busy);
	for (int i = 0; i < WAITING; i++) {
		assert_closed(waiting[i]);
		close(waiting[i]);
	}
	close(busy);
	assert_int_equal(open_door(state), 0); /* for the teardown */
}

/* Two wait behind a long one, and one of them leaves: its turn is nobody's. */
static void test_who_leaves_a_lane_loses_its_turn(void **state)
{
	(void)state;
	int busy, leaving, staying;
	struct http_config config = usual;
	config.lane = narrow;
	config.lane_limits[LANE_PREDICT] = 1;
	door_close(&door);
	in_lane = 0;
	door_open(&door, config);
	busy = door_connect(&door);
	send_text(busy, "GET /gate HTTP/1.1\r\nHost: a\r\n\r\n");
	wait_for(&entered, 1);
	leaving = door_connect(&door);
	send_text(leaving, "GET /leaves HTTP/1.1\r\nHost: a\r\n\r\n");
	wait_for(&in_lane, 2);
	staying = door_connect(&door);
	send_text(staying, "GET /stays HTTP/1.1\r\nHost: a\r\n\r\n");
	wait_for(&in_lane, 3);
	close(leaving);
	pause_ms(150); /* longer than a wait after which a client may be missed */
	atomic_store(&gate_open, 1);
	assert_told(receive(busy, 1), 200, "GET /gate");
	assert_told(receive(staying, 1), 200, "GET /stays");
	assert_int_equal(entered, 2);
	close(busy);
	close(staying);
}

static void test_addresses_that_cannot_be_listened_on(void **state)
{
	(void)state;
	struct http_config config = usual;
	struct http_server *server = NULL;
	uv_loop_t loop;
	assert_int_equal(uv_loop_init(&loop), 0);
	struct qlstm_error error = {0};
	config.address = "nowhere";
	assert_int_equal(http_open(&server, &loop, &config, &error), ERR_INVALID);
	assert_non_null(strstr(error.message, "'nowhere' is not an IP address"));
	error_clear(&error);
	config.address = "127.0.0.1";
	config.port = door.port;
	config.max_connections = 10;
	FILE *caught = catch_log();
	int rc = http_open(&server, &loop, &config, &error);
	release_log();
	assert_int_equal(rc, ERR_IO);
	assert_non_null(strstr(error.message, "cannot listen on 127.0.0.1 port"));
	assert_non_null(strstr(error.message, strerror(EADDRINUSE)));
	char line[1024] = "";
	rewind(caught);
	assert_non_null(fgets(line, sizeof line, caught)); /* what the library says itself */
	assert_non_null(strstr(line, "\"level\":\"warning\",\"message\":\"http: Failed to bind"));
	fclose(caught);
	assert_int_equal(uv_loop_close(&loop), 0);
}

/* --- the log --- */

/* Until that many requests have ended. */
static void wait_for_lines(FILE *caught, int lines)
{
	for (int i = 0, found = 0; found < lines; i++) {
		char line[1024];
		assert_true(i < CLIENT_SECONDS * 100);
		pause_ms(10);
		rewind(caught);
		for (found = 0; fgets(line, sizeof line, caught) != NULL;)
			found += strstr(line, "\"access\"") != NULL;
	}
}

static void test_one_line_a_request(void **state)
{
	(void)state;
	FILE *caught = catch_log();
	struct answer answers[4];
	const char *const methods[] = {"GET", "HEAD", "GET", "GET"}, *const paths[] = {"/x", "/file", "/file",
	                                                                               "/x?secret=1"};
	for (int i = 0; i < 4; i++) {
		answers[i] = ask_with(&door, methods[i], paths[i], "", i == 3 ? "1" : NULL);
		wait_for_lines(caught, i + 1);
	}
	int client = send_head("POST", "/echo", 100, "Expect: 100-continue\r\n");
	assert_told(receive(client, 1), 100, ""); /* it has begun, and never ends */
	close(client);
	door_close(&door);
	release_log();
	assert_int_equal(open_door(state), 0);
	const struct {
		const char *method, *path;
		int status;
		size_t bytes;
	} expected[] = {{"GET", "/x", 200, answers[0].body_length},
	                {"HEAD", "/file", 200, 0},
	                {"GET", "/file", 200, BIG - 251 * 3},
	                {"GET", "/x", 413, answers[3].body_length},
	                {"POST", "/echo", 0, 0}};
	rewind(caught);
	for (size_t i = 0; i < sizeof expected / sizeof expected[0]; i++) {
		char line[1024] = "";
		const char *level, *method, *path, *remote;
		int status, bytes;
		double ms;
		do
			assert_non_null(fgets(line, sizeof line, caught));
		while (strstr(line, "\"access\"") == NULL); /* the library says a word of its own about the last */
		json_t *entry = json_loads(line, 0, NULL);
		assert_int_equal(json_unpack(entry, "{ss, ss, ss, si, si, sF, ss}", "level", &level, "method", &method,
		                             "path", &path, "status", &status, "bytes", &bytes, "ms", &ms, "remote",
		                             &remote),
		                 0);
		assert_string_equal(level, "access");
		assert_string_equal(method, expected[i].method);
		assert_string_equal(path, expected[i].path);
		assert_string_equal(remote, "127.0.0.1");
		assert_int_equal(status, expected[i].status);
		assert_int_equal(bytes, expected[i].bytes);
		assert_true(ms > 0 && ms < 1000 * CLIENT_SECONDS);
		json_decref(entry);
	}
	fclose(caught);
	for (int i = 0; i < 4; i++)
		answer_free(&answers[i]);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, open_door, close_door)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(test_what_a_handler_is_told),
	    TEST(test_an_answer_carries_its_headers),
	    TEST(test_large_answers_arrive_whole),
	    TEST(test_bodies_arrive_whole_up_to_their_limit),
	    TEST(test_bodies_past_their_limit),
	    TEST(test_bodies_that_nobody_wants),
	    TEST(test_announced_bodies_that_are_far_too_large),
	    TEST(test_expect_100_continue),
	    TEST(test_requests_in_a_row_on_one_connection),
	    TEST(test_heads_that_are_refused_end_the_connection),
	    TEST(test_heads_are_bounded),
	    TEST(test_handlers_run_side_by_side),
	    TEST(test_clients_that_leave_early),
	    TEST(test_more_clients_than_connections),
	    TEST(test_deadlines),
	    TEST(test_a_line_that_never_fits),
	    TEST(test_quiesce_lets_requests_in_hand_finish),
	    TEST(test_close_waits_for_handlers),
	    TEST(test_close_drops_what_waits_in_a_lane),
	    TEST(test_who_leaves_a_lane_loses_its_turn),
	    TEST(test_addresses_that_cannot_be_listened_on),
	    TEST(test_one_line_a_request),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
