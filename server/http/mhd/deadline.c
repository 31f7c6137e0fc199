/* Deadlines of connections: a list walked twice a second. */
#include "server/http/mhd/deadline.h"

#include <stddef.h>
#include <sys/ioctl.h>
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

/* Bytes wait, and since the last sweep none was read and no part of the body came out. */
static bool has_stalled(struct deadline *deadline)
{
	int unread = 0;
	if (!deadline->receiving || ioctl(deadline->socket, FIONREAD, &unread) != 0)
		unread = 0;
	bool still = unread > 0 && unread >= deadline->unread && deadline->seen == deadline->progress;
	deadline->stalls = still ? deadline->stalls + 1 : 0;
	deadline->unread = unread;
	deadline->seen = deadline->progress;
	return deadline->stalls >= DEADLINE_STALLS;
}

void deadline_sweep(struct deadline_list *list, uint64_t now)
{
	for (struct deadline *deadline = list->first; deadline != NULL; deadline = deadline->next) {
		bool is_due = deadline->due != 0 && deadline->due <= now;
		if (!has_stalled(deadline) && !is_due)
			continue;
		shutdown(deadline->socket, SHUT_RDWR);
		deadline->due = 0;
		deadline->receiving = false;
	}
}
