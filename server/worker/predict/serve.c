/* A resident predictor. */
#include "server/worker/predict/serve.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "server/common/predict/predict_wire.h"
#include "server/worker/command.h"
#include "server/worker/predict/forecast.h"
#include "server/worker/predict/generator.h"
#include "server/worker/predict/predictor.h"
#include "server/worker/predict/reading.h"

/* Models that stay loaded, the latest first. */
enum { LOADED = 8 };

/* What they may take together; the one in use does not count. */
#define LOADED_BYTES ((size_t)256 << 20)

struct loaded {
	char path[PREDICT_MAX_PATH];
	struct predictor predictor;
	size_t bytes;
};

struct server {
	struct loaded *models[LOADED]; /* NULL behind the last */
};

static void forget(struct loaded *loaded)
{
	if (loaded == NULL)
		return;
	predictor_close(&loaded->predictor);
	free(loaded);
}

/* To the front; where it is new the last one falls out, and those that are too large together. */
static void keep_first(struct server *server, struct loaded *loaded)
{
	int at = 0;
	while (at < LOADED - 1 && server->models[at] != loaded)
		at++;
	if (server->models[at] != loaded)
		forget(server->models[at]);
	for (; at > 0; at--)
		server->models[at] = server->models[at - 1];
	server->models[0] = loaded;
	size_t bytes = 0;
	for (int i = 1; i < LOADED; i++) {
		bytes += server->models[i] != NULL ? server->models[i]->bytes : 0;
		if (bytes <= LOADED_BYTES)
			continue;
		forget(server->models[i]);
		server->models[i] = NULL;
	}
}

static int find(struct server *server, const char *path, struct loaded **out, struct qlstm_error *error)
{
	for (int i = 0; i < LOADED; i++)
		if (server->models[i] != NULL && strcmp(server->models[i]->path, path) == 0) {
			*out = server->models[i];
			return 0;
		}
	struct loaded *loaded = calloc(1, sizeof *loaded);
	if (loaded == NULL)
		return error_set(error, ERR_OUT_OF_MEMORY, NULL, "out of memory for a model");
	int rc = predictor_open(&loaded->predictor, path, error);
	if (rc != 0) {
		free(loaded);
		return rc;
	}
	memcpy(loaded->path, path, strlen(path) + 1); /* both are PREDICT_MAX_PATH long */
	*out = loaded;
	return 0;
}

static bool makes_sense(const struct predict_request *request)
{
	return request->magic == PREDICT_MAGIC && request->path_bytes > 0 && request->path_bytes < PREDICT_MAX_PATH &&
	       request->samples > 0 && request->steps > 0 && request->features > 0 &&
	       request->steps <= PREDICT_MAX_NUMBERS && request->features <= PREDICT_MAX_NUMBERS &&
	       request->samples <= PREDICT_MAX_NUMBERS / request->steps / request->features &&
	       request->ahead <= PREDICT_MAX_NUMBERS && request->text_bytes <= PREDICT_MAX_TEXT &&
	       (request->generation.length == 0 || (request->features == 1 && request->ahead == 0));
}

/* Whether the model can do it, and what it gives a sample. */
static int check(struct predictor *p, const struct predict_request *request, const double *inputs, uint64_t *outputs,
                 struct qlstm_error *error)
{
	if (request->generation.length > 0) {
		*outputs = 2 * request->generation.length;
		return generator_check(p, inputs, request->samples, request->steps, &request->generation,
		                       request->max_bytes, request->max_seconds, error);
	}
	*outputs = predictor_width(p);
	int rc = predictor_check_shape(p, request->steps, request->features, error);
	if (rc == 0 && request->ahead > 0) {
		*outputs = request->ahead * forecast_width(p);
		return forecast_check(p, request->samples, request->steps, request->ahead, request->max_bytes,
		                      request->max_seconds, error);
	}
	return rc == 0 ? predictor_check(p, request->samples, request->steps, request->max_bytes, request->max_seconds,
	                                 error)
	               : rc;
}

static int compute(struct predictor *p, const struct predict_request *request, const double *inputs, double *outputs,
                   struct qlstm_error *error)
{
	if (request->generation.length > 0)
		return generator_compute(p, inputs, request->samples, request->steps, &request->generation, outputs,
		                         error);
	if (request->ahead > 0)
		return forecast_compute(p, inputs, request->samples, request->steps, request->ahead, outputs, error);
	return predictor_compute(p, inputs, request->samples, request->steps, outputs, error);
}

/* *outputs (malloc) is the caller's. */
static int answer(struct server *server, const struct predict_request *request, const char *path, const double *inputs,
                  struct predict_reply *reply, double **outputs, struct qlstm_error *error)
{
	struct loaded *loaded = NULL;
	int rc = find(server, path, &loaded, error);
	if (rc != 0)
		return rc;
	keep_first(server, loaded);
	struct predictor *p = &loaded->predictor;
	rc = check(p, request, inputs, &reply->outputs, error);
	if (rc != 0)
		return rc;
	reply->samples = request->samples;
	if (reply->outputs > PREDICT_MAX_NUMBERS / reply->samples)
		return error_set(error, ERR_TOO_LARGE, "/inputs", "%zu samples have more than %zu outputs",
		                 (size_t)request->samples, (size_t)PREDICT_MAX_NUMBERS);
	*outputs = malloc(reply->samples * reply->outputs * sizeof **outputs);
	if (*outputs == NULL)
		return error_set(error, ERR_OUT_OF_MEMORY, NULL, "out of memory for the predictions");
	uint64_t steps = request->generation.length > 0 ? request->generation.length : request->steps;
	size_t bytes = model_bytes(p->model, (int)steps, 64, 1);
	loaded->bytes = bytes > loaded->bytes ? bytes : loaded->bytes;
	return compute(p, request, inputs, *outputs, error);
}

/* The answer to a JSON text; *said (malloc) is the caller's. */
static int answer_text(struct server *server, const struct predict_request *request, const char *path, const char *text,
                       char **said, uint64_t *length, struct qlstm_error *error)
{
	struct loaded *loaded = NULL;
	size_t bytes = 0;
	int rc = find(server, path, &loaded, error);
	if (rc != 0)
		return rc;
	keep_first(server, loaded);
	rc = reading_answer(&loaded->predictor, text, request->text_bytes, request->max_bytes, request->max_seconds,
	                    said, &bytes, error);
	if (rc == 0 && bytes > PREDICT_MAX_TEXT)
		rc = error_set(error, ERR_TOO_LARGE, "/texts",
		               "the answer is longer than %zu bytes; ask of fewer texts", PREDICT_MAX_TEXT);
	*length = bytes;
	return rc;
}

static int serve_text(struct server *server, int socket, const struct predict_request *request)
{
	char path[PREDICT_MAX_PATH] = "", *text = malloc(request->text_bytes), *said = NULL;
	struct predict_reply reply = {.magic = PREDICT_MAGIC, .samples = 1, .outputs = 1};
	struct qlstm_error problem = {0};
	int rc = text != NULL ? wire_read(socket, path, request->path_bytes, 0, NULL) : ERR_OUT_OF_MEMORY;
	if (rc == 0)
		rc = wire_read(socket, text, request->text_bytes, 0, NULL);
	if (rc == 0) {
		reply.code = answer_text(server, request, path, text, &said, &reply.text_bytes, &problem);
		rc = wire_write(socket, &reply, sizeof reply, 0, NULL);
		if (rc == 0)
			rc = reply.code != 0 ? wire_write(socket, &problem, sizeof problem, 0, NULL)
			                     : wire_write(socket, said, reply.text_bytes, 0, NULL);
	}
	free(text);
	free(said);
	return rc;
}

static int send_reply(int socket, struct predict_reply *reply, const double *outputs, const struct qlstm_error *problem)
{
	int rc = wire_write(socket, reply, sizeof *reply, 0, NULL);
	if (rc != 0)
		return rc;
	if (reply->code != 0)
		return wire_write(socket, problem, sizeof *problem, 0, NULL);
	return wire_write(socket, outputs, reply->samples * reply->outputs * sizeof *outputs, 0, NULL);
}

/* 0 to go on. */
static int serve_one(struct server *server, int socket, const struct predict_request *request)
{
	if (request->text_bytes > 0)
		return serve_text(server, socket, request);
	char path[PREDICT_MAX_PATH] = "";
	size_t count = request->samples * request->steps * request->features;
	double *inputs = malloc(count * sizeof *inputs), *outputs = NULL;
	int rc = inputs != NULL ? wire_read(socket, path, request->path_bytes, 0, NULL) : ERR_OUT_OF_MEMORY;
	if (rc == 0)
		rc = wire_read(socket, inputs, count * sizeof *inputs, 0, NULL);
	if (rc == 0) {
		struct predict_reply reply = {.magic = PREDICT_MAGIC};
		struct qlstm_error problem = {0};
		reply.code = answer(server, request, path, inputs, &reply, &outputs, &problem);
		rc = send_reply(socket, &reply, outputs, &problem);
	}
	free(outputs);
	free(inputs);
	return rc;
}

int serve(int socket)
{
	static struct server server;
	struct predict_request request;
	int rc = 0;
	while (rc == 0 && wire_read(socket, &request, sizeof request, 0, NULL) == 0)
		rc = makes_sense(&request) ? serve_one(&server, socket, &request) : ERR_INVALID;
	for (int i = 0; i < LOADED; i++)
		forget(server.models[i]);
	return rc == 0 ? WORKER_DONE : WORKER_FAILED;
}
