/* What the service answers to. */
#ifndef QLSTM_API_ROUTES_H
#define QLSTM_API_ROUTES_H

#include "server/http/http.h"

/* For http_config; the context is the struct api. */
void routes_handle(void *context, struct http_request *request, struct http_reply *reply);
bool routes_admit(void *context, const struct http_request *request);
long routes_body_limit(void *context, const char *method, const char *path);
bool routes_takes_form(void *context, const char *method, const char *path);
enum http_lane routes_lane(void *context, const char *method, const char *path);

#endif
