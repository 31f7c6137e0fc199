/* A trained model that a request asks: where its weights are, and what is answered. */
#ifndef QLSTM_API_TRAINED_H
#define QLSTM_API_TRAINED_H

#include <jansson.h>

#include "server/api/context.h"
#include "server/http/reply.h"
#include "server/store/experiments.h"

struct trained {
	struct artifact_row weights;
	json_t *spec;    /* the experiment's, resolved */
	char path[4096]; /* of the weights' file */
};

/* Of the experiment that the request names. Answers the client and says false as artifact_open_or_reply does. */
bool trained_open_or_reply(struct api *api, const struct http_request *request, struct http_reply *reply,
                           struct trained *out);
void trained_close(struct trained *trained);

/* 200 with the members of `outputs` (stolen; NULL: out of memory) beside the experiment and its weights' hash. */
void trained_reply(const struct http_request *request, struct http_reply *reply, const struct trained *trained,
                   json_t *outputs);
/* What is against the request: a 422, but for text that cannot be read. */
void trained_reply_refused(const struct http_request *request, struct http_reply *reply,
                           const struct qlstm_error *error);
/* The predictor did not find the weights' file: the experiment has just been deleted, or its file is lost. */
void trained_reply_lost(struct api *api, const struct http_request *request, struct http_reply *reply);

#endif
