/* The HTTP door as its clients see it: connections and deadlines. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "server/http/mhd/head_fault.h"
#include "tests/unit/door_fixture.h"

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

/* The answer to a head that holds `text` that many times. */
static struct answer ask_long(const char *before, const char *text, int times, const char *behind)
{
	char *bytes = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&bytes, &size);
	fputs(before, out);
	for (int i = 0; i < times; i++)
		fputs(text, out);
	fputs(behind, out);
	fclose(out);
	int client = door_connect(&door);
	send_bytes(client, bytes, size);
	free(bytes);
	struct answer answer = receive(client, 1);
	close(client);
	return answer;
}

/* Each limit, met and passed by one; then what the library alone refuses, where a client that still sends may see a
 * reset. */
static void test_heads_are_bounded(void **state)
{
	(void)state;
#define LINE   "GET /x HTTP/1.1\r\nHost: a\r\n"
#define BEHIND " HTTP/1.1\r\nHost: a\r\n\r\n"
	enum { TARGET = HEAD_MOST_TARGET, FILLED = HEAD_MOST_BYTES - sizeof LINE - 6 };
	const struct {
		const char *before, *text, *behind;
		int times, status;
		const char *words;
	} cases[] = {
	    {LINE, "X: y\r\n", "\r\n", HEAD_MOST_HEADERS - 1, 200, "GET /x"},
	    {LINE, "X: y\r\n", "\r\n", HEAD_MOST_HEADERS, 431, "/problems/head_too_large"},
	    {LINE, "X: y\r\n", "\r\n", 1200, 431, ""},
	    {"GET /", "x", BEHIND, TARGET - 1, 200, "GET /xxx"},
	    {"GET /", "x", BEHIND, TARGET, 414, "/problems/target_too_long"},
	    {LINE "X: ", "y", "\r\n\r\n", FILLED, 200, "GET /x"},
	    {LINE "X: ", "y", "\r\n\r\n", FILLED + 1, 431, "/problems/head_too_large"},
	    {"GET /x?", "a=1&", BEHIND, TARGET_MAX_PARAMETERS, 200, "[a=1][a=1]"},
	    {"GET /x?", "a&", BEHIND, 2000, 400, "too many query parameters"},
	    {"GET /x?", "a=1&", BEHIND, 4000, 400, "too many query parameters"},
	    {"GET /x?", "&", BEHIND, 16000, 200, "GET /x"},
	    {LINE "Cookie: ", "a=b; ", "\r\n\r\n", 500, 200, "GET /x"},
	    {LINE "Cookie: ", "a=b; ", "\r\n\r\n", 1200, 431, ""},
	};
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct answer answer = ask_long(cases[i].before, cases[i].text, cases[i].times, cases[i].behind);
		if (answer.status != cases[i].status || strstr(answer.body, cases[i].words) == NULL)
			fail_msg("case %zu: %d %s", i, answer.status, answer.body);
		answer_free(&answer);
	}
	struct answer answer = ask_long(LINE "X: ", "y", 66000, "\r\n\r\n");
	assert_true(answer.status == 431 || answer.status == 0);
	answer_free(&answer);
	answer = ask_long("GET /", "x", 70000, BEHIND);
	assert_true(answer.status == 414 || answer.status == 0);
	answer_free(&answer);
#undef LINE
#undef BEHIND
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

/* A client that takes nothing: what the kernel holds for it is little. */
static int connect_idle(int port)
{
	int client = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), few = 4096;
	struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
	struct timeval limit = {.tv_sec = CLIENT_SECONDS};
	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	setsockopt(client, SOL_SOCKET, SO_RCVBUF, &few, sizeof few);
	setsockopt(client, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
	assert_int_equal(connect(client, (struct sockaddr *)&address, sizeof address), 0);
	return client;
}

/* Replies that nobody takes have a share of the memory, after which another large one is refused: there are 8 MiB, and
 * each takes 5. Small ones and files go on. */
static void test_replies_that_nobody_takes(void **state)
{
	(void)state;
	struct http_config config = usual;
	config.body_memory = (size_t)8 << 20;
	struct door small;
	door_open(&small, config);
	int status;
	for (int round = 0; round < 2; round++) {
		int idle = connect_idle(small.port);
		send_text(idle, "GET /big HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
		char byte;
		assert_int_equal(recv(idle, &byte, 1, MSG_PEEK), 1); /* it is on its way */
		struct answer answer = ask(&small, "GET", "/big");
		assert_header(&answer, "Retry-After", "5");
		assert_told(answer, 503, "too many large replies");
		assert_told(ask(&small, "GET", "/x"), 200, "GET /x");
		assert_told(ask(&small, "GET", "/file"), 200, "");
		if (round == 0) {
			answer = receive(idle, 1);
			assert_int_equal(answer.body_length, BIG);
			answer_free(&answer);
		}
		close(idle);
		do {
			answer = ask(&small, "GET", "/big");
			status = answer.status;
			answer_free(&answer);
		} while (status == 503); /* until the server has seen that it is gone */
		assert_int_equal(status, 200);
	}
	door_close(&small);
	config.body_memory = (size_t)1 << 20;
	door_open(&small, config);
	struct answer answer = ask(&small, "GET", "/big"); /* by itself it may be larger than all together */
	assert_int_equal(answer.status, 200);
	assert_int_equal(answer.body_length, BIG);
	answer_free(&answer);
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

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(test_requests_in_a_row_on_one_connection),
	    TEST(test_heads_that_are_refused_end_the_connection),
	    TEST(test_heads_are_bounded),
	    TEST(test_handlers_run_side_by_side),
	    TEST(test_clients_that_leave_early),
	    TEST(test_more_clients_than_connections),
	    TEST(test_replies_that_nobody_takes),
	    TEST(test_deadlines),
	    TEST(test_a_line_that_never_fits),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
