/* /v2: finished experiments as models of the Open Inference Protocol. A model's name is the experiment's id. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "engine/qlstm.h"
#include "schema/spec.h"
#include "server/api/artifacts.h"
#include "server/api/handlers.h"
#include "server/api/inference/tensors.h"
#include "server/api/request.h"
#include "server/predict/predictor_pool.h"

void v2_server(void *context, struct http_request *request, struct http_reply *reply)
{
	(void)context;
	(void)request;
	reply_json(reply, 200, json_pack("{s:s, s:s, s:[]}", "name", "qlstmd", "version", QLSTM_VERSION, "extensions"));
}

void v2_live(void *context, struct http_request *request, struct http_reply *reply)
{
	(void)context;
	(void)request;
	reply_json(reply, 200, json_pack("{s:b}", "live", 1));
}

void v2_ready(void *context, struct http_request *request, struct http_reply *reply)
{
	service_ready(context, request, reply);
	if (reply->status == 200)
		reply_json(reply, 200, json_pack("{s:b}", "ready", 1));
}

/* A finished experiment, or false after answering. *spec is the caller's. */
static bool model_or_reply(struct api *api, struct http_request *request, struct http_reply *reply,
                           struct artifact_row *weights, json_t **spec, struct model_shape *shape)
{
	struct qlstm_error error = {0};
	if (!artifact_find_or_reply(api, request, reply, ARTIFACT_WEIGHTS, weights, spec))
		return false;
	if (model_shape_of(*spec, shape, &error) == 0)
		return true;
	json_decref(*spec);
	*spec = NULL;
	reply_problem(request, reply, &error);
	return false;
}

/* The same, when its shape is all that is wanted. */
static bool shape_or_reply(struct api *api, struct http_request *request, struct http_reply *reply,
                           struct model_shape *shape)
{
	struct artifact_row weights;
	json_t *spec;
	if (!model_or_reply(api, request, reply, &weights, &spec, shape))
		return false;
	json_decref(spec);
	return true;
}

void v2_model(void *context, struct http_request *request, struct http_reply *reply)
{
	struct model_shape shape;
	if (!shape_or_reply(context, request, reply, &shape))
		return;
	reply_json(reply, 200,
	           json_pack("{s:s, s:[s], s:s, s:o, s:o}", "name", request->params[0], "versions", "1", "platform",
	                     "qlstm", "inputs", model_inputs_json(&shape), "outputs", model_outputs_json(&shape)));
}

void v2_model_ready(void *context, struct http_request *request, struct http_reply *reply)
{
	struct model_shape shape;
	if (shape_or_reply(context, request, reply, &shape))
		reply_json(reply, 200, json_pack("{s:s, s:b}", "name", request->params[0], "ready", 1));
}

struct inference {
	struct artifact_row weights;
	struct model_shape shape;
	json_t *spec, *body, *outputs;
	struct predict_inputs inputs;
};

static int compute(struct api *api, const struct http_request *request, struct inference *inference,
                   struct qlstm_error *error)
{
	char path[4096];
	double *values = NULL;
	size_t width = 0;
	int used =
	    snprintf(path, sizeof path, "%s/runs/%s/%s", api->data_dir, request->params[0], inference->weights.file);
	if (used < 0 || (size_t)used >= sizeof path)
		return error_set(error, ERR_IO, NULL, "the data directory's path is too long");
	const char *text = request->body_length > 0 ? (const char *)request->body : "";
	int rc = spec_load(text, request->body_length, &inference->body, error);
	if (rc == 0)
		rc = inference_inputs(inference->body, &inference->shape, &inference->inputs, error);
	if (rc == 0)
		rc = predictor_pool_compute(api->predictors, path, &inference->inputs, &values, &width, error);
	if (rc == 0)
		rc = inference_outputs(inference->body, &inference->shape, values, inference->inputs.samples, width,
		                       &inference->outputs, error);
	free(values);
	return rc;
}

static json_t *answer(const struct http_request *request, struct inference *inference)
{
	json_t *id = json_object_get(inference->body, "id");
	json_t *json = json_pack("{s:s, s:s, s:o}", "model_name", request->params[0], "model_version", "1", "outputs",
	                         inference->outputs);
	inference->outputs = NULL;
	if (json_is_string(id))
		json_object_set(json, "id", id);
	return json;
}

void v2_infer(void *context, struct http_request *request, struct http_reply *reply)
{
	static const char *const types[] = {"application/json", "application/octet-stream",
	                                    "application/x-www-form-urlencoded", NULL};
	struct api *api = context;
	struct qlstm_error error = {0};
	struct inference inference = {0};
	if (!content_type_or_reply(request, reply, types))
		return;
	if (http_header(request, "Inference-Header-Content-Length") != NULL) {
		error_set(&error, ERR_WRONG_TYPE, NULL,
		          "tensors are taken in JSON alone, without bytes behind it (binary_data=False)");
		reply_problem_as(request, reply, 415, &error);
		return;
	}
	if (!model_or_reply(api, request, reply, &inference.weights, &inference.spec, &inference.shape))
		return;
	int file = artifact_open_row_or_reply(api, request, reply, ARTIFACT_WEIGHTS, &inference.weights);
	if (file >= 0) { /* the weights are what they were */
		close(file);
		int rc = compute(api, request, &inference, &error);
		if (rc == 0)
			reply_json(reply, 200, answer(request, &inference));
		else if (rc == ERR_TOO_LARGE)
			reply_problem_as(request, reply, 422, &error);
		else
			reply_problem(request, reply, &error);
	}
	predict_inputs_free(&inference.inputs);
	json_decref(inference.outputs);
	json_decref(inference.body);
	json_decref(inference.spec);
}
