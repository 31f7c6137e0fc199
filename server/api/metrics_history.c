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
	int after;
	struct metric_row *rows;
	int count;
};

static int read_history(struct db *db, void *argument, struct qlstm_error *error)
{
	struct history *history = argument;
	struct experiment_row row = {0};
	int rc = experiment_get(db, history->id, &row, error); /* no rows yet is not the same as no experiment */
	experiment_row_free(&row);
	return rc == 0 ? metric_list(db, history->id, history->after, &history->rows, &history->count, error) : rc;
}

static json_t *history_json(const struct history *history)
{
	json_t *items = json_array();
	for (int i = 0; i < history->count; i++) {
		const struct metric_row *row = &history->rows[i];
		json_array_append_new(items,
		                      json_pack("{si, so, so, so, so}", "epoch", row->epoch, "train_loss",
		                                json_finite(row->train_loss), "test_loss", json_finite(row->test_loss),
		                                "gradient_norm", json_finite(row->gradient_norm), "seconds",
		                                json_finite(row->seconds)));
	}
	return json_pack("{ss, so}", "experiment", history->id, "metrics", items);
}

/* With a comma before it; nothing where there is no number. */
static void print_number(struct text *out, double value)
{
	if (isfinite(value))
		text_print(out, ",%.17g", value);
	else
		text_print(out, ",");
}

static void reply_csv(struct http_reply *reply, const struct history *history)
{
	struct text out = {0};
	text_print(&out, "epoch,train_loss,test_loss,gradient_norm,seconds\n");
	for (int i = 0; i < history->count; i++) {
		const struct metric_row *row = &history->rows[i];
		text_print(&out, "%d", row->epoch);
		print_number(&out, row->train_loss);
		print_number(&out, row->test_loss);
		print_number(&out, row->gradient_norm);
		print_number(&out, row->seconds);
		text_print(&out, "\n");
	}
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
	    !query_int_or_reply(request, reply, "after", 0, INT_MAX, &history.after))
		return;
	if (store_read(api->store, read_history, &history, &error) != 0)
		reply_problem(request, reply, &error);
	else if (format == FORMAT_CSV)
		reply_csv(reply, &history);
	else
		reply_json(reply, 200, history_json(&history));
	reply_header(reply, "Vary", "Accept");
	free(history.rows);
}
