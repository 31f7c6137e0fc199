/* One GET over a plain socket, against the clock. */
#include "server/health.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "server/common/clock.h"
#include "server/http/tls.h"

#define LIMIT_SECONDS 4

struct probe {
	const char *url; /* of the whole server: https://[::1]:8443 */
	int socket;
	double deadline; /* of clock_monotonic */
	struct qlstm_error *error;
};

static int fail(const struct probe *probe, const char *what)
{
	return error_set(probe->error, ERR_UNAVAILABLE, NULL, "%s/readyz: %s", probe->url, what);
}

static socklen_t make_address(const char *text, int port, struct sockaddr_storage *out)
{
	struct sockaddr_in *v4 = (struct sockaddr_in *)out;
	struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)out;
	memset(out, 0, sizeof *out);
	if (inet_pton(AF_INET, text, &v4->sin_addr) == 1) {
		v4->sin_family = AF_INET;
		v4->sin_port = htons((uint16_t)port);
		return sizeof *v4;
	}
	if (inet_pton(AF_INET6, text, &v6->sin6_addr) == 1) {
		v6->sin6_family = AF_INET6;
		v6->sin6_port = htons((uint16_t)port);
		return sizeof *v6;
	}
	return 0;
}

/* Until the socket can be read or written, as `events` says. */
static int wait_for(const struct probe *probe, short events)
{
	for (;;) {
		double left = probe->deadline - clock_monotonic();
		if (left <= 0)
			return fail(probe, "no whole answer within 4 seconds");
		struct pollfd entry = {.fd = probe->socket, .events = events};
		int ready = poll(&entry, 1, (int)(left * 1000) + 1);
		if (ready > 0)
			return 0;
		if (ready < 0 && errno != EINTR)
			return fail(probe, strerror(errno));
	}
}

static int connect_within(const struct probe *probe, const struct sockaddr_storage *address, socklen_t length)
{
	if (connect(probe->socket, (const struct sockaddr *)address, length) == 0)
		return 0;
	if (errno != EINPROGRESS)
		return fail(probe, strerror(errno));
	int rc = wait_for(probe, POLLOUT);
	if (rc != 0)
		return rc;
	int number = 0;
	socklen_t size = sizeof number;
	getsockopt(probe->socket, SOL_SOCKET, SO_ERROR, &number, &size);
	return number == 0 ? 0 : fail(probe, strerror(number));
}

static const char request[] = "GET /readyz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";

/* Every qlstmd is called localhost by who asks after its health. A request is shorter than any send buffer: what is not
 * taken at once is never taken. */
static int send_request(const struct probe *probe)
{
	ssize_t sent = send(probe->socket, request, sizeof request - 1, MSG_NOSIGNAL);
	return sent == (ssize_t)sizeof request - 1
	           ? 0
	           : fail(probe, sent < 0 ? strerror(errno) : "the request was not taken");
}

/* Reads to the end; keeps the beginning, as text. */
static int read_answer(const struct probe *probe, char *head, size_t size)
{
	size_t kept = 0;
	for (;;) {
		char part[1024];
		int rc = wait_for(probe, POLLIN);
		if (rc != 0)
			return rc;
		ssize_t count = recv(probe->socket, part, sizeof part, 0);
		if (count < 0 && (errno == EAGAIN || errno == EINTR))
			continue;
		if (count < 0)
			return fail(probe, strerror(errno));
		if (count == 0)
			break;
		size_t room = size - 1 - kept, taken = (size_t)count < room ? (size_t)count : room;
		memcpy(head + kept, part, taken);
		kept += taken;
	}
	head[kept] = '\0';
	return 0;
}

static int judge(const struct probe *probe, const char *head)
{
	int minor = 0, status = 0, end = 0;
	if (sscanf(head, "HTTP/1.%1d %3d%n", &minor, &status, &end) != 2 || (head[end] != ' ' && head[end] != '\r'))
		return error_set(probe->error, ERR_SYNTAX, NULL, "%s/readyz: the answer is not HTTP", probe->url);
	if (status == 200)
		return 0;
	char what[64];
	snprintf(what, sizeof what, "answered %d, not 200", status);
	return fail(probe, what);
}

static int ask_over_tls(const struct probe *probe, char *head, size_t size)
{
	fcntl(probe->socket, F_SETFL, fcntl(probe->socket, F_GETFL) & ~O_NONBLOCK);
	const char *fault = tls_ask(probe->socket, probe->deadline - clock_monotonic(), request, head, size);
	return fault == NULL ? 0 : fail(probe, fault);
}

static int ask(const struct probe *probe, bool tls, const struct sockaddr_storage *address, socklen_t length)
{
	char head[64];
	int rc = connect_within(probe, address, length);
	if (rc == 0 && tls) {
		rc = ask_over_tls(probe, head, sizeof head);
		return rc == 0 ? judge(probe, head) : rc;
	}
	if (rc == 0)
		rc = send_request(probe);
	if (rc == 0)
		rc = read_answer(probe, head, sizeof head);
	return rc == 0 ? judge(probe, head) : rc;
}

static int check_by(const char *address, int port, bool tls, struct qlstm_error *error)
{
	char url[INET6_ADDRSTRLEN + 24];
	bool ipv6 = strchr(address, ':') != NULL;
	snprintf(url, sizeof url, "http%s://%s%s%s:%d", tls ? "s" : "", ipv6 ? "[" : "", address, ipv6 ? "]" : "",
	         port);
	struct probe probe = {.url = url, .deadline = clock_monotonic() + LIMIT_SECONDS, .error = error};
	struct sockaddr_storage binary;
	socklen_t length = make_address(address, port, &binary);
	if (length == 0)
		return error_set(error, ERR_INVALID, NULL, "%s is not an IP address", address);
	probe.socket = socket(binary.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (probe.socket < 0)
		return fail(&probe, strerror(errno));
	int rc = ask(&probe, tls, &binary, length);
	close(probe.socket);
	return rc;
}

int health_check(const char *address, int port, enum health_scheme scheme, struct qlstm_error *error)
{
	if (scheme != HEALTH_EITHER)
		return check_by(address, port, scheme == HEALTH_HTTPS, error);
	struct qlstm_error plain = {0};
	int rc = check_by(address, port, false, &plain);
	if (rc == ERR_SYNTAX && check_by(address, port, true, NULL) == 0)
		return 0;
	return rc == 0 ? 0 : error_set(error, rc, NULL, "%s", plain.message);
}
