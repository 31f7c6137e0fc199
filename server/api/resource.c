/* An experiment as the answer to a request. */
#include "server/api/resource.h"

#include <stdio.h>

void resource_reply_row(struct http_reply *reply, int status, const struct experiment_row *row)
{
	char etag[RESOURCE_ETAG_SIZE];
	struct text out = {0};
	resource_write(row, &out);
	text_write(&out, "\n", 1); /* so that a terminal's prompt starts on a line of its own */
	reply_written(reply, "application/json", &out);
	if (reply->status == 500)
		return;
	reply->status = status;
	resource_etag(row, etag);
	reply_header(reply, "ETag", "%s", etag);
}

void resource_etag(const struct experiment_row *row, char etag[RESOURCE_ETAG_SIZE])
{
	/* The place in the queue moves without a change of the row. */
	snprintf(etag, RESOURCE_ETAG_SIZE, "\"v%d-%d-%d\"", row->version, row->epoch, row->queue_position);
}

struct read_one {
	const char *id;
	struct experiment_row *row;
};

static int read_one(struct db *db, void *argument, struct qlstm_error *error)
{
	struct read_one *read = argument;
	return experiment_get(db, read->id, read->row, error);
}

bool resource_read_or_reply(struct api *api, const struct http_request *request, struct http_reply *reply,
                            const char *id, struct experiment_row *row)
{
	struct qlstm_error error = {0};
	struct read_one read = {id, row};
	*row = (struct experiment_row){0};
	if (store_read(api->store, read_one, &read, &error) == 0)
		return true;
	reply_problem(request, reply, &error);
	return false;
}

void resource_reply(struct api *api, const struct http_request *request, struct http_reply *reply, int status,
                    const char *id)
{
	struct experiment_row row;
	if (!resource_read_or_reply(api, request, reply, id, &row))
		return;
	resource_reply_row(reply, status, &row);
	experiment_row_free(&row);
}

void resource_reply_not_queued(const struct http_request *request, struct http_reply *reply, bool over_quota,
                               const struct qlstm_error *error)
{
	if (over_quota) {
		reply_problem_as(request, reply, 429, error);
		reply_header(reply, "Retry-After", "5");
	} else {
		reply_problem(request, reply, error);
	}
}
