/* What a caller sees: the rows of its owner, an admin all. What it does not see does not exist for it: the answer is
 * the 404 of a row that was never there.
 *
 * Experiments are guarded in one place, between the table of routes and the handlers, so that no handler can forget it:
 * every path that begins with /experiments/{id}. A path with another {id} is an admin's alone. Data sets go by name or
 * id and are looked up with the viewer (catalog.h); lists take it in their query. */
#ifndef QLSTM_API_VISIBLE_H
#define QLSTM_API_VISIBLE_H

#include "server/api/context.h"
#include "server/http/router.h"

/* The guard of router_dispatch; `context` is the struct api. */
bool visible_guard(void *context, const struct route *route, const struct http_request *request,
                   struct http_reply *reply);

#endif
