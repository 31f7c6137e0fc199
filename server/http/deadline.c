/* Deadlines of connections: a list walked twice a second. */
#include "server/http/deadline.h"

#include <stddef.h>
#include <sys/socket.h>

void deadline_add(struct deadline_list *list, struct deadline *deadline, int socket, uint64_t due)
{
	*deadline = (struct deadline){.next = list->first, .socket = socket, .due = due};
	if (list->first != NULL)
		list->first->previous = deadline;
	list->first = deadline;
}

void deadline_remove(struct deadline_list *list, struct deadline *deadline)
{
	if (deadline->next != NULL)
		deadline->next->previous = deadline->previous;
	if (deadline->previous != NULL)
		deadline->previous->next = deadline->next;
	else
		list->first = deadline->next;
}

void deadline_sweep(struct deadline_list *list, uint64_t now)
{
	for (struct deadline *deadline = list->first; deadline != NULL; deadline = deadline->next) {
		if (deadline->due == 0 || deadline->due > now)
			continue;
		shutdown(deadline->socket, SHUT_RDWR);
		deadline->due = 0;
	}
}
