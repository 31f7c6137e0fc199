/* The table of routes. A new endpoint is a handler, a row here, and its description in schema/openapi.yaml; a test
 * holds the three together. */
#include "server/api/routes.h"

#include <string.h>

#include "server/api/handlers.h"
#include "server/http/reply.h"
#include "server/http/router.h"

#define NONE   SCOPE_NONE
#define READ   SCOPE_READ
#define SUBMIT SCOPE_SUBMIT
#define ADMIN  SCOPE_ADMIN

#define NO_BODY    0
#define ANY_BODY   4096 /* ignored, but some clients send "{}" with every POST */
#define EXPERIMENT API_MAX_EXPERIMENT
#define DATASET    API_MAX_DATASET
#define PREDICT    API_MAX_PREDICT

static const struct route routes[] = {
    {"POST", "/experiments", experiments_post, SUBMIT, LANE_SUBMIT, EXPERIMENT, {"validate_only"}},
    {"GET", "/experiments", experiments_list, READ, LANE_LIST, NO_BODY, {"status", "project", "limit", "cursor"}},
    {"GET", "/experiments/{id}", experiments_get, READ, LANE_SHORT, NO_BODY, {0}},
    {"DELETE", "/experiments/{id}", experiments_delete, SUBMIT, LANE_WRITE, NO_BODY, {0}},
    {"POST", "/experiments/{id}/cancel", experiments_cancel, SUBMIT, LANE_WRITE, ANY_BODY, {0}},
    {"POST", "/experiments/{id}/pause", experiments_pause, SUBMIT, LANE_WRITE, ANY_BODY, {0}},
    {"POST", "/experiments/{id}/resume", experiments_resume, SUBMIT, LANE_WRITE, ANY_BODY, {0}},
    {"POST", "/experiments/{id}/retry", experiments_retry, SUBMIT, LANE_WRITE, ANY_BODY, {0}},
    {"GET", "/experiments/{id}/metrics", metrics_history_get, READ, LANE_BULK, NO_BODY, {"format", "after"}},
    {"GET", "/experiments/{id}/events", events_get, READ, LANE_LIST, NO_BODY, {"after", "limit"}},
    {"GET", "/experiments/{id}/logs", logs_get, READ, LANE_LIST, NO_BODY, {"attempt", "after", "limit"}},
    {"GET", "/experiments/{id}/weights", weights_get, READ, LANE_BULK, NO_BODY, {"format"}},
    {"GET", "/experiments/{id}/predictions", artifacts_predictions, READ, LANE_SHORT, NO_BODY, {0}},
    {"GET", "/experiments/{id}/report", artifacts_report, READ, LANE_SHORT, NO_BODY, {0}},
    {"POST", "/experiments/{id}/predict", predict_post, READ, LANE_PREDICT, PREDICT, {0}},
    {"POST", "/datasets", datasets_post, SUBMIT, LANE_BULK, DATASET, {"name"}},
    {"GET", "/datasets", datasets_list, READ, LANE_LIST, NO_BODY, {0}},
    {"GET", "/datasets/{name}", datasets_get, READ, LANE_SHORT, NO_BODY, {0}},
    {"DELETE", "/datasets/{name}", datasets_delete, SUBMIT, LANE_WRITE, NO_BODY, {0}},
    {"GET", "/datasets/{name}/content", datasets_content, READ, LANE_SHORT, NO_BODY, {0}},
    {"GET", "/backup", backup_get, ADMIN, LANE_BULK, NO_BODY, {0}},
    {"GET", "/metrics", service_metrics, READ, LANE_SHORT, NO_BODY, {0}},
    {"GET", "/healthz", service_health, NONE, LANE_SHORT, NO_BODY, {0}},
    {"GET", "/readyz", service_ready, NONE, LANE_SHORT, NO_BODY, {0}},
    {"GET", "/version", service_version, NONE, LANE_SHORT, NO_BODY, {0}},
    {"GET", "/openapi.json", contract_openapi_json, NONE, LANE_SHORT, NO_BODY, {0}},
    {"GET", "/openapi.yaml", contract_openapi_yaml, NONE, LANE_SHORT, NO_BODY, {0}},
    {"GET", "/schema/experiment", contract_schema, NONE, LANE_SHORT, NO_BODY, {0}},
    {"GET", "/problems/{name}", contract_problem, NONE, LANE_SHORT, NO_BODY, {0}},
    {NULL, NULL, contract_nothing_here, NONE, LANE_SHORT, 0, {0}},
};

/* Everybody may do everything: there are no keys. */
static const struct principal *principal_of(const struct http_request *request)
{
	static const struct principal everybody = {"everybody",
	                                           1U << SCOPE_READ | 1U << SCOPE_SUBMIT | 1U << SCOPE_ADMIN};
	(void)request;
	return &everybody;
}

/* A web page of another site can make a browser send a POST here, without seeing the answer. A browser says so in
 * Origin; other clients do not send it. */
static bool is_cross_origin(const struct http_request *request)
{
	const char *origin = http_header(request, "Origin"), *host = http_header(request, "Host");
	if (origin == NULL || strcmp(request->method, "GET") == 0 || strcmp(request->method, "OPTIONS") == 0)
		return false;
	const char *authority = strstr(origin, "://");
	return authority == NULL || host == NULL || strcmp(authority + 3, host) != 0;
}

void routes_handle(void *context, struct http_request *request, struct http_reply *reply)
{
	struct api *api = context;
	if (is_cross_origin(request)) {
		struct qlstm_error error = {0};
		error_set(&error, ERR_INVALID, NULL, "a web page of another origin may not do this");
		reply_problem_as(request, reply, 403, &error);
	} else {
		request->principal = principal_of(request);
		router_dispatch(routes, api, request, reply);
	}
	atomic_fetch_add(&api->replies[reply->status / 100 % 6], 1);
}

long routes_body_limit(void *context, const char *method, const char *path)
{
	(void)context;
	return router_body_limit(routes, method, path);
}

enum http_lane routes_lane(void *context, const char *method, const char *path)
{
	(void)context;
	return router_lane(routes, method, path);
}
