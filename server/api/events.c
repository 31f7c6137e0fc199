/* /experiments/ID/events: what happened, as a stream or in pages. */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>

#include "server/api/handlers.h"
#include "server/api/request.h"
#include "server/api/resource.h"
#include "server/run/events/format.h"
#include "server/run/events/stream.h"
#include "server/store/events.h"

enum { DEFAULT_LIMIT = 200, MAX_LIMIT = 1000 };

struct page {
	const char *id;
	int64_t after;
	int limit;
	bool brief; /* without epochs */
	struct outbox events;
	int64_t last;  /* of a brief one: the id of the last event of any type */
	bool terminal; /* nothing will be added */
};

static int read_page(struct db *db, void *argument, struct qlstm_error *error)
{
	struct page *page = argument;
	struct experiment_row row = {0};
	enum run_status status = STATUS_QUEUED;
	int rc = experiment_get(db, page->id, &row, error);
	if (rc == 0)
		rc = status_from_name(row.status, &status);
	page->terminal = rc == 0 && status_terminal(status);
	experiment_row_free(&row);
	if (rc == 0 && page->brief)
		return event_list_brief(db, page->id, page->after, page->limit, &page->events, &page->last, error);
	return rc == 0 ? event_list(db, page->id, page->after, page->limit, &page->events, error) : rc;
}

/* What a client that comes back has seen last; 0 where the header is absent or no id of ours. */
static int64_t last_event_id(const struct http_request *request)
{
	const char *text = http_header(request, "Last-Event-ID");
	char *end;
	errno = 0;
	long long id = text != NULL ? strtoll(text, &end, 10) : 0;
	return text != NULL && *text != '\0' && *end == '\0' && id > 0 && errno == 0 ? id : 0;
}

static void reply_page(struct http_reply *reply, const struct page *page)
{
	struct text out = {0};
	int64_t last = page->after;
	int count = 0;
	text_print(&out, "{\"experiment\":\"%s\",\"events\":[", page->id);
	for (const struct event *event = page->events.first; event != NULL; event = event->next) {
		char *json = event_json(event);
		if (json == NULL)
			break; /* a shorter page: the next one goes on from here */
		text_print(&out, "%s%s", event == page->events.first ? "" : ",", json);
		free(json);
		last = event->id;
		count++;
	}
	if (page->brief && count < page->limit && page->last > last)
		last = page->last; /* the epochs up to there were passed over */
	text_print(&out, "],\"after\":%lld,\"terminal\":%s}\n", (long long)last, page->terminal ? "true" : "false");
	reply_written(reply, "application/json", &out);
}

static bool holds(void *context, const char *mark)
{
	return keeper_holds(context, mark);
}

/* A browser that comes back after the end would come back for ever: 204 tells it not to. */
static void reply_events(struct api *api, const struct http_request *request, struct http_reply *reply,
                         const struct page *page)
{
	bool came_back = http_header(request, "Last-Event-ID") != NULL;
	if (page->terminal && page->events.first == NULL && came_back) {
		reply_empty(reply, 204);
		return;
	}
	struct event_guard guard = {.holds = holds, .context = api->keeper};
	const char *mark = request->principal->mark;
	if (mark != NULL)
		snprintf(guard.mark, sizeof guard.mark, "%s", mark);
	struct event_stream *stream =
	    event_stream_new(api->hub, api->store, page->id, page->after, mark != NULL ? &guard : NULL);
	if (stream == NULL)
		reply_json(reply, 500, NULL);
	else
		reply_stream(reply, "text/event-stream", &event_stream_source, stream);
}

void events_get(void *context, struct http_request *request, struct http_reply *reply)
{
	struct api *api = context;
	struct qlstm_error error = {0};
	int after = 0;
	struct page page = {.id = request->params[0], .limit = DEFAULT_LIMIT};
	static const char *const skips[] = {"none", "epoch", NULL};
	int skip = 0;
	bool streams = accepts(request, "text/event-stream");
	outbox_init(&page.events);
	if (!query_int_or_reply(request, reply, "after", 0, INT_MAX, &after) ||
	    !query_int_or_reply(request, reply, "limit", 1, MAX_LIMIT, &page.limit) ||
	    !query_choice_or_reply(request, reply, "skip", skips, &skip))
		return;
	page.brief = skip == 1 && !streams;
	int64_t seen = last_event_id(request);
	page.after = seen > 0 ? seen : after;
	if (streams)
		page.limit = 1; /* whether there is any; the stream reads by itself */
	if (store_read(api->store, read_page, &page, &error) != 0)
		reply_problem(request, reply, &error);
	else if (streams)
		reply_events(api, request, reply, &page);
	else
		reply_page(reply, &page);
	reply_header(reply, "Vary", "Accept");
	outbox_free(&page.events);
}
