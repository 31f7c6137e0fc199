/* How an experiment is queued, whoever wrote its spec. */
#ifndef QLSTM_API_EXPERIMENTS_H
#define QLSTM_API_EXPERIMENTS_H

#include "server/api/context.h"
#include "server/http/http.h"

/* The Content-Types of a spec; ends in NULL. */
extern const char *const experiments_types[];

/* Answers as POST /experiments does with this text as its body: validate_only and Idempotency-Key are the request's. */
void experiments_submit(struct api *api, const struct http_request *request, struct http_reply *reply, const char *text,
                        size_t length);

#endif
