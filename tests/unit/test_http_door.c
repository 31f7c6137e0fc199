/* The HTTP door as its clients see it: requests, bodies and their limits, answers. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "tests/unit/door_fixture.h"

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
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
