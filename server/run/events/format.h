/* Events as they go over the wire. */
#ifndef QLSTM_RUN_EVENTS_FORMAT_H
#define QLSTM_RUN_EVENTS_FORMAT_H

#include <stddef.h>

#include "server/store/outbox.h"

/* {"id": 7, "type": "epoch", "at": "2026-11-21T09:31:00.123Z", "attempt": 1, "epoch": 3, ...}: the body's members
 * follow. malloc; NULL when out of memory. */
char *event_json(const struct event *event);

/* The same as a server-sent event: "id: 7\nevent: epoch\ndata: {...}\n\n". malloc; NULL when out of memory. */
char *event_sse(const struct event *event);

/* Whether nothing follows by itself: a change to a terminal status, out of which only a retry leads. */
bool event_is_last(const struct event *event);

#endif
