/* The HTTP server as the files of this room share it. */
#ifndef QLSTM_HTTP_MHD_SERVER_H
#define QLSTM_HTTP_MHD_SERVER_H

#include <microhttpd.h>

#include "server/http/http.h"
#include "server/http/mhd/body.h"
#include "server/http/mhd/deadline.h"
#include "server/http/mhd/lane.h"

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
	struct deadline_list deadlines;
	int exchanges, with_handler;
	struct body_budget budget;
	struct lane lanes[LANE_COUNT];
	struct http_stream *streams; /* replies from a source that are being sent */
	bool quiesced, closing;
};

/* Another MHD_run in the next round of the loop. */
void server_soon(struct http_server *server);

#endif
