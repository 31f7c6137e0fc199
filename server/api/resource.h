/* An experiment as the API shows it. */
#ifndef QLSTM_API_RESOURCE_H
#define QLSTM_API_RESOURCE_H

#include <jansson.h>

#include "engine/text.h"
#include "server/api/context.h"
#include "server/http/reply.h"
#include "server/store/experiments.h"

/* Writes `Experiment` of schema/openapi.yaml. What is JSON in the row is taken as it is. */
void resource_write(const struct experiment_row *row, struct text *out);

/* Text that changes whenever that does, with quotes: the strong ETag. */
#define RESOURCE_ETAG_SIZE 64
void resource_etag(const struct experiment_row *row, char etag[RESOURCE_ETAG_SIZE]);

/* Reads the row (experiment_row_free) or answers the client and returns false. */
bool resource_read_or_reply(struct api *api, const struct http_request *request, struct http_reply *reply,
                            const char *id, struct experiment_row *row);
/* Answers with it. */
void resource_reply_row(struct http_reply *reply, int status, const struct experiment_row *row);
/* Reads it and answers with it. */
void resource_reply(struct api *api, const struct http_request *request, struct http_reply *reply, int status,
                    const char *id);

/* null for 0; null for a number that is not finite; the JSON in `text`, null when there is none. New references. */
json_t *json_time(int64_t ms);
json_t *json_finite(double value);
json_t *json_embedded(const char *text);
/* null for NULL. */
json_t *json_text_or_null(const char *text);

/* What would have had to wait may not: a 429 past the quota of its owner, else the error's own status. */
void resource_reply_not_queued(const struct http_request *request, struct http_reply *reply, bool over_quota,
                               const struct qlstm_error *error);

#endif
