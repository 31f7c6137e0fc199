/* Events as JSON and as server-sent events. */
#include "server/run/events/format.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "server/common/clock.h"

/* A body is an object made by json_text: its members stand between the braces. */
char *event_json(const struct event *event)
{
	char time[25], *text = NULL;
	clock_iso8601(event->at, time);
	const char *members = event->body + 1;
	int length =
	    asprintf(&text, "{\"id\":%lld,\"type\":\"%s\",\"at\":\"%s\",\"attempt\":%d%s%s", (long long)event->id,
	             event->type, time, event->attempt, *members == '}' ? "" : ",", members);
	return length >= 0 ? text : NULL;
}

char *event_sse(const struct event *event)
{
	char *json = event_json(event), *text = NULL;
	if (json == NULL)
		return NULL;
	int length = asprintf(&text, "id: %lld\nevent: %s\ndata: %s\n\n", (long long)event->id, event->type, json);
	free(json);
	return length >= 0 ? text : NULL;
}

bool event_is_last(const struct event *event)
{
	if (strcmp(event->type, "status") != 0)
		return false;
	json_t *body = json_loads(event->body, 0, NULL);
	enum run_status status = STATUS_QUEUED;
	int rc = status_from_name(json_string_value(json_object_get(body, "to")), &status);
	json_decref(body);
	return rc == 0 && status_terminal(status);
}
