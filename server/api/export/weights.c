/* /experiments/ID/weights: the trained tensors, as safetensors, JSON or .npz. */
#include "engine/export/safetensors.h"
#include "server/api/export/npz.h"
#include "server/api/export/weights_file.h"
#include "server/api/handlers.h"
#include "server/api/request.h"

#define MAX_JSON_BYTES ((size_t)16 << 20)  /* of safetensors; JSON takes about ten times as much memory */
#define MAX_NPZ_BYTES  ((size_t)256 << 20) /* two copies of them stand in memory */

/* Nested arrays by the shape, outermost dimension first; *data moves on. New reference. */
static json_t *values_json(const size_t *dims, int rank, const double **data)
{
	if (rank == 0)
		return json_real(*(*data)++);
	json_t *list = json_array();
	for (size_t i = 0; i < dims[0]; i++)
		if (json_array_append_new(list, values_json(dims + 1, rank - 1, data)) != 0) {
			json_decref(list);
			return NULL;
		}
	return list;
}

static json_t *tensor_json(const struct safetensors_tensor *tensor)
{
	const double *data = tensor->data;
	json_t *shape = json_array();
	for (int i = 0; i < tensor->rank; i++)
		json_array_append_new(shape, json_integer((json_int_t)tensor->dims[i]));
	return json_pack("{so, so}", "shape", shape, "values", values_json(tensor->dims, tensor->rank, &data));
}

/* {"tensors": {name: {shape, values}}, "metadata": {}}; NULL when out of memory. */
static json_t *weights_json(const struct safetensors_file *file)
{
	json_t *tensors = json_object(), *metadata = json_object();
	int rc = 0;
	for (int i = 0; rc == 0 && i < file->n_tensors; i++)
		rc = json_object_set_new(tensors, file->tensors[i].name, tensor_json(&file->tensors[i]));
	for (int i = 0; rc == 0 && i < file->n_meta; i++)
		rc = json_object_set_new(metadata, file->meta[i].key, json_string(file->meta[i].value));
	if (rc == 0)
		return json_pack("{so, so}", "tensors", tensors, "metadata", metadata);
	json_decref(metadata);
	json_decref(tensors);
	return NULL;
}

/* What the tensors are sent as. */
enum format { FORMAT_SAFETENSORS, FORMAT_JSON, FORMAT_NPZ };

static void reply_npz(const struct http_request *request, struct http_reply *reply, const struct safetensors_file *file)
{
	struct qlstm_error error = {0};
	unsigned char *bytes;
	size_t length;
	if (npz_encode(file, &bytes, &length, &error) == 0) {
		reply_bytes(reply, 200, "application/x-npz", bytes, length);
		reply_header(reply, "Content-Disposition", "attachment; filename=\"%s.npz\"", request->params[0]);
	} else if (error.code == ERR_TOO_LARGE) {
		reply_problem_as(request, reply, 422, &error);
	} else {
		reply_problem(request, reply, &error);
	}
}

static void reply_decoded(struct api *api, const struct http_request *request, struct http_reply *reply,
                          enum artifact which, enum format format)
{
	struct qlstm_error error = {0};
	struct weights_file weights;
	struct safetensors_file file = {0};
	bool json = format == FORMAT_JSON;
	if (!weights_file_open_or_reply(api, request, reply, which, json ? MAX_JSON_BYTES : MAX_NPZ_BYTES,
	                                json ? "JSON" : "an .npz file", &weights))
		return;
	int rc = safetensors_decode(weights.bytes, weights.length, &file, &error);
	weights_file_close(&weights);
	if (rc != 0)
		reply_problem(request, reply, &error);
	else if (json)
		reply_json(reply, 200, weights_json(&file));
	else
		reply_npz(request, reply, &file);
	safetensors_free(&file);
}

void weights_get(void *context, struct http_request *request, struct http_reply *reply)
{
	struct api *api = context;
	static const char *const formats[] = {
	    [FORMAT_SAFETENSORS] = "safetensors", [FORMAT_JSON] = "json", [FORMAT_NPZ] = "npz", NULL};
	int format = FORMAT_SAFETENSORS;
	enum artifact which;
	if (!query_choice_or_reply(request, reply, "format", formats, &format) ||
	    !weights_epoch_or_reply(request, reply, &which))
		return;
	if (format == FORMAT_SAFETENSORS)
		artifact_reply(api, request, reply, which);
	else
		reply_decoded(api, request, reply, which, (enum format)format);
}
