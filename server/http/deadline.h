/* Deadlines of connections. libmicrohttpd's own timeout counts inactivity, so a client that sends one byte now and then
 * holds a connection for ever; this list ends it. Times are milliseconds of one clock that the caller reads. */
#ifndef QLSTM_HTTP_DEADLINE_H
#define QLSTM_HTTP_DEADLINE_H

#include <stdbool.h>
#include <stdint.h>

struct deadline {
	struct deadline *next, *previous;
	int socket;   /* borrowed; open as long as the deadline is in the list */
	uint64_t due; /* 0: none for now */
};

struct deadline_list {
	struct deadline *first;
};

void deadline_add(struct deadline_list *list, struct deadline *deadline, int socket, uint64_t due);
void deadline_remove(struct deadline_list *list, struct deadline *deadline);
/* Shuts down the sockets whose time is over; the HTTP library then sees their end and closes them. */
void deadline_sweep(struct deadline_list *list, uint64_t now);

#endif
