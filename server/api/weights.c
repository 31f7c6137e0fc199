/* /experiments/ID/weights: the trained tensors, as safetensors or as JSON. */
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "engine/export/safetensors.h"
#include "server/api/artifacts.h"
#include "server/api/handlers.h"
#include "server/api/request.h"

#define MAX_JSON_BYTES ((size_t)16 << 20) /* of safetensors; JSON takes about ten times as much memory */

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

static int decode(int fd, size_t length, struct safetensors_file *file, struct qlstm_error *error)
{
	if (length > MAX_JSON_BYTES)
		return error_set(error, ERR_TOO_LARGE, NULL, "the weights take %zu bytes; JSON is for up to %zu",
		                 length, MAX_JSON_BYTES);
	if (lseek(fd, 0, SEEK_END) != (off_t)length)
		return error_set(error, ERR_CORRUPT, NULL, "the weights do not have the size that was recorded");
	void *bytes = mmap(NULL, length, PROT_READ, MAP_PRIVATE, fd, 0);
	if (bytes == MAP_FAILED)
		return error_set(error, ERR_IO, NULL, "the weights cannot be read");
	int rc = safetensors_decode(bytes, length, file, error);
	munmap(bytes, length);
	return rc;
}

static void reply_weights_json(struct api *api, const struct http_request *request, struct http_reply *reply,
                               enum artifact which)
{
	struct qlstm_error error = {0};
	struct artifact_row row;
	struct safetensors_file file = {0};
	int fd = artifact_open_or_reply(api, request, reply, which, &row);
	if (fd < 0)
		return;
	int rc = decode(fd, (size_t)row.bytes, &file, &error);
	close(fd);
	if (rc == ERR_TOO_LARGE) {
		reply_problem_as(request, reply, 422, &error);
	} else if (rc != 0) {
		reply_problem(request, reply, &error);
	} else {
		reply_json(reply, 200, weights_json(&file));
		safetensors_free(&file);
	}
}

void weights_get(void *context, struct http_request *request, struct http_reply *reply)
{
	struct api *api = context;
	enum { FORMAT_SAFETENSORS, FORMAT_JSON };
	static const char *const formats[] = {"safetensors", "json", NULL};
	static const char *const epochs[] = {"kept", "last", "best", NULL};
	static const enum artifact artifacts[] = {ARTIFACT_WEIGHTS, ARTIFACT_WEIGHTS_LAST, ARTIFACT_WEIGHTS_BEST};
	int format = FORMAT_SAFETENSORS, epoch = 0;
	if (!query_choice_or_reply(request, reply, "format", formats, &format) ||
	    !query_choice_or_reply(request, reply, "epoch", epochs, &epoch))
		return;
	if (format == FORMAT_JSON)
		reply_weights_json(api, request, reply, artifacts[epoch]);
	else
		artifact_reply(api, request, reply, artifacts[epoch]);
}
