/* The dispatcher: path, method, scope, query parameters, guard, handler; in this order, once. */
#include "server/http/router.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "server/common/clock.h"
#include "server/http/reply.h"

enum { MAX_SEGMENTS = 6, MAX_ALLOW = 64 };

/* "/a/b" as {"a", "b"}. */
struct segments {
	char *copy; /* owned; the texts below point into it */
	const char *texts[MAX_SEGMENTS];
	int count; /* -1: more than any pattern has */
};

static int segments_split(struct segments *segments, const char *path)
{
	*segments = (struct segments){.copy = strdup(path)};
	if (segments->copy == NULL)
		return ERR_OUT_OF_MEMORY;
	for (char *slash = strchr(segments->copy, '/'); slash != NULL; slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		if (segments->count == MAX_SEGMENTS) {
			segments->count = -1;
			break;
		}
		segments->texts[segments->count++] = slash + 1;
	}
	return 0;
}

/* Whether the pattern fits; what its braces matched goes to params. */
static bool pattern_match(const char *pattern, const struct segments *segments, const char **params)
{
	int n_params = 0;
	for (int i = 0; i < segments->count; i++) {
		if (*pattern++ != '/')
			return false;
		size_t length = strcspn(pattern, "/");
		const char *text = segments->texts[i];
		if (*pattern == '{' && *text != '\0' && n_params < HTTP_MAX_PARAMS)
			params[n_params++] = text;
		else if (strlen(text) != length || strncmp(pattern, text, length) != 0)
			return false;
		pattern += length;
	}
	return segments->count > 0 && *pattern == '\0';
}

/* The first row of that path and method, else the sentinel; then `allow` has the methods of the path's rows. */
static const struct route *route_find(const struct route *routes, const char *method, const struct segments *segments,
                                      const char **params, char *allow, size_t allow_size)
{
	size_t used = 0;
	allow[0] = '\0';
	for (; routes->method != NULL; routes++) {
		const char *matched[HTTP_MAX_PARAMS] = {0};
		if (!pattern_match(routes->pattern, segments, matched))
			continue;
		if (strcmp(routes->method, method) == 0) {
			memcpy(params, matched, sizeof matched);
			return routes;
		}
		const char *name = strcmp(routes->method, "GET") == 0 ? "GET, HEAD" : routes->method;
		int length = snprintf(allow + used, allow_size - used, "%s, ", name);
		used += length > 0 && (size_t)length < allow_size - used ? (size_t)length : 0;
	}
	if (used > 0)
		snprintf(allow + used, allow_size - used, "OPTIONS");
	return routes;
}

/* The first {id} that is no id, or NULL. Params and braces come in the same order. */
static const char *bad_id(const struct route *route, const char *const *params)
{
	const char *brace = route->pattern;
	for (int i = 0; (brace = strchr(brace, '{')) != NULL; i++, brace++)
		if (strncmp(brace, "{id}", 4) == 0 && !ulid_valid(params[i]))
			return params[i];
	return NULL;
}

struct query_check {
	const struct route *route;
	struct qlstm_error error;
	const char *seen[ROUTE_MAX_QUERY];
};

static void check_parameter(void *context, const char *name, const char *value)
{
	(void)value;
	struct query_check *check = context;
	size_t count = 0;
	for (; count < ROUTE_MAX_QUERY && check->route->query[count] != NULL; count++) {
		if (strcmp(check->route->query[count], name) != 0)
			continue;
		if (check->seen[count] != NULL)
			error_set(&check->error, ERR_INVALID, NULL, "the query parameter '%s' is given twice", name);
		check->seen[count] = name;
		return;
	}
	const char *nearest = error_nearest(name, check->route->query, count);
	if (nearest != NULL)
		error_set(&check->error, ERR_UNKNOWN_FIELD, NULL,
		          "unknown query parameter '%.100s'; did you mean '%s'?", name, nearest);
	else
		error_set(&check->error, ERR_UNKNOWN_FIELD, NULL, "unknown query parameter '%.100s'", name);
}

static void reply_not_allowed(const struct http_request *request, struct http_reply *reply, const char *allow)
{
	if (strcmp(request->method, "OPTIONS") == 0) {
		reply_empty(reply, 204);
	} else {
		struct qlstm_error error = {0};
		error_set(&error, ERR_CONFLICT, NULL, "%.20s is not a method of this path; it has %s", request->method,
		          allow);
		reply_problem_as(request, reply, 405, &error);
	}
	reply_header(reply, "Allow", "%s", allow);
}

/* Nobody asks: whoever it is shall say so. RFC 6750 has the words of the header. */
static void reply_unauthorized(const struct http_request *request, struct http_reply *reply)
{
	struct qlstm_error error = {0};
	bool tried = http_header(request, "Authorization") != NULL;
	error_set(&error, ERR_CONFLICT, NULL, "%s",
	          request->refusal != NULL ? request->refusal : "this needs a key: Authorization: Bearer KEY");
	reply_problem_as(request, reply, 401, &error);
	reply_header(reply, "WWW-Authenticate", "Bearer realm=\"qlstmd\"%s", tried ? ", error=\"invalid_token\"" : "");
}

static void reply_forbidden(const struct http_request *request, struct http_reply *reply, enum scope scope)
{
	struct qlstm_error error = {0};
	error_set(&error, ERR_CONFLICT, NULL, "this needs the scope '%s', which %s does not have", scope_name(scope),
	          request->principal->name);
	reply_problem_as(request, reply, 403, &error);
	reply_header(reply, "WWW-Authenticate", "Bearer realm=\"qlstmd\", error=\"insufficient_scope\", scope=\"%s\"",
	             scope_name(scope));
}

/* Past path and method: the rest that the table knows, then the handler. */
static void route_call(const struct route *route, router_guard guard, void *context, struct http_request *request,
                       struct http_reply *reply)
{
	struct query_check check = {.route = route};
	if (!principal_may(request->principal, route->scope)) {
		if (request->principal == NULL)
			reply_unauthorized(request, reply);
		else
			reply_forbidden(request, reply, route->scope);
		return;
	}
	const char *id = bad_id(route, request->params);
	if (id != NULL) {
		error_set(&check.error, ERR_NOT_FOUND, NULL, "'%.100s' is not an id", id);
		reply_problem(request, reply, &check.error);
		return;
	}
	http_query_each(request, check_parameter, &check);
	if (check.error.code != 0)
		reply_problem_as(request, reply, 400, &check.error);
	else if (guard == NULL || guard(context, route, request, reply))
		route->handler(context, request, reply);
}

/* "OPTIONS *" asks about the whole server: the methods of any path. */
static void reply_server_options(const struct route *routes, struct http_reply *reply)
{
	char allow[MAX_ALLOW] = "";
	for (; routes->method != NULL; routes++) {
		const char *name = strcmp(routes->method, "GET") == 0 ? "GET, HEAD" : routes->method;
		size_t used = strlen(allow);
		if (strstr(allow, name) == NULL)
			snprintf(allow + used, sizeof allow - used, "%s, ", name);
	}
	reply_empty(reply, 204);
	reply_header(reply, "Allow", "%sOPTIONS", allow);
}

void router_dispatch(const struct route *routes, router_guard guard, void *context, struct http_request *request,
                     struct http_reply *reply)
{
	struct segments segments;
	char allow[MAX_ALLOW];
	if (strcmp(request->path, "*") == 0) {
		reply_server_options(routes, reply);
		return;
	}
	if (segments_split(&segments, request->path) != 0) {
		reply_json(reply, 500, NULL);
		return;
	}
	const struct route *route =
	    route_find(routes, request->method, &segments, request->params, allow, sizeof allow);
	if (route->method != NULL)
		route_call(route, guard, context, request, reply);
	else if (allow[0] != '\0')
		reply_not_allowed(request, reply, allow);
	else
		route->handler(context, request, reply);
	free(segments.copy);
}

long router_body_limit(const struct route *routes, const char *method, const char *path)
{
	struct segments segments;
	char allow[MAX_ALLOW];
	const char *params[HTTP_MAX_PARAMS];
	if (segments_split(&segments, path) != 0)
		return ERR_OUT_OF_MEMORY;
	const struct route *route = route_find(routes, method, &segments, params, allow, sizeof allow);
	free(segments.copy);
	if (route->method != NULL)
		return route->body_limit;
	return allow[0] != '\0' ? ERR_CONFLICT : ERR_NOT_FOUND;
}

enum scope router_scope(const struct route *routes, const char *method, const char *path)
{
	struct segments segments;
	char allow[MAX_ALLOW];
	const char *params[HTTP_MAX_PARAMS];
	if (segments_split(&segments, path) != 0)
		return SCOPE_NONE;
	const struct route *route = route_find(routes, method, &segments, params, allow, sizeof allow);
	free(segments.copy);
	return route->scope;
}

enum http_lane router_lane(const struct route *routes, const char *method, const char *path)
{
	struct segments segments;
	char allow[MAX_ALLOW];
	const char *params[HTTP_MAX_PARAMS];
	if (segments_split(&segments, path) != 0)
		return LANE_SHORT;
	const struct route *route = route_find(routes, method, &segments, params, allow, sizeof allow);
	free(segments.copy);
	return route->lane;
}
