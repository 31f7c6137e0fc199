/* An answer that comes once an experiment has ended, or a time is over: one text, sent as the body of a reply. No
 * thread waits meanwhile. */
#ifndef QLSTM_RUN_EVENTS_WAIT_H
#define QLSTM_RUN_EVENTS_WAIT_H

#include "server/http/http.h"
#include "server/run/events/hub.h"
#include "server/run/events/stream.h"

struct event_wait;

/* For reply_stream, with an event_wait as its context. */
extern const struct http_source event_wait_source;

struct event_wait_config {
	struct hub *hub;
	uv_loop_t *loop;
	const char *experiment; /* copied */
	int seconds;
	/* The text (malloc, NULL: none can be made), and whether the experiment has ended. On a pool thread. */
	char *(*answer)(void *context, const char *experiment, bool *ended);
	void *context;                   /* of answer; borrowed */
	const struct event_guard *guard; /* who asks may be told; copied, NULL: anybody */
};
/* Any thread; NULL when out of memory. */
struct event_wait *event_wait_new(const struct event_wait_config *config);

#endif
