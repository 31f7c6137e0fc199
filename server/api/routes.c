/* The table of routes. A new endpoint is a handler, a row here, and its description in schema/openapi.yaml; a test
 * holds the three together. */
#include "server/api/routes.h"

#include <string.h>

#include "server/access/cookie.h"
#include "server/api/handlers.h"
#include "server/api/visible.h"
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
#define GENERATE   API_MAX_GENERATE
#define KEY        4096
#define JOIN       4096
#define SESSION    1024
#define SEARCH     (64 << 10)
#define LABELS     (256 << 10) /* what name, tags and notes may hold, escaped */

static const struct route routes[] = {
    {"POST", "/experiments", experiments_post, SUBMIT, LANE_SUBMIT, EXPERIMENT, {"validate_only"}},
    {"GET",
     "/experiments",
     experiments_list,
     READ,
     LANE_LIST,
     NO_BODY,
     {"status", "project", "limit", "cursor", "tag", "text", "model", "dataset", "created_after", "created_before",
      "sort", "kind"}},
    {"GET", "/experiments/{id}", experiments_get, READ, LANE_SHORT, NO_BODY, {"wait"}},
    {"PATCH", "/experiments/{id}", experiments_patch, SUBMIT, LANE_WRITE, LABELS, {0}},
    {"DELETE", "/experiments/{id}", experiments_delete, SUBMIT, LANE_WRITE, NO_BODY, {0}},
    {"POST", "/experiments/{id}/cancel", experiments_cancel, SUBMIT, LANE_WRITE, ANY_BODY, {0}},
    {"POST", "/experiments/{id}/pause", experiments_pause, SUBMIT, LANE_WRITE, ANY_BODY, {0}},
    {"POST", "/experiments/{id}/resume", experiments_resume, SUBMIT, LANE_WRITE, ANY_BODY, {0}},
    {"POST", "/experiments/{id}/fork", experiments_fork, SUBMIT, LANE_SUBMIT, EXPERIMENT, {"validate_only"}},
    {"POST", "/experiments/{id}/retry", experiments_retry, SUBMIT, LANE_WRITE, ANY_BODY, {0}},
    {"GET",
     "/experiments/{id}/metrics",
     metrics_history_get,
     READ,
     LANE_BULK,
     NO_BODY,
     {"format", "after", "max_points"}},
    {"GET", "/experiments/{id}/events", events_get, READ, LANE_LIST, NO_BODY, {"after", "limit", "skip"}},
    {"GET", "/experiments/{id}/logs", logs_get, READ, LANE_LIST, NO_BODY, {"attempt", "after", "limit"}},
    {"GET", "/experiments/{id}/weights", weights_get, READ, LANE_BULK, NO_BODY, {"format", "epoch"}},
    {"GET",
     "/experiments/{id}/circuit",
     circuit_get,
     READ,
     LANE_BULK,
     NO_BODY,
     {"format", "layer", "circuit", "direction", "features", "labels", "columns", "epoch"}},
    {"POST",
     "/experiments/{id}/predictions",
     experiments_predict_dataset,
     SUBMIT,
     LANE_SUBMIT,
     EXPERIMENT,
     {"validate_only"}},
    {"GET", "/experiments/{id}/predictions", artifacts_predictions, READ, LANE_SHORT, NO_BODY, {"epoch"}},
    {"GET", "/experiments/{id}/outcome", outcome_get, READ, LANE_BULK, NO_BODY, {0}},
    {"GET", "/experiments/{id}/report", artifacts_report, READ, LANE_SHORT, NO_BODY, {0}},
    {"GET", "/experiments/{id}/tensorboard", artifacts_tensorboard, READ, LANE_SHORT, NO_BODY, {0}},
    {"POST",
     "/experiments/{id}/predict",
     predict_post,
     READ,
     LANE_PREDICT,
     PREDICT,
     {"symbols", "symbols_as", "pad", "sheet", "steps"}},
    {"POST", "/experiments/{id}/generate", generate_post, READ, LANE_PREDICT, GENERATE, {0}},
    {"POST",
     "/datasets",
     datasets_post,
     SUBMIT,
     LANE_BULK,
     DATASET,
     {"name", "separator", "decimal", "thousands", "header", "skip_rows", "comment", "encoding", "missing", "turned",
      "symbols", "labels", "symbols_as", "pad", "sheet", "text"}},
    {"GET", "/datasets", datasets_list, READ, LANE_LIST, NO_BODY, {0}},
    {"GET", "/datasets/{name}", datasets_get, READ, LANE_SHORT, NO_BODY, {0}},
    {"DELETE", "/datasets/{name}", datasets_delete, SUBMIT, LANE_WRITE, NO_BODY, {0}},
    {"POST", "/datasets/{name}/join", datasets_join, SUBMIT, LANE_BULK, JOIN, {0}},
    {"GET", "/datasets/{name}/content", datasets_content, READ, LANE_SHORT, NO_BODY, {0}},
    {"GET", "/datasets/{name}/export", datasets_export, READ, LANE_BULK, NO_BODY, {0}},
    {"GET", "/keys", keys_list, ADMIN, LANE_SHORT, NO_BODY, {0}},
    {"POST", "/keys", keys_post, ADMIN, LANE_WRITE, KEY, {0}},
    {"DELETE", "/keys/{id}", keys_revoke, ADMIN, LANE_WRITE, NO_BODY, {0}},
    {"POST", "/keys/{id}/rotate", keys_rotate, ADMIN, LANE_WRITE, ANY_BODY, {0}},
    {"GET", "/session", session_get, READ, LANE_SHORT, NO_BODY, {0}},
    {"POST", "/session", session_post, NONE, LANE_SHORT, SESSION, {0}},
    {"DELETE", "/session", session_delete, NONE, LANE_SHORT, NO_BODY, {0}},
    {"GET", "/", session_page, NONE, LANE_SHORT, NO_BODY, {0}},
    {"GET", "/assets/{name}", session_asset, NONE, LANE_SHORT, NO_BODY, {"v"}},
    {"GET", "/backup", backup_get, ADMIN, LANE_BULK, NO_BODY, {0}},
    {"GET", "/drain", drain_get, READ, LANE_SHORT, NO_BODY, {0}},
    {"POST", "/drain", drain_post, ADMIN, LANE_SHORT, ANY_BODY, {"running"}},
    {"DELETE", "/drain", drain_delete, ADMIN, LANE_SHORT, NO_BODY, {0}},
    {"GET", "/v2", v2_server, NONE, LANE_SHORT, NO_BODY, {0}},
    {"GET", "/v2/health/live", v2_live, NONE, LANE_SHORT, NO_BODY, {0}},
    {"GET", "/v2/health/ready", v2_ready, NONE, LANE_SHORT, NO_BODY, {0}},
    {"GET", "/v2/models/{id}", v2_model, READ, LANE_SHORT, NO_BODY, {0}},
    {"GET", "/v2/models/{id}/ready", v2_model_ready, READ, LANE_SHORT, NO_BODY, {0}},
    {"POST", "/v2/models/{id}/infer", v2_infer, READ, LANE_PREDICT, PREDICT, {0}},
    {"POST", "/api/2.0/mlflow/experiments/search", mlflow_experiments_search, READ, LANE_LIST, SEARCH, {0}},
    {"GET", "/api/2.0/mlflow/experiments/get", mlflow_experiments_get, READ, LANE_LIST, NO_BODY, {"experiment_id"}},
    {"GET",
     "/api/2.0/mlflow/experiments/get-by-name",
     mlflow_experiments_get_by_name,
     READ,
     LANE_LIST,
     NO_BODY,
     {"experiment_name"}},
    {"POST", "/api/2.0/mlflow/runs/search", mlflow_runs_search, READ, LANE_BULK, SEARCH, {0}},
    {"GET", "/api/2.0/mlflow/runs/get", mlflow_runs_get, READ, LANE_SHORT, NO_BODY, {"run_id", "run_uuid"}},
    {"GET",
     "/api/2.0/mlflow/metrics/get-history",
     mlflow_metrics_history,
     READ,
     LANE_BULK,
     NO_BODY,
     {"run_id", "run_uuid", "metric_key", "max_results", "page_token"}},
    {"GET",
     "/api/2.0/mlflow/artifacts/list",
     mlflow_artifacts_list,
     READ,
     LANE_SHORT,
     NO_BODY,
     {"run_id", "run_uuid", "path", "page_token"}},
    {"GET", "/api/2.0/mlflow-artifacts/artifacts", mlflow_artifacts_browse, READ, LANE_SHORT, NO_BODY, {"path"}},
    {"GET",
     "/api/2.0/mlflow-artifacts/artifacts/{id}/{name}",
     mlflow_artifacts_download,
     READ,
     LANE_SHORT,
     NO_BODY,
     {0}},
    {"GET", "/metrics", service_metrics, READ, LANE_SHORT, NO_BODY, {0}},
    {"GET", "/healthz", service_health, NONE, LANE_SHORT, NO_BODY, {0}},
    {"GET", "/readyz", service_ready, NONE, LANE_SHORT, NO_BODY, {0}},
    {"GET", "/version", service_version, NONE, LANE_SHORT, NO_BODY, {0}},
    {"GET", "/openapi.json", contract_openapi_json, NONE, LANE_SHORT, NO_BODY, {0}},
    {"GET", "/openapi.yaml", contract_openapi_yaml, NONE, LANE_SHORT, NO_BODY, {0}},
    {"GET", "/schema/experiment", contract_schema, NONE, LANE_SHORT, NO_BODY, {0}},
    {"GET", "/experiment.schema.json", contract_schema, NONE, LANE_SHORT, NO_BODY, {0}},
    {"GET", "/problems/{name}", contract_problem, NONE, LANE_SHORT, NO_BODY, {0}},
    {NULL, NULL, contract_nothing_here, NONE, LANE_SHORT, 0, {0}},
};

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

static void reply_too_many(const struct http_request *request, struct http_reply *reply, const struct caller *caller)
{
	struct qlstm_error error = {0};
	error_set(&error, ERR_UNAVAILABLE, NULL, "the key '%s' may send %g requests a second", caller->key.name,
	          caller->key.rate);
	reply_problem_as(request, reply, 429, &error);
	reply_header(reply, "Retry-After", "%d", caller->rate.seconds);
}

static void reply_unavailable(const struct http_request *request, struct http_reply *reply, const char *why)
{
	struct qlstm_error error = {0};
	error_set(&error, ERR_UNAVAILABLE, NULL, "%s", why);
	reply_problem(request, reply, &error);
}

/* Requests that change something, and those that were not let. */
static void audit(struct api *api, const struct http_request *request, const struct http_reply *reply,
                  const struct caller *caller)
{
	const char *location = NULL;
	if (strcmp(request->method, "GET") == 0 || router_scope(routes, request->method, request->path) < SCOPE_SUBMIT)
		return;
	for (int i = 0; i < reply->n_headers; i++)
		if (strcmp(reply->headers[i].name, "Location") == 0)
			location = reply->headers[i].value;
	audit_write(api->audit, caller, request->method, request->path, reply->status, location);
}

static void serve(struct api *api, struct http_request *request, struct http_reply *reply)
{
	struct caller caller = {0};
	char buffer[COOKIE_AUTHORIZATION_SIZE];
	request->refusal = keeper_admit(api->keeper, cookie_authorization(request, buffer), &caller);
	request->principal = request->refusal == NULL ? &caller.principal : NULL;
	if (request->refusal == keeper_cannot_look)
		reply_unavailable(request, reply, request->refusal);
	else if (caller.rate.empty)
		reply_too_many(request, reply, &caller);
	else
		router_dispatch(routes, visible_guard, api, request, reply);
	if (caller.rate.limit > 0) {
		reply_header(reply, "RateLimit-Limit", "%d", caller.rate.limit);
		reply_header(reply, "RateLimit-Remaining", "%d", caller.rate.remaining);
		reply_header(reply, "RateLimit-Reset", "%d", caller.rate.seconds);
	}
	audit(api, request, reply, request->principal != NULL ? &caller : NULL);
	request->principal = NULL;
}

void routes_handle(void *context, struct http_request *request, struct http_reply *reply)
{
	struct api *api = context;
	if (is_cross_origin(request)) {
		struct qlstm_error error = {0};
		error_set(&error, ERR_INVALID, NULL, "a web page of another origin may not do this");
		reply_problem_as(request, reply, 403, &error);
	} else {
		serve(api, request, reply);
	}
	atomic_fetch_add(&api->replies[reply->status / 100 % 6], 1);
}

bool routes_admit(void *context, const struct http_request *request)
{
	struct api *api = context;
	char buffer[COOKIE_AUTHORIZATION_SIZE];
	return router_scope(routes, request->method, request->path) == SCOPE_NONE ||
	       keeper_may(api->keeper, cookie_authorization(request, buffer));
}

long routes_body_limit(void *context, const char *method, const char *path)
{
	const struct api *api = context;
	long limit = router_body_limit(routes, method, path);
	return limit == DATASET ? (long)api->max_upload : limit;
}

/* Bodies that are files. */
bool routes_takes_form(void *context, const char *method, const char *path)
{
	(void)context;
	return router_body_limit(routes, method, path) == DATASET;
}

enum http_lane routes_lane(void *context, const char *method, const char *path)
{
	(void)context;
	return router_lane(routes, method, path);
}
