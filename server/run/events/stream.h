/* A stream of one experiment's events, as server-sent events: first what the store has, page by page, then each as it
 * happens, and an "end" once the experiment has ended. What a slow client does not take is not kept for it: the stream
 * goes back to reading pages. Every client sees every event once, in order, from wherever it came back. */
#ifndef QLSTM_RUN_EVENTS_STREAM_H
#define QLSTM_RUN_EVENTS_STREAM_H

#include "server/http/http.h"
#include "server/run/events/hub.h"

struct event_stream;

/* For reply_stream, with an event_stream as its context. */
extern const struct http_source event_stream_source;

/* From the event behind `after`; 0: from the first. Any thread; NULL when out of memory. */
struct event_stream *event_stream_new(struct hub *hub, uv_loop_t *loop, struct store *store, const char *experiment,
                                      int64_t after);

#endif
