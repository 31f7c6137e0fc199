/* Lanes of requests to the pool's threads. */
#include "server/http/mhd/lane.h"

#include "server/http/mhd/exchange.h"
#include "server/http/reply.h"

static void work_run(uv_work_t *work)
{
	exchange_work(work->data);
}

static void lane_next(struct http_server *server, enum http_lane which);

static void work_done(uv_work_t *work, int status)
{
	(void)status;
	struct exchange *exchange = work->data;
	struct http_server *server = exchange->server;
	enum http_lane which = exchange->lane;
	server->lanes[which].running--;
	exchange_worked(exchange);
	lane_next(server, which);
}

/* libuv takes the work of every loop that lives. */
static void lane_run(struct exchange *exchange)
{
	struct http_server *server = exchange->server;
	server->lanes[exchange->lane].running++;
	if (uv_queue_work(server->loop, &exchange->work, work_run, work_done) != 0) {
		exchange->verdict =
		    error_set(&exchange->spool_error, ERR_INTERNAL, NULL, "no thread takes the request");
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
	exchange->handed = uv_hrtime();
	exchange->work.data = exchange;
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
			exchange_worked(exchange);
}
