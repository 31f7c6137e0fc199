/* An experiment as JSON: reading one and answering with it are in resource.c. */
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

/* ,"name": */
static void write_name(struct text *out, const char *name)
{
	text_print(out, ",\"%s\":", name);
}

/* `absent` stands for no text and for what is no UTF-8: a damaged row must not spoil a list. */
static void write_text(struct text *out, const char *name, const char *text, const char *absent)
{
	write_name(out, name);
	if (text == NULL || *text == '\0' || !json_write_string(out, text))
		text_print(out, "%s", absent);
}

static void write_real(struct text *out, const char *name, double value)
{
	write_name(out, name);
	json_write_real(out, value);
}

static void write_time(struct text *out, const char *name, int64_t ms)
{
	char text[25];
	if (ms != 0)
		clock_iso8601(ms, text);
	write_text(out, name, ms != 0 ? text : NULL, "null");
}

/* Steals `json`. */
static void write_json(struct text *out, const char *name, json_t *json)
{
	char *text = json_text(json);
	json_decref(json);
	write_name(out, name);
	if (text != NULL)
		text_write(out, text, strlen(text));
	else
		out->failed = true;
	free(text);
}

/* Most experiments have none, and those need no parser. */
static void write_tags(struct text *out, const char *tags_json)
{
	if (tags_json != NULL && strcmp(tags_json, "[]") == 0)
		text_print(out, ",\"tags\":[]");
	else
		write_json(out, "tags", json_embedded(tags_json));
}

/* What the planner expects; the text is its own. */
static double expected_seconds(const char *engine_json)
{
	static const char name[] = "\"estimated_seconds\":";
	const char *found = engine_json != NULL ? strstr(engine_json, name) : NULL;
	char *end = NULL;
	double seconds = found != NULL ? strtod(found + strlen(name), &end) : NAN;
	return found != NULL && end != found + strlen(name) ? seconds : NAN;
}

/* Seconds of training that are left: at the speed so far, before the first epoch as the planner expects; NaN after the
 * end. */
static double seconds_left(const struct experiment_row *row)
{
	if (row->finished_at != 0)
		return NAN;
	return row->epoch == 0 ? expected_seconds(row->engine_json)
	                       : row->train_seconds / row->epoch * (row->epochs - row->epoch);
}

static void write_progress(struct text *out, const struct experiment_row *row)
{
	text_print(out, ",\"progress\":{\"epoch\":%d,\"epochs\":%d", row->epoch, row->epochs);
	write_real(out, "eta_seconds", seconds_left(row));
	if (row->queue_position > 0)
		text_print(out, ",\"queue_position\":%d}", row->queue_position);
	else
		text_print(out, ",\"queue_position\":null}");
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

/* Before the first epoch nothing is known, and nothing needs a parser. */
static void write_results(struct text *out, const struct experiment_row *row)
{
	static const char none[] =
	    ",\"results\":{\"train_loss\":null,\"test_loss\":null,\"best_epoch\":null,\"best_test_loss\":null}";
	bool empty = row->metrics_json == NULL || strcmp(row->metrics_json, "{}") == 0;
	if (empty && row->best_epoch <= 0 && !isfinite(row->best_test_loss))
		text_write(out, none, sizeof none - 1);
	else
		write_json(out, "results", results_json(row));
}

/* Seconds between two times in ms, NaN unless both are known. The clock may have been put back between them. */
static double seconds_between(int64_t from, int64_t to)
{
	if (from <= 0 || to <= 0)
		return NAN;
	return to > from ? (double)(to - from) / 1e3 : 0;
}

/* Seconds, null while unknown: until the first attempt began, from then to the end, and in epochs alone. */
static void write_timings(struct text *out, const struct experiment_row *row)
{
	text_print(out, ",\"timings\":{\"queued_seconds\":");
	json_write_real(out, seconds_between(row->created_at, row->started_at));
	write_real(out, "run_seconds", seconds_between(row->started_at, row->finished_at));
	write_real(out, "train_seconds", row->train_seconds);
	text_print(out, "}");
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

/* All but what is stored as text. */
static void write_members(struct text *out, const struct experiment_row *row)
{
	enum run_status status = STATUS_QUEUED;
	status_from_name(row->status, &status);
	text_print(out, "{\"id\":");
	if (!json_write_string(out, row->id))
		text_print(out, "\"\"");
	write_text(out, "owner", row->owner, "null");
	write_text(out, "name", row->name, "\"\"");
	write_text(out, "project", row->project, "\"\"");
	write_tags(out, row->tags_json);
	write_text(out, "notes", row->notes, "\"\"");
	write_text(out, "status", row->status, "null");
	text_print(out, ",\"terminal\":%s", status_terminal(status) ? "true" : "false");
	write_text(out, "reason", row->reason, "null");
	write_text(out, "reason_message", row->reason_message, "null");
	text_print(out, ",\"attempt\":%d", row->attempt);
	write_time(out, "created_at", row->created_at);
	write_time(out, "started_at", row->started_at);
	write_time(out, "finished_at", row->finished_at);
	write_progress(out, row);
	write_results(out, row);
	write_timings(out, row);
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
	write_members(out, row);
	for (size_t i = 0; i < sizeof stored / sizeof stored[0]; i++) {
		const char *json = stored[i].json != NULL && is_whole(stored[i].json) ? stored[i].json : "null";
		text_print(out, ",\"%s\":", stored[i].name);
		text_write(out, json, strlen(json));
	}
	write_links(row->id, out);
	text_write(out, "}", 1);
}
