/* Datagrams to a service manager. */
#include "server/notify.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static struct sockaddr_un manager; /* no family: there is none */
static socklen_t manager_length;

void notify_open(void)
{
	const char *name = getenv("NOTIFY_SOCKET");
	size_t length = name != NULL ? strlen(name) : 0;
	manager.sun_family = AF_UNSPEC;
	if (length > 1 && length < sizeof manager.sun_path && (name[0] == '/' || name[0] == '@')) {
		manager.sun_family = AF_UNIX;
		memcpy(manager.sun_path, name, length + 1);
		if (name[0] == '@')
			manager.sun_path[0] = '\0';
		manager_length = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + length);
	}
	unsetenv("NOTIFY_SOCKET");
}

void notify_send(const char *state)
{
	int fd = manager.sun_family == AF_UNIX ? socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0) : -1;
	if (fd < 0)
		return;
	sendto(fd, state, strlen(state), MSG_NOSIGNAL | MSG_DONTWAIT, (const struct sockaddr *)&manager,
	       manager_length);
	close(fd);
}
