/* Names of this server. */
#include "server/http/host_names.h"

#include <stddef.h>
#include <string.h>
#include <strings.h>

bool host_names_add(struct host_names *list, const char *name)
{
	if (list->count == HOST_NAMES_MAX)
		return false;
	list->names[list->count++] = name;
	return true;
}

void host_names_add_loopback(struct host_names *list)
{
	static const char *const names[] = {"localhost", "127.0.0.1", "[::1]"};
	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
		host_names_add(list, names[i]);
}

bool host_names_allow(const struct host_names *list, const char *host)
{
	size_t length = *host == '[' ? strcspn(host, "]") + 1 : strcspn(host, ":");
	if (length > strlen(host)) /* no bracket closes */
		return list->count == 0;
	const char *port = host + length;
	bool known = list->count == 0;
	for (int i = 0; i < list->count && !known; i++)
		known = strlen(list->names[i]) == length && strncasecmp(list->names[i], host, length) == 0;
	return known && (*port == '\0' || (*port == ':' && strspn(port + 1, "0123456789") == strlen(port + 1)));
}
