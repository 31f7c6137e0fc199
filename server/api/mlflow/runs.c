/* /api/2.0/mlflow/runs/search: those of one or several experiments that fit a filter. */
#include <stdlib.h>
#include <string.h>

#include "server/api/handlers.h"
#include "server/api/mlflow/ranking.h"
#include "server/api/mlflow/shape.h"
#include "server/api/parts/cursor.h"

enum { BATCH = 200 }; /* rows that are in memory at once */

struct batch {
	struct experiment_query query;
	struct experiment_row *rows;
	int count;
	bool more;
};

static int read_batch(struct db *db, void *argument, struct qlstm_error *error)
{
	struct batch *batch = argument;
	return experiment_list(db, &batch->query, &batch->rows, &batch->count, &batch->more, error);
}

static void batch_free(struct batch *batch)
{
	for (int i = 0; i < batch->count; i++)
		experiment_row_free(&batch->rows[i]);
	free(batch->rows);
	batch->rows = NULL;
	batch->count = 0;
}

/* Called with a run that fits and its row; takes the run over. 1: that is enough; negative: an error. */
typedef int (*visit_fn)(void *context, const struct experiment_row *row, json_t *run, struct qlstm_error *error);

/* The runs of a project, newest first, behind the id `before` (NULL: from the first). */
static int each_run(struct api *api, const struct http_request *request, const struct mlflow_search *search,
                    const char *project, const char *before, visit_fn visit, void *context, struct qlstm_error *error)
{
	char last[RUN_ID_SIZE] = "";
	const struct viewer *viewer = &request->principal->viewer;
	struct batch batch = {
	    .query = {
	        .project = project, .before = before, .limit = BATCH, .owner = viewer->all ? NULL : viewer->owner}};
	int rc = 0;
	do {
		rc = store_read(api->store, read_batch, &batch, error);
		for (int i = 0; rc == 0 && i < batch.count; i++) {
			json_t *run = mlflow_run_json(&batch.rows[i]);
			if (run != NULL && mlflow_filter_holds(&search->filter, run))
				rc = visit(context, &batch.rows[i], run, error);
			else
				json_decref(run);
		}
		if (batch.count > 0)
			memcpy(last, batch.rows[batch.count - 1].id, sizeof last);
		batch.query.before = last;
		batch_free(&batch);
	} while (rc == 0 && batch.more);
	return rc < 0 ? rc : 0;
}

/* A page of one experiment in the order in which its runs came. */
struct page {
	const struct mlflow_search *search;
	json_t *runs;
	char last[RUN_ID_SIZE];
	bool more;
};

static int add_to_page(void *context, const struct experiment_row *row, json_t *run, struct qlstm_error *error)
{
	struct page *page = context;
	(void)error;
	page->more = json_array_size(page->runs) == (size_t)page->search->max;
	if (page->more) {
		json_decref(run);
		return 1;
	}
	memcpy(page->last, row->id, sizeof page->last);
	json_array_append_new(page->runs, run);
	return 0;
}

static int search_newest(struct api *api, const struct http_request *request, const struct mlflow_search *search,
                         json_t **answer, struct qlstm_error *error)
{
	struct page page = {.search = search, .runs = json_array()};
	char before[RUN_ID_SIZE], token[CURSOR_SIZE];
	const char *project = mlflow_experiment_id(json_string_value(json_array_get(search->experiment_ids, 0)));
	int rc = search->token != NULL ? cursor_decode(search->token, before, error) : 0;
	if (rc == 0)
		rc = each_run(api, request, search, project, search->token != NULL ? before : NULL, add_to_page, &page,
		              error);
	*answer = json_pack("{so}", "runs", page.runs);
	if (page.more) {
		cursor_encode(page.last, token);
		json_object_set_new(*answer, "next_page_token", json_string(token));
	}
	return rc;
}

static int add_to_ranking(void *context, const struct experiment_row *row, json_t *run, struct qlstm_error *error)
{
	int rc = mlflow_ranking_add(context, run, json_string(row->id), error);
	json_decref(run);
	return rc;
}

struct one {
	const char *id;
	struct experiment_row row;
};

static int read_one(struct db *db, void *argument, struct qlstm_error *error)
{
	struct one *one = argument;
	return experiment_get(db, one->id, &one->row, error);
}

/* One that was deleted meanwhile is left out. */
static json_t *read_runs(struct api *api, const struct mlflow_ranking *ranking, int from, int to)
{
	json_t *runs = json_array();
	for (int k = from; k < to; k++) {
		struct one one = {.id = json_string_value(ranking->rows[k].item)};
		if (store_read(api->store, read_one, &one, NULL) != 0)
			continue;
		json_array_append_new(runs, mlflow_run_json(&one.row));
		experiment_row_free(&one.row);
	}
	return runs;
}

static int search_ordered(struct api *api, const struct http_request *request, struct mlflow_search *search,
                          json_t **answer, struct qlstm_error *error)
{
	struct mlflow_ranking ranking = {.search = search};
	const json_t *id;
	int rc = 0, from = 0, to = 0;
	size_t i;
	if (search->n_order == 0)
		mlflow_order_parse("start_time DESC", &search->order[search->n_order++], error);
	json_array_foreach(search->experiment_ids, i, id)
	{
		if (rc == 0)
			rc = each_run(api, request, search, mlflow_experiment_id(json_string_value(id)), NULL,
			              add_to_ranking, &ranking, error);
	}
	mlflow_ranking_sort(&ranking);
	if (rc == 0)
		rc = mlflow_ranking_page(&ranking, &from, &to, error);
	if (rc == 0)
		*answer = mlflow_ranking_answer(&ranking, to, "runs", read_runs(api, &ranking, from, to));
	mlflow_ranking_free(&ranking);
	return rc;
}

void mlflow_runs_search(void *context, struct http_request *request, struct http_reply *reply)
{
	struct qlstm_error error = {0};
	struct mlflow_search search;
	json_t *answer = NULL;
	int rc = 0;
	if (!mlflow_search_or_reply(request, reply, "run_view_type", &search)) {
		mlflow_search_free(&search);
		return;
	}
	if (!search.active || json_array_size(search.experiment_ids) == 0)
		answer = json_pack("{s[]}", "runs");
	else if (json_array_size(search.experiment_ids) == 1 && search.n_order == 0)
		rc = search_newest(context, request, &search, &answer, &error);
	else
		rc = search_ordered(context, request, &search, &answer, &error);
	if (rc == 0) {
		reply_json(reply, 200, answer);
	} else {
		json_decref(answer);
		reply_problem(request, reply, &error);
	}
	mlflow_search_free(&search);
}
