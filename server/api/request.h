/* What a handler asks of its request. Functions in _or_reply have answered the client when they return false. */
#ifndef QLSTM_API_REQUEST_H
#define QLSTM_API_REQUEST_H

#include <stdbool.h>

#include "engine/data/csv/dialect.h"
#include "server/http/reply.h"

/* A query parameter; *value keeps what it holds (the default) when the parameter is absent. Faults are 400s. */
bool query_int_or_reply(const struct http_request *request, struct http_reply *reply, const char *name, int minimum,
                        int maximum, int *value);
bool query_bool_or_reply(const struct http_request *request, struct http_reply *reply, const char *name, bool *value);
/* `choices` ends in NULL; *value is the index chosen. */
bool query_choice_or_reply(const struct http_request *request, struct http_reply *reply, const char *name,
                           const char *const *choices, int *value);

/* Whether the body's Content-Type, without parameters, is one of `accepted` (ends in NULL) or absent; else a 415. */
bool content_type_or_reply(const struct http_request *request, struct http_reply *reply, const char *const *accepted);

/* Whether the Accept header names this media type itself (a wildcard does not count). */
bool accepts(const struct http_request *request, const char *type);

/* What the query says of a CSV file, by the names of its properties. ERR_INVALID with what is allowed. */
int csv_query(const struct http_request *request, struct csv_options *out, struct qlstm_error *error);

#endif
