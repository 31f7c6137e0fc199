/* An experiment as JSON. */
#include "server/api/resource.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "server/common/clock.h"
#include "server/run/state.h"

json_t *json_time(int64_t ms)
{
	char text[25];
	if (ms == 0)
		return json_null();
	clock_iso8601(ms, text);
	return json_string(text);
}

json_t *json_finite(double value)
{
	return isfinite(value) ? json_real(value) : json_null();
}

json_t *json_embedded(const char *text)
{
	json_t *json = text != NULL ? json_loads(text, JSON_DECODE_ANY, NULL) : NULL;
	return json != NULL ? json : json_null();
}

json_t *json_text_or_null(const char *text)
{
	return text != NULL && *text != '\0' ? json_string(text) : json_null();
}

/* Seconds of training that are left: at the speed so far, before the first epoch as the planner expects. */
static json_t *estimate(const struct experiment_row *row)
{
	if (row->finished_at != 0)
		return json_null();
	if (row->epoch == 0) {
		json_t *engine = json_embedded(row->engine_json), *left = json_object_get(engine, "estimated_seconds");
		json_incref(left);
		json_decref(engine);
		return left != NULL ? left : json_null();
	}
	return json_finite(row->train_seconds / row->epoch * (row->epochs - row->epoch));
}

static json_t *progress_json(const struct experiment_row *row)
{
	return json_pack("{si, si, so, so}", "epoch", row->epoch, "epochs", row->epochs, "eta_seconds", estimate(row),
	                 "queue_position", row->queue_position > 0 ? json_integer(row->queue_position) : json_null());
}

static bool of_a_part(const char *name)
{
	return strncmp(name, "train_", 6) == 0 || strncmp(name, "test_", 5) == 0;
}

/* The losses, which every run has, the best epoch, and whatever else is said of the two parts after the last epoch. */
static json_t *results_json(const struct experiment_row *row)
{
	json_t *metrics = json_embedded(row->metrics_json), *value;
	json_t *results = json_pack("{sn, sn, so, so}", "train_loss", "test_loss", "best_epoch",
	                            row->best_epoch > 0 ? json_integer(row->best_epoch) : json_null(), "best_test_loss",
	                            json_finite(row->best_test_loss));
	const char *name;
	json_object_foreach(metrics, name, value)
	{
		if (of_a_part(name))
			json_object_set(results, name, value);
	}
	json_decref(metrics);
	return results;
}

/* Seconds between two times in ms, NaN unless both are known. The clock may have been put back between them. */
static double seconds_between(int64_t from, int64_t to)
{
	if (from <= 0 || to <= 0)
		return NAN;
	return to > from ? (double)(to - from) / 1e3 : 0;
}

/* Seconds, null while unknown: until the first attempt began, from then to the end, and in epochs alone. */
static json_t *timings_json(const struct experiment_row *row)
{
	double queued = seconds_between(row->created_at, row->started_at);
	double ran = seconds_between(row->started_at, row->finished_at);
	return json_pack("{so, so, so}", "queued_seconds", json_finite(queued), "run_seconds", json_finite(ran),
	                 "train_seconds", json_finite(row->train_seconds));
}

static json_t *links_json(const char *id)
{
	static const char *const names[] = {"metrics", "events", "weights", "predictions", "report",
	                                    "cancel",  "pause",  "resume",  "retry"};
	json_t *links = json_pack("{so}", "self", json_sprintf("/experiments/%s", id));
	for (size_t i = 0; links != NULL && i < sizeof names / sizeof names[0]; i++)
		json_object_set_new(links, names[i], json_sprintf("/experiments/%s/%s", id, names[i]));
	return links;
}

json_t *resource_json(const struct experiment_row *row)
{
	enum run_status status = STATUS_QUEUED;
	status_from_name(row->status, &status);
	return json_pack(
	    "{ss, ss, sb, so, so, si, so, so, so, so, so, so, so, so, so, so, so}", "id", row->id, "status",
	    row->status, "terminal", status_terminal(status), "reason", json_text_or_null(row->reason),
	    "reason_message", json_text_or_null(row->reason_message), "attempt", row->attempt, "created_at",
	    json_time(row->created_at), "started_at", json_time(row->started_at), "finished_at",
	    json_time(row->finished_at), "progress", progress_json(row), "spec", json_embedded(row->spec_json), "model",
	    json_embedded(row->model_json), "data", json_embedded(row->data_json), "results", results_json(row),
	    "timings", timings_json(row), "engine", json_embedded(row->engine_json), "links", links_json(row->id));
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
	char etag[RESOURCE_ETAG_SIZE];
	if (!resource_read_or_reply(api, request, reply, id, &row))
		return;
	resource_etag(&row, etag);
	reply_json(reply, status, resource_json(&row));
	reply_header(reply, "ETag", "%s", etag);
	experiment_row_free(&row);
}
