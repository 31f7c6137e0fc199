/* Which Host headers are this server's. A page of evil.example whose name is made to lead to 127.0.0.1 (DNS rebinding)
 * is of one origin with this server to a browser, and may read its answers; but the browser still sends
 * "Host: evil.example", which stands in no list here. */
#ifndef QLSTM_HTTP_HOST_NAMES_H
#define QLSTM_HTTP_HOST_NAMES_H

#include <stdbool.h>

#define HOST_NAMES_MAX 20

struct host_names {
	const char *names[HOST_NAMES_MAX]; /* as in a Host header, without a port: "localhost", "[::1]" */
	int count;                         /* 0: every Host will do */
};

/* false when the list is full. `name` is borrowed. */
bool host_names_add(struct host_names *list, const char *name);
/* localhost, 127.0.0.1 and [::1]: what a client on this machine calls it. */
void host_names_add_loopback(struct host_names *list);
/* Whether `host`, the value of a Host header, is in the list, with any port or none. Letters match in either case. */
bool host_names_allow(const struct host_names *list, const char *host);

#endif
