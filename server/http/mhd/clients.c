/* Clients: a list that is walked a few times a second. */
#include "server/http/mhd/clients.h"

#include <errno.h>
#include <stddef.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <unistd.h>

static int unread_bytes(int socket)
{
	int count = 0;
	return ioctl(socket, FIONREAD, &count) == 0 ? count : 0;
}

/* Of those that wait for a request, of one address or of all (NULL), the one that has done so longest. A request that
 * has come and was not read yet counts for its client. */
static struct client *longest_waiting(const struct client_list *list, const struct peer *peer,
                                      const struct client *newcomer)
{
	struct client *longest = NULL;
	for (struct client *client = list->last; client != NULL; client = client->previous) {
		if (client == newcomer || client->state != CLIENT_WAITS || (peer != NULL && client->peer != peer))
			continue;
		if ((longest == NULL || client->since < longest->since) && unread_bytes(client->socket) == 0)
			longest = client;
	}
	return longest;
}

/* Descriptors are given out from below: one near the limit says that few are left. */
static bool takes_a_spare_file(const struct client_list *list, int socket)
{
	struct rlimit limit;
	if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY)
		return false;
	rlim_t spare = (rlim_t)list->limits.spare_files, most = limit.rlim_cur / 4;
	return (rlim_t)socket + (spare < most ? spare : most) >= limit.rlim_cur;
}

/* The library takes connections until there is no descriptor at all, and then none until one of its own has ended. */
static void free_files(struct client_list *list)
{
	int probe = list->first != NULL ? dup(list->first->socket) : -1;
	bool short_of_files = list->first != NULL && (probe < 0 || takes_a_spare_file(list, probe));
	if (probe >= 0)
		close(probe);
	for (int i = 0; short_of_files && i < list->limits.spare_files; i++) {
		struct client *client = longest_waiting(list, NULL, NULL);
		if (client == NULL)
			break;
		client_end(list, client);
	}
}

static void make_room(struct client_list *list, struct client *newcomer)
{
	bool here = newcomer->peer->connections > list->limits.by_address;
	if (!here && list->count <= list->limits.total && !takes_a_spare_file(list, newcomer->socket))
		return;
	struct client *client = longest_waiting(list, here ? newcomer->peer : NULL, newcomer);
	if (client != NULL)
		client_end(list, client);
	else
		newcomer->surplus = true;
}

int client_add(struct client_list *list, struct client *client, int socket, const struct sockaddr *address,
               uint64_t now)
{
	*client = (struct client){.next = list->first, .socket = socket, .since = now};
	client->peer = peer_enter(&list->peers, address);
	if (client->peer == NULL)
		return -1;
	if (list->first != NULL)
		list->first->previous = client;
	else
		list->last = client;
	list->first = client;
	list->count++;
	make_room(list, client);
	return 0;
}

/* It counts no longer. */
static void uncount(struct client_list *list, struct client *client)
{
	if (client->state == CLIENT_ENDED)
		return;
	client->state = CLIENT_ENDED;
	list->count--;
	peer_leave(&list->peers, client->peer);
}

void client_remove(struct client_list *list, struct client *client)
{
	uncount(list, client);
	if (client->next != NULL)
		client->next->previous = client->previous;
	else
		list->last = client->previous;
	if (client->previous != NULL)
		client->previous->next = client->next;
	else
		list->first = client->next;
}

void client_end(struct client_list *list, struct client *client)
{
	shutdown(client->socket, SHUT_RDWR);
	client->due = 0;
	uncount(list, client);
}

void client_set(struct client *client, enum client_state state, uint64_t now, uint64_t due)
{
	if (client->state == CLIENT_ENDED)
		return;
	client->state = state;
	client->since = now;
	client->due = due;
	client->stalls = 0;
}

bool client_has_left(int socket)
{
	char byte;
	ssize_t count = recv(socket, &byte, 1, MSG_PEEK | MSG_DONTWAIT);
	return count == 0 || (count < 0 && errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR);
}

/* Bytes wait, and since the last sweep none was read and no part of the body came out. */
static bool has_stalled(struct client *client)
{
	int unread = client->state == CLIENT_SENDS ? unread_bytes(client->socket) : 0;
	bool still = unread > 0 && unread >= client->unread && client->seen == client->progress;
	client->stalls = still ? client->stalls + 1 : 0;
	client->unread = unread;
	client->seen = client->progress;
	return client->stalls >= CLIENT_STALLS;
}

static bool has_to_go(struct client *client, uint64_t now)
{
	if (client->state == CLIENT_ENDED)
		return false;
	if ((client->due != 0 && client->due <= now) || has_stalled(client))
		return true;
	return client->state != CLIENT_BUSY && client_has_left(client->socket);
}

void clients_sweep(struct client_list *list, uint64_t now)
{
	for (struct client *client = list->first; client != NULL; client = client->next)
		if (has_to_go(client, now))
			client_end(list, client);
	free_files(list);
}
