/* Deadlines of connections. libmicrohttpd's own timeout counts inactivity, so a client that sends one byte now and then
 * holds a connection for ever; this list ends it. It also ends a connection whose bytes are no longer read: the library
 * reads on only when it has room, and a line of a chunked body that is longer than its buffer (64 KiB) never leaves it.
 * Times are milliseconds of one clock that the caller reads. */
#ifndef QLSTM_HTTP_MHD_DEADLINE_H
#define QLSTM_HTTP_MHD_DEADLINE_H

#include <stdbool.h>
#include <stdint.h>

struct deadline {
	struct deadline *next, *previous;
	int socket;        /* borrowed; open as long as the deadline is in the list */
	uint64_t due;      /* 0: none for now */
	bool receiving;    /* set by the caller while a body is expected */
	unsigned progress; /* raised by the caller with every part of a body */
	unsigned seen;     /* the sweep's own: progress, unread bytes and how often both stood still */
	int unread, stalls;
};

struct deadline_list {
	struct deadline *first;
};

void deadline_add(struct deadline_list *list, struct deadline *deadline, int socket, uint64_t due);
void deadline_remove(struct deadline_list *list, struct deadline *deadline);
/* Shuts down the sockets whose time is over, and those that receive a body and have had the same unread bytes in
 * DEADLINE_STALLS sweeps one after the other; the HTTP library then sees their end and closes them. Call it at
 * intervals between which the library has had its turn. */
#define DEADLINE_STALLS 4
void deadline_sweep(struct deadline_list *list, uint64_t now);

#endif
