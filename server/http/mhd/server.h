/* The HTTP server as the files of this room share it. */
#ifndef QLSTM_HTTP_MHD_SERVER_H
#define QLSTM_HTTP_MHD_SERVER_H

#include <microhttpd.h>

#include "server/http/http.h"
#include "server/http/mhd/body.h"
#include "server/http/mhd/clients.h"
#include "server/http/mhd/lane.h"

/* Small and large bodies have budgets of their own: a flood of uploads leaves the way for experiments open. */
enum body_kind { BODY_SMALL, BODY_LARGE, BODY_KINDS };

struct http_server {
	uv_loop_t *loop;
	struct MHD_Daemon *daemon;
	struct http_config config;
	int port;
	uv_poll_t poll;
	uv_timer_t timer, sweep;
	uv_idle_t soon;
	bool freed;                       /* a connection, since the last run */
	unsigned progress, seen_progress; /* calls from MHD in all, and when the last run began */
	int eager_runs;
	int open_handles;
	struct client_list clients;
	int exchanges, with_pool;
	struct body_budget budgets[BODY_KINDS];
	struct body_budget replies; /* in memory, on their way out */
	struct lane lanes[LANE_COUNT];
	struct http_stream *streams; /* replies from a source that are being sent */
	struct http_stream *first_woken, *last_woken;
	bool quiesced, closing;
	char said[256]; /* what the library said last, when (ms), and how often it said so again */
	uint64_t said_at;
	unsigned said_again;
};

/* Another MHD_run in the next round of the loop. */
void server_soon(struct http_server *server);

#endif
