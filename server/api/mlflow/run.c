/* /api/2.0/mlflow/runs/get and metrics/get-history: one run. */
#include "server/api/mlflow/run.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "server/api/handlers.h"
#include "server/api/mlflow/shape.h"
#include "server/api/request.h"

struct look {
	const char *id;
	const struct viewer *viewer;
	struct experiment_row *row;
};

static int look(struct db *db, void *argument, struct qlstm_error *error)
{
	const struct look *wanted = argument;
	int rc = experiment_visible(db, wanted->id, wanted->viewer, error);
	return rc == 0 ? experiment_get(db, wanted->id, wanted->row, error) : rc;
}

bool mlflow_run_read_or_reply(struct api *api, const struct http_request *request, struct http_reply *reply,
                              const char *id, struct experiment_row *row)
{
	struct qlstm_error error = {0};
	struct look wanted = {id, &request->principal->viewer, row};
	*row = (struct experiment_row){0};
	if (store_read(api->store, look, &wanted, &error) == 0)
		return true;
	reply_problem(request, reply, &error);
	return false;
}

const char *mlflow_run_or_reply(struct api *api, const struct http_request *request, struct http_reply *reply,
                                struct experiment_row *row)
{
	struct qlstm_error error = {0};
	const char *id = http_query(request, "run_id");
	if (id == NULL)
		id = http_query(request, "run_uuid");
	if (id != NULL)
		return mlflow_run_read_or_reply(api, request, reply, id, row) ? id : NULL;
	error_set(&error, ERR_MISSING, NULL, "the parameter run_id is missing");
	reply_problem(request, reply, &error);
	return NULL;
}

void mlflow_runs_get(void *context, struct http_request *request, struct http_reply *reply)
{
	struct experiment_row row;
	if (mlflow_run_or_reply(context, request, reply, &row) == NULL)
		return;
	reply_json(reply, 200, json_pack("{so}", "run", mlflow_run_json(&row)));
	experiment_row_free(&row);
}

struct history {
	const char *id;
	struct metric_row *rows;
	int count;
};

static int read_history(struct db *db, void *argument, struct qlstm_error *error)
{
	struct history *history = argument;
	return metric_list(db, history->id, 0, &history->rows, &history->count, error);
}

/* Of `key` in the epochs behind `after`, at most `max`; *last is the epoch of the last one looked at. Times need all
 * epochs: those before count. */
static json_t *points_json(const struct experiment_row *run, const struct history *history, const char *key, int after,
                           int max, int *last)
{
	json_t *points = json_array();
	double seconds = 0.0;
	for (int i = 0; i < history->count && json_array_size(points) < (size_t)max; i++) {
		const struct metric_row *row = &history->rows[i];
		seconds += row->seconds;
		if (row->epoch <= after)
			continue;
		json_t *metrics = json_loads(row->metrics_json, 0, NULL), *value = json_object_get(metrics, key);
		if (value != NULL)
			json_array_append_new(
			    points, mlflow_metric_json(key, value, mlflow_epoch_time(run, seconds), row->epoch));
		json_decref(metrics);
		*last = row->epoch;
	}
	return points;
}

/* best_test_loss is one number, of one epoch. */
static void reply_best(struct http_reply *reply, const struct experiment_row *run, const char *key)
{
	json_t *points = json_array(), *value = json_real(run->best_test_loss);
	if (run->best_epoch > 0)
		json_array_append_new(points, mlflow_metric_json(key, value, mlflow_epoch_time(run, run->train_seconds),
		                                                 run->best_epoch));
	json_decref(value);
	reply_json(reply, 200, json_pack("{so}", "metrics", points));
}

static void reply_history(struct api *api, const struct http_request *request, struct http_reply *reply,
                          const struct experiment_row *run, const char *key, int after, int max)
{
	struct qlstm_error error = {0};
	struct history history = {.id = run->id};
	int last = 0;
	char token[16];
	if (store_read(api->store, read_history, &history, &error) != 0) {
		reply_problem(request, reply, &error);
		return;
	}
	json_t *answer = json_pack("{so}", "metrics", points_json(run, &history, key, after, max, &last));
	snprintf(token, sizeof token, "%d", last);
	if (history.count > 0 && last > 0 && last < history.rows[history.count - 1].epoch)
		json_object_set_new(answer, "next_page_token", json_string(token));
	reply_json(reply, 200, answer);
	metric_rows_free(history.rows, history.count);
}

void mlflow_metrics_history(void *context, struct http_request *request, struct http_reply *reply)
{
	struct qlstm_error error = {0};
	struct experiment_row run;
	const char *key = http_query(request, "metric_key");
	int after = 0, max = INT_MAX;
	if (!query_int_or_reply(request, reply, "max_results", 1, INT_MAX, &max) ||
	    !query_int_or_reply(request, reply, "page_token", 0, INT_MAX, &after))
		return;
	if (key == NULL) {
		error_set(&error, ERR_MISSING, NULL, "the parameter metric_key is missing");
		reply_problem(request, reply, &error);
		return;
	}
	if (mlflow_run_or_reply(context, request, reply, &run) == NULL)
		return;
	if (strcmp(key, "best_test_loss") == 0)
		reply_best(reply, &run, key);
	else
		reply_history(context, request, reply, &run, key, after, max);
	experiment_row_free(&run);
}
