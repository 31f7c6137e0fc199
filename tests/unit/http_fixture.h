/* For tests of server/http and server/api: a real server on a free port, its loop in a thread of its own, and a client
 * that speaks bytes. Include behind cmocka.h. */
#ifndef QLSTM_TESTS_HTTP_FIXTURE_H
#define QLSTM_TESTS_HTTP_FIXTURE_H

#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#include "server/http/http.h"

enum { CLIENT_SECONDS = 40 }; /* after that a test fails instead of hanging; the server itself waits 60 s */

struct door {
	uv_loop_t loop;
	uv_async_t stop;
	pthread_t thread;
	int thread_runs;
	struct http_server *server;
	int port;
};

static inline void door_on_stop(uv_async_t *stop)
{
	uv_stop(stop->loop);
}

static inline void *door_run(void *door)
{
	uv_run(&((struct door *)door)->loop, UV_RUN_DEFAULT);
	return NULL;
}

static inline void door_open(struct door *door, struct http_config config)
{
	struct qlstm_error error = {0};
	config.address = "127.0.0.1";
	config.max_connections = config.max_connections > 0 ? config.max_connections : 64;
	if (config.max_connections_by_address <= 0)
		config.max_connections_by_address = config.max_connections;
	config.body_memory = config.body_memory > 0 ? config.body_memory : (size_t)1 << 30;
	config.idle_seconds = config.idle_seconds > 0 ? config.idle_seconds : 60;
	config.header_seconds = config.header_seconds > 0 ? config.header_seconds : 60;
	config.body_seconds = config.body_seconds > 0 ? config.body_seconds : 60;
	assert_int_equal(uv_loop_init(&door->loop), 0);
	assert_int_equal(uv_async_init(&door->loop, &door->stop, door_on_stop), 0);
	if (http_open(&door->server, &door->loop, &config, &error) != 0)
		fail_msg("%s", error.message);
	door->port = http_port(door->server);
	assert_int_equal(pthread_create(&door->thread, NULL, door_run, door), 0);
	door->thread_runs = 1;
}

/* Afterwards the calling thread may run the loop. */
static inline void door_halt(struct door *door)
{
	uv_async_send(&door->stop);
	pthread_join(door->thread, NULL);
	door->thread_runs = 0;
}

static inline void door_close(struct door *door)
{
	if (door->thread_runs)
		door_halt(door);
	http_close(door->server);
	uv_close((uv_handle_t *)&door->stop, NULL);
	uv_run(&door->loop, UV_RUN_DEFAULT);
	assert_int_equal(uv_loop_close(&door->loop), 0);
	door->server = NULL; /* what is not freed is a leak to the sanitizer */
}

static inline int door_connect(const struct door *door)
{
	struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)door->port)};
	struct timeval limit = {.tv_sec = CLIENT_SECONDS};
	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	int client = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_true(client >= 0);
	setsockopt(client, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
	setsockopt(client, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
	assert_int_equal(connect(client, (struct sockaddr *)&address, sizeof address), 0);
	return client;
}

/* An answer as it came, and its parts. */
struct answer {
	char *bytes; /* NUL-ended; the head's blank line is cut, so that `head` is text */
	size_t length;
	int status; /* 0: the connection ended without one */
	const char *head, *body;
	size_t body_length;
};

static inline void answer_free(struct answer *answer)
{
	free(answer->bytes);
	*answer = (struct answer){0};
}

/* -1 when the connection broke. */
static inline int send_bytes(int client, const void *bytes, size_t length)
{
	for (size_t sent = 0; sent < length;) {
		ssize_t part = send(client, (const char *)bytes + sent, length - sent, MSG_NOSIGNAL);
		if (part <= 0)
			return -1;
		sent += (size_t)part;
	}
	return 0;
}

static inline int send_text(int client, const char *text)
{
	return send_bytes(client, text, strlen(text));
}

/* Whether a header of that name is there; its value goes to value (256 bytes). */
static inline int answer_header(const struct answer *answer, const char *name, char *value)
{
	size_t length = strlen(name);
	for (const char *line = answer->head; (line = strstr(line, "\r\n")) != NULL;) {
		line += 2;
		if (strncasecmp(line, name, length) == 0 && line[length] == ':') {
			const char *text = line + length + 1 + strspn(line + length + 1, " ");
			snprintf(value, 256, "%.*s", (int)strcspn(text, "\r"), text);
			return 1;
		}
	}
	value[0] = '\0';
	return 0;
}

/* One answer: up to the end of its Content-Length, or of the connection. `has_body` 0: the answer to a HEAD. */
static inline struct answer receive(int client, int has_body)
{
	struct answer answer = {.bytes = calloc(1, 1)};
	size_t wanted = SIZE_MAX;
	char value[256], *end = NULL;
	while (answer.length < wanted) {
		size_t room = end == NULL ? 1 : wanted - answer.length < 65536 ? wanted - answer.length : 65536;
		answer.bytes = realloc(answer.bytes, answer.length + room + 1);
		assert_non_null(answer.bytes);
		ssize_t part = recv(client, answer.bytes + answer.length, room, 0);
		if (part <= 0)
			break;
		answer.length += (size_t)part;
		answer.bytes[answer.length] = '\0';
		if (end != NULL || (end = strstr(answer.bytes, "\r\n\r\n")) == NULL)
			continue;
		size_t head = (size_t)(end - answer.bytes) + 4;
		end[2] = '\0';
		answer.head = answer.bytes;
		wanted = answer_header(&answer, "Content-Length", value) && has_body ? head + strtoul(value, NULL, 10)
		                                                                     : head;
		answer.body_length = wanted - head;
	}
	answer.head = answer.bytes;
	answer.body = answer.bytes + (answer.length - (end != NULL ? answer.body_length : 0));
	sscanf(answer.bytes, "HTTP/1.1 %d", &answer.status);
	return answer;
}

/* Fails unless the server ends the connection without sending anything more. */
static inline void assert_closed(int client)
{
	char byte;
	ssize_t received = recv(client, &byte, 1, 0);
	if (received > 0)
		fail_msg("the server goes on with '%c'", byte);
	if (received < 0 && errno != ECONNRESET)
		fail_msg("the server keeps the connection: %s", strerror(errno));
}

/* Whether nothing comes for a quarter of a second. */
static inline int is_silent(int client)
{
	struct pollfd event = {.fd = client, .events = POLLIN};
	return poll(&event, 1, 250) == 0;
}

/* One request on a connection of its own. `headers` are lines with their ends. */
static inline struct answer ask_with(const struct door *door, const char *method, const char *path, const char *headers,
                                     const char *body)
{
	char length[64] = "";
	if (body != NULL)
		snprintf(length, sizeof length, "Content-Length: %zu\r\n", strlen(body));
	int client = door_connect(door);
	const char *parts[] = {method,  " ",    path,   " HTTP/1.1\r\nHost: a\r\nConnection: close\r\n",
	                       headers, length, "\r\n", body != NULL ? body : ""};
	for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++)
		send_text(client, parts[i]);
	struct answer answer = receive(client, strcmp(method, "HEAD") != 0);
	close(client);
	return answer;
}

static inline struct answer ask(const struct door *door, const char *method, const char *path)
{
	return ask_with(door, method, path, "", NULL);
}

/* The answer has this header with this value; NULL: it has no such header. */
static inline void assert_header(const struct answer *answer, const char *name, const char *expected)
{
	char value[256];
	int found = answer_header(answer, name, value);
	if (expected == NULL && found)
		fail_msg("%s: %s", name, value);
	if (expected != NULL && (!found || strcmp(value, expected) != 0))
		fail_msg("%s: '%s' instead of '%s'\n%s", name, value, expected, answer->head);
}

#endif
