/* POST /experiments/{id}/predict: what a trained model says about new inputs. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "server/api/artifacts.h"
#include "server/api/handlers.h"
#include "server/api/request.h"
#include "server/common/data_file.h"
#include "server/common/predict_inputs.h"
#include "server/common/predict_outputs.h"
#include "server/predict/predictor_pool.h"

/* What a body may be declared as: the first two are JSON, the second is what curl -d sends; the others are files. */
static const char *const json_types[] = {"application/json", "application/x-www-form-urlencoded"};

enum { N_JSON = sizeof json_types / sizeof json_types[0] };

static bool is_json(const struct http_request *request)
{
	const char *type = http_header(request, "Content-Type");
	for (int i = 0; type != NULL && i < N_JSON; i++) {
		size_t length = strlen(json_types[i]);
		if (strncasecmp(type, json_types[i], length) == 0 && strchr("; \t", type[length]) != NULL)
			return true;
	}
	return type == NULL;
}

static bool content_type_fits_or_reply(const struct http_request *request, struct http_reply *reply)
{
	const char *types[N_JSON + DATA_FILE_MAX_TYPES];
	memcpy(types, json_types, sizeof json_types);
	data_file_types(types + N_JSON);
	return content_type_or_reply(request, reply, types);
}

/* *mislabelled: the bytes are not of the kind that the Content-Type says. */
static int read_file(const struct http_request *request, const json_t *spec, struct predict_inputs *inputs,
                     bool *mislabelled, struct qlstm_error *error)
{
	const char *type = http_header(request, "Content-Type");
	const struct csv_options rows = {.rules = CSV_LENIENT};
	const struct data_request wanted = {.declared = data_file_of_type(type),
	                                    .word = type,
	                                    .limit = API_MAX_PREDICT,
	                                    .values = VALUES_ALL,
	                                    .csv = &rows};
	struct data_file found;
	struct table table = {0};
	int rc = data_file_read(request->body, request->body_length, &wanted, &found, &table, error);
	*mislabelled = rc == ERR_WRONG_TYPE;
	if (rc == 0)
		rc = predict_inputs_table(&table, spec, inputs, error);
	table_free(&table);
	return rc;
}

static int read_inputs(const struct http_request *request, const json_t *spec, struct predict_inputs *inputs,
                       bool *mislabelled, struct qlstm_error *error)
{
	if (request->body == NULL)
		return error_set(error, ERR_SYNTAX, NULL, "there is no body");
	if (is_json(request))
		return predict_inputs_json((const char *)request->body, request->body_length, spec, inputs, error);
	return read_file(request, spec, inputs, mislabelled, error);
}

static json_t *answer(const struct http_request *request, const struct artifact_row *weights, json_t *outputs)
{
	json_t *body = json_pack("{s:s, s:s}", "experiment", request->params[0], "weights_sha256", weights->sha256);
	if (json_object_update_missing(body, outputs) != 0) {
		json_decref(body);
		body = NULL;
	}
	json_decref(outputs);
	return body;
}

/* What the inputs have against them is a 422, but for text that cannot be read. */
static void reply_refused(const struct http_request *request, struct http_reply *reply, bool mislabelled,
                          const struct qlstm_error *error)
{
	if (mislabelled)
		reply_problem_as(request, reply, 415, error);
	else if (error->code == ERR_TOO_LARGE)
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
	reply_refused(request, reply, false, &error);
}

static void predict(struct api *api, struct http_request *request, struct http_reply *reply,
                    const struct artifact_row *weights, const json_t *spec)
{
	struct qlstm_error error = {0};
	struct predict_inputs inputs = {0};
	char path[4096];
	double *outputs = NULL;
	size_t n_outputs = 0;
	bool mislabelled = false;
	int used = snprintf(path, sizeof path, "%s/runs/%s/%s", api->data_dir, request->params[0], weights->file);
	int rc = used > 0 && (size_t)used < sizeof path
	             ? read_inputs(request, spec, &inputs, &mislabelled, &error)
	             : error_set(&error, ERR_IO, NULL, "the data directory's path is too long");
	if (rc == 0) {
		rc = predictor_pool_compute(api->predictors, path, &inputs, &outputs, &n_outputs, &error);
		if (!is_json(request))
			error.pointer[0] = '\0'; /* a file has no JSON pointers: the message counts samples */
	}
	if (rc == 0)
		reply_json(reply, 200,
		           answer(request, weights, predict_outputs_json(spec, outputs, inputs.samples, n_outputs)));
	else if (rc == ERR_NOT_FOUND)
		reply_lost(api, request, reply);
	else
		reply_refused(request, reply, mislabelled, &error);
	free(outputs);
	predict_inputs_free(&inputs);
}

void predict_post(void *context, struct http_request *request, struct http_reply *reply)
{
	struct api *api = context;
	struct artifact_row weights;
	json_t *spec = NULL;
	if (!content_type_fits_or_reply(request, reply) ||
	    !artifact_find_or_reply(api, request, reply, ARTIFACT_WEIGHTS, &weights, &spec))
		return;
	int file =
	    artifact_open_row_or_reply(api, request, reply, ARTIFACT_WEIGHTS, &weights); /* they are what they were */
	if (file >= 0) {
		close(file);
		predict(api, request, reply, &weights, spec);
	}
	json_decref(spec);
}
