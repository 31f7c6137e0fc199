/* A client that asks as fast as it is answered, on many connections that stay open, one request at a time on each.
 *
 *   door PORT CONNECTIONS SECONDS METHOD PATHS [BODIES]
 *
 * PATHS and BODIES are files with one on each line; each request takes a line at random, `@` in a body becomes a number
 * that no other request has. Prints one line of JSON: requests a second, how many answers had another status than 2xx
 * and the first of them, percentiles of the time of an answer in milliseconds. */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { MAX_CONNECTIONS = 4096, BUFFER = 1 << 16, MAX_TIMES = 1 << 22 };

struct connection {
	int socket;
	double asked;
	char request[BUFFER];
	size_t request_length, sent;
	char head[4096];
	size_t head_length;
	long long body_left; /* -1: the head is not over */
	int status;
};

struct lines {
	char **texts;
	size_t count;
};

static struct lines paths, bodies;
static const char *method;
static int port, n_others, first_other;
static uint64_t serial, state = 88172645463325252u;
static float *times;
static size_t n_times;

static void fail(const char *format, ...)
{
	va_list arguments;
	va_start(arguments, format);
	vfprintf(stderr, format, arguments);
	va_end(arguments);
	fputc('\n', stderr);
	exit(1);
}

static double now(void)
{
	struct timespec time;
	clock_gettime(CLOCK_MONOTONIC, &time);
	return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

static const char *pick(const struct lines *lines)
{
	state ^= state << 13; /* xorshift64 */
	state ^= state >> 7;
	state ^= state << 17;
	return lines->texts[state % lines->count];
}

static void read_lines(const char *name, struct lines *out)
{
	FILE *file = fopen(name, "r");
	char *line = NULL;
	size_t room = 0;
	ssize_t length;
	if (file == NULL)
		fail("%s: %s", name, strerror(errno));
	while ((length = getline(&line, &room, file)) > 0) {
		line[strcspn(line, "\n")] = '\0';
		out->texts = realloc(out->texts, (out->count + 1) * sizeof *out->texts);
		if (out->texts == NULL || (out->texts[out->count++] = strdup(line)) == NULL)
			fail("out of memory");
	}
	free(line);
	fclose(file);
	if (out->count == 0)
		fail("%s: no lines", name);
}

/* The body with its number in it. */
static size_t make_body(char *out, size_t size)
{
	size_t length = 0;
	serial++;
	for (const char *from = pick(&bodies); *from != '\0' && length + 24 < size; from++) {
		if (*from == '@')
			length += (size_t)snprintf(out + length, 24, "%llu", (unsigned long long)serial);
		else
			out[length++] = *from;
	}
	return length;
}

static void make_request(struct connection *c)
{
	char body[BUFFER / 2] = "";
	size_t body_length = bodies.count > 0 ? make_body(body, sizeof body) : 0;
	int length = snprintf(c->request, sizeof c->request,
	                      "%s %s HTTP/1.1\r\nHost: 127.0.0.1:%d\r\nContent-Type: application/json\r\n"
	                      "Content-Length: %zu\r\n\r\n%.*s",
	                      method, pick(&paths), port, body_length, (int)body_length, body);
	if (length < 0 || (size_t)length >= sizeof c->request)
		fail("a request is too long");
	c->request_length = (size_t)length;
	c->sent = c->head_length = 0;
	c->body_left = -1;
	c->asked = now();
}

static void send_more(struct connection *c)
{
	while (c->sent < c->request_length) {
		ssize_t n = send(c->socket, c->request + c->sent, c->request_length - c->sent, MSG_NOSIGNAL);
		if (n < 0 && errno == EAGAIN)
			return;
		if (n <= 0)
			fail("send: %s", strerror(errno));
		c->sent += (size_t)n;
	}
}

static void read_head(struct connection *c)
{
	c->status = atoi(c->head + 9);
	c->body_left = 0;
	for (char *line = strstr(c->head, "\r\n"); line != NULL; line = strstr(line + 2, "\r\n"))
		if (strncasecmp(line + 2, "Content-Length:", 15) == 0)
			c->body_left = atoll(line + 17);
}

/* Bytes of the answer; whether it is whole. */
static bool take(struct connection *c, const char *bytes, size_t count)
{
	size_t used = 0;
	while (c->body_left < 0 && used < count) {
		if (c->head_length + 1 >= sizeof c->head)
			fail("a head is too long");
		c->head[c->head_length++] = bytes[used++];
		c->head[c->head_length] = '\0';
		if (c->head_length >= 4 && memcmp(c->head + c->head_length - 4, "\r\n\r\n", 4) == 0)
			read_head(c);
	}
	if (c->body_left >= 0)
		c->body_left -= (long long)(count - used);
	return c->body_left == 0;
}

static void count_answer(const struct connection *c)
{
	if (n_times < MAX_TIMES)
		times[n_times++] = (float)((now() - c->asked) * 1e3);
	if (c->status / 100 == 2)
		return;
	if (n_others++ == 0)
		first_other = c->status;
}

static void receive(struct connection *c)
{
	static char bytes[BUFFER];
	for (;;) {
		ssize_t n = recv(c->socket, bytes, sizeof bytes, 0);
		if (n < 0 && errno == EAGAIN)
			return;
		if (n <= 0)
			fail("the server closed a connection");
		if (!take(c, bytes, (size_t)n))
			continue;
		count_answer(c);
		make_request(c);
		send_more(c);
	}
}

static void open_connection(struct connection *c, int poll)
{
	struct sockaddr_in address = {
	    .sin_family = AF_INET, .sin_port = htons((uint16_t)port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	int on = 1;
	c->socket = socket(AF_INET, SOCK_STREAM, 0);
	if (c->socket < 0 || connect(c->socket, (struct sockaddr *)&address, sizeof address) != 0)
		fail("connect: %s", strerror(errno));
	setsockopt(c->socket, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
	fcntl(c->socket, F_SETFL, O_NONBLOCK);
	struct epoll_event event = {.events = EPOLLIN | EPOLLOUT | EPOLLET, .data.ptr = c};
	if (epoll_ctl(poll, EPOLL_CTL_ADD, c->socket, &event) != 0)
		fail("epoll_ctl: %s", strerror(errno));
}

static int by_value(const void *a, const void *b)
{
	float left = *(const float *)a, right = *(const float *)b;
	return (left > right) - (left < right);
}

static void print(double seconds)
{
	qsort(times, n_times, sizeof *times, by_value);
	float last = n_times > 0 ? times[n_times - 1] : 0;
	printf("{\"per_second\": %.0f, \"others\": %d, \"first_other\": %d, \"median_ms\": %.3f, \"p99_ms\": %.3f, "
	       "\"max_ms\": %.3f}\n",
	       (double)n_times / seconds, n_others, first_other, (double)(n_times > 0 ? times[n_times / 2] : 0),
	       (double)(n_times > 0 ? times[n_times - 1 - n_times / 100] : 0), (double)last);
}

int main(int argc, char **argv)
{
	if (argc < 6)
		fail("usage: door PORT CONNECTIONS SECONDS METHOD PATHS [BODIES]");
	port = atoi(argv[1]);
	int n = atoi(argv[2]);
	double seconds = atof(argv[3]);
	method = argv[4];
	read_lines(argv[5], &paths);
	if (argc > 6)
		read_lines(argv[6], &bodies);
	if (n < 1 || n > MAX_CONNECTIONS)
		fail("CONNECTIONS is %d; allowed are 1 to %d", n, MAX_CONNECTIONS);
	serial = (uint64_t)time(NULL) * 1000000u % 1000000000000u; /* another run has other numbers */
	struct connection *connections = calloc((size_t)n, sizeof *connections);
	times = calloc(MAX_TIMES, sizeof *times);
	int poll = epoll_create1(0);
	if (connections == NULL || times == NULL || poll < 0)
		fail("out of memory");
	for (int i = 0; i < n; i++)
		open_connection(&connections[i], poll);
	double start = now();
	for (int i = 0; i < n; i++) {
		make_request(&connections[i]);
		send_more(&connections[i]);
	}
	while (now() - start < seconds) {
		struct epoll_event events[256];
		int ready = epoll_wait(poll, events, 256, 100);
		for (int i = 0; i < ready; i++) {
			if (events[i].events & EPOLLOUT)
				send_more(events[i].data.ptr);
			if (events[i].events & ~(unsigned)EPOLLOUT)
				receive(events[i].data.ptr);
		}
	}
	print(now() - start);
	return 0;
}
