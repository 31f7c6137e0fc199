/* POST /experiments/{id}/predict: what a trained model says about new inputs. */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "server/api/handlers.h"
#include "server/api/request.h"
#include "server/api/trained.h"
#include "schema/task.h"
#include "server/common/data_file.h"
#include "server/common/predict/last_window.h"
#include "server/common/predict/predict_inputs.h"
#include "server/common/predict/predict_outputs.h"
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
	struct csv_options rows;
	int rc = csv_query(request, &rows, error);
	if (rc != 0)
		return rc;
	rows.rules = CSV_LENIENT;
	const struct data_request wanted = {.declared = data_file_of_type(type),
	                                    .word = type,
	                                    .limit = API_MAX_PREDICT,
	                                    .values = VALUES_ALL,
	                                    .csv = &rows};
	struct data_file found;
	struct table table = {0};
	rc = data_file_read(request->body, request->body_length, &wanted, &found, &table, error);
	*mislabelled = rc == ERR_WRONG_TYPE;
	if (rc == 0)
		rc = predict_inputs_table(&table, spec, inputs, error);
	table_free(&table);
	return rc;
}

/* *from: what a forecast without inputs goes on from, the caller's. */
static int read_inputs(const struct http_request *request, const struct trained *trained, int steps,
                       struct predict_inputs *inputs, json_t **from, bool *mislabelled, struct qlstm_error *error)
{
	if (request->body == NULL)
		return error_set(error, ERR_SYNTAX, NULL, "there is no body");
	if (!is_json(request)) {
		int rc = read_file(request, trained->spec, inputs, mislabelled, error);
		return rc == 0 && steps > 0 ? predict_inputs_forecast(inputs, (size_t)steps, error) : rc;
	}
	int rc = predict_inputs_json((const char *)request->body, request->body_length, trained->spec, inputs, error);
	if (rc == 0 && inputs->ahead == 0)
		inputs->ahead = (size_t)steps;
	if (rc != 0 || inputs->samples > 0)
		return rc;
	rc = last_window_read(trained->path, from, error);
	return rc == 0 ? last_window_inputs(*from, inputs, error) : rc;
}

static json_t *answer_json(const struct trained *trained, const struct predict_inputs *inputs, const double *outputs,
                           size_t n_outputs, const json_t *from)
{
	return inputs->ahead > 0 ? forecast_outputs_json(trained->spec, outputs, inputs, n_outputs, from)
	                         : predict_outputs_json(trained->spec, outputs, inputs->samples, n_outputs);
}

/* What the inputs have against them. */
static void reply_refused(const struct http_request *request, struct http_reply *reply, bool mislabelled,
                          const struct qlstm_error *error)
{
	if (mislabelled)
		reply_problem_as(request, reply, 415, error);
	else
		trained_reply_refused(request, reply, error);
}

static void predict(struct api *api, struct http_request *request, struct http_reply *reply,
                    const struct trained *trained, int steps)
{
	struct qlstm_error error = {0};
	struct predict_inputs inputs = {0};
	double *outputs = NULL;
	json_t *from = NULL;
	size_t n_outputs = 0;
	bool mislabelled = false;
	int rc = read_inputs(request, trained, steps, &inputs, &from, &mislabelled, &error);
	if (rc == 0) {
		rc = predictor_pool_compute(api->predictors, trained->path, &inputs, &outputs, &n_outputs, &error);
		if (!is_json(request))
			error.pointer[0] = '\0'; /* a file has no JSON pointers: the message counts samples */
	}
	if (rc == 0)
		trained_reply(request, reply, trained, answer_json(trained, &inputs, outputs, n_outputs, from));
	else if (rc == ERR_NOT_FOUND)
		trained_reply_lost(api, request, reply);
	else
		reply_refused(request, reply, mislabelled, &error);
	json_decref(from);
	free(outputs);
	predict_inputs_free(&inputs);
}

/* Of texts the predictor reads the JSON itself: it has the vocabulary. */
static void predict_texts(struct api *api, struct http_request *request, struct http_reply *reply,
                          const struct trained *trained)
{
	struct qlstm_error error = {0};
	char *said = NULL;
	size_t length = 0;
	bool language = task_of(trained->spec) == TASK_LANGUAGE_MODEL;
	int rc = language ? error_set(&error, ERR_CONFLICT, NULL, "a language model continues texts: POST .../generate")
	         : is_json(request)
	             ? predictor_pool_read(api->predictors, trained->path, (const char *)request->body,
	                                   request->body_length, &said, &length, &error)
	             : error_set(&error, ERR_INVALID, NULL, "texts are sent as JSON: {\"texts\": [\"...\"]}");
	if (rc == 0)
		trained_reply(request, reply, trained, json_loadb(said, length, 0, NULL));
	else if (rc == ERR_NOT_FOUND)
		trained_reply_lost(api, request, reply);
	else
		trained_reply_refused(request, reply, &error);
	free(said);
}

void predict_post(void *context, struct http_request *request, struct http_reply *reply)
{
	struct api *api = context;
	struct trained trained;
	int steps = 0;
	if (!query_int_or_reply(request, reply, "steps", 1, PREDICT_MAX_AHEAD, &steps) ||
	    !content_type_fits_or_reply(request, reply) || !trained_open_or_reply(api, request, reply, &trained))
		return;
	if (task_has_texts(task_of(trained.spec)))
		predict_texts(api, request, reply, &trained);
	else
		predict(api, request, reply, &trained, steps);
	trained_close(&trained);
}
