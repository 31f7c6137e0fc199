/* POST /experiments/{id}/generate: sequences that a trained model of words continues. */
#include <stdlib.h>

#include "server/api/handlers.h"
#include "server/api/request.h"
#include "server/api/trained.h"
#include "schema/task.h"
#include "server/common/predict/generate_request.h"
#include "server/predict/predictor_pool.h"

static void generate(struct api *api, struct http_request *request, struct http_reply *reply,
                     const struct trained *trained)
{
	struct qlstm_error error = {0};
	struct predict_inputs prompts = {0};
	struct generation generation;
	double *outputs = NULL;
	int rc = request->body != NULL ? generate_request_json((const char *)request->body, request->body_length,
	                                                       trained->spec, &prompts, &generation, &error)
	                               : error_set(&error, ERR_SYNTAX, NULL, "there is no body");
	if (rc == 0)
		rc = predictor_pool_generate(api->predictors, trained->path, &prompts, &generation, &outputs, &error);
	if (rc == 0)
		trained_reply(request, reply, trained,
		              generate_reply_json(trained->spec, &prompts, &generation, outputs));
	else if (rc == ERR_NOT_FOUND)
		trained_reply_lost(api, request, reply);
	else
		trained_reply_refused(request, reply, &error);
	free(outputs);
	predict_inputs_free(&prompts);
}

/* Of a language model the predictor reads the JSON itself: it has the vocabulary. */
static void continue_text(struct api *api, struct http_request *request, struct http_reply *reply,
                          const struct trained *trained)
{
	struct qlstm_error error = {0};
	char *said = NULL;
	size_t length = 0;
	int rc = predictor_pool_read(api->predictors, trained->path, (const char *)request->body, request->body_length,
	                             &said, &length, &error);
	if (rc == 0)
		trained_reply(request, reply, trained, json_loadb(said, length, 0, NULL));
	else if (rc == ERR_NOT_FOUND)
		trained_reply_lost(api, request, reply);
	else
		trained_reply_refused(request, reply, &error);
	free(said);
}

void generate_post(void *context, struct http_request *request, struct http_reply *reply)
{
	static const char *const types[] = {"application/json", "application/x-www-form-urlencoded", NULL};
	struct api *api = context;
	struct trained trained;
	if (!content_type_or_reply(request, reply, types) || !trained_open_or_reply(api, request, reply, &trained))
		return;
	if (task_of(trained.spec) == TASK_LANGUAGE_MODEL)
		continue_text(api, request, reply, &trained);
	else
		generate(api, request, reply, &trained);
	trained_close(&trained);
}
