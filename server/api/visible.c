/* What a caller sees. */
#include "server/api/visible.h"

#include <string.h>

#include "server/http/reply.h"
#include "server/store/experiments.h"

struct look {
	const char *id;
	const struct viewer *viewer;
};

static int look(struct db *db, void *argument, struct qlstm_error *error)
{
	const struct look *wanted = argument;
	return experiment_visible(db, wanted->id, wanted->viewer, error);
}

bool visible_guard(void *context, const struct route *route, const struct http_request *request,
                   struct http_reply *reply)
{
	static const char *const of_experiments[] = {"/experiments/{id}", "/v2/models/{id}",
	                                             "/api/2.0/mlflow-artifacts/artifacts/{id}"};
	struct api *api = context;
	struct qlstm_error error = {0};
	if (strstr(route->pattern, "{id}") == NULL || request->principal == NULL || request->principal->viewer.all)
		return true;
	struct look wanted = {request->params[0], &request->principal->viewer};
	bool of_experiment = false;
	for (size_t k = 0; k < sizeof of_experiments / sizeof of_experiments[0]; k++)
		of_experiment =
		    of_experiment || strncmp(route->pattern, of_experiments[k], strlen(of_experiments[k])) == 0;
	int rc = of_experiment ? store_read(api->store, look, &wanted, &error)
	                       : error_set(&error, ERR_NOT_FOUND, NULL, "there is no '%.100s'", wanted.id);
	if (rc != 0)
		reply_problem(request, reply, &error);
	return rc == 0;
}
