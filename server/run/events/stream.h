/* A stream of one experiment's events, as server-sent events: first what the store has, page by page, then each as it
 * happens, and an "end" once the experiment has ended. What a slow client does not take is not kept for it: the stream
 * goes back to reading pages. Every client sees every event once, in order, from wherever it came back. */
#ifndef QLSTM_RUN_EVENTS_STREAM_H
#define QLSTM_RUN_EVENTS_STREAM_H

#include "server/http/http.h"
#include "server/run/events/hub.h"

struct event_stream;

/* Who may watch as long as `holds` says so of this mark, from memory, on the loop thread: every HUB_LOOK_MS it is
 * asked. Without it anybody may. */
struct event_guard {
	bool (*holds)(void *context, const char *mark);
	void *context;
	char mark[65];
};

/* For reply_stream, with an event_stream as its context. */
extern const struct http_source event_stream_source;

/* From the event behind `after`; 0: from the first. `guard` is copied; NULL: none. Any thread; NULL when out of memory.
 */
struct event_stream *event_stream_new(struct hub *hub, struct store *store, const char *experiment, int64_t after,
                                      const struct event_guard *guard);

#endif
