/* Connections by address: a table of chains. */
#include "server/http/mhd/peers.h"

#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

/* NULL and other families are one address. */
static uint64_t address_of(const struct sockaddr *address)
{
	uint64_t number = 0;
	if (address != NULL && address->sa_family == AF_INET)
		number = ((const struct sockaddr_in *)(const void *)address)->sin_addr.s_addr;
	else if (address != NULL && address->sa_family == AF_INET6)
		memcpy(&number, &((const struct sockaddr_in6 *)(const void *)address)->sin6_addr, sizeof number);
	return number;
}

static struct peer **bucket_of(struct peers *peers, uint64_t address)
{
	return &peers->buckets[(address * UINT64_C(0x9e3779b97f4a7c15)) >> 54];
}

struct peer *peer_enter(struct peers *peers, const struct sockaddr *address)
{
	uint64_t number = address_of(address);
	int family = address != NULL ? address->sa_family : 0;
	struct peer **bucket = bucket_of(peers, number), *peer = *bucket;
	while (peer != NULL && (peer->address != number || peer->family != family))
		peer = peer->next;
	if (peer == NULL) {
		peer = calloc(1, sizeof *peer);
		if (peer == NULL)
			return NULL;
		*peer = (struct peer){.next = *bucket, .address = number, .family = family};
		*bucket = peer;
	}
	peer->connections++;
	return peer;
}

void peer_leave(struct peers *peers, struct peer *peer)
{
	if (--peer->connections > 0)
		return;
	struct peer **link = bucket_of(peers, peer->address);
	while (*link != peer)
		link = &(*link)->next;
	*link = peer->next;
	free(peer);
}
