/* How many connections an address has. Of IPv6 the first 64 bits count: one network, as a rule one client. */
#ifndef QLSTM_HTTP_MHD_PEERS_H
#define QLSTM_HTTP_MHD_PEERS_H

#include <stdint.h>
#include <sys/socket.h>

#define PEER_BUCKETS 1024

struct peer {
	struct peer *next; /* of its bucket */
	uint64_t address;
	int family, connections;
};

struct peers {
	struct peer *buckets[PEER_BUCKETS];
};

/* One connection more; the peer lives until its last has left. NULL: no memory. */
struct peer *peer_enter(struct peers *peers, const struct sockaddr *address);
void peer_leave(struct peers *peers, struct peer *peer);

#endif
