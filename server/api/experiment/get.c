/* GET /experiments/ID: one of them, at once or (wait) once it has ended. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/text.h"
#include "server/access/keeper.h"
#include "server/api/handlers.h"
#include "server/api/request.h"
#include "server/api/resource.h"
#include "server/run/events/wait.h"

enum { MAX_WAIT = 60 };

static bool has_ended(const struct experiment_row *row)
{
	enum run_status status = STATUS_QUEUED;
	return status_from_name(row->status, &status) == 0 && status_terminal(status);
}

struct look {
	const char *id;
	struct experiment_row row;
};

static int look(struct db *db, void *argument, struct qlstm_error *error)
{
	struct look *look = argument;
	return experiment_get(db, look->id, &look->row, error);
}

/* One that is deleted meanwhile is an end without an answer. */
static char *answer(void *context, const char *experiment, bool *ended)
{
	struct api *api = context;
	struct look wanted = {.id = experiment};
	struct text out = {0};
	char *text = NULL;
	size_t length;
	if (store_read(api->store, look, &wanted, NULL) != 0)
		return NULL;
	*ended = has_ended(&wanted.row);
	resource_write(&wanted.row, &out);
	text_write(&out, "\n", 1);
	experiment_row_free(&wanted.row);
	return text_take(&out, &text, &length) == 0 ? text : NULL;
}

static bool holds(void *context, const char *mark)
{
	return keeper_holds(context, mark);
}

static void reply_later(struct api *api, const struct http_request *request, struct http_reply *reply, int seconds)
{
	struct event_guard guard = {.holds = holds, .context = api->keeper};
	const char *mark = request->principal->mark;
	if (mark != NULL)
		snprintf(guard.mark, sizeof guard.mark, "%s", mark);
	struct event_wait *wait = event_wait_new(&(struct event_wait_config){.hub = api->hub,
	                                                                     .loop = api->loop,
	                                                                     .experiment = request->params[0],
	                                                                     .seconds = seconds,
	                                                                     .answer = answer,
	                                                                     .context = api,
	                                                                     .guard = mark != NULL ? &guard : NULL});
	if (wait == NULL)
		reply_json(reply, 500, NULL);
	else
		reply_stream(reply, "application/json", &event_wait_source, wait);
}

void experiments_get(void *context, struct http_request *request, struct http_reply *reply)
{
	struct api *api = context;
	struct experiment_row row;
	char etag[RESOURCE_ETAG_SIZE];
	int seconds = 0;
	if (!query_int_or_reply(request, reply, "wait", 0, MAX_WAIT, &seconds) ||
	    !resource_read_or_reply(api, request, reply, request->params[0], &row))
		return;
	if (seconds > 0 && !has_ended(&row)) {
		reply_later(api, request, reply, seconds);
	} else {
		resource_etag(&row, etag);
		if (!reply_not_modified(request, reply, etag))
			resource_reply_row(reply, 200, &row);
	}
	experiment_row_free(&row);
}
