/* An experiment as JSON. */
#include "server/api/resource.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "server/common/clock.h"
#include "server/common/json_text.h"
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
	return strncmp(name, "train_", 6) == 0 || strncmp(name, "validation_", 11) == 0 ||
	       strncmp(name, "test_", 5) == 0;
}

/* The losses, which every run has, the best epoch, and whatever else is said of the two parts after the last epoch. */
static json_t *results_json(const struct experiment_row *row)
{
	json_t *metrics = json_embedded(row->metrics_json), *value;
	bool validated = json_object_get(metrics, METRIC_OF_VALIDATION) != NULL;
	json_t *results =
	    json_pack("{sn, sn, so, sn}", "train_loss", "test_loss", "best_epoch",
	              row->best_epoch > 0 ? json_integer(row->best_epoch) : json_null(), "best_test_loss");
	json_object_set_new(results, validated ? "best_validation_loss" : "best_test_loss",
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

static void write_words(struct text *out, const char *const *words, size_t n)
{
	for (size_t i = 0; i < n; i++)
		text_write(out, words[i], strlen(words[i]));
}

/* Ids need no escapes. */
static void write_links(const char *id, struct text *out)
{
	static const char *const names[] = {"metrics", "events", "weights", "predictions", "report", "tensorboard",
	                                    "cancel",  "pause",  "resume",  "retry",       "logs",   "fork"};
	const char *const self[] = {",\"links\":{\"self\":\"/experiments/", id, "\""};
	write_words(out, self, 3);
	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
		const char *const link[] = {",\"", names[i], "\":\"/experiments/", id, "/", names[i], "\""};
		write_words(out, link, 7);
	}
	text_write(out, "}", 1);
}

/* "" for what is no text: a damaged row must not spoil a list. */
static json_t *text_or_nothing(const char *text)
{
	json_t *json = text != NULL ? json_string(text) : NULL;
	return json != NULL ? json : json_string("");
}

/* All but what is stored as text. */
static json_t *members_json(const struct experiment_row *row)
{
	enum run_status status = STATUS_QUEUED;
	status_from_name(row->status, &status);
	return json_pack(
	    "{ss, so, so, so, so, so, ss, sb, so, so, si, so, so, so, so, so, so}", "id", row->id, "owner",
	    json_text_or_null(row->owner), "name", text_or_nothing(row->name), "project", text_or_nothing(row->project),
	    "tags", json_embedded(row->tags_json), "notes", text_or_nothing(row->notes), "status", row->status,
	    "terminal", status_terminal(status), "reason", json_text_or_null(row->reason), "reason_message",
	    json_text_or_null(row->reason_message), "attempt", row->attempt, "created_at", json_time(row->created_at),
	    "started_at", json_time(row->started_at), "finished_at", json_time(row->finished_at), "progress",
	    progress_json(row), "results", results_json(row), "timings", timings_json(row));
}

/* Whether brackets and strings of stored text close, so that what stands behind it in a reply keeps its sense: a
 * damaged row must not spoil a list. */
static bool is_whole(const char *json)
{
	char open[64];
	size_t depth = 0;
	bool quoted = false;
	for (const char *at = json; *at != '\0'; at++) {
		if (quoted && *at == '\\' && at[1] != '\0')
			at++;
		else if (*at == '"')
			quoted = !quoted;
		else if (quoted)
			continue;
		else if ((*at == '{' || *at == '[') && depth < sizeof open)
			open[depth++] = *at == '{' ? '}' : ']';
		else if ((*at == '}' || *at == ']') && (depth == 0 || open[--depth] != *at))
			return false;
	}
	return depth == 0 && !quoted && *json == '{';
}

void resource_write(const struct experiment_row *row, struct text *out)
{
	const struct {
		const char *name, *json;
	} stored[] = {{"spec", row->spec_json},
	              {"model", row->model_json},
	              {"data", row->data_json},
	              {"engine", row->engine_json}};
	json_t *members = members_json(row);
	char *text = json_text(members);
	json_decref(members);
	if (text == NULL) {
		out->failed = true;
		return;
	}
	text_write(out, text, strlen(text) - 1); /* without its closing brace */
	free(text);
	for (size_t i = 0; i < sizeof stored / sizeof stored[0]; i++) {
		const char *json = stored[i].json != NULL && is_whole(stored[i].json) ? stored[i].json : "null";
		text_print(out, ",\"%s\":", stored[i].name);
		text_write(out, json, strlen(json));
	}
	write_links(row->id, out);
	text_write(out, "}", 1);
}

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
