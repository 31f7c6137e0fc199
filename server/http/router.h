/* Routes as a table: what the service answers to, in one place. */
#ifndef QLSTM_HTTP_ROUTER_H
#define QLSTM_HTTP_ROUTER_H

#include "server/http/http.h"

#define ROUTE_MAX_QUERY 20

/* One row. A handler of GET serves HEAD too; OPTIONS and the 405 come from the table itself. */
struct route {
	const char *method;
	/* Segments are literal or one of two in braces: {id} takes a ULID alone, {name} anything. They become params.
	 */
	const char *pattern;
	http_handler handler;
	enum scope scope; /* that request->principal must have; else a 403 */
	enum http_lane lane;
	long body_limit;                    /* bytes */
	const char *query[ROUTE_MAX_QUERY]; /* the query parameters it knows, NULL-ended; others are refused */
};

/* What stands between a row and its handler: false when it has answered. */
typedef bool (*router_guard)(void *context, const struct route *route, const struct http_request *request,
                             struct http_reply *reply);

/* Answers the request by the first row that fits; `context` is the handler's and the guard's. The table ends in a row
 * without a method, whose handler is the 404. `guard` may be NULL. */
void router_dispatch(const struct route *routes, router_guard guard, void *context, struct http_request *request,
                     struct http_reply *reply);

/* See http_body_limit. */
long router_body_limit(const struct route *routes, const char *method, const char *path);
/* SCOPE_NONE where no row fits. */
enum scope router_scope(const struct route *routes, const char *method, const char *path);
/* LANE_SHORT where no row fits. */
enum http_lane router_lane(const struct route *routes, const char *method, const char *path);

#endif
