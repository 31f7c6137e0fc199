/* /api/2.0/mlflow/experiments: projects, as the experiments of MLflow. */
#include <string.h>

#include "server/api/handlers.h"
#include "server/api/mlflow/ranking.h"
#include "server/api/mlflow/shape.h"
#include "server/api/request.h"

enum { MOST = 10000 }; /* projects that a search looks at */

struct look {
	const char *owner, *only;
	struct project_row *rows;
	int count;
};

static int read_projects(struct db *db, void *argument, struct qlstm_error *error)
{
	struct look *look = argument;
	return project_list(db, look->owner, look->only, MOST, &look->rows, &look->count, error);
}

static int look_up(struct api *api, const struct http_request *request, struct look *look, struct qlstm_error *error)
{
	look->owner = request->principal->viewer.all ? NULL : request->principal->viewer.owner;
	return store_read(api->store, read_projects, look, error);
}

static int rank(struct api *api, const struct http_request *request, struct mlflow_ranking *ranking,
                struct qlstm_error *error)
{
	struct look look = {0};
	int rc = ranking->search->active ? look_up(api, request, &look, error) : 0;
	for (int i = 0; rc == 0 && i < look.count; i++) {
		json_t *item =
		    mlflow_experiment_json(look.rows[i].project, look.rows[i].created_at, look.rows[i].last_at);
		if (mlflow_filter_holds(&ranking->search->filter, item))
			rc = mlflow_ranking_add(ranking, item, item, error);
		else
			json_decref(item);
	}
	project_rows_free(look.rows, look.count);
	return rc;
}

void mlflow_experiments_search(void *context, struct http_request *request, struct http_reply *reply)
{
	struct qlstm_error error = {0};
	struct mlflow_search search;
	struct mlflow_ranking ranking = {.search = &search};
	int from = 0, to = 0;
	if (!mlflow_search_or_reply(request, reply, "view_type", &search)) {
		mlflow_search_free(&search);
		return;
	}
	if (search.n_order == 0)
		mlflow_order_parse("last_update_time DESC", &search.order[search.n_order++], &error);
	int rc = rank(context, request, &ranking, &error);
	mlflow_ranking_sort(&ranking);
	if (rc == 0)
		rc = mlflow_ranking_page(&ranking, &from, &to, &error);
	json_t *items = json_array();
	for (int k = from; k < to; k++)
		json_array_append(items, ranking.rows[k].item);
	if (rc == 0) {
		reply_json(reply, 200, mlflow_ranking_answer(&ranking, to, "experiments", items));
	} else {
		json_decref(items);
		reply_problem(request, reply, &error);
	}
	mlflow_ranking_free(&ranking);
	mlflow_search_free(&search);
}

/* A project without a run is not there, but `default` always is. */
static void reply_one(struct api *api, const struct http_request *request, struct http_reply *reply,
                      const char *project)
{
	struct qlstm_error error = {0};
	struct look look = {.only = project};
	int rc = look_up(api, request, &look, &error);
	if (rc == 0 && look.count == 0 && strcmp(mlflow_experiment_id(project), "0") != 0)
		rc = error_set(&error, ERR_NOT_FOUND, NULL,
		               "there is no experiment '%.100s': no run has such a project", project);
	if (rc != 0)
		reply_problem(request, reply, &error);
	else
		reply_json(reply, 200,
		           json_pack("{so}", "experiment",
		                     mlflow_experiment_json(project,
		                                            look.count > 0 ? look.rows[0].created_at : api->started_at,
		                                            look.count > 0 ? look.rows[0].last_at : api->started_at)));
	project_rows_free(look.rows, look.count);
}

static bool named_or_reply(const struct http_request *request, struct http_reply *reply, const char *name)
{
	struct qlstm_error error = {0};
	const char *value = http_query(request, name);
	if (value != NULL && value[0] != '\0')
		return true;
	error_set(&error, ERR_MISSING, NULL, "the parameter %s is missing", name);
	reply_problem(request, reply, &error);
	return false;
}

void mlflow_experiments_get(void *context, struct http_request *request, struct http_reply *reply)
{
	if (named_or_reply(request, reply, "experiment_id"))
		reply_one(context, request, reply, mlflow_experiment_id(http_query(request, "experiment_id")));
}

void mlflow_experiments_get_by_name(void *context, struct http_request *request, struct http_reply *reply)
{
	if (named_or_reply(request, reply, "experiment_name"))
		reply_one(context, request, reply, http_query(request, "experiment_name"));
}
