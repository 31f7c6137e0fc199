/* A trained model that a request asks. */
#include "server/api/trained.h"

#include <stdio.h>
#include <unistd.h>

#include "server/api/artifacts.h"

static bool has_path_or_reply(const struct api *api, const struct http_request *request, struct http_reply *reply,
                              struct trained *out)
{
	struct qlstm_error error = {0};
	int used = snprintf(out->path, sizeof out->path, "%s/runs/%s/%s", api->data_dir, request->params[0],
	                    out->weights.file);
	if (used > 0 && (size_t)used < sizeof out->path)
		return true;
	error_set(&error, ERR_IO, NULL, "the data directory's path is too long");
	reply_problem(request, reply, &error);
	return false;
}

bool trained_open_or_reply(struct api *api, const struct http_request *request, struct http_reply *reply,
                           struct trained *out)
{
	out->spec = NULL;
	if (!artifact_find_or_reply(api, request, reply, ARTIFACT_WEIGHTS, &out->weights, &out->spec))
		return false;
	int file = artifact_open_row_or_reply(api, request, reply, ARTIFACT_WEIGHTS,
	                                      &out->weights); /* they are what they were */
	if (file >= 0)
		close(file);
	if (file >= 0 && has_path_or_reply(api, request, reply, out))
		return true;
	trained_close(out);
	return false;
}

void trained_close(struct trained *trained)
{
	json_decref(trained->spec);
	trained->spec = NULL;
}

void trained_reply(const struct http_request *request, struct http_reply *reply, const struct trained *trained,
                   json_t *outputs)
{
	json_t *body =
	    json_pack("{s:s, s:s}", "experiment", request->params[0], "weights_sha256", trained->weights.sha256);
	if (json_object_update_missing(body, outputs) != 0) {
		json_decref(body);
		body = NULL;
	}
	json_decref(outputs);
	reply_json(reply, 200, body);
}

void trained_reply_refused(const struct http_request *request, struct http_reply *reply,
                           const struct qlstm_error *error)
{
	if (error->code == ERR_TOO_LARGE)
		reply_problem_as(request, reply, 422, error);
	else
		reply_problem(request, reply, error);
	if (error->code == ERR_UNAVAILABLE)
		reply_header(reply, "Retry-After", "1");
}

void trained_reply_lost(struct api *api, const struct http_request *request, struct http_reply *reply)
{
	struct artifact_row weights;
	int fd = artifact_open_or_reply(api, request, reply, ARTIFACT_WEIGHTS, &weights);
	struct qlstm_error error = {0};
	if (fd < 0)
		return;
	close(fd);
	error_set(&error, ERR_UNAVAILABLE, NULL, "the weights were not there for a moment; ask again");
	trained_reply_refused(request, reply, &error);
}
