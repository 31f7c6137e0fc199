/* POST /experiments/{id}/predict: what a trained model says about new inputs. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "server/api/artifacts.h"
#include "server/api/handlers.h"
#include "server/api/request.h"
#include "server/common/json_text.h"
#include "server/common/predict_inputs.h"
#include "server/common/tensors.h"
#include "server/predict/predictor_pool.h"

static bool is_csv(const struct http_request *request)
{
	const char *type = http_header(request, "Content-Type");
	return type != NULL && strncasecmp(type, "text/csv", 8) == 0;
}

static int read_inputs(const struct http_request *request, const json_t *spec, struct predict_inputs *inputs,
                       struct qlstm_error *error)
{
	const char *text = (const char *)request->body;
	const json_t *data = json_object_get(spec, "data");
	const char *task = json_string_value(json_object_get(data, "task"));
	size_t features = json_array_size(json_object_get(data, "inputs"));
	if (task != NULL && strcmp(task, "forecasting") != 0)
		return error_set(error, ERR_CONFLICT, NULL, "predict is for forecasting; this experiment is a %s",
		                 task);
	if (text == NULL)
		return error_set(error, ERR_SYNTAX, NULL, "there is no body");
	if (is_csv(request))
		return predict_inputs_csv(text, request->body_length, spec, inputs, error);
	return predict_inputs_json(text, request->body_length, features, inputs, error);
}

static json_t *answer(const struct http_request *request, const struct artifact_row *weights, const json_t *spec,
                      const double *outputs, size_t samples, size_t n_outputs)
{
	const size_t dims[2] = {samples, n_outputs}, strides[2] = {n_outputs, 1};
	return json_pack("{s:s, s:s, s:O, s:o}", "experiment", request->params[0], "weights_sha256", weights->sha256,
	                 "targets", json_object_get(json_object_get(spec, "data"), "targets"), "outputs",
	                 tensor_json(2, dims, strides, outputs));
}

/* What the inputs have against them is a 422, but for text that cannot be read. */
static void reply_refused(const struct http_request *request, struct http_reply *reply, const struct qlstm_error *error)
{
	if (error->code == ERR_TOO_LARGE)
		reply_problem_as(request, reply, 422, error);
	else
		reply_problem(request, reply, error);
	if (error->code == ERR_UNAVAILABLE)
		reply_header(reply, "Retry-After", "1");
}

/* The predictor did not find the weights' file: the experiment has just been deleted, or its file is lost. */
static void reply_lost(struct api *api, struct http_request *request, struct http_reply *reply)
{
	struct artifact_row weights;
	int fd = artifact_open_or_reply(api, request, reply, ARTIFACT_WEIGHTS, &weights);
	struct qlstm_error error = {0};
	if (fd < 0)
		return;
	close(fd);
	error_set(&error, ERR_UNAVAILABLE, NULL, "the weights were not there for a moment; ask again");
	reply_refused(request, reply, &error);
}

static void predict(struct api *api, struct http_request *request, struct http_reply *reply,
                    const struct artifact_row *weights, const json_t *spec)
{
	struct qlstm_error error = {0};
	struct predict_inputs inputs = {0};
	char path[4096];
	double *outputs = NULL;
	size_t n_outputs = 0;
	int used = snprintf(path, sizeof path, "%s/runs/%s/%s", api->data_dir, request->params[0], weights->file);
	int rc = used > 0 && (size_t)used < sizeof path
	             ? read_inputs(request, spec, &inputs, &error)
	             : error_set(&error, ERR_IO, NULL, "the data directory's path is too long");
	if (rc == 0) {
		rc = predictor_pool_compute(api->predictors, path, &inputs, &outputs, &n_outputs, &error);
		if (is_csv(request))
			error.pointer[0] = '\0'; /* CSV has no JSON pointers: the message counts samples */
	}
	if (rc == 0)
		reply_json(reply, 200, answer(request, weights, spec, outputs, inputs.samples, n_outputs));
	else if (rc == ERR_NOT_FOUND)
		reply_lost(api, request, reply);
	else
		reply_refused(request, reply, &error);
	free(outputs);
	predict_inputs_free(&inputs);
}

void predict_post(void *context, struct http_request *request, struct http_reply *reply)
{
	static const char *const types[] = {"application/json", "application/x-www-form-urlencoded", "text/csv", NULL};
	struct api *api = context;
	struct artifact_row weights;
	json_t *spec = NULL;
	if (!content_type_or_reply(request, reply, types) ||
	    !artifact_find_or_reply(api, request, reply, ARTIFACT_WEIGHTS, &weights, &spec))
		return;
	predict(api, request, reply, &weights, spec);
	json_decref(spec);
}
