/* /experiments/ID/metrics: the history, one row an epoch, as JSON or CSV. */
#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "server/api/handlers.h"
#include "server/api/request.h"
#include "server/api/resource.h"

struct history {
	const char *id;
	int after, max_points;
	struct metric_row *rows;
	int count, shown; /* the first of them */
};

static int read_history(struct db *db, void *argument, struct qlstm_error *error)
{
	struct history *history = argument;
	struct experiment_row row = {0};
	int rc = experiment_get(db, history->id, &row, error); /* no rows yet is not the same as no experiment */
	experiment_row_free(&row);
	return rc == 0 ? metric_list(db, history->id, history->after, &history->rows, &history->count, error) : rc;
}

/* Shows `max_points` of the rows, evenly, the first and the last among them; the others go behind these. */
static void thin(struct history *history)
{
	int64_t most = history->max_points, n = history->count;
	history->shown = history->count;
	if (most == 0 || n <= most)
		return;
	for (int64_t k = 0; k < most; k++) {
		int64_t from = k * (n - 1) / (most - 1);
		struct metric_row row = history->rows[from];
		history->rows[from] = history->rows[k];
		history->rows[k] = row;
	}
	history->shown = (int)most;
}

/* {"epoch", the metrics in their order, "seconds"}, as the event of the epoch has them. */
static json_t *row_json(const struct metric_row *row)
{
	json_t *item = json_pack("{si}", "epoch", row->epoch), *metrics = json_embedded(row->metrics_json);
	json_object_update(item, metrics);
	json_object_set_new(item, "seconds", json_finite(row->seconds));
	json_decref(metrics);
	return item;
}

static json_t *rows_json(const struct history *history)
{
	json_t *items = json_array();
	for (int i = 0; i < history->shown; i++)
		json_array_append_new(items, row_json(&history->rows[i]));
	return items;
}

/* An array of names: the columns of the CSV. Those that every run has come first, then what else some epoch has. */
static json_t *columns_json(const json_t *rows)
{
	json_t *seen = json_pack("{si, sn, sn, sn}", "epoch", 0, "train_loss", "test_loss", "gradient_norm");
	json_t *columns = json_array(), *row, *value;
	const char *name;
	size_t i;
	json_array_foreach(rows, i, row)
	{
		json_object_update_missing(seen, row);
	}
	json_object_del(seen, "seconds");
	json_object_foreach(seen, name, value)
	{
		json_array_append_new(columns, json_string(name));
	}
	json_array_append_new(columns, json_string("seconds"));
	json_decref(seen);
	return columns;
}

/* Nothing where there is no number. */
static void print_value(struct text *out, const json_t *value)
{
	if (json_is_integer(value))
		text_print(out, "%lld", (long long)json_integer_value(value));
	else if (json_is_real(value))
		text_print(out, "%.17g", json_real_value(value));
}

static void reply_csv(struct http_reply *reply, const struct history *history)
{
	struct text out = {0};
	json_t *rows = rows_json(history), *columns = columns_json(rows), *row, *column;
	size_t i, k;
	json_array_foreach(columns, k, column)
	{
		text_print(&out, "%s%s", k > 0 ? "," : "", json_string_value(column));
	}
	text_print(&out, "\n");
	json_array_foreach(rows, i, row)
	{
		json_array_foreach(columns, k, column)
		{
			text_print(&out, "%s", k > 0 ? "," : "");
			print_value(&out, json_object_get(row, json_string_value(column)));
		}
		text_print(&out, "\n");
	}
	json_decref(columns);
	json_decref(rows);
	reply_written(reply, "text/csv; charset=utf-8", &out);
}

void metrics_history_get(void *context, struct http_request *request, struct http_reply *reply)
{
	struct api *api = context;
	enum { FORMAT_JSON, FORMAT_CSV };
	static const char *const formats[] = {[FORMAT_JSON] = "json", [FORMAT_CSV] = "csv", NULL};
	struct qlstm_error error = {0};
	struct history history = {.id = request->params[0]};
	int format = accepts(request, "text/csv") ? FORMAT_CSV : FORMAT_JSON;
	if (!query_choice_or_reply(request, reply, "format", formats, &format) ||
	    !query_int_or_reply(request, reply, "after", 0, INT_MAX, &history.after) ||
	    !query_int_or_reply(request, reply, "max_points", 2, INT_MAX, &history.max_points))
		return;
	int rc = store_read(api->store, read_history, &history, &error);
	thin(&history);
	if (rc != 0)
		reply_problem(request, reply, &error);
	else if (format == FORMAT_CSV)
		reply_csv(reply, &history);
	else
		reply_json(reply, 200, json_pack("{ss, so}", "experiment", history.id, "metrics", rows_json(&history)));
	reply_header(reply, "Vary", "Accept");
	metric_rows_free(history.rows, history.count);
}
