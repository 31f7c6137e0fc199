/* GET /experiments: pages of what fits the filters, newest first or by a metric. */
#include <stdlib.h>
#include <string.h>

#include "engine/data/csv/timestamp.h"
#include "server/api/handlers.h"
#include "server/api/parts/cursor.h"
#include "server/api/request.h"
#include "server/api/resource.h"

struct list {
	struct experiment_query query;
	struct experiment_row *rows;
	int count;
	bool more;
};

static int read_list(struct db *db, void *argument, struct qlstm_error *error)
{
	struct list *list = argument;
	return experiment_list(db, &list->query, &list->rows, &list->count, &list->more, error);
}

/* Frees the rows. */
static void write_list(struct list *list, struct text *out)
{
	text_print(out, "{\"experiments\":[");
	for (int i = 0; i < list->count; i++) {
		text_print(out, "%s", i > 0 ? "," : "");
		resource_write(&list->rows[i], out);
	}
	text_print(out, "],\"next_cursor\":");
	if (list->more && list->count > 0) {
		char cursor[CURSOR_SIZE];
		cursor_encode(list->rows[list->count - 1].id, cursor);
		text_print(out, "\"%s\"", cursor);
	} else {
		text_print(out, "null");
	}
	text_print(out, ",\"has_more\":%s}\n", list->more ? "true" : "false");
	for (int i = 0; i < list->count; i++)
		experiment_row_free(&list->rows[i]);
	free(list->rows);
}

static const char *const status_names[] = {
#define X(id, name, terminal) name,
    RUN_STATUSES(X)
#undef X
        NULL};

static const char *const kind_names[] = {"training", "prediction", NULL}; /* as the spec has them */

/* A time as text of RFC 3339, or a date: its first moment, UTC. */
static bool time_or_reply(const struct http_request *request, struct http_reply *reply, const char *name, int64_t *ms)
{
	const char *text = http_query(request, name);
	struct timestamp time;
	if (text == NULL)
		return true;
	if (timestamp_parse(text, strlen(text), &time) && time.has_date && time.day_first && time.month_first &&
	    time.seconds_day_first == time.seconds_month_first) {
		*ms = (int64_t)(time.seconds_day_first * 1000);
		return true;
	}
	struct qlstm_error error = {0};
	error_set(&error, ERR_INVALID, NULL, "%s is '%.60s'; a time such as 2026-11-28T13:00:00Z or a date is expected",
	          name, text);
	reply_problem_as(request, reply, 400, &error);
	return false;
}

/* "test_loss", or "-test_accuracy": the largest first. */
static bool sort_or_reply(const struct http_request *request, struct http_reply *reply, struct experiment_query *query)
{
	static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_";
	const char *text = http_query(request, "sort");
	if (text == NULL)
		return true;
	query->falling = *text == '-';
	query->sort = text + (query->falling ? 1 : 0);
	size_t length = strlen(query->sort);
	if (length > 0 && length <= 60 && strspn(query->sort, allowed) == length)
		return true;
	struct qlstm_error error = {0};
	error_set(
	    &error, ERR_INVALID, NULL,
	    "sort is '%.80s'; a metric is expected, such as best_test_loss, or -test_accuracy for the largest first",
	    text);
	reply_problem_as(request, reply, 400, &error);
	return false;
}

/* Behind a cursor whose experiment was deleted meanwhile a sorted list cannot go on. */
static void reply_failure(const struct http_request *request, struct http_reply *reply, const struct qlstm_error *error)
{
	if (error->code == ERR_NOT_FOUND)
		reply_problem_as(request, reply, 400, error);
	else
		reply_problem(request, reply, error);
}

void experiments_list(void *context, struct http_request *request, struct http_reply *reply)
{
	struct api *api = context;
	struct qlstm_error error = {0};
	struct list list = {.query.limit = 50};
	char before[RUN_ID_SIZE];
	int status = -1, kind = -1;
	if (!query_int_or_reply(request, reply, "limit", 1, 200, &list.query.limit) ||
	    !query_choice_or_reply(request, reply, "status", status_names, &status) ||
	    !query_choice_or_reply(request, reply, "kind", kind_names, &kind) ||
	    !time_or_reply(request, reply, "created_after", &list.query.since) ||
	    !time_or_reply(request, reply, "created_before", &list.query.until) ||
	    !sort_or_reply(request, reply, &list.query))
		return;
	const char *cursor = http_query(request, "cursor");
	if (cursor != NULL && cursor_decode(cursor, before, &error) != 0) {
		reply_problem_as(request, reply, 400, &error);
		return;
	}
	list.query.before = cursor != NULL ? before : NULL;
	list.query.status = status >= 0 ? status_names[status] : NULL;
	list.query.kind = kind >= 0 ? kind_names[kind] : NULL;
	list.query.project = http_query(request, "project");
	list.query.tag = http_query(request, "tag");
	list.query.text = http_query(request, "text");
	list.query.model = http_query(request, "model");
	list.query.dataset = http_query(request, "dataset");
	list.query.owner = request->principal->viewer.all ? NULL : request->principal->viewer.owner;
	if (store_read(api->store, read_list, &list, &error) != 0) {
		reply_failure(request, reply, &error);
		return;
	}
	struct text out = {0};
	write_list(&list, &out);
	reply_written(reply, "application/json", &out);
}
