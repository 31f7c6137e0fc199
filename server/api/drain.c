/* /drain: the service lets what runs end and begins nothing, until that is taken back. Not kept across a restart. */
#include "server/api/drain.h"

#include <string.h>

#include "server/api/handlers.h"
#include "server/api/resource.h"
#include "server/common/clock.h"
#include "server/http/log.h"
#include "server/http/reply.h"

int drain_check(struct api *api, struct qlstm_error *error)
{
	if (atomic_load(&api->draining))
		return error_set(error, ERR_UNAVAILABLE, NULL, "the service is shutting down");
	if (atomic_load(&api->drained_at) == 0)
		return 0;
	struct scheduler_counters counters;
	scheduler_counters(api->scheduler, &counters);
	return error_set(error, ERR_UNAVAILABLE, NULL,
	                 "the service is drained: it begins nothing until DELETE /drain; %d experiments still run",
	                 counters.busy);
}

static void reply_state(struct api *api, struct http_reply *reply)
{
	struct scheduler_counters counters;
	int64_t counts[STATUS_COUNT], since = atomic_load(&api->drained_at);
	scheduler_counters(api->scheduler, &counters);
	store_status_counts(api->store, counts);
	reply_json(reply, 200,
	           json_pack("{sb, so, si, sI}", "draining", since != 0, "since", json_time(since), "running",
	                     counters.busy, "queued", (json_int_t)counts[STATUS_QUEUED]));
}

void drain_get(void *context, struct http_request *request, struct http_reply *reply)
{
	(void)request;
	reply_state(context, reply);
}

/* Which of two words; absent: the first. */
static bool running_or_reply(const struct http_request *request, struct http_reply *reply, bool *stop)
{
	const char *text = http_query(request, "running");
	*stop = text != NULL && strcmp(text, "checkpoint") == 0;
	if (text == NULL || *stop || strcmp(text, "finish") == 0)
		return true;
	struct qlstm_error error = {0};
	error_set(&error, ERR_OUT_OF_RANGE, NULL, "running is '%.40s'; allowed are finish, checkpoint", text);
	reply_problem_as(request, reply, 400, &error);
	return false;
}

void drain_post(void *context, struct http_request *request, struct http_reply *reply)
{
	struct api *api = context;
	bool stop = false;
	if (!running_or_reply(request, reply, &stop))
		return;
	long long none = 0;
	atomic_compare_exchange_strong(&api->drained_at, &none, clock_now_ms());
	scheduler_hold(api->scheduler, stop);
	log_message("info", "drained by %s: what runs is to %s", request->principal->name,
	            stop ? "checkpoint and end" : "go on to its end");
	reply_state(api, reply);
}

void drain_delete(void *context, struct http_request *request, struct http_reply *reply)
{
	struct api *api = context;
	atomic_store(&api->drained_at, 0);
	scheduler_release(api->scheduler);
	log_message("info", "no longer drained, by %s", request->principal->name);
	reply_state(api, reply);
}
