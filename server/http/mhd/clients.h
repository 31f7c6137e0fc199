/* The clients that are connected: what each is expected to do and until when, how many there are of one address, and
 * who has to go for another. libmicrohttpd's own timeout counts inactivity, so a client that sends one byte now and
 * then would hold a connection for ever; and its sockets are edge-triggered, so it does not notice the end of one whose
 * last bytes came together with it.
 *
 * Room: where an address, or all together, have more connections than they may, the one that has waited longest for a
 * request is ended for the new one. A client that holds a thousand idle connections thus keeps nobody out. Where all
 * are in the midst of a request, the new one is `surplus` and gets a 503.
 *
 * Times are milliseconds of one clock that the caller reads. */
#ifndef QLSTM_HTTP_MHD_CLIENTS_H
#define QLSTM_HTTP_MHD_CLIENTS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

#include "server/http/mhd/peers.h"

enum client_state {
	CLIENT_WAITS, /* sends no request, or the beginning of one */
	CLIENT_SENDS, /* sends a body */
	CLIENT_BUSY,  /* waits for a reply or takes one */
	CLIENT_ENDED  /* its socket is shut down; the library has not closed it yet */
};

struct client {
	struct client *next, *previous; /* the newest comes first */
	struct peer *peer;
	int socket; /* borrowed; open as long as the client is in the list */
	enum client_state state;
	bool surplus;      /* there was no room for it */
	uint64_t since;    /* in this state */
	uint64_t due;      /* 0: none for now */
	unsigned progress; /* raised by the caller with every part of a body */
	unsigned seen;     /* the sweep's own: progress, unread bytes and how often both stood still */
	int unread, stalls;
};

struct client_limits {
	int total, by_address; /* connections */
	int spare_files;       /* descriptors that connections leave to the rest of the process */
};

struct client_list {
	struct client *first, *last;
	int count; /* but for those that have ended */
	struct peers peers;
	struct client_limits limits;
};

/* Enters a connection, which then waits for a request; ends another where there is no room. -1: no memory for it. */
int client_add(struct client_list *list, struct client *client, int socket, const struct sockaddr *address,
               uint64_t now);
void client_remove(struct client_list *list, struct client *client);
/* Shuts the socket down; the library then sees its end and closes it. */
void client_end(struct client_list *list, struct client *client);
/* `due` 0: no limit. */
void client_set(struct client *client, enum client_state state, uint64_t now, uint64_t due);
/* Whether the other side has closed and nothing of it is left to read. */
bool client_has_left(int socket);

/* Ends those whose time is over, those that have left while something was expected of them, and those that send a body
 * and have had the same unread bytes in CLIENT_STALLS sweeps one after the other: the library reads on only when it has
 * room, and a line of a chunked body that is longer than its buffer (64 KiB) never leaves it. Then those that have
 * waited longest, where descriptors are short. Call it at intervals between which the library has had its turn. */
#define CLIENT_STALLS 8
void clients_sweep(struct client_list *list, uint64_t now);

#endif
