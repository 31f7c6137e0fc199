/* Lanes of requests to the pool's threads. */
#include "server/http/mhd/lane.h"

#include "server/http/mhd/exchange.h"
#include "server/http/reply.h"

#define PATIENCE_NS UINT64_C(1000000000) /* after that it is looked whether the client still waits */

/* What a client asked for that has left meanwhile is not computed. The reply is for the log: the library ends the
 * connection when it finds it closed. */
static bool is_given_up(struct exchange *exchange)
{
	if (uv_hrtime() - exchange->queued < PATIENCE_NS || !exchange_is_abandoned(exchange))
		return false;
	struct qlstm_error error = {0};
	error_set(&error, ERR_UNAVAILABLE, NULL, "the connection was closed while the request waited for its turn");
	reply_problem(&exchange->request, &exchange->reply, &error);
	return true;
}

static void work_handle(uv_work_t *work)
{
	struct exchange *exchange = work->data;
	if (is_given_up(exchange))
		return;
	const struct http_config *config = &exchange->server->config;
	config->handler(config->context, &exchange->request, &exchange->reply);
}

static void lane_next(struct http_server *server, enum http_lane which);

static void work_done(uv_work_t *work, int status)
{
	(void)status;
	struct exchange *exchange = work->data;
	struct http_server *server = exchange->server;
	enum http_lane which = exchange->lane;
	server->lanes[which].running--;
	exchange_answered(exchange);
	lane_next(server, which);
}

/* libuv takes the work of every loop that lives. */
static void lane_run(struct exchange *exchange)
{
	struct http_server *server = exchange->server;
	server->lanes[exchange->lane].running++;
	if (uv_queue_work(server->loop, &exchange->work, work_handle, work_done) != 0) {
		reply_json(&exchange->reply, 500, NULL);
		work_done(&exchange->work, 0);
	}
}

static struct exchange *lane_take(struct lane *lane)
{
	struct exchange *exchange = lane->first;
	if (exchange != NULL)
		lane->first = exchange->next;
	return exchange;
}

static void lane_next(struct http_server *server, enum http_lane which)
{
	struct lane *lane = &server->lanes[which];
	if (lane->running >= server->config.lane_limits[which])
		return;
	struct exchange *exchange = lane_take(lane);
	if (exchange != NULL)
		lane_run(exchange);
}

static void lane_wait(struct lane *lane, struct exchange *exchange)
{
	if (lane->first == NULL)
		lane->end = &lane->first;
	exchange->next = NULL;
	*lane->end = exchange;
	lane->end = &exchange->next;
}

void lane_enter(struct exchange *exchange)
{
	struct http_server *server = exchange->server;
	struct lane *lane = &server->lanes[exchange->lane];
	int limit = server->config.lane_limits[exchange->lane];
	exchange->work.data = exchange;
	exchange->queued = uv_hrtime();
	if (limit > 0 && lane->running >= limit)
		lane_wait(lane, exchange);
	else
		lane_run(exchange);
}

void lanes_drop(struct http_server *server)
{
	struct exchange *exchange;
	for (int i = 0; i < LANE_COUNT; i++)
		while ((exchange = lane_take(&server->lanes[i])) != NULL)
			exchange_answered(exchange);
}
