/* What the daemon and a resident predictor say to each other. */
#include "server/common/predict/predict_wire.h"

#include <errno.h>
#include <poll.h>
#include <sys/socket.h>

#include "server/common/clock.h"

/* Until the socket is ready. */
static int wait_for(int socket, short events, double deadline, struct qlstm_error *error)
{
	for (;;) {
		double left = deadline > 0 ? (deadline - clock_monotonic()) * 1000 : -1;
		if (deadline > 0 && left <= 0)
			return error_set(error, ERR_UNAVAILABLE, NULL, "the prediction took too long");
		struct pollfd entry = {.fd = socket, .events = events};
		int ready = poll(&entry, 1, left < 0 ? -1 : (int)left + 1);
		if (ready > 0)
			return 0;
		if (ready < 0 && errno != EINTR)
			return error_set(error, ERR_IO, NULL, "the socket to the other side failed");
	}
}

static int gone(struct qlstm_error *error)
{
	return error_set(error, ERR_IO, NULL, "the other side is gone");
}

/* A call that moved `n` bytes or none: whether to go on. */
static int moved(ssize_t n, char **at, size_t *count, struct qlstm_error *error)
{
	if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR))
		return gone(error);
	if (n > 0) {
		*at += n;
		*count -= (size_t)n;
	}
	return 0;
}

int wire_read(int socket, void *bytes, size_t count, double deadline, struct qlstm_error *error)
{
	char *at = bytes;
	int rc = 0;
	while (rc == 0 && count > 0) {
		rc = wait_for(socket, POLLIN, deadline, error);
		if (rc == 0)
			rc = moved(recv(socket, at, count, MSG_DONTWAIT), &at, &count, error);
	}
	return rc;
}

int wire_write(int socket, const void *bytes, size_t count, double deadline, struct qlstm_error *error)
{
	char *at = (char *)(uintptr_t)bytes;
	int rc = 0;
	while (rc == 0 && count > 0) {
		rc = wait_for(socket, POLLOUT, deadline, error);
		if (rc == 0)
			rc = moved(send(socket, at, count, MSG_DONTWAIT | MSG_NOSIGNAL), &at, &count, error);
	}
	return rc;
}
