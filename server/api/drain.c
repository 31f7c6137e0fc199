/* /drain: the service lets what runs end and begins nothing, until that is taken back. Not kept across a restart. */
#include "server/api/drain.h"

#include <string.h>

#include "server/api/handlers.h"
#include "server/api/resource.h"
#include "server/http/log.h"
#include "server/http/reply.h"

int drain_check(struct api *api, struct qlstm_error *error)
{
	if (atomic_load(&api->draining))
		return error_set(error, ERR_UNAVAILABLE, NULL, "the service is shutting down");
	struct scheduler_counters counters;
	scheduler_counters(api->scheduler, &counters);
	if (counters.held_since == 0)
		return 0;
	return error_set(error, ERR_UNAVAILABLE, NULL,
	                 "the service is drained: it begins nothing until DELETE /drain; %d experiments still run",
	                 counters.busy);
}

bool drain_is_on(struct api *api)
{
	return drain_check(api, NULL) != 0;
}

static void reply_state(struct api *api, struct http_reply *reply)
{
	struct scheduler_counters counters;
	int64_t counts[STATUS_COUNT];
	scheduler_counters(api->scheduler, &counters);
	store_status_counts(api->store, counts);
	reply_json(reply, 200,
	           json_pack("{sb, so, si, sI}", "draining", counters.held_since != 0, "since",
	                     json_time(counters.held_since), "running", counters.busy, "queued",
	                     (json_int_t)counts[STATUS_QUEUED]));
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
	scheduler_hold(api->scheduler, stop);
	log_message("info", "drained by %s: what runs is to %s", request->principal->name,
	            stop ? "checkpoint and end" : "go on to its end");
	reply_state(api, reply);
}

void drain_delete(void *context, struct http_request *request, struct http_reply *reply)
{
	struct api *api = context;
	scheduler_release(api->scheduler);
	log_message("info", "no longer drained, by %s", request->principal->name);
	reply_state(api, reply);
}
