/* Events until their commit. */
#include "server/store/outbox.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void outbox_init(struct outbox *outbox)
{
	outbox->first = NULL;
	outbox->end = &outbox->first;
}

void outbox_push(struct outbox *outbox, struct event *event)
{
	event->next = NULL;
	*outbox->end = event;
	outbox->end = &event->next;
}

struct event **outbox_mark(const struct outbox *outbox)
{
	return outbox->end;
}

void outbox_cut(struct outbox *outbox, struct event **mark)
{
	for (struct event *event = *mark, *next; event != NULL; event = next) {
		next = event->next;
		free(event);
	}
	*mark = NULL;
	outbox->end = mark;
}

struct event *outbox_take(struct outbox *outbox)
{
	struct event *event = outbox->first;
	if (event == NULL)
		return NULL;
	outbox->first = event->next;
	if (outbox->first == NULL)
		outbox->end = &outbox->first;
	return event;
}

void outbox_move(struct outbox *to, struct outbox *from)
{
	if (from->first == NULL)
		return;
	*to->end = from->first;
	to->end = from->end;
	outbox_init(from);
}

void outbox_free(struct outbox *outbox)
{
	outbox_cut(outbox, &outbox->first);
}

struct event *event_new(const char *experiment, const char *type, int attempt, int64_t at, const char *body)
{
	size_t size = strlen(body) + 1;
	struct event *event = calloc(1, sizeof *event + size);
	if (event == NULL)
		return NULL;
	event->at = at;
	event->attempt = attempt;
	snprintf(event->experiment, sizeof event->experiment, "%s", experiment);
	snprintf(event->type, sizeof event->type, "%s", type);
	memcpy(event->body, body, size);
	return event;
}
