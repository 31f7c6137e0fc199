/* A real server in the thread of the fuzzer, and a client that sends it bytes and takes what comes back. Include in one
 * file of a program. */
#ifndef QLSTM_FUZZ_DOOR_H
#define QLSTM_FUZZ_DOOR_H

#include "tests/fuzz/target.h"

#include <arpa/inet.h>
#include <dlfcn.h>
#include <errno.h>
#include <poll.h>
#include <stdbool.h>
#include <sys/socket.h>
#include <unistd.h>

#include "server/http/http.h"
#include "server/http/log.h"

enum { DOOR_WORKS = 64, DOOR_ANSWER = 1 << 18, QUIET_TURNS = 40, MAX_TURNS = 4000 };

static uv_loop_t loop;
static struct http_server *server;
/* The answers to what was sent last, cut after DOOR_ANSWER bytes, and a NUL byte. */
static char answer[DOOR_ANSWER + 1];
static size_t answer_length;

/* The pool's work is done at once, in this thread; what follows it waits for the next turn. So nothing depends on when
 * another thread gets its turn. */
static struct {
	uv_work_t *work;
	uv_after_work_cb after;
} finished[DOOR_WORKS];
static int n_finished;

int uv_queue_work(uv_loop_t *on, uv_work_t *work, uv_work_cb run, uv_after_work_cb after)
{
	CHECK(n_finished < DOOR_WORKS);
	work->loop = on;
	run(work);
	finished[n_finished].work = work;
	finished[n_finished++].after = after;
	return 0;
}

static bool finish_work(void)
{
	int count = n_finished;
	for (int i = 0; i < count; i++)
		finished[i].after(finished[i].work, 0);
	memmove(finished, finished + count, (size_t)(n_finished - count) * sizeof *finished);
	n_finished -= count;
	return count > 0;
}

/* The server's sweep of connections, four times a second, comes every other millisecond. */
int uv_timer_start(uv_timer_t *timer, uv_timer_cb callback, uint64_t timeout, uint64_t repeat)
{
	static int (*start)(uv_timer_t *, uv_timer_cb, uint64_t, uint64_t);
	if (start == NULL) {
		void *symbol = dlsym(RTLD_NEXT, "uv_timer_start");
		memcpy(&start, &symbol, sizeof start);
	}
	if (repeat == 250)
		timeout = repeat = 2;
	return start(timer, callback, timeout, repeat);
}

/* `config`: what is not said of limits is wide enough. The log goes nowhere. */
static inline void door_open(struct http_config config)
{
	struct qlstm_error error = {0};
	config.address = "127.0.0.1";
	config.max_connections = config.max_connections_by_address = 64;
	config.header_seconds = config.body_seconds = config.idle_seconds = 60;
	config.body_memory = (size_t)1 << 24;
	CHECK(log_to("/dev/null", 0, 0, &error) == 0);
	CHECK(http_open(&server, &loop, &config, &error) == 0);
}

/* After a connect that failed: libFuzzer's timer may have interrupted it, and then it goes on by itself. */
static inline bool door_connected(int client)
{
	int failure = errno;
	socklen_t size = sizeof failure;
	struct pollfd wait = {.fd = client, .events = POLLOUT};
	if (failure == EINTR) {
		while (poll(&wait, 1, -1) < 0 && errno == EINTR)
			;
		CHECK(getsockopt(client, SOL_SOCKET, SO_ERROR, &failure, &size) == 0);
	}
	errno = failure;
	return failure == 0;
}

static inline int door_connect(void)
{
	struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)http_port(server))};
	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	int client = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	CHECK(client >= 0);
	if (connect(client, (struct sockaddr *)&address, sizeof address) != 0 && !door_connected(client)) {
		perror("connect");
		abort();
	}
	return client;
}

/* One turn of the loop. What the server sends is taken; true: it has ended the connection. */
static inline bool door_turn(int client, bool *moved)
{
	char bytes[4096];
	uv_run(&loop, UV_RUN_NOWAIT);
	bool worked = finish_work();
	ssize_t count = recv(client, bytes, sizeof bytes, MSG_DONTWAIT);
	*moved = worked || count > 0;
	if (count > 0 && (size_t)count <= DOOR_ANSWER - answer_length) {
		memcpy(answer + answer_length, bytes, (size_t)count);
		answer_length += (size_t)count;
		answer[answer_length] = '\0';
	}
	return count == 0 || (count < 0 && errno != EAGAIN && errno != EWOULDBLOCK);
}

/* Until the connection ends, or nothing happens any more. */
static inline void door_settle(int client)
{
	int quiet = 0;
	for (int i = 0; i < MAX_TURNS && quiet < QUIET_TURNS; i++) {
		bool moved = false;
		if (door_turn(client, &moved))
			return;
		quiet = moved ? 0 : quiet + 1;
	}
}

static inline void door_send(int client, const void *data, size_t size, size_t parts)
{
	size_t step = size / parts + 1;
	for (size_t at = 0; at < size; at += step) {
		bool moved;
		size_t count = size - at < step ? size - at : step;
		if (send(client, (const char *)data + at, count, MSG_NOSIGNAL | MSG_DONTWAIT) < 0)
			return;
		if (at + step < size)
			door_turn(client, &moved);
	}
}

/* Takes what comes back, and leaves; the server forgets the connection. */
static inline void door_leave(int client)
{
	door_settle(client);
	close(client);
	for (int i = 0; i < 3 || !http_idle(server); i++) {
		uv_run(&loop, UV_RUN_NOWAIT);
		finish_work();
	}
}

/* A connection of its own for a head and a body, both sent in `parts` parts. */
static inline void door_ask(const char *head, const void *body, size_t size, size_t parts)
{
	int client = door_connect();
	answer_length = 0;
	answer[0] = '\0';
	door_send(client, head, strlen(head), 1);
	door_send(client, body, size, parts);
	door_leave(client);
}

#endif
