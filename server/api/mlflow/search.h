/* The body of a search, and the page that comes of it. */
#ifndef QLSTM_API_MLFLOW_SEARCH_H
#define QLSTM_API_MLFLOW_SEARCH_H

#include "server/api/context.h"
#include "server/api/mlflow/filter.h"
#include "server/http/reply.h"

#define MLFLOW_MAX_ORDER 4
#define MLFLOW_MAX_PAGE  1000 /* runs of one answer, whatever max_results is */

struct mlflow_search {
	json_t *body;
	struct mlflow_filter filter;
	struct mlflow_order order[MLFLOW_MAX_ORDER];
	int n_order, max;
	const char *token; /* of the page; NULL: the first */
	bool active;       /* false: deleted ones alone are asked for, and there are none */
	const json_t *experiment_ids;
};

/* Reads the body or answers and returns false. mlflow_search_free in any case. Members that this service has no use for
 * are ignored. `view` is the name of the member that says whether deleted ones are meant. */
bool mlflow_search_or_reply(const struct http_request *request, struct http_reply *reply, const char *view,
                            struct mlflow_search *out);
void mlflow_search_free(struct mlflow_search *search);

#endif
